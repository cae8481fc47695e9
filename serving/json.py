"""Rows of the lake as JSON."""

from __future__ import annotations

import base64
import math
from typing import Any

import orjson
from fastapi import Response

_OPTIONS = orjson.OPT_NON_STR_KEYS


def json_answer(content: Any) -> Response:
    return Response(orjson.dumps(_plain(content), option=_OPTIONS), media_type="application/json")


def _plain(value: Any) -> Any:
    """Bytes as base64, no number JSON does not know; times stay as they are (ISO, without a zone)."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
