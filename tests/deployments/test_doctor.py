"""`darkroom doctor` on machines where something is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployments.cli import doctor
from deployments.cli.doctor import Check, run_checks
from deployments.cli.masking import HIDDEN, mask, mask_url
from deployments.settings import Settings
from deployments.writability import write_problem
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import OllamaStandIn
from tests.stand_ins.sms import SmsStandIn


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(
        doctor, "_prefect", lambda _settings: iter(())
    )  # asked for real in test_up.py: it takes seconds
    return Settings(darkroom_home=tmp_path / "home", secret_key="hush", _env_file=None)  # type: ignore[call-arg]


def found(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_fresh_machine_passes_and_nothing_is_made(settings: Settings) -> None:
    checks = run_checks(settings)
    assert not [check for check in checks if check.state == "fail"]
    assert not settings.darkroom_home.exists()


def test_model_servers_are_looked_for_and_what_is_missing_is_said(settings: Settings) -> None:
    with OllamaStandIn().running() as good, OllamaStandIn(models=[]).running() as empty, SmsStandIn().running() as sms:
        asked = settings.model_copy(
            update={
                "ollama_primary_url": good.url,
                "ollama_fallback_url": empty.url,
                "sms_api_url": sms.url,
                "sms_api_token": "wr0ng",
                "summary_contacts": ["Ada"],
            }
        )
        checks = found(run_checks(asked))
    assert checks["Ollama primary"].state == "ok" and "0.12.6" in checks["Ollama primary"].found
    assert checks["Ollama fallback"].advice == "`ollama pull nemotron-3-nano:30b`"
    assert "SMS_API_TOKEN" in checks["messages"].found and "wr0ng" not in repr(checks)
    assert "not set" in checks["setting OPENROUTER_API_KEY"].found
    nothing = found(run_checks(settings.model_copy(update={"ollama_primary_url": refusing_url()})))
    assert nothing["Ollama primary"].state == "warn" and nothing["messages"].found.startswith("off")
    assert nothing["embeddings"].state == "ok"


def test_secrets_are_not_shown(settings: Settings) -> None:
    assert "hush" not in repr(run_checks(settings))
    assert mask_url("postgresql://me:pw@db:5432/lake") == f"postgresql://me:{HIDDEN}@db:5432/lake"
    assert mask("database_url", "postgresql://me:pw@db/lake") == f"postgresql://me:{HIDDEN}@db/lake"
    assert mask("token_lifetime_days", 5.0) == "5.0"


def test_missing_programs_are_warnings_with_advice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    checks = found(run_checks(settings))
    for name in ("ffmpeg", "ffprobe", "exiftool"):
        assert checks[name].state == "warn" and "install" in checks[name].advice


def test_program_that_hangs_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hanging = tmp_path / "exiftool"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(doctor, "TOOL_SECONDS", 0.3)
    assert found(run_checks(settings))["exiftool"].state == "warn"


def test_home_that_is_a_file_fails(settings: Settings) -> None:
    settings.darkroom_home.write_text("not a folder")
    checks = found(run_checks(settings))
    assert checks["folder home"].state == "fail"
    assert "not a folder" in checks["folder home"].found


def test_damaged_catalog_fails_with_one_line(settings: Settings) -> None:
    catalog = settings.darkroom_home / "lake" / "catalog.sqlite"
    catalog.parent.mkdir(parents=True)
    catalog.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    check = found(run_checks(settings))["lake"]
    assert check.state == "fail"
    assert "\n" not in check.found


def test_write_problem_leaves_nothing_behind(tmp_path: Path) -> None:
    assert write_problem(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []
