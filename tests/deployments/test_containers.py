"""What runs in containers: every variable, command, file and name in the manifests is one that there is."""

from __future__ import annotations

import re
import runpy
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_settings_fields

from deployments.cli.app import app
from deployments.settings import Settings
from serving.auth.tokens import OPEN_PATHS

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
ROOT = DEPLOYMENTS.parent
MANIFESTS = sorted((DEPLOYMENTS / "kubernetes").glob("*.yaml"))
# Read by DuckDB's S3 client (sql/catalogs.py), PostgreSQL's image, Python, and what asks before it phones home.
OTHERS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "S3_ENDPOINT", "DO_NOT_TRACK", "PGDATA",
          "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "PYTHONSAFEPATH"}  # fmt: skip
SETTINGS = {name.upper() for name in Settings.model_fields}
KNOWN = SETTINGS | OTHERS | set(_get_settings_fields(PrefectSettings))
OF_OTHER_IMAGES = {"pg_isready"}


def documents() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text()) if one]


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in documents() if one["kind"] == kind}


def pods() -> Iterator[dict[str, Any]]:
    for one in documents():
        if one["kind"] in {"Deployment", "StatefulSet"}:
            yield one["spec"]["template"]["spec"]


def containers() -> list[dict[str, Any]]:
    return [one for pod in pods() for one in [*pod.get("initContainers", []), *pod["containers"]]]


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text())["services"]["darkroom"])


def dockerfile() -> str:
    return (DEPLOYMENTS / "Dockerfile").read_text().replace("\\\n", " ")


def dockerfile_variables() -> dict[str, str]:
    lines = re.findall(r"^ENV (.+)$", dockerfile(), re.MULTILINE)
    assert lines
    return dict(pair.split("=", 1) for line in lines for pair in shlex.split(line))


def test_every_variable_is_one_that_something_reads() -> None:
    given = {variable["name"] for one in containers() for variable in one.get("env", [])}
    given |= set(named("ConfigMap")["darkroom"]["data"]) | set(compose()["environment"]) | set(dockerfile_variables())
    assert given - KNOWN == set()
    assert {"DATABASE_URL", "SECRET_KEY", "LAKE_DATA_PATH", "BASE_PATH", "THUMBNAILS"} <= given


def test_the_values_are_ones_that_the_settings_take(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for values in (named("ConfigMap")["darkroom"]["data"], dockerfile_variables()):
        for name, value in values.items():
            if name in SETTINGS:
                monkeypatch.setenv(name, value)
        assert Settings(_env_file=None).bind == ("0.0.0.0", 8700)  # type: ignore[call-arg]


def test_every_command_is_one_that_there_is() -> None:
    commands = [one["command"] for one in containers() if "command" in one]
    commands += [shlex.split(found.replace('"', " ").replace(",", " ")) for found in
                 re.findall(r"^CMD \[(.+)\]$", dockerfile(), re.MULTILINE)]  # fmt: skip
    assert len(commands) >= 5
    for command in commands:
        assert_there_is(command)


def assert_there_is(command: list[str]) -> None:
    words = command[command.index("--") + 1 :] if "--" in command else command
    if words[0] == "darkroom":
        assert words[1] in typer.main.get_command(app).commands, command  # type: ignore[attr-defined]
    else:
        assert words[:2] == ["python", "-m"], command
        spec = find_spec(words[2])
        assert spec is not None and spec.origin is not None, command
        if words[2].split(".")[0] in {"deployments", "serving"}:
            assert '__name__ == "__main__"' in Path(spec.origin).read_text(), f"{words[2]} does nothing when run"
            runpy.run_module(words[2], run_name="looked at only")


def test_every_name_that_a_pod_refers_to_is_defined() -> None:
    secrets = named("Secret")["darkroom"]["stringData"]
    for one in containers():
        for variable in one.get("env", []):
            if "valueFrom" in variable:
                assert variable["valueFrom"]["secretKeyRef"]["key"] in secrets
        for source in one.get("envFrom", []):
            assert source["configMapRef"]["name"] in named("ConfigMap")
    for pod in pods():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])} | {"data": {}}
        for volume in volumes.values():
            if claim := volume.get("persistentVolumeClaim"):
                assert claim["claimName"] in named("PersistentVolumeClaim")
            if config := volume.get("configMap"):
                assert config["name"] in named("ConfigMap")
        for one in [*pod.get("initContainers", []), *pod["containers"]]:
            assert {mount["name"] for mount in one.get("volumeMounts", [])} <= set(volumes)
    for service in named("Service").values():
        apps = [one["metadata"]["name"] for one in documents() if one["kind"] in {"Deployment", "StatefulSet"}]
        assert service["spec"]["selector"]["app"] in apps


def test_every_path_that_is_set_is_mounted() -> None:
    settings = named("ConfigMap")["darkroom"]["data"]
    folders = [value for name, value in settings.items() if value.startswith("/") and name in SETTINGS]
    for one in containers():
        if one.get("envFrom"):
            mounts = [Path(mount["mountPath"]) for mount in one["volumeMounts"]]
            assert all(any(Path(folder).is_relative_to(mount) for mount in mounts) for folder in folders), one["name"]
            (photos,) = [mount for mount in one["volumeMounts"] if mount["name"] == "photos"]
            assert photos["readOnly"], "originals are never modified"


def test_no_secret_lies_in_the_manifests() -> None:
    assert set(named("Secret")["darkroom"]["stringData"].values()) == {""}
    plain = [variable["name"] for one in containers() for variable in one.get("env", []) if "value" in variable]
    assert not [name for name in plain if re.search(r"PASSWORD|SECRET|KEY|AUTH|(?<!UI_API)_URL", name)]


def test_probes_ask_for_what_answers_without_a_token() -> None:
    paths = [one[probe]["httpGet"]["path"] for one in containers() for probe in ("startupProbe", "readinessProbe")
             if "httpGet" in one.get(probe, {})]  # fmt: skip
    health = re.search(r"http://127\.0\.0\.1:8700(/\w+)", dockerfile())
    assert health
    assert {*paths, health[1]} <= OPEN_PATHS


def test_the_image_is_built_from_what_is_there() -> None:
    for line in re.findall(r"^COPY (.+)$", dockerfile(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert all(f"COPY {name} {name}" in dockerfile() for name in packages)
    build = compose()["build"]
    assert (DEPLOYMENTS / build["context"] / build["dockerfile"]).samefile(DEPLOYMENTS / "Dockerfile")
    targets = {
        volume["target"] if isinstance(volume, dict) else volume.split(":")[1] for volume in compose()["volumes"]
    }
    assert targets == {dockerfile_variables()["BASE_PATH"], dockerfile_variables()["DARKROOM_HOME"]}
