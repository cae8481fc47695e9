"""XMP packets and sidecars, friendly and not."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from tasks.metadata.xmp import SIZE_LIMIT_BYTES, InvalidXmp, find_sidecar, parse_xmp

from .conftest import xmp_packet

TITLED = xmp_packet('xmp:Rating="4"', "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Hafen</rdf:li>"
                    "<rdf:li xml:lang='x-default'>Harbour</rdf:li></rdf:Alt></dc:title>"
                    "<dc:subject><rdf:Bag><rdf:li>boats</rdf:li><rdf:li>boats</rdf:li><rdf:li>sea</rdf:li></rdf:Bag>"
                    "</dc:subject>")  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_every_encoding_of_unicode_is_read(encoding: str) -> None:
    fields = parse_xmp(TITLED.decode().encode(encoding))
    assert fields.title == "Harbour"
    assert fields.keywords == ("boats", "sea")
    assert fields.values["xmp:Rating"] == "4"


def test_the_declared_encoding_does_not_have_to_be_true() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?>' + TITLED.decode()
    assert parse_xmp(text.encode()).title == "Harbour"


def test_real_sidecars_are_read(media: Path) -> None:
    assert parse_xmp((media / "sidecar/2000.xmp").read_bytes()).values["xmp:CreateDate"] == "2000-09-27T14:35:33+02:00"
    assert parse_xmp((media / "sidecar/iso-value-array.xmp").read_bytes()).values["exif:ISOSpeedRatings"] == "160"
    assert parse_xmp((media / "2008/fiji/smallFiji.JPG.xmp").read_bytes()).title == "Fiji harbour"


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]>' + TITLED,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + TITLED,
        b"<rdf:RDF>no such prefix</rdf:RDF>",
        b"plain text",
        b"",
        b"\0" * 1000,
        b"<a/>",
        TITLED[: len(TITLED) // 2],
        b"<a>" * 200_000,
    ],
)
def test_bombs_entities_and_rubbish_are_refused(packet: bytes) -> None:
    with pytest.raises(InvalidXmp):
        parse_xmp(packet)


def test_a_packet_beyond_the_size_limit_is_refused_unread() -> None:
    with pytest.raises(InvalidXmp, match="MiB"):
        parse_xmp(TITLED + b" " * SIZE_LIMIT_BYTES)


def test_nuls_and_control_characters_inside_do_not_matter() -> None:
    fields = parse_xmp(TITLED.replace(b"Harbour", b"Har\x00bo\x07ur") + b"\0" * 200)
    assert fields.title == "Harbour"


def test_a_description_inside_a_property_is_about_something_else() -> None:
    nested = xmp_packet(body="<photoshop:Nested><rdf:Description xmp:Rating='1'/></photoshop:Nested>")
    assert "xmp:Rating" not in parse_xmp(nested).values


def test_the_longer_sidecar_name_comes_first() -> None:
    names = ["a.xmp", "a.jpg.xmp", "a.jpg"]
    assert find_sidecar(PurePath("lib/a.jpg"), names) == "a.jpg.xmp"
    assert find_sidecar(PurePath("lib/a.nef"), names) == "a.xmp"
    assert find_sidecar(PurePath("lib/b.jpg"), names) is None


def test_sidecar_extensions_are_found_in_any_case() -> None:
    assert find_sidecar(PurePath("IMG_1.JPG"), ["IMG_1.JPG.XMP"]) == "IMG_1.JPG.XMP"
    assert find_sidecar(PurePath("IMG_1.JPG"), ["IMG_1.jpg.xmp"]) == "IMG_1.jpg.xmp"
    assert find_sidecar(PurePath("IMG_1.JPG"), {"IMG_1.Xmp"}) == "IMG_1.Xmp"
    assert find_sidecar(PurePath("IMG_1.JPG"), ["img_1.xmp"]) is None


def test_a_file_is_not_its_own_sidecar() -> None:
    assert find_sidecar(PurePath("a.xmp"), {"a.xmp"}) is None
