"""The SQL shell of `darkroom sql`: statements end with a semicolon, dot commands help."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from deployments.cli.read_only import Format, run_query, write_table
from sql.lake import Lake
from tasks.errors import InvalidQuery

WELCOME = "Read-only SQL over the catalog (DuckDB's dialect). End a statement with ; - help says more, exit leaves."
HELP = """Statements end with ; and may have many lines. They see the documented views, and change nothing.
.views           the views: what is there to ask        show tables;       the same, by name only
.columns VIEW    what is in one, column by column       describe v_assets; the same, with types
.help, help      this                                   .quit, exit, Ctrl-D leave
Tab completes views, columns and keywords. Ctrl-C drops a statement, also one that runs. Up finds earlier ones.
Examples to start from: darkroom sql --example list"""
VIEWS = "select view_name, count(*) as columns from v_columns group by all order by all"
COLUMNS = "select column_name, comment from v_columns where view_name = '{}' order by position"
HISTORY_LINES = 10_000
_LEAVE = {".quit", ".exit", ".q", "exit", "quit", "exit;", "quit;"}
_HELP = {".help", ".h", "help", "help;"}
# A semicolon ends a statement where it is not in a comment, a string or a quoted name, finished or not.
_PART = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)|\$\$.*?(?:\$\$|\Z)|;", re.DOTALL
)


class SqlShell:
    """
    Args:
        history: File of earlier statements, kept for the user alone; None keeps none.
    """

    def __init__(
        self, lake: Lake, *, allow_files: bool = False, output: Format = "table", history: Path | None = None
    ) -> None:
        self._lake, self._allow_files, self._output = lake, allow_files, output
        self._history = history
        self._interactive = sys.stdin.isatty()
        self._failed = False

    def run(self) -> int:
        """Read statements until the end; the exit code: 1 where one failed and nobody sat there to see it."""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Ctrl-C drops a statement here, it does not leave
        if self._interactive:
            self._edit_lines()
            print(WELCOME)
        try:
            self._read()
        finally:
            self._keep_history()
        return int(self._failed and not self._interactive)

    def _read(self) -> None:
        text = ""
        while True:
            try:
                line = self._line("      ...> " if text.strip() else "darkroom> ")
            except EOFError:
                if self._interactive:
                    print()
                elif text.strip():
                    self._answer(text)  # a file's last statement needs no semicolon
                return
            except KeyboardInterrupt:
                print()
                text = ""
                continue
            word = line.strip()
            if word.lower() in _LEAVE:
                return
            if word.lower() in _HELP:
                print(HELP)
            elif re.fullmatch(r"\.[a-z]+( .*)?", word):
                self._dot_command(word)
            else:
                statements, text = split_statements(f"{text}\n{line}")
                for statement in statements:
                    self._answer(statement)

    def _line(self, prompt: str) -> str:
        if self._interactive:
            return input(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    def _dot_command(self, line: str) -> None:
        words = line.split()
        if words[0] == ".views":
            self._answer(VIEWS)
        elif words[0] == ".columns" and len(words) == 2 and words[1].isidentifier():
            self._answer(COLUMNS.format(words[1]))
        else:
            print(f"there is no command {line}; .help names them", file=sys.stderr)

    def _answer(self, statement: str) -> None:
        started = time.monotonic()
        try:
            table = run_query(self._lake, statement, allow_files=self._allow_files)
        except (KeyboardInterrupt, duckdb.InterruptException):
            print("cancelled", file=sys.stderr)
            return
        except InvalidQuery as exc:
            cancelled = isinstance(exc.__cause__, duckdb.InterruptException)
            print("cancelled" if cancelled else exc, file=sys.stderr)
            self._failed = True
            return
        except RuntimeError as exc:  # how DuckDB passes a KeyboardInterrupt on
            if "interrupted" not in str(exc).lower():
                raise
            print("cancelled", file=sys.stderr)
            return
        sys.stdout.flush()
        write_table(table, sys.stdout.buffer, self._output, width=terminal_width())
        sys.stdout.buffer.flush()
        if self._interactive:
            rows = f"{table.num_rows:,} row{'' if table.num_rows == 1 else 's'}"
            print(f"{rows} in {time.monotonic() - started:.3f} s")

    def _edit_lines(self) -> None:
        try:
            import readline
        except ImportError:  # no line editing there; the shell works without
            return
        completer = Completer(self._lake)
        readline.set_completer(completer.complete)
        readline.set_completer_delims(" \t\n()=<>+-*/%,;'\"|!")
        editline = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if editline else "tab: complete")
        readline.set_history_length(HISTORY_LINES)
        if self._history is not None:
            with suppress(OSError):
                readline.read_history_file(self._history)

    def _keep_history(self) -> None:
        if self._interactive and self._history is not None:
            with suppress(ImportError, OSError):
                import readline

                os.close(os.open(self._history, os.O_WRONLY | os.O_CREAT, 0o600))
                self._history.chmod(0o600)
                readline.write_history_file(self._history)


class Completer:
    """What Tab offers: views, the columns of the views a line names (of all, where it names none), and keywords."""

    def __init__(self, lake: Lake) -> None:
        self._columns: dict[str, list[str]] = {}
        for row in lake.select("select view_name, column_name from v_columns order by view_name, position"):
            self._columns.setdefault(row["view_name"], []).append(row["column_name"])
        with duckdb.connect() as connection:
            found = connection.execute("select keyword_name from duckdb_keywords() where keyword_category = 'reserved'")
            self._keywords = [name for (name,) in found.fetchall()]
        self._offered: list[str] = []

    def complete(self, text: str, state: int) -> str | None:
        """readline's protocol: the state-th offer for *text*."""
        if state == 0:
            import readline

            self._offered = self.offers(text, readline.get_line_buffer())
        return self._offered[state] if state < len(self._offered) else None

    def offers(self, text: str, line: str) -> list[str]:
        """Everything that *text* can become, in the *line* it stands in."""
        before, dot, word = text.rpartition(".")
        named = [view for view in self._columns if re.search(rf"\b{view}\b", line, re.IGNORECASE)]
        columns = sorted({column for view in named or self._columns for column in self._columns[view]})
        if text.startswith("."):
            return [one for one in (".columns", ".help", ".quit", ".views") if one.startswith(text)]
        words = self._columns.get(before, columns) if dot else [*self._columns, *columns, *self._keywords]
        return [f"{before}{dot}{one}" for one in words if one.startswith(word.lower())]


def split_statements(text: str) -> tuple[list[str], str]:
    """The statements of *text* that are finished, without their semicolons, and the rest."""
    statements, start = [], 0
    for part in _PART.finditer(text):
        if part[0] == ";":
            statements.append(text[start : part.start()].strip())
            start = part.end()
    return [statement for statement in statements if statement], text[start:]


def terminal_width() -> int | None:
    """Columns of the terminal that sees the answer; None where it goes into a file or a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def run_shell(lake: Lake, **options: Any) -> int:
    """As `SqlShell`."""
    return SqlShell(lake, **options).run()
