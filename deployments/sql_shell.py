"""The SQL shell of `darkroom sql`: statements end with a semicolon, dot commands help."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress

from deployments.read_only import run_query, write_table
from sql.lake import Lake
from tasks.errors import InvalidQuery

WELCOME = """Read-only SQL over the catalog (DuckDB's dialect). End a statement with ;
.views   the views        .columns VIEW   what is in one        .quit   leave"""
VIEWS = "select view_name, count(*) as columns from v_columns group by all order by all"
COLUMNS = "select column_name, comment from v_columns where view_name = '{}' order by position"


def run_shell(lake: Lake, *, allow_files: bool = False) -> None:
    """Read statements until end of input."""
    with suppress(ImportError):  # no line editing there; the shell works without
        import readline  # noqa: F401
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Ctrl-C drops a statement here, it does not leave
    print(WELCOME)
    statement = ""
    while True:
        try:
            line = input("darkroom> " if not statement else "      ...> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            statement = ""
            continue
        if not statement and line.strip().startswith("."):
            if line.strip() in {".quit", ".exit", ".q"}:
                return
            _show(lake, _dot_command(line.strip()), allow_files)
            continue
        statement = f"{statement}\n{line}".strip()
        if statement.endswith(";"):
            _show(lake, statement, allow_files)
            statement = ""


def _dot_command(line: str) -> str:
    words = line.split()
    if words[0] == ".columns" and len(words) == 2 and words[1].isidentifier():
        return COLUMNS.format(words[1])
    return VIEWS


def _show(lake: Lake, statement: str, allow_files: bool) -> None:
    try:
        write_table(run_query(lake, statement, allow_files=allow_files), sys.stdout.buffer, "table")
    except InvalidQuery as exc:
        print(exc, file=sys.stderr)
    sys.stdout.flush()
