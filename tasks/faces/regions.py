"""
Named faces in a picture's own metadata: MWG regions, as Picasa, Lightroom and digiKam write them, and Microsoft's; and
in the `.picasa.ini` beside it.

They are relative to the pixels as stored; ours are relative to the upright picture.

Source: MWG Guidelines for Handling Image Metadata 2.0, chapter 5.9 (`mwg-rs`: centre, width, height); Microsoft's
People Tagging Overview (`MPReg:Rectangle`: left, top, width, height).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from xml.etree.ElementTree import Element

from tasks.faces.picasa import picasa_faces
from tasks.faces.protocol import Box, checked_box
from tasks.files.media_file import MediaFile
from tasks.metadata.fields import finite
from tasks.metadata.packets import Packets, read_packets
from tasks.metadata.xmp import InvalidXmp, xmp_descriptions

REGIONS_RECIPE = "regions-1"  # raise the number when more is read: every picture's metadata are then read again
MAX_REGIONS = 500
LONGEST_NAME = 200  # characters

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_MWG = "{http://www.metadataworkinggroup.com/schemas/regions/}"
_SAME_FACE = 0.5  # overlap of two schemas' boxes with one name
_SAME_SHAPE = 0.01  # difference of two aspect ratios that are one


@dataclass(frozen=True, slots=True)
class NamedBox:
    """A face somebody has named in another program; the box is upright, 0 to 1."""

    name: str
    box: Box


def read_regions(media: MediaFile) -> tuple[NamedBox, ...]:
    """
    The named faces of one picture; a sidecar that has any wins over the file. Of a face that both XMP and a
    `.picasa.ini` name, XMP says who it is.

    Raises:
        UnreadableFile.
    """
    packets = read_packets(media)
    found: list[NamedBox] = []
    for packet in (packets.sidecar, packets.embedded):
        if packet and not found:
            found += regions_in(packet, packets)
    for region in _picasa(media, packets):
        if all(region.box.overlap(one.box) <= _SAME_FACE for one in found):
            found.append(region)
    return tuple(found[:MAX_REGIONS])


def regions_in(packet: bytes, packets: Packets) -> tuple[NamedBox, ...]:
    """What one packet names. XMP that cannot be read names nobody; the metadata pass reports it."""
    try:
        descriptions = xmp_descriptions(packet)
    except InvalidXmp:
        return ()
    found: list[NamedBox] = []
    regions = chain(_mwg(descriptions, packets), _microsoft(descriptions, packets))
    for region in islice(regions, 2 * MAX_REGIONS):  # each is compared with all before it
        if not any(region.name == one.name and region.box.overlap(one.box) > _SAME_FACE for one in found):
            found.append(region)
    return tuple(found[:MAX_REGIONS])


def turned(box: Box, orientation: int) -> Box:
    """A box on the stored pixels, as it lies on the upright picture (EXIF *orientation* 1 to 8)."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    centre = {
        1: (x, y), 2: (1 - x, y), 3: (1 - x, 1 - y), 4: (x, 1 - y),
        5: (y, x), 6: (1 - y, x), 7: (1 - y, 1 - x), 8: (y, 1 - x),
    }.get(orientation, (x, y))  # fmt: skip
    width, height = (box.height, box.width) if 5 <= orientation <= 8 else (box.width, box.height)
    return Box(centre[0] - width / 2, centre[1] - height / 2, width, height)


def stored(box: Box, orientation: int) -> Box:
    """What `turned` turns into *box*: where a box of the upright picture lies on the stored pixels."""
    return turned(box, {6: 8, 8: 6}.get(orientation, orientation))


@dataclass(frozen=True, slots=True)
class MwgItem:
    """
    One item of a list of regions, whatever it is.

    Args:
        is_face: It says so, or says nothing.
        box: Upright; None for a point, a circle, or nonsense.
        orientation: How the list's boxes are turned.
    """

    name: str | None
    is_face: bool
    box: Box | None
    orientation: int


