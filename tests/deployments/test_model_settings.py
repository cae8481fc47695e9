"""The variables of contracts 1.1 that name models and services."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from deployments.settings import load_settings


def test_defaults_need_nothing(home: Path) -> None:
    settings = load_settings()
    assert (settings.ollama_primary_url, settings.ollama_primary_model) == (
        "http://localhost:11434", "nemotron-3-nano:30b",
    )  # fmt: skip
    assert (settings.ollama_fallback_url, settings.openrouter_api_key, settings.summary_contacts) == ("", "", [])
    assert settings.openrouter_default_model == "anthropic/claude-sonnet-4"
    assert settings.openrouter_embedding_model == "openai/text-embedding-3-small"
    assert settings.sms_api_url == "http://localhost:8000"
    assert (settings.agentic_max_iterations, settings.agentic_chat_max_iterations) == (10, 6)


def test_legacy_variables_count_where_the_new_ones_are_not_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_URL", "http://old:11434")
    monkeypatch.setenv("OLLAMA_MODEL", "llama3.2:3b")
    assert (load_settings().ollama_primary_url, load_settings().ollama_primary_model) == (
        "http://old:11434", "llama3.2:3b",
    )  # fmt: skip
    monkeypatch.setenv("OLLAMA_PRIMARY_URL", "http://new:11434/")
    monkeypatch.setenv("OLLAMA_PRIMARY_MODEL", "qwen3:8b")
    assert (load_settings().ollama_primary_url, load_settings().ollama_primary_model) == (
        "http://new:11434",
        "qwen3:8b",
    )


def test_lists_dates_and_bare_addresses_are_understood(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_ALLOWED_MODELS", "openai/gpt-4o-mini, anthropic/claude-haiku-4-5,")
    monkeypatch.setenv("SUMMARY_CONTACTS", "Ada, Grandma")
    monkeypatch.setenv("SUMMARY_FROM", "2026-01-02")
    monkeypatch.setenv("OLLAMA_FALLBACK_URL", "server:11434")
    settings = load_settings()
    assert settings.openrouter_allowed_models == ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]
    assert settings.summary_contacts == ["Ada", "Grandma"] and settings.summary_from == date(2026, 1, 2)
    assert settings.ollama_fallback_url == "http://server:11434"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OLLAMA_PRIMARY_URL", "ftp://desktop"),
        ("OLLAMA_PRIMARY_URL", "http://"),
        ("SMS_API_URL", "http://host:99999999"),
        ("SUMMARY_TIME_ZONE", "Mars/Olympus"),
        ("SUMMARY_FROM", "yesterday"),
        ("AGENTIC_MAX_ITERATIONS", "0"),
        ("AGENTIC_CHAT_MAX_ITERATIONS", "many"),
    ],
)
def test_value_that_cannot_be_meant_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        load_settings()


def test_keys_are_not_in_the_settings_own_text(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-hush")
    monkeypatch.setenv("SMS_API_TOKEN", "hush-too")
    assert "hush" not in repr(load_settings())
