"""
File names are bytes on disk and Unicode everywhere else; this is the one place where they meet.

Python shows undecodable bytes as lone surrogates (PEP 383), which neither Parquet nor JSON can hold. So a byte that
is no UTF-8 travels as one private-use character, U+10F700 + byte, and comes back as that byte. A name that already
holds such a character has its bytes treated as undecodable, which keeps the mapping one to one.
"""

from __future__ import annotations

import os
import re

_FIRST = 0x10F700
_LONE_SURROGATE = re.compile("[\udc80-\udcff]")
_RESERVED = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + 0xFF)}]")


def to_text(os_name: str) -> str:
    """A path as the file system gave it (surrogateescape) to valid Unicode."""
    if os_name.isascii():
        return os_name
    escaped = _RESERVED.sub(lambda found: "".join(chr(_FIRST + byte) for byte in found[0].encode()), os_name)
    return _LONE_SURROGATE.sub(lambda found: chr(_FIRST + ord(found[0]) - 0xDC00), escaped)


def to_os_name(text: str) -> str:
    """The inverse of `to_text`: what to hand to the operating system."""
    if text.isascii() or not _RESERVED.search(text):
        return text
    raw = b"".join(
        bytes([ord(char) - _FIRST]) if _RESERVED.match(char) else char.encode("utf-8", "surrogateescape")
        for char in text
    )
    return os.fsdecode(raw)


def printable(text: str) -> str:
    """A stranger's file name for a terminal or a log: control characters are shown, not obeyed."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