def mwg_items(descriptions: Sequence[Element], packets: Packets) -> Iterator[MwgItem]:
    """All MWG regions, in the order of the document."""
    for regions in _all(descriptions, f"{_MWG}Regions"):
        applied = next(iter(regions.iter(f"{_MWG}AppliedToDimensions")), None)
        size = (_number(applied, "w"), _number(applied, "h")) if applied is not None else (None, None)
        orientation = _orientation(packets, size)
        for region in _items(regions, f"{_MWG}RegionList"):
            kind = _text(region, "Type")
            area = next(iter(region.iter(f"{_MWG}Area")), None)
            box = _centred(area, size) if area is not None else None
            upright = turned(box, orientation) if box is not None else None
            yield MwgItem(_text(region, "Name"), not kind or kind.lower() == "face", upright, orientation)


def _mwg(descriptions: Sequence[Element], packets: Packets) -> Iterator[NamedBox]:
    for item in mwg_items(descriptions, packets):
        if item.is_face:
            yield from _named(item.name, item.box, 1)


def _microsoft(descriptions: Sequence[Element], packets: Packets) -> Iterator[NamedBox]:
    for regions in _all(descriptions, "{http://ns.microsoft.com/photo/1.2/}RegionInfo"):
        for region in _items(regions, "{http://ns.microsoft.com/photo/1.2/t/RegionInfo#}Regions"):
            numbers = [finite(part) for part in (_text(region, "Rectangle") or "").split(",")]
            known = [number for number in numbers if number is not None]
            if len(known) == 4 == len(numbers):
                yield from _named(_text(region, "PersonDisplayName"), Box(*known), packets.orientation)


def _picasa(media: MediaFile, packets: Packets) -> Iterator[NamedBox]:
    """Picasa drew on the stored pixels, but for RAW: there it turned the picture first."""
    orientation = 1 if media.kind.media_type == "raw" else packets.orientation
    for name, box in picasa_faces(media.path):
        yield from _named(name, box, orientation)


def _named(name: str | None, box: Box | None, orientation: int) -> Iterator[NamedBox]:
    name = unicodedata.normalize("NFC", " ".join((name or "").split()))[:LONGEST_NAME]
    if not name or box is None:
        return
    upright = turned(box, orientation)
    checked = checked_box(upright.x, upright.y, upright.width, upright.height)
    if checked is not None:
        yield NamedBox(name, checked)


def _centred(area: Element, size: tuple[float | None, float | None]) -> Box | None:
    """An stArea: centre and extent, normalised or in pixels of AppliedToDimensions. A point or circle is no box."""
    numbers = [_number(area, part) for part in ("x", "y", "w", "h")]
    known = [number for number in numbers if number is not None]
    if len(known) != 4:
        return None
    x, y, width, height = known
    box = Box(x - width / 2, y - height / 2, width, height)
    if (_text(area, "unit") or "normalized").lower() != "pixel":
        return box
    across, down = size
    if not across or not down:
        return None
    return Box(box.x / across, box.y / down, box.width / across, box.height / down)


def _orientation(packets: Packets, applied: tuple[float | None, float | None]) -> int:
    """
    How to turn regions: as the picture, unless their dimensions say that they were drawn on it upright already.

    Programs that turn the pixels for their user write the size they saw; a square cannot tell.
    """
    width, height = packets.stored_width, packets.stored_height
    if not (5 <= packets.orientation <= 8 and width and height and applied[0] and applied[1]):
        return packets.orientation
    seen, stored = applied[0] / applied[1], width / height
    is_upright = abs(seen * stored - 1) < _SAME_SHAPE and abs(seen / stored - 1) > _SAME_SHAPE
    return 1 if is_upright else packets.orientation


def _all(descriptions: Sequence[Element], tag: str) -> Iterator[Element]:
    for description in descriptions:
        yield from description.iter(tag)


def _items(parent: Element, list_tag: str) -> Iterator[Element]:
    for listed in parent.iter(list_tag):
        yield from listed.iter(f"{_RDF}li")


def _number(node: Element | None, local: str) -> float | None:
    return finite(_text(node, local)) if node is not None else None


def _text(node: Element | None, local: str) -> str | None:
    """A property of *node*: an attribute or a child, of itself or of the description inside it; any prefix."""
    if node is None:
        return None
    nested = node.find(f"{_RDF}Description")
    for holder in (node, nested) if nested is not None else (node,):
        for key, text in holder.attrib.items():
            if key.rpartition("}")[2] == local and text.strip():
                return text.strip()
        for child in holder:
            if child.tag.rpartition("}")[2] == local and (child.text or "").strip():
                return (child.text or "").strip()
    return None
