"""
Sidecars: what people said of a picture, as XMP beside it, merged with what other programs wrote there.

What we wrote is remembered in the sidecar under a namespace of our own, so that taking a tag or a rating back later
takes it out of the sidecar as well, and brings back what stood there before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from tasks.faces.regions import NamedBox
from tasks.metadata.packets import Packets
from tasks.sidecars.regions import OURS, merge_people
from tasks.sidecars.tree import XmpTree

_DC = "http://purl.org/dc/elements/1.1/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class UserAnnotations:
    """
    What people said of one picture.

    Args:
        tags: By name.
        rating: 0 to 5; None: as the file says.
        description: None: as the file says.
        keywords: What the file's own metadata say: a sidecar's keywords are read instead of them, so they go in too.
        people: Named faces, upright.
        packets: Of the original, where there are people: how its pixels are turned.
    """

    tags: tuple[str, ...] = ()
    rating: int | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    people: tuple[NamedBox, ...] = ()
    packets: Packets = field(default_factory=Packets)

    @property
    def anything(self) -> bool:
        return bool(self.tags or self.people) or self.rating is not None or self.description is not None


def merged_sidecar(existing: bytes | None, said: UserAnnotations) -> bytes | None:
    """
    The sidecar that says *said*, and everything else that *existing* said.

    Returns:
        *existing* itself where nothing in it changes; None where there is nothing to say and nothing to change.
    Raises:
        InvalidXmp: *existing* cannot be read: it is better left alone.
    """
    if existing is None and not said.anything:
        return None
    tree = XmpTree(existing)
    _merge_tags(tree, said)
    _merge_value(tree, "Rating", None if said.rating is None else str(said.rating))
    _merge_value(tree, "Description", _writable(said.description) if said.description is not None else None)
    people = [replace(one, name=name) for one in said.people if (name := _writable(one.name).strip())]
    merge_people(tree, existing, people, said.packets)
    return tree.encoded() if tree.changed else existing


def is_ours(sidecar: bytes) -> bool:
    """Whether we have written into it before."""
    return OURS.encode() in sidecar


def _merge_tags(tree: XmpTree, said: UserAnnotations) -> None:
    """dc:subject: what others wrote there (else the file's keywords), then our tags."""
    before = tree.texts(_DC, "subject")
    ours_before = set(tree.texts(OURS, "Tags") or [])
    tags = list(dict.fromkeys(name for name in map(_writable, said.tags) if name))
    if not tags and not ours_before:
        return
    foreign = [word for word in (said.keywords if before is None else before) if word not in ours_before]
    ours = [name for name in tags if name not in foreign]
    tree.set_list(_DC, "dc", "subject", [*map(_writable, foreign), *ours])
    tree.set_list(OURS, "darkroom", "Tags", ours)


def _merge_value(tree: XmpTree, name: str, wanted: str | None) -> None:
    """
    A single value that a user may set and give back.

    `darkroom:<name>` keeps what we wrote, `darkroom:<name>Before` what stood there; a value that another program has
    written since is theirs.
    """
    present, ours = _read(tree, name), tree.text(OURS, name)
    is_ours_still = ours is not None and present == ours
    if wanted is None:
        if is_ours_still:
            _put(tree, name, tree.text(OURS, f"{name}Before"))
        if ours is not None:
            tree.set_text(OURS, "darkroom", name, None)
            tree.set_text(OURS, "darkroom", f"{name}Before", None)
        return
    if not is_ours_still:
        tree.set_text(OURS, "darkroom", f"{name}Before", present)
    _put(tree, name, wanted)
    tree.set_text(OURS, "darkroom", name, wanted)


def _read(tree: XmpTree, name: str) -> str | None:
    return tree.text(_XMP, "Rating") if name == "Rating" else tree.text(_DC, "description")


def _put(tree: XmpTree, name: str, value: str | None) -> None:
    if name == "Rating":
        tree.set_text(_XMP, "xmp", "Rating", value)
    else:
        tree.set_default_text(_DC, "dc", "description", value)


def _writable(text: str) -> str:
    """Without the few characters that XML has no way to write."""
    return _NOT_XML.sub("", text)
