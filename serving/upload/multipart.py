"""A multipart form whose file goes straight to where it will stay, whatever its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from tasks.errors import InvalidQuery

MAX_FIELD_BYTES = 16_384
MAX_FIELDS = 20


class Sink(Protocol):
    def write(self, content: bytes) -> None: ...


class UploadForm:
    """
    Fed chunk by chunk.

    Args:
        content_type: Of the request.
        open_sink: Called with the file's name when the file begins; the fields before it are known by then.
    Raises:
        InvalidQuery: It is no multipart form.
    """

    def __init__(self, content_type: str, open_sink: Callable[[str], Sink]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise InvalidQuery("send the file as multipart/form-data, in a field called file")
        self.fields: dict[str, str] = {}
        self._open_sink = open_sink
        self._sink: Sink | None = None
        self._files = 0
        self._field = bytearray()
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._name = ""
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._end,
            },
        )
        self.complete = False

    def feed(self, chunk: bytes) -> None:
        """Raises InvalidQuery."""
        try:
            self._parser.write(chunk)
        except (FormParserError, UnicodeDecodeError) as exc:
            raise InvalidQuery(f"the multipart form is damaged: {exc}") from exc

    def _part_begins(self) -> None:
        self._sink, self._field, self._disposition = None, bytearray(), b""
        self._header = (bytearray(), bytearray())

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_ends(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            if len(self.fields) >= MAX_FIELDS:
                raise InvalidQuery("too many fields")
            return
        self._files += 1
        if self._files > 1:
            raise InvalidQuery("one file per upload")
        self._sink = self._open_sink(options[b"filename"].decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None:
            self._sink.write(data[start:end])
            return
        self._field.extend(data[start:end])
        if len(self._field) > MAX_FIELD_BYTES:
            raise InvalidQuery(f"the field {self._name[:50]} is too long")

    def _part_ends(self) -> None:
        if self._sink is None:
            self.fields[self._name] = self._field.decode("utf-8", "replace")

    def _end(self) -> None:
        self.complete = True

    @property
    def has_file(self) -> bool:
        return self._files == 1
