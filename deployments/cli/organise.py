"""`darkroom changes`, `undo` and `export-xmp`: what people said of their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import Json, flow_context_of, print_json
from tasks.files.names import printable


def changes(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="A snapshot number, or a time (2026-11-20T18:30, UTC).")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 30,
    json: Json = False,
) -> None:
    """What people changed: tags, favourites, ratings, persons. `darkroom undo` takes one back."""
    from serving.edits.changes import read_history

    rows = [edit.as_row() for edit in read_history(flow_context_of(context.obj).lake, since, limit).edits]
    if json:
        print_json({"changes": rows})
        return
    for row in rows:
        said = printable(f"{row['who'] or '?'}: {row['what']}")
        typer.echo(f"{row['snapshot_id']:>6}  {row['written_at']:%Y-%m-%d %H:%M:%S}  {said}")
    if not rows:
        typer.echo("Nobody has changed anything.")


def undo(
    context: typer.Context,
    snapshot: Annotated[int, typer.Argument(min=0, help="Its number, as `darkroom changes` shows.")],
    json: Json = False,
) -> None:
    """Take back what people changed; an undo can be undone as well."""
    from serving.edits.changes import COMMAND_LINE
    from serving.edits.undo import undo as take_back

    done = take_back(flow_context_of(context.obj).lake, snapshot, COMMAND_LINE)
    if json:
        print_json(done)
        return
    typer.echo(printable(f"Undone: {done['what']}. `darkroom undo {done['snapshot_id']}` does it again."))


def export_xmp(
    context: typer.Context,
    library: Annotated[str, typer.Option(help="Only this one.")] = "all",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="A folder for the sidecars, or `beside` the files.")
    ] = "beside",
    json: Json = False,
) -> None:
    """Write tags, ratings and descriptions into XMP sidecars; originals are never touched."""
    from flows.admin.xmp_export import export_sidecars

    folder = None if out == "beside" else Path(out).absolute()
    report = export_sidecars(flow_context_of(context.obj), library, folder, dry_run=dry_run)
    if json:
        print_json({"written": report.written, "unchanged": report.unchanged, "problems": report.problems})
        return
    for path in report.written if dry_run else []:
        typer.echo(printable(path))
    for line in report.problems:
        typer.echo(printable(f"not written: {line}"), err=True)
    verb = "would be written" if dry_run else "written"
    typer.echo(f"{len(report.written):,} sidecars {verb}, {report.unchanged:,} said it already")
