"""IPTC-IIM, the block that newsrooms and Picasa still write."""

from __future__ import annotations

from tasks.metadata.dates import local_candidate
from tasks.metadata.fields import Findings, clean_keywords, clean_text

_DATASET_LIMIT = 2_000
_OBJECT_NAME, _KEYWORDS, _DATE_CREATED, _TIME_CREATED, _CAPTION = 5, 25, 55, 60, 120


def iptc_findings(block: bytes) -> Findings:
    """Title, description, keywords and DateCreated. Source: IPTC-IIM 4.2, record 2."""
    datasets, encoding = _datasets(block)
    texts = {number: _decode(values[0], encoding) for number, values in datasets.items()}
    findings = Findings(
        title=clean_text(texts.get(_OBJECT_NAME)),
        description=clean_text(texts.get(_CAPTION)),
        keywords=clean_keywords([_decode(word, encoding) for word in datasets.get(_KEYWORDS, [])]),
    )
    day, hour = texts.get(_DATE_CREATED, ""), texts.get(_TIME_CREATED, "")
    if len(day) == 8 and day.isdigit():
        text = f"{day[:4]}:{day[4:6]}:{day[6:]}"
        if len(hour) >= 6 and hour[:6].isdigit():
            text += f" {hour[:2]}:{hour[2:4]}:{hour[4:6]}{hour[6:11]}"
        candidate = local_candidate("IPTC:DateCreated", text, "IptcDateCreated")
        findings.dates += [candidate] if candidate else []
    return findings


def _datasets(block: bytes) -> tuple[dict[int, list[bytes]], str | None]:
    """Record 2's values by dataset number, and the encoding that record 1 declares."""
    found: dict[int, list[bytes]] = {}
    encoding, at = None, 0
    for _ in range(_DATASET_LIMIT):
        if at + 5 > len(block) or block[at] != 0x1C:
            break
        record, number, size = block[at + 1], block[at + 2], int.from_bytes(block[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:  # an extended dataset: so many bytes of length follow
            wide = size & 0x7FFF
            size, at = int.from_bytes(block[at : at + wide], "big"), at + wide
        value = block[at : at + size]
        at += size
        if (record, number) == (1, 90):
            encoding = "utf-8" if value == b"\x1b%G" else None
        elif record == 2:
            found.setdefault(number, []).append(value)
    return found, encoding


def _decode(raw: bytes, encoding: str | None) -> str:
    if encoding:
        return raw.decode(encoding, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
