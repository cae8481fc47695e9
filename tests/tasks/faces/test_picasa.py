"""`.picasa.ini`: the faces Picasa named, turned upright; and files that only look like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.faces.picasa import MOST_FACES, SIZE_LIMIT_BYTES, parse_picasa, picasa_faces
from tasks.faces.protocol import Box
from tasks.faces.regions import read_regions, turned
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tests.tasks.faces.test_regions import BACK, MARIE, PIERRE, assert_same, mwg, picture

CONTACTS = "[Contacts2]\r\nd10a8325c557b085=Marie Curie;;\r\n8e62398ebda8c1a5=Pierre Curie;user_lh,4bd7;\r\n"


def rect(box: Box) -> str:
    """As Picasa writes it: without leading zeros."""
    edges = (box.x, box.y, box.x + box.width, box.y + box.height)
    return f"rect64({int(''.join(f'{round(edge * 0xFFFF):04x}' for edge in edges), 16):x})"


def ini(name: str, *faces: tuple[str, Box], contacts: str = CONTACTS) -> str:
    named = ";".join(f"{rect(box)},{contact}" for contact, box in faces)
    return f"[Picasa]\r\nname=Radium\r\n{contacts}[{name}]\r\nstar=yes\r\nfaces={named}\r\nbackuphash=4711\r\n"


BOTH = (("d10a8325c557b085", MARIE), ("8e62398ebda8c1a5", PIERRE))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_and_its_turned_twin_have_the_same_faces(tmp_path: Path, orientation: int) -> None:
    file = picture(tmp_path / "a.jpg", "", orientation=orientation)
    there = [(contact, turned(box, BACK[orientation])) for contact, box in BOTH]
    (tmp_path / ".picasa.ini").write_text(ini("A.JPG", *there))
    found = read_regions(file)
    assert [region.name for region in found] == ["Marie Curie", "Pierre Curie"]
    for region, box in zip(found, (MARIE, PIERRE), strict=True):
        wanted = (box.x, box.y, box.width, box.height)
        assert (region.box.x, region.box.y, region.box.width, region.box.height) == pytest.approx(wanted, abs=1e-4)


def test_raw_is_drawn_upon_upright(tmp_path: Path) -> None:
    file = picture(tmp_path / "a.jpg", "", orientation=6)
    raw = MediaFile(file.path, MediaKind("raw", "image/x-nikon-nef"), file.size_bytes, file.mtime_ns)
    (tmp_path / "Picasa.ini").write_text(ini("a.jpg", BOTH[0]))
    (region,) = read_regions(raw)
    assert region.box.overlap(MARIE) > 0.99


def test_xmp_says_who_a_face_is_and_picasa_adds_the_others(tmp_path: Path) -> None:
    file = picture(tmp_path / "a.jpg", mwg(("Maria Skłodowska", MARIE)))
    (tmp_path / ".picasa.ini").write_text(ini("a.jpg", *BOTH))
    assert [region.name for region in read_regions(file)] == ["Maria Skłodowska", "Pierre Curie"]


def test_leading_zeros_and_old_encodings_are_understood() -> None:
    corner = Box(0.0, 0.0, 0.25, 0.5)
    assert len(rect(corner)) < len("rect64(0123456789abcdef)")
    text = ini("Käse.jpg", ("00ab", corner), contacts="[Contacts2]\nab=Jörg Müller;;\n")
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        ((name, box),) = parse_picasa(text.encode(encoding))["käse.jpg"]
        assert name == "Jörg Müller"
        assert (box.x, box.y, box.width, box.height) == pytest.approx((0, 0, 0.25, 0.5), abs=1e-4)


@pytest.mark.parametrize(
    "face",
    [
        "rect64(3f845bcb59418507),ffffffffffffffff",
        "rect64(3f845bcb59418507),1234567890abcdef",
        "rect64(3f845bcb59418507)",
        "rect64(),d10a8325c557b085",
        "rect64(xyz),d10a8325c557b085",
        "rect64(3f845bcb594185073f845bcb59418507),d10a8325c557b085",
        "rect64(594185073f845bcb),d10a8325c557b085",
        "rect64(0),d10a8325c557b085",
        "rect64(-1),d10a8325c557b085",
        "rect64(3f845bcb59418507),d10a8325c557b085d10a8325c557b085",
        ";;;,,,=()",
    ],
)
def test_what_is_no_face_of_a_known_contact_is_left_out(tmp_path: Path, face: str) -> None:
    file = picture(tmp_path / "a.jpg", "")
    (tmp_path / ".picasa.ini").write_text(f"{CONTACTS}[a.jpg]\nfaces={face}\n")
    assert read_regions(file) == ()
    (tmp_path / ".picasa.ini").write_text(f"{CONTACTS}[a.jpg]\nfaces={face};{rect(MARIE)},d10a8325c557b085\n\n")
    assert [region.name for region in read_regions(file)] == ["Marie Curie"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 5000, bytes(range(256)) * 400, b"[" * 100_000, b"[]\n=\n[a.jpg]\nfaces\n", b"\xff\xfe[\0a\0]\0",
     b"[a.jpg]\nfaces=" + b"rect64(1)," * 100_000, b"x" * (SIZE_LIMIT_BYTES + 1)],
)  # fmt: skip
def test_file_of_that_name_that_is_something_else_names_nobody(tmp_path: Path, content: bytes) -> None:
    file = picture(tmp_path / "a.jpg", mwg(("Marie", MARIE)))
    (tmp_path / ".picasa.ini").write_bytes(content)
    assert_same(read_regions(file), ("Marie", MARIE))


def test_a_crowd_is_read_up_to_a_bound() -> None:
    text = ini("a.jpg", *[("d10a8325c557b085", MARIE)] * (MOST_FACES + 100))
    assert len(parse_picasa(text.encode())["a.jpg"]) == MOST_FACES


def test_folder_of_that_name_names_nobody(tmp_path: Path) -> None:
    (tmp_path / ".picasa.ini").mkdir()
    assert picasa_faces(tmp_path / "a.jpg") == ()
