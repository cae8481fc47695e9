"""Sidecars: written, merged with what others wrote, and read again by our own reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.faces.protocol import Box
from tasks.faces.regions import NamedBox, read_regions
from tasks.metadata.packets import read_packets
from tasks.metadata.xmp import InvalidXmp, parse_xmp
from tasks.sidecars.sidecar import UserAnnotations, is_ours, merged_sidecar
from tests.tasks.faces.test_regions import (
    BACK,
    HEIGHT,
    MARIE,
    PIERRE,
    WIDTH,
    assert_same,
    microsoft,
    mwg,
    mwg_in_elements,
    picture,
    turned,
)

FOREIGN = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Other 1.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <!-- keep me -->
  <rdf:Description rdf:about="" xmlns:xap="http://ns.adobe.com/xap/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:darkroom="http://example.org/another/" darkroom:Mine="yes"
    xap:Rating="2" crs:Exposure2012="+0.35" crs:Note="two&#10;lines &amp; &quot;more&quot;">
   <d:subject><rdf:Bag><rdf:li>bird</rdf:li><rdf:li>lake &amp; sea</rdf:li></rdf:Bag></d:subject>
   <d:description><rdf:Alt><rdf:li xml:lang="de">Vogel</rdf:li><rdf:li xml:lang="x-default">A bird</rdf:li></rdf:Alt>
   </d:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def test_what_is_said_is_read_again_by_our_reader() -> None:
    said = UserAnnotations(
        ("summer", "Crème & <brûlée>", "日本 🍍"), 4, 'first\nsecond "quoted" & <tagged>', ("from the file",)
    )
    written = merged_sidecar(None, said)
    assert written is not None
    read = parse_xmp(written)
    assert read.keywords == ("from the file", "summer", "Crème & <brûlée>", "日本 🍍")
    assert read.values["xmp:Rating"] == "4"
    assert read.description == 'first\nsecond "quoted" & <tagged>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-8-sig"])
def test_what_others_wrote_stays(encoding: str) -> None:
    written = merged_sidecar(FOREIGN.encode(encoding), UserAnnotations(("summer", "bird"), 5, "A kingfisher"))
    assert written is not None
    text = written.decode()
    for kept in ("<!-- keep me -->", 'crs:Exposure2012="+0.35"', "Vogel", 'x:xmptk="Other 1.0"', 'darkroom:Mine="yes"'):
        assert kept in text
    read = parse_xmp(written)
    assert read.values["http://ns.adobe.com/camera-raw-settings/1.0/:Note"] == 'two\nlines & "more"'
    assert read.keywords == ("bird", "lake & sea", "summer")
    assert (read.values["xmp:Rating"], read.description) == ("5", "A kingfisher")


def test_writing_again_changes_nothing_and_taking_back_restores_what_stood_there() -> None:
    said = UserAnnotations(("summer",), 5, "A kingfisher", ("ignored: the sidecar has keywords",))
    once = merged_sidecar(FOREIGN.encode(), said)
    assert merged_sidecar(once, said) is once
    back = merged_sidecar(once, UserAnnotations())
    assert back is not None
    read = parse_xmp(back)
    assert read.keywords == ("bird", "lake & sea")
    assert (read.values["xmp:Rating"], read.description) == ("2", "A bird")
    assert not [name for name in read.values if name.startswith("urn:darkroom")]
    assert merged_sidecar(back, UserAnnotations()) is back


def test_value_that_another_program_wrote_since_is_theirs() -> None:
    once = merged_sidecar(FOREIGN.encode(), UserAnnotations((), 5))
    assert once is not None
    theirs = once.replace(b"<xap:Rating>5<", b"<xap:Rating>3<")
    assert theirs != once
    back = merged_sidecar(theirs, UserAnnotations())
    assert back is not None
    assert parse_xmp(back).values["xmp:Rating"] == "3"


def test_tag_that_is_taken_leaves_and_a_keyword_of_the_same_name_does_not() -> None:
    once = merged_sidecar(FOREIGN.encode(), UserAnnotations(("bird", "summer")))
    back = merged_sidecar(once, UserAnnotations(("autumn",)))
    assert back is not None
    assert parse_xmp(back).keywords == ("bird", "lake & sea", "autumn")


def test_nothing_to_say_writes_nothing() -> None:
    assert merged_sidecar(None, UserAnnotations((), None, None, ("keyword",))) is None
    foreign = FOREIGN.encode()
    assert merged_sidecar(foreign, UserAnnotations()) is foreign
    assert not is_ours(foreign)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"no xml",
        b"<rdf:RDF",
        FOREIGN.encode()[:-60],
        b"<a/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"\xff" * 99,
    ],
)
def test_damaged_sidecar_is_refused_and_so_left_alone(damaged: bytes) -> None:
    with pytest.raises(InvalidXmp):
        merged_sidecar(damaged, UserAnnotations(("summer",)))


def test_bare_rdf_without_a_description_gets_one() -> None:
    bare = b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    written = merged_sidecar(bare, UserAnnotations(("summer",), 3, "words"))
    assert written is not None
    read = parse_xmp(written)
    assert (read.keywords, read.values["xmp:Rating"], read.description) == (("summer",), "3", "words")


def test_rating_and_description_written_as_attributes_are_replaced() -> None:
    packet = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
      xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="1"
      dc:description="short"/></rdf:RDF>"""
    written = merged_sidecar(packet, UserAnnotations((), 0, "long"))
    assert written is not None
    read = parse_xmp(written)
    assert (read.values["xmp:Rating"], read.description) == ("0", "long")


