"""Named boxes in metadata: both schemas, every orientation, every way to nest them; and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tasks.faces.protocol import Box
from tasks.faces.regions import NamedBox, read_regions, turned
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.metadata.packets import read_packets

MARIE = Box(0.3, 0.2, 0.12, 0.2)
PIERRE = Box(0.62, 0.12, 0.1, 0.25)
WIDTH, HEIGHT = 840, 700
BACK = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def picture(
    path: Path, xmp: str, *, orientation: int = 1, size: tuple[int, int] = (WIDTH, HEIGHT), sidecar: str | None = None
) -> MediaFile:
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    stored = size if orientation < 5 else (size[1], size[0])
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp)
    as_it_is_kept = {"pnginfo": text} if path.suffix == ".png" else {"xmp": xmp.encode()}
    Image.new("RGB", stored, "grey").save(path, exif=exif, **as_it_is_kept)
    beside = None
    if sidecar is not None:
        beside = path.with_suffix(".xmp")
        beside.write_text(sidecar)
    status = path.stat()
    kind = MediaKind("photo", "image/png" if path.suffix == ".png" else "image/jpeg")
    return MediaFile(path, kind, status.st_size, status.st_mtime_ns, beside)


def packet(body: str) -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
        'xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#" '
        'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" '
        'xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" '
        f'xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#">{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )


def mwg(
    *regions: tuple[str, Box], size: tuple[int, int] = (WIDTH, HEIGHT), kind: str = "Face", pixels: bool = False
) -> str:
    """As Lightroom and Picasa nest them."""
    across, down = size if pixels else (1, 1)
    items = "".join(
        f'<rdf:li><rdf:Description mwg-rs:Name="{name}" mwg-rs:Type="{kind}"><mwg-rs:Area '
        f'stArea:x="{(box.x + box.width / 2) * across}" stArea:y="{(box.y + box.height / 2) * down}" '
        f'stArea:w="{box.width * across}" stArea:h="{box.height * down}" '
        f'stArea:unit="{"pixel" if pixels else "normalized"}"/></rdf:Description></rdf:li>'
        for name, box in regions
    )
    return packet(
        f'<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="{size[0]}" '
        f'stDim:h="{size[1]}" stDim:unit="pixel"/><mwg-rs:RegionList><rdf:Bag>{items}</rdf:Bag></mwg-rs:RegionList>'
        "</mwg-rs:Regions>"
    )


def mwg_in_elements(name: str, box: Box) -> str:
    """As exiftool nests them: children instead of attributes."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    return packet(
        "<mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:AppliedToDimensions rdf:parseType='Resource'>"
        f"<stDim:h>{HEIGHT}</stDim:h><stDim:unit>pixel</stDim:unit><stDim:w>{WIDTH}</stDim:w></mwg-rs:AppliedToDimensions>"
        "<mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType='Resource'><mwg-rs:Area rdf:parseType='Resource'>"
        f"<stArea:h>{box.height}</stArea:h><stArea:unit>normalized</stArea:unit><stArea:w>{box.width}</stArea:w>"
        f"<stArea:x>{x}</stArea:x><stArea:y>{y}</stArea:y></mwg-rs:Area><mwg-rs:Name>{name}</mwg-rs:Name>"
        "<mwg-rs:Type>Face</mwg-rs:Type></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
    )


def microsoft(name: str, box: Box) -> str:
    return packet(
        "<MP:RegionInfo rdf:parseType='Resource'><MPRI:Regions><rdf:Bag><rdf:li><rdf:Description "
        f'MPReg:PersonDisplayName="{name}" MPReg:Rectangle="{box.x}, {box.y}, {box.width}, {box.height}"/></rdf:li>'
        "</rdf:Bag></MPRI:Regions></MP:RegionInfo>"
    )


def assert_same(found: tuple[NamedBox, ...], *wanted: tuple[str, Box]) -> None:
    assert [region.name for region in found] == [name for name, _ in wanted]
    for region, (_, box) in zip(found, wanted, strict=True):
        assert (region.box.x, region.box.y, region.box.width, region.box.height) == pytest.approx(
            (box.x, box.y, box.width, box.height), abs=1e-6
        )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_portrait_and_its_turned_twin_have_the_same_boxes(tmp_path: Path, orientation: int) -> None:
    stored = [
        (name, turned(box, BACK[orientation])) for name, box in (("Marie Curie", MARIE), ("Pierre Curie", PIERRE))
    ]
    size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
    file = picture(tmp_path / "a.jpg", mwg(*stored, size=size), orientation=orientation)
    assert_same(read_regions(file), ("Marie Curie", MARIE), ("Pierre Curie", PIERRE))


