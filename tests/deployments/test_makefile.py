"""`make run` with the folder names people have."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout whose environment is made already, with a `darkroom` that tells what it was given."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy2(CHECKOUT / name, tmp_path)
    (tmp_path / "deployments").mkdir()
    shutil.copy2(CHECKOUT / "deployments" / "programs.sh", tmp_path / "deployments")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("darkroom", "python"):
        (programs / name).write_text(f'#!/bin/sh\nprintf "{name}"; printf " <%s>" "$@"; echo\n')
        (programs / name).chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    for name, age_seconds in (("pyproject.toml", 100), ("constraints.txt", 100), (".venv/.installed", 50)):
        os.utime(tmp_path / name, (time.time() - age_seconds,) * 2)
    return tmp_path


def make(clone: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["make", *arguments],
        cwd=clone, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["/photos/My Pictures", "/photos/it's $HOME #1 & more", "/photos/Fotos Ö"])
def test_strange_folder_names_arrive_unchanged(clone: Path, name: str) -> None:
    assert f"darkroom <up> <{name}>" in make(clone, "run", f"LIBRARY={name}")


def test_tilde_means_home_whatever_the_shell(clone: Path) -> None:
    assert f"darkroom <up> <{Path.home()}/Pictures>" in make(clone, "run", "LIBRARY=~/Pictures")


def test_without_a_library_a_sample_is_made_first(clone: Path) -> None:
    said = make(clone, "run")
    assert said.index("python <-m> <deployments.sample.draw> <.sample-library>") < said.index(
        "darkroom <up> <.sample-library>"
    )


def test_nothing_is_installed_twice_until_a_requirement_changes(clone: Path) -> None:
    assert "pip" not in make(clone, "install")
    (clone / "pyproject.toml").touch()
    assert "<pip> <install>" in make(clone, "install")
    assert "<pip>" not in make(clone, "install")
