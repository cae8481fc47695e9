"""Settings: the names of the Image API, sensible defaults, secrets that are no constants."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from deployments.settings import is_excluded, load_settings


@pytest.mark.parametrize(
    ("variable", "value", "level"),
    [
        ("RUST_LOG", "error", "ERROR"), ("RUST_LOG", "warn", "WARNING"), ("RUST_LOG", "trace", "DEBUG"),
        ("RUST_LOG", "off", "CRITICAL"), ("RUST_LOG", "warn,image_api=debug", "DEBUG"), ("LOG_LEVEL", "info", "INFO"),
        ("LOG_LEVEL", "WARNING", "WARNING"),
    ],
)  # fmt: skip
def test_log_level_takes_the_names_of_rust(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, level: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert load_settings().log_level == level


def test_everything_lies_in_the_data_home_unless_it_is_moved(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.thumbnails_folder == home / "thumbnails"
    assert settings.catalog_url == f"sqlite:///{home}/lake/catalog.sqlite"
    monkeypatch.setenv("THUMBNAILS", str(home / "elsewhere"))
    monkeypatch.setenv("DATABASE_URL", str(home / "my.db"))
    moved = load_settings()
    assert moved.thumbnails_folder == home / "elsewhere"
    assert moved.catalog_url == f"sqlite:///{home}/my.db"


def test_env_file_above_the_working_folder_is_read(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("THUMBNAIL_SIZE=321\nWATCH_QUICK_INTERVAL_SECONDS=7\n")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    monkeypatch.setenv("WATCH_QUICK_INTERVAL_SECONDS", "9")
    settings = load_settings()
    assert (settings.thumbnail_size, settings.watch_quick_interval_seconds) == (321, 9), "the environment wins"


def test_secret_is_generated_once_and_only_the_owner_may_read_it(home: Path) -> None:
    first = load_settings().signing_key
    assert first == load_settings().signing_key
    assert len(first) >= 48
    assert (home / "secrets" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_secret_is_not_shown_with_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2hunter2")
    assert "hunter2" not in repr(load_settings())


@pytest.mark.parametrize("bind", ["127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080/"])
def test_bind_url_forgives_a_scheme(home: Path, monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    monkeypatch.setenv("BIND_URL", bind)
    assert load_settings().bind == ("127.0.0.1", 8080)


def test_wrong_value_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAN_MAX_LOSS_PERCENT", "120")
    with pytest.raises(ValidationError):
        load_settings()


@pytest.mark.parametrize(
    ("rel_path", "entry", "excluded"),
    [
        ("private/a.jpg", "/private", True), ("x/private/a.jpg", "/private", False), ("x/cache/a.jpg", "cache", True),
        ("privately/a.jpg", "/private", False), ("a/b/c.jpg", "a/b", False), ("a/b/c.jpg", "/a/b", True),
    ],
)  # fmt: skip
def test_excluded_directories_have_two_forms(rel_path: str, entry: str, excluded: bool) -> None:
    assert is_excluded(rel_path, [entry]) is excluded
