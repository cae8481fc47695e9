"""`darkroom library …`: the configured roots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.cli.common import Json, WrongUsage, Yes, asked_to_go_on, flow_context_of, print_json
from tasks.files.names import printable

library_app = typer.Typer(help="The folders that are libraries.", no_args_is_help=True)


@library_app.command("list")
def list_libraries(context: typer.Context, json: Json = False) -> None:
    """Which there are, where, and how many files they hold."""
    rows = flow_context_of(context.obj).lake.rows("cli/library_counts")
    if json:
        print_json({"libraries": rows})
        return
    for row in rows:
        missing = f", {row['missing']:,} missing" if row["missing"] else ""
        typer.echo(printable(f"{row['library']}  {row['root_path']}  {row['assets']:,} files{missing}"))
    if not rows:
        typer.echo("No library yet: `darkroom scan DIR` makes one.")


@library_app.command("rename")
def rename_library(context: typer.Context, name: str, new_name: str) -> None:
    """Call a library something else; nothing else changes."""
    from flows.admin.library_removal import rename_library as rename

    rename(flow_context_of(context.obj), name, new_name)
    typer.echo(printable(f"{name} is called {new_name.strip()}."))


@library_app.command("move")
def move_library(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name or number.")],
    new_root: Annotated[str, typer.Argument(metavar="NEW_ROOT", help="The folder its files lie in now.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare only, and change nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if it looks like another collection.")] = False,
    json: Json = False,
) -> None:
    """Say that a library's folder moved: numbers, addresses and thumbnails stay. No file is touched."""
    from flows.admin.library_move import move_library as move

    report = move(flow_context_of(context.obj), name, Path(new_root), dry_run=dry_run, force=force)
    if json:
        print_json(report.as_dict())
        return
    typer.echo(printable(str(report)))
    typer.echo(printable(f"{report.library} {'would be' if dry_run else 'is'} at {report.new_root}"))
    if not dry_run:
        typer.echo("`darkroom scan` looks at what changed on the way.")


@library_app.command("remove")
def remove_library(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name or number.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Forget a library: its rows and what was made from it. No original is touched."""
    from flows.admin.library_removal import remove_library as forget

    flow_context = flow_context_of(context.obj)
    report = forget(flow_context, name, dry_run=True)
    if not dry_run:
        if json and not yes:
            raise WrongUsage("--json asks nothing: say --yes too, or --dry-run")
        question = f"Forget {report.library} at {report.root_path}, {report.assets:,} files? The originals stay."
        if not asked_to_go_on(printable(question), yes):
            raise typer.Exit(1)
        report = forget(flow_context, name)
    if json:
        print_json(report.as_dict())
        return
    _tell(report)


def _tell(report: Any) -> None:
    verb = "would be" if report.dry_run else "are"
    rows = sum(report.rows.values())
    typer.echo(printable(f"{report.library} at {report.root_path}: {report.assets:,} files {verb} forgotten"))
    typer.echo(f"{rows:,} rows {verb} deleted, and {report.files:,} files made from them")
    typer.echo("The originals stay where they are.")
    if report.files_left:
        typer.echo(f"{report.files_left:,} of those files could not be deleted: see the folders of `darkroom doctor`")
