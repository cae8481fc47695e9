"""Settings as they may be shown: secrets only as being there."""

from __future__ import annotations

import re
from typing import Any

SECRETS = {"key", "token", "secret", "password", "string"}  # of the last word of a setting's name
GENERATED = {"secret_key", "prefect_api_auth_string"}
HIDDEN = "••••"


def mask(name: str, value: Any) -> str:
    """*value* as it may be shown: a secret only as being there, a URL without its password."""
    if name.rpartition("_")[2] in SECRETS:
        return HIDDEN if value else "generated" if name in GENERATED else "not set"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    text = "" if value is None else str(value)
    return mask_url(text) if "://" in text else text or "not set"


def mask_url(url: str) -> str:
    """`postgresql://name:••••@host/db`; anything without a password as it is. What is before the last `@` is hidden."""
    shown = re.sub(r"//([^:/]*):.*@", rf"//\1:{HIDDEN}@", url, flags=re.DOTALL)
    return re.sub(r"\b((?:ssl)?password=)[^&]+", rf"\1{HIDDEN}", shown, flags=re.IGNORECASE)
