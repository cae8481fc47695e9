"""An XMP packet that can be changed in places and written again: all else in it stays as its writer wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from xml.dom.minidom import Comment, Document, Element, Node, ProcessingInstruction, Text
from xml.parsers.expat import ExpatError

from defusedxml import minidom
from defusedxml.common import DefusedXmlException

from tasks.metadata.xmp import InvalidXmp, packet_text

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_XML = "http://www.w3.org/XML/1998/namespace"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
)
_CONTAINERS = ("Bag", "Seq", "Alt")
Name = tuple[str, str, str]  # namespace, prefix where it has none yet, local name


class XmpTree:
    """
    Properties of the picture itself, by namespace and name.

    Args:
        packet: None begins an empty one.
    Raises:
        InvalidXmp: It is none, too large, or has a DTD.
    """

    def __init__(self, packet: bytes | None) -> None:
        text = _EMPTY if packet is None else packet_text(packet)
        try:
            self._document: Document = minidom.parseString(text, forbid_dtd=True)
        except DefusedXmlException as exc:
            raise InvalidXmp("XMP with a DTD or entities is refused") from exc
        except (ExpatError, ValueError) as exc:
            raise InvalidXmp(f"XMP is not well-formed: {exc}") from exc
        found = self._document.getElementsByTagNameNS(RDF, "RDF")
        if not found:
            raise InvalidXmp("XML without RDF")
        self._rdf: Element = found[0]
        self.changed = packet is None

    def texts(self, namespace: str, name: str) -> list[str] | None:
        """A simple value, or the items of a list (of an Alt: the default language); None where there is none."""
        for description in self._descriptions():
            if description.hasAttributeNS(namespace, name):
                return [description.getAttributeNS(namespace, name)]
        element = self._element(namespace, name)
        if element is None:
            return None
        items = _items(element)
        if items and _parent(items[0]).localName == "Alt":
            items = [item for item in items if _language(item) == "x-default"] or items[:1]
        return [_text(item).strip() for item in items] if items else [_text(element).strip()]

    def text(self, namespace: str, name: str) -> str | None:
        found = self.texts(namespace, name)
        return found[0] if found else None

    def set_text(self, namespace: str, prefix: str, name: str, value: str | None) -> None:
        """A simple value; None takes the property away."""
        if self.text(namespace, name) == value:
            return
        self._remove(namespace, name)
        if value is not None:
            self._append(namespace, prefix, name, value)
        self.changed = True

    def set_default_text(self, namespace: str, prefix: str, name: str, value: str | None) -> None:
        """The default language of a text with several; the others stay."""
        if self.text(namespace, name) == value:
            return
        self.changed = True
        element = self._element(namespace, name)
        items = _items(element) if element is not None else []
        if element is None or not items:
            self._remove(namespace, name)
            if value is not None:
                self._append_list(namespace, prefix, name, "Alt", [value])
            return
        for item in items:
            if _language(item) == "x-default":
                _replace_text(item, value) if value is not None else _parent(item).removeChild(item)
                break
        else:
            if value is not None:
                self._append_item(_parent(items[0]), value, first=True)
        if not _items(element):
            self._remove(namespace, name)

    def set_list(self, namespace: str, prefix: str, name: str, values: list[str]) -> None:
        """An unordered list; what is in it and stays is not touched."""
        present = self.texts(namespace, name) or []
        if set(present) == set(values):
            return
        self.changed = True
        element = self._element(namespace, name)
        items = _items(element) if element is not None else []
        if not items or not values:
            self._remove(namespace, name)
            if values:
                self._append_list(namespace, prefix, name, "Bag", values)
            return
        container = _parent(items[0])
        for item in items:
            if _text(item).strip() not in values:
                container.removeChild(item)
        for value in values:
            if value not in present:
                self._append_item(container, value)

    def items(self, namespace: str, name: str) -> list[Element]:
        """The items of every list of this name, however deep it lies, in the order of the document."""
        return [
            item
            for listed in self._rdf.getElementsByTagNameNS(namespace, name)
            for item in listed.getElementsByTagNameNS(RDF, "li")
        ]

    def remove_item(self, item: Element) -> None:
        _parent(item).removeChild(item)
        self.changed = True

    def list_in_struct(self, struct: Name, name: Name) -> Element:
        """The list that is a field of a structure; both are made where there are none."""
        found = self._rdf.getElementsByTagNameNS(name[0], name[2])
        if found:
            container = next((node for node in found[0].childNodes if isinstance(node, Element)), None)
            return container if container is not None else self.append(found[0], (RDF, "rdf", "Bag"))
        self.changed = True
        home = self._element(struct[0], struct[2])
        if home is None:
            home = self._append(struct[0], struct[1], struct[2])
            home.setAttributeNS(RDF, self._qualified(home, RDF, "rdf", "parseType"), "Resource")
        nested = [node for node in home.childNodes if isinstance(node, Element) and node.localName == "Description"]
        return self.append(self.append(nested[0] if nested else home, name), (RDF, "rdf", "Bag"))

    def set_first_struct(self, beside: Element, name: Name, of: tuple[str, str], values: dict[str, str]) -> None:
        """A structure of simple values in the structure that *beside* (a list) is a field of, if it has none yet."""
        home = _parent(_parent(beside))
        if home.getElementsByTagNameNS(name[0], name[2]):
            return
        made = self._document.createElementNS(name[0], self._qualified(home, *name))
        home.insertBefore(made, home.firstChild)
        for field, value in values.items():
            self.set_field(made, of[0], of[1], field, value)

    def append(self, parent: Element, name: Name) -> Element:
        """A new element, the last in *parent*."""
        self.changed = True
        made: Element = self._document.createElementNS(name[0], self._qualified(parent, *name))
        parent.appendChild(made)
        return made

    def set_field(self, node: Element, namespace: str, prefix: str, name: str, value: str) -> None:
        """A simple value of a structure: where it stands as an element, of it or of the description in it, there."""
        for element in node.getElementsByTagNameNS(namespace, name):
            _replace_text(element, value)
            self.changed = True
            return
        holders = [node, *(one for one in node.childNodes if isinstance(one, Element))]
        home = next((one for one in holders if one.hasAttributeNS(namespace, name)), node)
        home.setAttributeNS(namespace, self._qualified(home, namespace, prefix, name), value)
        self.changed = True

    def encoded(self) -> bytes:
        """UTF-8."""
        parts: list[str] = []
        for node in self._document.childNodes:
            _write(node, parts)
            parts.append("\n")
        return "".join(parts).encode()

    def _descriptions(self) -> Iterator[Element]:
        for node in self._rdf.childNodes:
            if isinstance(node, Element) and (node.namespaceURI, node.localName) == (RDF, "Description"):
                yield node

    def _element(self, namespace: str, name: str) -> Element | None:
        for description in self._descriptions():
            for node in description.childNodes:
                if isinstance(node, Element) and (node.namespaceURI, node.localName) == (namespace, name):
                    return node
        return None

    def _remove(self, namespace: str, name: str) -> None:
        for description in self._descriptions():
            if description.hasAttributeNS(namespace, name):
                description.removeAttributeNS(namespace, name)
        while (element := self._element(namespace, name)) is not None:
            _parent(element).removeChild(element)

    def _append(self, namespace: str, prefix: str, name: str, value: str = "") -> Element:
        """A new element at the end of the first description."""
        home = next(self._descriptions(), None)
        if home is None:
            home = self._rdf.appendChild(
                self._document.createElementNS(RDF, self._qualified(self._rdf, RDF, "rdf", "Description"))
            )
            home.setAttributeNS(RDF, self._qualified(self._rdf, RDF, "rdf", "about"), "")
        element = self._document.createElementNS(namespace, self._qualified(home, namespace, prefix, name))
        if value:
            element.appendChild(self._document.createTextNode(value))
        return home.appendChild(element)

    def _append_list(self, namespace: str, prefix: str, name: str, kind: str, values: list[str]) -> None:
        element = self._append(namespace, prefix, name)
        container = element.appendChild(self._document.createElementNS(RDF, self._qualified(element, RDF, "rdf", kind)))
        for value in values:
            self._append_item(container, value)

    def _append_item(self, container: Element, value: str, *, first: bool = False) -> None:
        item = self._document.createElementNS(RDF, self._qualified(container, RDF, "rdf", "li"))
        if container.localName == "Alt":
            item.setAttributeNS(_XML, "xml:lang", "x-default")
        item.appendChild(self._document.createTextNode(value))
        container.insertBefore(item, container.firstChild if first else None)

    def _qualified(self, place: Element, namespace: str, prefix: str, name: str) -> str:
        """`prefix:name` with a prefix that means *namespace* at *place*; declared there where there is none."""
        meanings: dict[str, str] = {}
        node: Node | None = place
        while isinstance(node, Element):
            for attribute in node.attributes.values():
                if attribute.namespaceURI == _XMLNS and attribute.prefix == "xmlns":
                    meanings.setdefault(attribute.localName, attribute.value)
            node = node.parentNode
        known = next((one for one, meaning in meanings.items() if meaning == namespace), None)
        if known is not None:
            return f"{known}:{name}"
        while prefix in meanings:
            prefix += "_"
        place.setAttributeNS(_XMLNS, f"xmlns:{prefix}", namespace)
        return f"{prefix}:{name}"


def _items(element: Element) -> list[Element]:
    return [
        item
        for container in element.childNodes
        if isinstance(container, Element) and container.namespaceURI == RDF and container.localName in _CONTAINERS
        for item in container.childNodes
        if isinstance(item, Element) and (item.namespaceURI, item.localName) == (RDF, "li")
    ]


def _language(item: Element) -> str:
    return str(item.getAttributeNS(_XML, "lang")) or "x-default"


def _text(element: Element) -> str:
    return "".join(node.data for node in element.childNodes if isinstance(node, Text))


def _parent(element: Element) -> Element:
    """Of one that is not the outermost."""
    parent = element.parentNode
    assert isinstance(parent, Element)
    return parent


def _replace_text(element: Element, value: str) -> None:
    for node in list(element.childNodes):
        element.removeChild(node)
    text = Text()
    text.data = value
    element.appendChild(text)


def _write(node: Node, parts: list[str]) -> None:
    """As minidom would, but with line breaks kept inside attributes, where XML reads a bare one as a blank."""
    if isinstance(node, Text):
        parts.append(_escaped(node.data, {"\r": "&#13;"}))
    elif isinstance(node, Comment):
        parts.append(f"<!--{node.data}-->")
    elif isinstance(node, ProcessingInstruction):
        parts.append(f"<?{node.target} {node.data}?>")
    elif isinstance(node, Element):
        parts.append(f"<{node.tagName}")
        for attribute in node.attributes.values():
            value = _escaped(attribute.value, {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
            parts.append(f' {attribute.name}="{value}"')
        parts.append(">" if node.childNodes else "/>")
        for child in node.childNodes:
            _write(child, parts)
        if node.childNodes:
            parts.append(f"</{node.tagName}>")


def _escaped(text: str, more: dict[str, str]) -> str:
    for char, entity in {"&": "&amp;", "<": "&lt;", ">": "&gt;", **more}.items():
        text = text.replace(char, entity)
    return text
