"""
Named faces written into a sidecar: MWG regions, as digiKam, Lightroom and Picasa read them, and the names alone.

Boxes are those of the pixels as stored, as the guidelines want it; our own reader turns them upright again. What other
programs wrote there stays; a face that they know under another name gets ours, theirs is remembered beside it, and
comes back when we no longer say who it is.

Source: MWG Guidelines for Handling Image Metadata 2.0, chapter 5.9; IPTC Photo Metadata (`PersonInImage`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from xml.dom.minidom import Element

from tasks.faces.protocol import Box
from tasks.faces.regions import MwgItem, NamedBox, mwg_items, stored
from tasks.metadata.packets import Packets
from tasks.metadata.xmp import xmp_descriptions
from tasks.sidecars.tree import RDF, XmpTree

OURS = "urn:darkroom:xmp:1.0/"
_MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
_DIMENSIONS = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
_AREA = "http://ns.adobe.com/xmp/sType/Area#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_BEFORE = " → ["  # between a region and the name that another program gave it
_SAME_FACE = 0.5  # overlap of two boxes that are one face
_SAME_PLACE = 1e-4  # difference of two boxes that are one: what rounding leaves


def merge_people(tree: XmpTree, existing: bytes | None, people: Sequence[NamedBox], packets: Packets) -> None:
    """
    Args:
        existing: The packet that *tree* was made of.
        people: Upright, one per face.
        packets: Of the original: its orientation and size.
    """
    _merge_names(tree, people)
    remembered = tree.texts(OURS, "Regions") or []
    parts = (entry.partition(_BEFORE) for entry in tree.texts(OURS, "RegionsBefore") or [])
    theirs = {mark: name.removesuffix("]") for mark, _, name in parts}
    if not (people or remembered or theirs):
        return
    items = list(mwg_items(xmp_descriptions(existing), packets)) if existing else []
    nodes = tree.items(_MWG, "RegionList")
    if len(nodes) != len(items):  # lists within lists: not what anybody writes, and better left alone
        return
    kept = _taken_back(tree, list(zip(items, nodes, strict=True)), remembered, people)
    ours = [_mark(item) for item, _ in kept if _mark(item) in remembered]
    claimed = _claimed([item for item, _ in kept], people)
    renamed = [_renamed(tree, item, node, theirs, claimed.get(number)) for number, (item, node) in enumerate(kept)]
    orientation = items[0].orientation if items else packets.orientation
    added = [person for person in people if not any(person is one for one in claimed.values())]
    ours += [_add(tree, person, orientation, packets) for person in added]
    tree.set_list(OURS, "darkroom", "Regions", list(dict.fromkeys(ours)))
    tree.set_list(OURS, "darkroom", "RegionsBefore", [entry for entry in renamed if entry])


def _taken_back(
    tree: XmpTree, present: list[tuple[MwgItem, Element]], remembered: list[str], people: Sequence[NamedBox]
) -> list[tuple[MwgItem, Element]]:
    """The regions that stay: all but those that we wrote and nobody says any more."""
    kept = []
    for item, node in present:
        is_ours = _mark(item) in remembered
        if is_ours and not any(item.name == one.name and _is_same(item.box, one.box) for one in people):
            tree.remove_item(node)
        else:
            kept.append((item, node))
    return kept


def _claimed(items: Sequence[MwgItem], people: Sequence[NamedBox]) -> dict[int, NamedBox]:
    """Whose face each item is, by its number: the closest two first, an item and a person only once."""
    overlaps = [
        (item.box.overlap(person.box), number, who)
        for number, item in enumerate(items)
        if item.is_face and item.box is not None
        for who, person in enumerate(people)
    ]
    found: dict[int, int] = {}
    for overlap, number, who in sorted(overlaps, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if overlap > _SAME_FACE and number not in found and who not in found.values():
            found[number] = who
    return {number: people[who] for number, who in found.items()}


def _renamed(tree: XmpTree, item: MwgItem, node: Element, theirs: dict[str, str], person: NamedBox | None) -> str:
    """Give an item the name it should have; returns what to remember of the name that another program gave it."""
    present = item.name or ""
    before = theirs.get(_mark(item), present)
    name = person.name if person else before
    if name != present:
        tree.set_field(node, _MWG, "mwg-rs", "Name", name)
    return f"{_mark(replace(item, name=name))}{_BEFORE}{before}]" if name != before else ""


def _add(tree: XmpTree, person: NamedBox, orientation: int, packets: Packets) -> str:
    """Append a region; returns what we remember it by."""
    bag = tree.list_in_struct((_MWG, "mwg-rs", "Regions"), (_MWG, "mwg-rs", "RegionList"))
    if packets.stored_width and packets.stored_height:
        size = {"w": str(packets.stored_width), "h": str(packets.stored_height), "unit": "pixel"}
        tree.set_first_struct(bag, (_MWG, "mwg-rs", "AppliedToDimensions"), (_DIMENSIONS, "stDim"), size)
    item = tree.append(bag, (RDF, "rdf", "li"))
    described = tree.append(item, (RDF, "rdf", "Description"))
    tree.set_field(described, _MWG, "mwg-rs", "Name", person.name)
    tree.set_field(described, _MWG, "mwg-rs", "Type", "Face")
    area = tree.append(described, (_MWG, "mwg-rs", "Area"))
    box = stored(person.box, orientation)
    numbers = {"x": box.x + box.width / 2, "y": box.y + box.height / 2, "w": box.width, "h": box.height}
    for name, number in numbers.items():
        tree.set_field(area, _AREA, "stArea", name, f"{number:.7f}")
    tree.set_field(area, _AREA, "stArea", "unit", "normalized")
    return _mark(MwgItem(person.name, True, person.box, orientation))


def _merge_names(tree: XmpTree, people: Sequence[NamedBox]) -> None:
    """`PersonInImage`: the names of others stay."""
    before = set(tree.texts(OURS, "People") or [])
    names = list(dict.fromkeys(person.name for person in people))
    if not names and not before:
        return
    foreign = [name for name in tree.texts(_IPTC, "PersonInImage") or [] if name not in before]
    ours = [name for name in names if name not in foreign]
    tree.set_list(_IPTC, "Iptc4xmpExt", "PersonInImage", [*foreign, *ours])
    tree.set_list(OURS, "darkroom", "People", ours)


def _is_same(first: Box | None, second: Box) -> bool:
    if first is None:
        return False
    pairs = zip(_numbers(first), _numbers(second), strict=True)
    return all(abs(one - other) < _SAME_PLACE for one, other in pairs)


def _mark(item: MwgItem) -> str:
    """Thousandths will do: rounding must not make a region of ours another's."""
    numbers = " ".join(f"{number:.3f}" for number in _numbers(item.box)) if item.box is not None else ""
    return f"{numbers} {item.name}"


def _numbers(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.width, box.height
