"""DuckDB looks for pandas at every value that is bound; where there is none it is told so at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_COUNT_LOOKS = """
import sys
from pathlib import Path
from sql.lake import Lake

looks = []

class Spy:
    def find_spec(self, name, path=None, target=None):
        looks.append(name)

home = Path(sys.argv[1])
with Lake(f"sqlite:///{home}/catalog.sqlite", f"{home}/data") as lake:
    sys.meta_path.append(Spy())
    assert lake.select("select $a + $b as c", a=1, b=2) == [{"c": 3}]
    print(looks.count("pandas"))
    from importlib.util import find_spec
    looks.clear()
    assert find_spec("pandas") is None  # a question, not an import: no error
    try:
        import pandas
    except ModuleNotFoundError as exc:
        print(exc.name)
"""


def run(code: str, *arguments: str) -> list[str]:
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return ended.stdout.split()


def test_bound_values_search_no_folder_for_pandas(tmp_path: Path) -> None:
    assert run(_COUNT_LOOKS, str(tmp_path)) == ["0", "pandas"]


def test_pandas_that_is_installed_is_found_as_ever(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
folder = Path(sys.argv[1])
(folder / "pandas.py").write_text("here = True")
sys.path.insert(0, str(folder))
from sql.absent_pandas import answer_at_once
answer_at_once()
import pandas
print(pandas.here)
"""
    assert run(code, str(tmp_path)) == ["True"]


def test_models_of_the_house_load_behind_it(tmp_path: Path) -> None:
    """transformers asks whether there is pandas before anything else."""
    code = """
import sys
from sql.absent_pandas import answer_at_once
answer_at_once()
from tasks.models.embed import MiniLm
print(MiniLm().embed_here(["a beagle"]).shape)
import sklearn.cluster
"""
    assert run(code, str(tmp_path)) == ["(1,", "384)"]
