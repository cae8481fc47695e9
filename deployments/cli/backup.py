"""`darkroom backup` and `darkroom restore`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import Json, print_json
from deployments.settings import Settings, load_settings
from tasks.files.names import printable


def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backups, best on another disk.")],
    with_derivatives: Annotated[
        bool, typer.Option("--with-derivatives", help="Also thumbnails, previews, GIFs and video streams.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also read what the earlier backup holds; copy again what is damaged.")
    ] = False,
    keep: Annotated[int, typer.Option(min=1, help="How many backups stay in DIR.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be copied, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Back up the data home (catalog, accounts, secrets) while everything runs. The originals are not in it."""
    from deployments.backup.backup import back_up

    with _bar("backing up", quiet=json) as begin:
        report = back_up(
            context.obj, folder.expanduser().absolute(), with_derivatives=with_derivatives, verify=verify,
            dry_run=dry_run, keep=keep, begin=begin,
        )  # fmt: skip
    if json:
        print_json(report.as_dict())
        return
    verb = "would be" if dry_run else "were"
    typer.echo(
        f"{report.backup}: {report.files:,} files, {_megabytes(report.size_bytes)}; {report.copied_files:,} of them "
        f"({_megabytes(report.copied_bytes)}) {verb} copied, {report.linked_files:,} are those of the earlier backup"
    )
    for name in report.damaged:
        typer.echo(printable(f"damaged in the earlier backup, copied again: {name}"), err=True)
    if report.removed:
        typer.echo(f"removed the oldest: {', '.join(report.removed)}")
    typer.echo("It holds the secrets that sign logins and every name and place in the catalog: keep it to yourself.")
    typer.echo(f"Not in it: {'; '.join(report.left_out)}.")


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backups, or one of them.")],
    home: Annotated[Path | None, typer.Option(help="Where to, in place of DARKROOM_HOME.")] = None,
    at: Annotated[str, typer.Option(help="Which backup: its name or the beginning of it; the newest without.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a home that is not empty aside, and restore in its place.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every file of the backup, and change nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Put a backup back, at this home or another one. Every file is checked before anything changes."""
    from deployments.backup.restore import restore as put_back

    settings: Settings = load_settings(darkroom_home=home) if home is not None else context.obj
    with _bar("restoring", quiet=json) as begin:
        report = put_back(
            settings, folder.expanduser().absolute(), at=at, replace=replace, dry_run=dry_run, begin=begin
        )
    if json:
        print_json(report.as_dict())
        return
    verb = "is whole" if dry_run else f"is restored in {report.home}"
    typer.echo(f"{report.backup} {verb}: {report.files:,} files, {_megabytes(report.size_bytes)}")
    if report.moved_away:
        typer.echo(f"What was there lies in {report.moved_away}; delete it when nothing is missed.")
    for library in report.missing_libraries:
        typer.echo(printable(f"library {library['name']}: there is no folder {library['root_path']} on this machine: "
                             f"mount it there, or `darkroom library move {library['name']} NEW_FOLDER`"))  # fmt: skip
    if not report.with_derivatives:
        typer.echo(
            "Thumbnails and videos are not in this backup: nightly `maintenance` sees that, and they are made again."
        )
    if home is not None and not dry_run:
        typer.echo(f"Start it with DARKROOM_HOME={report.home}")


@contextmanager
def _bar(label: str, *, quiet: bool) -> Iterator[Callable[[int], Callable[[int], None]]]:
    """A bar of bytes on a terminal; yields what is told the total and answers what is told of progress."""
    if quiet or not sys.stderr.isatty():
        yield lambda _total: lambda _bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def begin(total: int) -> Callable[[int], None]:
            task = progress.add_task(label, total=total)
            return lambda count: progress.advance(task, count)

        yield begin


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
