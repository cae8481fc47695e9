"""Write what people said of their pictures into XMP sidecars, on request. Originals are never touched."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.context import FlowContext
from sql.lake import Row
from tasks.errors import UnknownLibrary, UnreadableFile
from tasks.faces.protocol import Box
from tasks.faces.regions import NamedBox
from tasks.files.atomic_write import atomic_write
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.files.names import to_os_name, to_text
from tasks.files.private import mode_in
from tasks.metadata.packets import Packets, read_packets
from tasks.metadata.xmp import InvalidXmp
from tasks.sidecars.sidecar import UserAnnotations, is_ours, merged_sidecar


@dataclass
class ExportReport:
    """
    Args:
        written: Sidecars that were written, or would be; unchanged: those that said it all already.
        problems: What could not be written, and why: one line each.
    """

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)


def export_sidecars(
    context: FlowContext, library: str = "all", out: Path | None = None, *, dry_run: bool = False
) -> ExportReport:
    """
    One sidecar for each picture of which something was said, merged with the one that is there.

    Args:
        out: A folder that mirrors the libraries (`<out>/<library>/<path>.xmp`); None: beside the originals.
        dry_run: Only say what would be written.
    Raises:
        UnknownLibrary. StorageUnavailable: The disk is full or read-only.
    """
    if library != "all" and library not in {one.name for one in context.libraries()}:
        raise UnknownLibrary(library)
    report = ExportReport()
    for row in context.lake.rows("cli/xmp_export", library=library):
        try:
            _export(row, out, report, dry_run=dry_run)
        except (InvalidXmp, UnreadableFile) as exc:
            report.problems.append(f"{row['library']}/{row['path']}: {exc}")
    return report


def _export(row: Row, out: Path | None, report: ExportReport, *, dry_run: bool) -> None:
    """Raises InvalidXmp, UnreadableFile, StorageUnavailable."""
    source, target = _source_of(row), _target_of(row, out)
    existing = _read(target)
    is_copy = existing is None and source is not None and source != target
    if is_copy and source is not None:
        existing = _read(source)
    packets, people = _faces_of(row)
    said = UserAnnotations(
        tuple(row["tags"]), row["rating"], row["description"], tuple(row["keywords"]), people=people, packets=packets
    )
    if not said.anything and not (existing and is_ours(existing)):
        return
    wanted = merged_sidecar(existing, said)
    if wanted is None or (wanted == existing and not is_copy):
        report.unchanged += 1
        return
    if target.is_symlink():
        raise UnreadableFile(target, "its sidecar is a symbolic link: left alone")
    if not dry_run:
        atomic_write(target, wanted, mode=mode_in(target.parent))
    report.written.append(to_text(str(target)))


def _faces_of(row: Row) -> tuple[Packets, tuple[NamedBox, ...]]:
    """Opens the original only where somebody is named in it, or a sidecar may name somebody. Raises UnreadableFile."""
    if not row["people"] and not row["sidecar"]:
        return Packets(), ()
    kind = MediaKind(row["media_type"], row["mime_type"])
    packets = read_packets(MediaFile(_beside(row, row["path"]), kind, row["size_bytes"], row["mtime_ns"]))
    named = [NamedBox(one["name"], Box(one["x"], one["y"], one["width"], one["height"])) for one in row["people"]]
    return packets, tuple(named)


def _source_of(row: Row) -> Path | None:
    """The sidecar that scans read for it."""
    if not row["sidecar"]:
        return None
    return _beside(row, posixpath.join(posixpath.dirname(row["path"]), row["sidecar"]))


def _target_of(row: Row, out: Path | None) -> Path:
    """`a.jpg.xmp`; beside the original the sidecar it has, unless that one (`a.xmp`) is another file's as well."""
    if out is not None:
        return out / to_os_name(row["library"]) / to_os_name(f"{row['path']}.xmp")
    source = _source_of(row)
    return source if source and not row["sidecar_is_shared"] else _beside(row, f"{row['path']}.xmp")


def _beside(row: Row, rel_path: str) -> Path:
    return Path(to_os_name(row["root_path"])) / to_os_name(rel_path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UnreadableFile(path, f"its sidecar cannot be read: {exc.strerror}") from exc