def write_people(path: Path, *people: NamedBox, orientation: int = 1, sidecar: str | None = None) -> bytes:
    """The sidecar of a picture in which these people are; written beside it."""
    file = picture(path, mwg(("Somebody in the file", MARIE)), orientation=orientation)
    before = sidecar.encode() if sidecar else None
    written = merged_sidecar(before, UserAnnotations(people=people, packets=read_packets(file)))
    assert written is not None
    path.with_suffix(".xmp").write_bytes(written)
    return written


def read_again(path: Path) -> tuple[NamedBox, ...]:
    file = picture(path, mwg(("Somebody in the file", MARIE)), orientation=exif_of(path))
    return read_regions(replace(file, sidecar=path.with_suffix(".xmp")))


def exif_of(path: Path) -> int:
    from PIL import Image

    with Image.open(path) as image:
        return int(image.getexif().get(0x0112, 1))


CURIES = (NamedBox("Marie Curie", MARIE), NamedBox("Pierre & <Curie>", PIERRE))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_people_are_read_again_at_the_same_place(tmp_path: Path, orientation: int) -> None:
    written = write_people(tmp_path / "a.jpg", *CURIES, orientation=orientation)
    assert_same(read_again(tmp_path / "a.jpg"), *((one.name, one.box) for one in CURIES))
    stored_size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
    text = written.decode()
    assert f'stDim:w="{stored_size[0]}" stDim:h="{stored_size[1]}"' in text, "of the pixels as stored"
    on_disk = turned(MARIE, BACK[orientation])
    assert f'stArea:x="{on_disk.x + on_disk.width / 2:.7f}"' in text


