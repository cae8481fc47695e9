"""What a file is: by its bytes, then by its name."""

from __future__ import annotations

import pytest

from tasks.files.media_types import MediaKind, identify

M4A = b"\0\0\0\x1cftypM4A \0\0\0\0isomiso2mp41"


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "a.png", MediaKind("photo", "image/jpeg")),
        (b"II*\0", "a.nef", MediaKind("raw", "image/x-nikon-nef")),
        (b"II*\0", "a.tif", MediaKind("photo", "image/tiff")),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a.jpg", MediaKind("photo", "image/heic")),
        (b"\0\0\0\x08wide\0\0", "a", MediaKind("video", "video/quicktime")),
        (M4A, "sound.mp4", MediaKind("video", "video/mp4")),
        (M4A, "memo", None),
        (M4A, "memo.m4a", None),
        (b"\x1a\x45\xdf\xa3 matroska", "sound.mka", None),
        (b"the free encyclopedia", "note.txt", None),
        (b"and skip the rest", "README", None),
        (b"plain text", "note.jpg", MediaKind("photo", "image/jpeg")),
        (b"", "x", None),
    ],
)  # fmt: skip
def test_content_decides_and_the_name_where_content_cannot(head: bytes, name: str, kind: MediaKind | None) -> None:
    assert identify(head, name) == kind
