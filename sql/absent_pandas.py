"""
DuckDB asks for pandas at every value that is bound to a statement, and Python then looks for it in every folder.

Where it is not installed that took 70 µs a value, a tenth of a page of photos, under a lock of the interpreter. Here
the answer is no at once. Where it is installed nothing is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

NAME = "pandas"


class _Absent(MetaPathFinder):
    """
    Ends an `import`. Who only asks whether there is one (`importlib.util.find_spec`, as transformers does) is told None
    by the finders behind this one: an error is no answer to that.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname == NAME and _is_imported():
            raise ModuleNotFoundError(f"No module named {NAME!r}", name=NAME)
        return None


def _is_imported() -> bool:
    """Whether an import asks, and no question: from the interpreter's own function, whose name is known since 3.4."""
    asked = sys._getframe(2).f_back
    return asked is not None and asked.f_code.co_name == "_find_and_load_unlocked"


def answer_at_once() -> None:
    """Says no to `import pandas` without looking, from now on, where looking finds none now."""
    if any(isinstance(finder, _Absent) for finder in sys.meta_path):
        return
    if NAME not in sys.modules and find_spec(NAME) is None:
        sys.meta_path.insert(0, _Absent())