@pytest.mark.parametrize("orientation", [1, 6])
def test_people_written_again_change_nothing_and_leave_when_nobody_says_them(tmp_path: Path, orientation: int) -> None:
    once = write_people(tmp_path / "a.jpg", *CURIES, orientation=orientation)
    packets = read_packets(picture(tmp_path / "a.jpg", "", orientation=orientation))
    assert merged_sidecar(once, UserAnnotations(people=CURIES, packets=packets)) is once
    less = merged_sidecar(once, UserAnnotations(people=CURIES[:1], packets=packets))
    assert less is not None
    (tmp_path / "a.xmp").write_bytes(less)
    assert [region.name for region in read_again(tmp_path / "a.jpg")] == ["Marie Curie"]
    renamed = merged_sidecar(less, UserAnnotations(people=(NamedBox("Maria", MARIE),), packets=packets))
    assert renamed is not None
    (tmp_path / "a.xmp").write_bytes(renamed)
    assert [region.name for region in read_again(tmp_path / "a.jpg")] == ["Maria"]
    nobody = merged_sidecar(renamed, UserAnnotations(packets=packets))
    assert nobody is not None
    assert not [
        word
        for word in ("Maria", "Curie", "mwg-rs:Name", "darkroom:Regions", "darkroom:People")
        if word.encode() in nobody
    ]


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("nested", ["attributes", "elements"])
def test_regions_of_other_programs_stay_and_get_our_name(tmp_path: Path, nested: str, orientation: int) -> None:
    there = turned(MARIE, BACK[orientation])
    size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
    if nested == "attributes":
        foreign = mwg(("M. C.", there), size=size)
    else:
        foreign = mwg_in_elements("M. C.", there).replace(f"<stDim:h>{HEIGHT}", f"<stDim:h>{size[1]}")
        foreign = foreign.replace(f"<stDim:w>{WIDTH}", f"<stDim:w>{size[0]}")
    pet = "<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Rex</mwg-rs:Name><mwg-rs:Type>Pet</mwg-rs:Type></rdf:li>"
    foreign = foreign.replace("</rdf:Bag>", f"{pet}</rdf:Bag>")
    written = write_people(tmp_path / "a.jpg", *CURIES, orientation=orientation, sidecar=foreign)
    assert_same(read_again(tmp_path / "a.jpg"), *((one.name, one.box) for one in CURIES))
    assert b"Rex" in written and written.count(b"M. C.") == 1, "remembered, and no region's name any more"
    assert written.count(b"AppliedToDimensions") == foreign.count("AppliedToDimensions")
    packets = read_packets(picture(tmp_path / "a.jpg", "", orientation=orientation))
    assert merged_sidecar(written, UserAnnotations(people=CURIES, packets=packets)) is written
    given_back = merged_sidecar(written, UserAnnotations(packets=packets))
    assert given_back is not None
    (tmp_path / "a.xmp").write_bytes(given_back)
    assert [region.name for region in read_again(tmp_path / "a.jpg")] == ["M. C."]
    assert b"<darkroom:" not in given_back


def test_two_faces_near_one_region_of_another_program_are_written_once_and_stay(tmp_path: Path) -> None:
    near = Box(MARIE.x + MARIE.width * 0.15, MARIE.y, MARIE.width, MARIE.height)
    both = (NamedBox("Anna", MARIE), NamedBox("Bob", near))
    written = write_people(tmp_path / "a.jpg", *both, sidecar=mwg(("X", MARIE), size=(WIDTH, HEIGHT)))
    assert sorted(region.name for region in read_again(tmp_path / "a.jpg")) == ["Anna", "Bob"]
    packets = read_packets(picture(tmp_path / "a.jpg", ""))
    assert merged_sidecar(written, UserAnnotations(people=both, packets=packets)) is written


def test_regions_drawn_on_the_upright_picture_get_company_on_the_upright_picture(tmp_path: Path) -> None:
    foreign = mwg(("Marie Curie", MARIE), size=(WIDTH, HEIGHT))
    write_people(tmp_path / "a.jpg", *CURIES, orientation=6, sidecar=foreign)
    assert_same(read_again(tmp_path / "a.jpg"), *((one.name, one.box) for one in CURIES))


def test_names_stand_beside_the_regions_for_programs_that_read_no_boxes(tmp_path: Path) -> None:
    foreign = microsoft("Marie Curie", MARIE)
    written = write_people(tmp_path / "a.jpg", *CURIES, CURIES[0], sidecar=foreign).decode()
    names = written.partition("PersonInImage>")[2].partition("</Iptc4xmpExt:PersonInImage>")[0]
    assert names.count("<rdf:li>") == 2
    assert "Pierre &amp; &lt;Curie&gt;" in names
    assert "MPReg:Rectangle" in written
