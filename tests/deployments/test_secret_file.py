"""The secrets that Darkroom makes for itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from deployments.cli.masking import mask
from deployments.settings import Settings, secret_file, settings_problem


def test_processes_that_start_at_once_agree_on_a_whole_secret(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / "secrets" / f"key{number}"
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda _: secret_file(path), range(8)))  # noqa: B023
        assert len(found) == 1 and len(found.pop()) == 64
        assert path.stat().st_mode & 0o777 == 0o600
    assert not list((tmp_path / "secrets").glob(".*")), "nothing half-made is left"


def test_the_password_of_prefect_is_made_once_and_shown_nowhere(tmp_path: Path) -> None:
    settings = Settings(darkroom_home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    name, _, password = settings.prefect_auth.partition(":")
    assert name == "darkroom" and len(password) == 24
    assert Settings(darkroom_home=tmp_path, _env_file=None).prefect_auth == settings.prefect_auth  # type: ignore[call-arg]
    given = Settings(darkroom_home=tmp_path, prefect_api_auth_string="me:my password", _env_file=None)  # type: ignore[call-arg]
    assert given.prefect_auth == "me:my password" and "my password" not in repr(given)
    assert "my password" not in mask("prefect_api_auth_string", given.prefect_api_auth_string)


@pytest.mark.parametrize(
    "wrong",
    [{"allowed_hosts": "https://photos.example.org"}, {"allowed_hosts": "photos.example.org:8700"},
     {"allowed_hosts": "*"}, {"trusted_proxies": "nginx"}, {"trusted_proxies": "*"},
     {"prefect_api_auth_string": "password-alone-9f3"}],
)  # fmt: skip
def test_a_door_that_would_not_close_is_refused_in_words(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(darkroom_home=tmp_path, _env_file=None, **wrong)  # type: ignore[arg-type]
    said = settings_problem(refused.value)
    assert next(iter(wrong)).upper() in said and "password-alone-9f3" not in said
