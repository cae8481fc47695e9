"""XMP: the packet inside a file and the sidecar beside it, read by a parser that refuses entities and DTDs."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import PurePath
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from tasks.metadata.fields import clean_keywords, clean_text

SIZE_LIMIT_BYTES = 8 << 20  # the largest honest packets (editing history) are under 2 MiB

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://www.digikam.org/ns/1.0/": "digiKam",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
    "http://ns.google.com/photos/1.0/container/": "Container",
    "http://ns.google.com/photos/1.0/container/item/": "Item",
    _RDF: "rdf",
}  # prefixes are the writer's choice, namespaces are not
_SUFFIXES = (".xmp", *sorted({"." + "".join(case) for case in itertools.product("xX", "mM", "pP")} - {".xmp"}))
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
         (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))  # fmt: skip


class InvalidXmp(ValueError):
    """Not XML, not XMP, too large, or an attack; the message says which."""


@dataclass(frozen=True, slots=True)
class XmpFields:
    """
    What a packet says, as text: `readers.xmp_findings` makes numbers and dates of it.

    Args:
        values: First value of each simple property by 'prefix:Name', e.g. 'exif:DateTimeOriginal'.
        keywords: dc:subject, else the last part of digiKam's tag paths.
        container_items: Google's Container:Directory, in order; keys such as 'Mime', 'Semantic', 'Length', 'Padding'.
    """

    values: dict[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    container_items: tuple[dict[str, str], ...] = ()

    @property
    def title(self) -> str | None:
        return clean_text(self.values.get("dc:title"))

    @property
    def description(self) -> str | None:
        return clean_text(self.values.get("dc:description"))


def parse_xmp(packet: bytes) -> XmpFields:
    """
    Read a packet or a whole sidecar: UTF-8, UTF-16 or UTF-32, with or without its BOM.

    Raises:
        InvalidXmp: It is none, is larger than `SIZE_LIMIT_BYTES`, or defines entities.
    """
    return _collect(xmp_descriptions(packet))


def xmp_descriptions(packet: bytes) -> list[Element]:
    """
    The `rdf:Description` nodes of a packet, for who reads structures that `parse_xmp` leaves out.

    Raises:
        InvalidXmp.
    """
    try:
        root = ElementTree.fromstring(packet_text(packet).encode(), forbid_dtd=True)
    except DefusedXmlException as exc:
        raise InvalidXmp("XMP with a DTD or entities is refused") from exc
    except (ParseError, ValueError) as exc:
        raise InvalidXmp(f"XMP is not well-formed: {exc}") from exc
    descriptions = [node for node in _rdf(root) if node.tag == f"{{{_RDF}}}Description"]
    if not descriptions and root.find(f".//{{{_RDF}}}RDF") is None and root.tag != f"{{{_RDF}}}RDF":
        raise InvalidXmp("XML without RDF")
    return descriptions


def packet_text(packet: bytes) -> str:
    """
    The XML of a packet, without a declaration: of whatever encoding it was, and without what no XML may hold.

    Raises:
        InvalidXmp: Larger than `SIZE_LIMIT_BYTES`.
    """
    if len(packet) > SIZE_LIMIT_BYTES:
        raise InvalidXmp(f"XMP of {len(packet) >> 20} MiB")
    text = _DECLARATION.sub("", _NOT_XML.sub("", _decode(packet)))
    return text[text.find("<") : text.rfind(">") + 1]


def find_sidecar(path: PurePath, names_in_folder: Collection[str]) -> str | None:
    """
    The XMP file of *path* among the names in its folder: 'a.jpg.xmp' before 'a.xmp', in any case of the extensions.

    Args:
        path: The original; only its name is used. 'a.xmp' is everybody's whose name without extension is 'a'.
        names_in_folder: Best a set: then the question costs the same in a folder of ten files and of a million.
    """
    names = names_in_folder if isinstance(names_in_folder, AbstractSet) else frozenset(names_in_folder)
    stem, extension = path.stem, path.suffix
    for described in dict.fromkeys((path.name, stem + extension.lower(), stem + extension.upper(), stem)):
        for suffix in _SUFFIXES:
            if described + suffix in names and described + suffix != path.name:
                return described + suffix
    return None


def _decode(packet: bytes) -> str:
    for bom, encoding in _BOMS:  # UTF-32's mark begins with UTF-16's, so it is asked for first
        if packet.startswith(bom):
            return packet.decode(encoding, "replace")
    head = packet[:4]
    if head[:2] == b"<\0":
        return packet.decode("utf-32-le" if head[2:4] == b"\0\0" else "utf-16-le", "replace")
    if head[:2] == b"\0<":
        return packet.decode("utf-16-be", "replace")
    if head == b"\0\0\0<":
        return packet.decode("utf-32-be", "replace")
    try:
        return packet.decode("utf-8")
    except UnicodeDecodeError:
        return packet.decode("latin-1")


def _rdf(root: Element) -> Iterator[Element]:
    """The descriptions directly under rdf:RDF: a description inside a property is about something else."""
    rdf = root if root.tag == f"{{{_RDF}}}RDF" else root.find(f".//{{{_RDF}}}RDF")
    return iter(rdf if rdf is not None else ())


def _collect(descriptions: list[Element]) -> XmpFields:
    values: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    items: list[dict[str, str]] = []
    for description in descriptions:
        for key, text in description.attrib.items():
            values.setdefault(_name(key), text)
        for node in description:
            name = _name(node.tag)
            if name == "Container:Directory":
                items += [_container_item(li) for li in _list_items(node)]
                continue
            texts = _texts(node)
            if texts:
                values.setdefault(name, texts[0])
                lists.setdefault(name, []).extend(texts)
    keywords = lists.get("dc:subject") or [tag.split("/")[-1] for tag in lists.get("digiKam:TagsList", [])]
    return XmpFields(values, clean_keywords(keywords) or (), tuple(items))


def _name(tag: str) -> str:
    """'{namespace}Local' to 'prefix:Local', with our own prefix; unknown namespaces keep their address."""
    namespace, _, local = tag.rpartition("}")
    return f"{_PREFIXES.get(namespace[1:], namespace[1:])}:{local}"


def _texts(node: Element) -> list[str]:
    """A simple value or the items of a Bag, Seq or Alt, the default language first."""
    listed = _list_items(node)
    if listed:
        listed.sort(key=lambda li: li.get(_XML_LANGUAGE, "x-default") != "x-default")
        return [text for li in listed if (text := (li.text or "").strip())]
    qualified = node.find(f"{{{_RDF}}}value")
    text = ((node if qualified is None else qualified).text or "").strip()
    return [text] if text else []


def _list_items(node: Element) -> list[Element]:
    return [li for kind in ("Bag", "Seq", "Alt") for li in node.findall(f"{{{_RDF}}}{kind}/{{{_RDF}}}li")]


def _container_item(li: Element) -> dict[str, str]:
    """One Container:Item, however its writer nested it: attributes or children, of itself or of one child deep."""
    item: dict[str, str] = {}
    for node in (li, *li.iter()):
        for key, text in node.attrib.items():
            prefix, _, local = _name(key).partition(":")
            if prefix == "Item":
                item.setdefault(local, text)
        prefix, _, local = _name(node.tag).partition(":")
        if prefix == "Item" and node.text:
            item.setdefault(local, node.text.strip())
    return item
