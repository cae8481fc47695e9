"""The command line. Answers go to stdout, progress and errors to stderr; what a command needs is imported by it."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.cli.accounts import key_app, token, user_app
from deployments.cli.backup import backup, restore
from deployments.cli.common import Json, WrongUsage, flow_context_of, print_json
from deployments.cli.library import library_app
from deployments.cli.organise import changes, export_xmp, undo
from deployments.cli.servers import deploy, prefect_server, serve, worker
from deployments.safe_path import safe_path_environment
from deployments.settings import Settings, load_settings, own_version, settings_problem
from tasks.errors import RefusedError
from tasks.files.names import printable, to_text
from tasks.files.private import close_to_others, deny_others

app = typer.Typer(
    name="darkroom",
    help="Develop a photo and video library: scan, thumbnail, query, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # an error is a line, not a box
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(user_app, name="user")
app.add_typer(key_app, name="key")
app.add_typer(library_app, name="library")
app.command()(token)
app.command()(backup)
app.command()(restore)
app.command()(changes)
app.command()(undo)
app.command(name="export-xmp")(export_xmp)
app.command()(serve)
app.command()(worker)
app.command(name="prefect-server")(prefect_server)
app.command()(deploy)

Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show where an error comes from.")]
Folders = Annotated[list[str] | None, typer.Argument(metavar="[DIR]...", help="Folders of photos and videos.")]


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"darkroom {own_version()}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which this is.")]


@app.callback()
def common(context: typer.Context, verbose: Verbose = False, version: Version = False) -> None:  # noqa: ARG001
    """Read the settings once."""
    settings = load_settings()
    logging.basicConfig(level="DEBUG" if verbose else settings.log_level, stream=sys.stderr)
    _keep_prefect_at_home(settings)
    if closed := close_to_others(settings.private_paths()):
        more = f" and {len(closed) - 1} more below it or configured" if len(closed) > 1 else ""
        typer.echo(f"darkroom: {closed[0]}{more} could be read by other users of this machine; not any more", err=True)
    context.obj = settings


def _keep_prefect_at_home(settings: Settings) -> None:
    """Prefect makes a folder as soon as it is imported: in our data home, not in the person's."""
    folder = settings.darkroom_home / "prefect"
    with suppress(OSError):  # the command itself will say that nothing can be written there
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("PREFECT_HOME", str(folder))


@app.command()
def up(
    context: typer.Context,
    folders: Folders = None,
    no_schedule: Annotated[bool, typer.Option("--no-schedule", help="Start everything, schedule nothing.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port of the API and web pages.")] = None,
    prefect_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port of the Prefect server and UI.")
    ] = None,
) -> None:
    """Start the Prefect server, the worker, the schedules, the API, and a first scan. Ctrl-C stops it all."""
    _register(context.obj, folders, needed=True)
    options = ["--no-schedule"] if no_schedule else []
    options += ["--port", str(port)] if port else []
    options += ["--prefect-port", str(prefect_port)] if prefect_port else []
    sys.stdout.flush()
    # A fresh image of this process: it stays for days, and would keep the 90 MB that opening the lake took.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "deployments.up.run", *options])


@app.command()
def scan(
    context: typer.Context,
    folders: Folders = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only folders that changed since the last scan.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Look at every file (the default).")] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Mark files missing even if most of the library is gone.")
    ] = False,
    json: Json = False,
) -> None:
    """Scan libraries and work off everything that follows, in this process; no server needed."""
    if quick and full:
        raise WrongUsage("--quick and --full exclude each other")
    if quick and accept_loss:
        raise WrongUsage("--accept-loss belongs to a full scan: a quick one finds nothing missing")
    from deployments.cli.progress_bars import open_display
    from flows.engine.context import set_progress_factory
    from flows.engine.whole_run import scan_and_drain

    names = _register(context.obj, folders, needed=True)
    if accept_loss and not folders and len(flow_context_of(context.obj).libraries()) > 1:
        raise WrongUsage("--accept-loss needs the folder whose loss is accepted: there are several libraries")
    if json:
        total = scan_and_drain(names, full=not quick, accept_loss=accept_loss)
    else:
        with open_display() as display:
            set_progress_factory(display)
            total = scan_and_drain(names, full=not quick, accept_loss=accept_loss)
    if json:
        print_json(total)
        return
    said = [f"{value:,} {name}" for name, value in total.items() if isinstance(value, int) and value]
    typer.echo(f"{', '.join(said) or 'nothing found'}, in {total['seconds']:.1f} s")
    for name in total["busy"]:
        typer.echo(f"another scan of {name} is running; this one left it alone", err=True)
    for line in total["unreadable"]:
        typer.echo(f"could not be read: {printable(line)}", err=True)
    if total["waiting"]:
        typer.echo(f"{total['waiting']:,} wait for the next scan or for a missing program: see `darkroom doctor`")
    if total["failed"]:
        typer.echo("`darkroom failures` says which files failed and why.")