def test_orientation_six_turns_as_the_pixels_do(tmp_path: Path) -> None:
    """A face in the stored picture's lower left is in the upright one's upper left."""
    assert turned(Box(0.0, 0.8, 0.2, 0.2), 6) == Box(pytest.approx(0.0), pytest.approx(0.0), 0.2, 0.2)
    assert turned(Box(0.0, 0.0, 0.1, 0.3), 6) == Box(pytest.approx(0.7), pytest.approx(0.0), 0.3, 0.1)
    assert turned(Box(0.0, 0.0, 0.1, 0.3), 8) == Box(pytest.approx(0.0), pytest.approx(0.9), 0.3, 0.1)


def test_regions_drawn_on_the_upright_picture_are_not_turned_again(tmp_path: Path) -> None:
    file = picture(tmp_path / "a.jpg", mwg(("Marie", MARIE), size=(WIDTH, HEIGHT)), orientation=6)
    assert_same(read_regions(file), ("Marie", MARIE))


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
@pytest.mark.parametrize("xmp", [mwg(("Marie", MARIE)), mwg_in_elements("Marie", MARIE), microsoft("Marie", MARIE),
                                 mwg(("Marie", MARIE), pixels=True)])  # fmt: skip
def test_every_way_of_writing_them_is_read(tmp_path: Path, xmp: str, name: str) -> None:
    assert_same(read_regions(picture(tmp_path / name, xmp)), ("Marie", MARIE))


def test_both_schemas_in_one_file_name_a_face_once(tmp_path: Path) -> None:
    inner = microsoft("Marie", MARIE).partition('Region#">')[2].partition("</rdf:Description></rdf:RDF>")[0]
    both = mwg(("Marie", MARIE)).replace("</mwg-rs:Regions>", f"</mwg-rs:Regions>{inner}")
    assert "MPReg:Rectangle" in both
    assert_same(read_regions(picture(tmp_path / "a.jpg", both)), ("Marie", MARIE))


def test_sidecar_wins_over_the_file(tmp_path: Path) -> None:
    file = picture(tmp_path / "a.jpg", mwg(("Maria", MARIE)), sidecar=mwg(("Marie", MARIE)))
    assert_same(read_regions(file), ("Marie", MARIE))
    silent = picture(tmp_path / "b.jpg", mwg(("Maria", MARIE)), sidecar="not xml <")
    assert_same(read_regions(silent), ("Maria", MARIE))


@pytest.mark.parametrize(
    "xmp",
    [
        mwg(("", MARIE)),
        mwg(("Rex", MARIE), kind="Pet"),
        mwg(("Far", Box(3, 3, 0.1, 0.1))),
        mwg(("Flat", Box(0.1, 0.1, 0, 0.1))),
        mwg(("Nan", MARIE)).replace(f'stArea:w="{MARIE.width}"', 'stArea:w="NaN"'),
        microsoft("Short", MARIE).replace(f", {MARIE.height}", ""),
        "<x", "",
    ],
)  # fmt: skip
def test_what_is_no_named_face_is_left_out(tmp_path: Path, xmp: str) -> None:
    assert read_regions(picture(tmp_path / "a.jpg", xmp)) == ()


def test_no_file_of_the_collection_is_too_strange(media: Path) -> None:
    endings = {".jpg", ".jpeg", ".png", ".heic", ".tif", ".tiff", ".dng", ".xmp"}
    paths = [path for path in sorted(media.rglob("*.*")) if path.is_file() and path.suffix.lower() in endings][:400]
    with_xmp = 0
    for path in paths:
        status = path.stat()
        file = MediaFile(path, MediaKind("photo", "image/jpeg"), status.st_size, status.st_mtime_ns)
        with_xmp += read_packets(file).embedded is not None
        read_regions(file)
    assert len(paths) > 50, "the collection was there to be read"
    assert with_xmp > 5, "and had something to be read in it"