@app.command()
def chat(
    context: typer.Context,
    question: str,
    hybrid: Annotated[bool, typer.Option("--hybrid", help="Ask OpenRouter; words leave the flow_context.")] = False,
    model: Annotated[str, typer.Option(help="In place of the configured one.")] = "",
    json: Json = False,
) -> None:
    """Ask about the library; the API must be running."""
    from deployments.cli.chat import ask

    options: dict[str, Any] = {"backend": "hybrid"} if hybrid else {}
    options |= {"model": model} if model else {}
    shown = (lambda _: None) if json else (lambda text: typer.echo(shown_lines(text), nl=False))
    done = ask(context.obj, flow_context_of(context.obj).lake, question, options, shown)
    if json:
        print_json(done)
    else:
        typer.echo("" if done["assistant_message"].endswith("\n") else "\n", nl=False)


@app.command()
def summarise(
    context: typer.Context,
    contact: Annotated[str, typer.Argument(help="One contact; without it all of SUMMARY_CONTACTS.")] = "all",
    redo: Annotated[bool, typer.Option("--redo", help="Also the days whose messages did not change.")] = False,
    json: Json = False,
) -> None:
    """Summarise the messages of each day, in this process; no server needed."""
    if contact == "all" and not context.obj.summary_contacts:
        raise WrongUsage("say whose messages, or set SUMMARY_CONTACTS; docs/sms-api.md says where they come from")
    from flows.daily_summaries import daily_summaries

    numbers = daily_summaries.fn(contact, redo)
    if json:
        print_json(numbers)
    elif numbers.get("busy"):
        typer.echo("another run is at it; this one left it alone", err=True)
    else:
        typer.echo(", ".join(f"{value:,} {name}" for name, value in numbers.items()))


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Per library and stage: assets, done, backlog, failed."""
    from deployments.cli.status import library_status

    flow_context = flow_context_of(context.obj)
    rows = library_status(flow_context.lake, flow_context.settings)
    if json:
        print_json({"libraries": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("library", "stage", *(_right(name) for name in ("assets", "done", "backlog", "failed", "missing")))
    for library in rows:
        for stage in library["stages"]:
            counts = (f"{stage[name]:,}" for name in ("assets", "done", "backlog", "failed"))
            name = f"{stage['stage']} (off)" if stage.get("engine") == "off" else stage["stage"]
            table.add_row(library["library"], name, *counts, f"{library['missing']:,}")
    Console().print(table if rows else "No library yet: run `darkroom scan DIR` or `darkroom up DIR`.")
    if damaged := sum(library["damaged"] for library in rows):
        typer.echo(f"{damaged:,} files are damaged: `darkroom failures --stage verify` says which and what to do.")


@app.command()
def failures(
    context: typer.Context,
    stage: Annotated[str, typer.Option(help="Only this stage: hash, metadata, thumbnail.")] = "",
    json: Json = False,
) -> None:
    """The dead-letter ledger: which files failed, where and why."""
    rows = flow_context_of(context.obj).lake.rows("cli/failures", stage=stage)
    if json:
        print_json({"failures": rows})
        return
    for row in rows:
        typer.echo(printable(f"{row['library']}/{row['path']}  [{row['stage']}, tried {row['attempts']}x]"))
        typer.echo(printable(f"    {row['error_class']}: {row['message']}"))
    typer.echo(f"{len(rows)} failures" if rows else "Nothing failed.")


@app.command()
def retry(
    context: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(help="Files or folders, as `darkroom failures` shows.")] = None,
    stage: Annotated[str, typer.Option(help="Everything that failed at this stage.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that failed.")] = False,
    json: Json = False,
) -> None:
    """Have failed files tried again by the next run."""
    if not (paths or stage or everything):
        raise WrongUsage("say what to retry: PATH…, --stage or --all")
    from flows.work.integrity import retry_failures

    asked = retry_failures(flow_context_of(context.obj), [to_text(path) for path in paths or []], stage)
    if not asked and (paths or stage):
        raise WrongUsage("nothing that failed matches; `darkroom failures` lists what there is")
    if json:
        print_json({"asked_again": asked})
    else:
        typer.echo(f"{asked} will be tried again by the next run; `darkroom scan` runs now.")


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="One statement; without it, a shell opens.")] = None,
    output: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    at: Annotated[str | None, typer.Option(help="As of a time (2026-11-20T18:30) or a snapshot number.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="Read the statement from a file.")] = None,
    example: Annotated[str | None, typer.Option(help="Run a worked example; `list` names them.")] = None,
    allow_files: Annotated[
        bool, typer.Option("--allow-files", help="Let statements read other files, and COPY results to files.")
    ] = False,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="The same as --format csv.")] = False,
) -> None:
    """Read-only SQL over the documented views (`v_columns` describes them); statements may come through a pipe."""
    from deployments.cli.read_only import example_query, open_read_only, run_query, write_table
    from deployments.cli.sql_shell import run_shell, terminal_width

    output = "json" if json else "csv" if csv else output

    if sum(given is not None for given in (query, file, example)) > 1:
        raise WrongUsage("give one of: a query, --file, --example")
    if example == "list":
        from deployments.cli.read_only import example_titles

        typer.echo("\n".join(f"{name:<28} {title}" for name, title in example_titles().items()))
        return
    if file is not None:
        query = file.read_text(encoding="utf-8")
    elif example is not None:
        query = example_query(example)

    if output not in {"table", "csv", "json", "parquet"}:
        raise WrongUsage("--format is one of table, csv, json, parquet")
    with open_read_only(context.obj, at, allow_files=allow_files) as lake:
        if query is None:
            history = context.obj.darkroom_home / "sql_history"
            raise typer.Exit(run_shell(lake, allow_files=allow_files, output=output, history=history))
        if output == "parquet" and sys.stdout.isatty():
            raise WrongUsage("parquet is binary: redirect it, as in `darkroom sql … --format parquet > file`")
        table = run_query(lake, query, allow_files=allow_files)
        write_table(table, sys.stdout.buffer, output, width=terminal_width())  # type: ignore[arg-type]


@app.command()
def history(
    context: typer.Context,
    path: Annotated[str | None, typer.Argument(help="A file, relative to its library.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many snapshots.")] = 30,
    json: Json = False,
) -> None:
    """What was written when; with PATH, what happened to that file."""
    lake = flow_context_of(context.obj).lake
    if path is None:
        rows = lake.rows("cli/snapshots", row_limit=limit)
    else:
        rows = lake.rows("cli/asset_history", path=to_text(path), **lake.rows("cli/snapshot_range")[0])
    if json:
        print_json({"history": rows})
        return
    for row in rows:
        what = f"{row['what']:<10} {row['path']} ({row['size_bytes']:,} bytes)" if path else row["message"]
        what = printable(what)
        typer.echo(f"{row['snapshot_id']:>6}  {row['written_at']:%Y-%m-%d %H:%M:%S}  {what}")
    if not rows:
        typer.echo(f"The catalog never knew a file {path}." if path else "Nothing was written yet.")


@app.command()
def doctor(context: typer.Context, json: Json = False) -> None:
    """What is installed, reachable and in force. Exit code 1 if the main job cannot run."""
    from deployments.cli.doctor import print_checks, run_checks

    checks = run_checks(context.obj)
    if json:
        print_json({"checks": [check.as_dict() for check in checks]})
    else:
        print_checks(checks)
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)


@app.command(hidden=True, name="sample-library")
def sample_library(folder: Path) -> None:
    """Draw a small library to try things with."""
    from deployments.sample.draw import make_sample_library

    made = make_sample_library(folder)
    typer.echo(f"{made} files drawn in {folder}")


def _register(settings: Settings, folders: list[str] | None, *, needed: bool) -> list[str]:
    """The names of the libraries to work on: those of *folders*, else all there are."""
    from flows.admin.libraries import register_library

    flow_context = flow_context_of(settings)
    if folders and not all(folders):
        raise WrongUsage("an empty folder name was given: is a variable unset?")
    if folders:
        return [register_library(flow_context.lake, Path(folder)) for folder in folders]
    if needed and not flow_context.libraries():
        raise WrongUsage("there is no library yet: say which folder your photos are in, or set BASE_PATH")
    return ["all"]


def shown_lines(text: str) -> str:
    """Text of a model for a terminal: as `printable`, but with its line ends."""
    return "\n".join(map(printable, text.split("\n")))


def _right(name: str) -> Any:
    from rich.table import Column

    return Column(name, justify="right")


def main() -> None:
    """Run the command line; an error we know is one line, exit code 1 (2 for wrong usage)."""
    from pydantic import ValidationError

    from sql.lake import LakeError
    from tasks.errors import DarkroomError

    deny_others()
    os.environ.update(safe_path_environment(os.environ))
    try:
        app()
    except ValidationError as exc:
        _complain(settings_problem(exc), 2)
    except RefusedError as exc:
        _complain(str(exc), 2)
    except (DarkroomError, LakeError) as exc:
        _complain(str(exc), 1)
    except OSError as exc:
        _complain(f"{exc.strerror or exc}: {exc.filename}" if exc.filename else str(exc), 1)


def _complain(message: str, code: int) -> None:
    if {"-v", "--verbose"} & set(sys.argv[1:]):
        traceback.print_exc()
    typer.echo(f"darkroom: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    from deployments.cli.interrupts import end_at_once

    end_at_once()
    main()
