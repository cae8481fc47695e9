"""What Darkroom keeps is for the user it runs as, whatever the umask; a library stays as open as it was."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.cli.doctor import run_checks
from deployments.settings import Settings, load_settings
from tests.pictures import draw

CHECKOUT = Path(__file__).resolve().parents[2]


def darkroom(*arguments: str, folder: Path, umask: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return subprocess.run(
        [sys.executable, "-P", "-m", "deployments.cli.app", *arguments],
        env=kept | {"PYTHONPATH": str(CHECKOUT), "DARKROOM_HOME": str(folder / "home")} | variables,
        cwd=folder, capture_output=True, text=True, timeout=240, check=False, umask=umask,
    )  # fmt: skip


def exposed(folder: Path) -> list[str]:
    """Everything under *folder*, and itself, that group or others may do anything with."""
    paths = [folder, *folder.rglob("*")]
    return [f"{path} {stat.S_IMODE(path.lstat().st_mode):o}" for path in paths if path.lstat().st_mode & 0o077]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos and the home that a scan under umask 0 made of them, thumbnails beside it."""
    folder = tmp_path_factory.mktemp("private")
    folder.chmod(0o755)
    for number in range(3):
        draw(folder / "photos" / f"{number}.jpg", number)
    (folder / "photos").chmod(0o755)  # whatever the umask that other tests left in this process
    done = darkroom("scan", "photos", folder=folder, THUMBNAILS=str(folder / "thumbs"))
    assert done.returncode == 0, done.stderr
    return folder


def test_nothing_of_a_new_home_is_open_to_others_whatever_the_umask(scanned: Path) -> None:
    assert list((scanned / "thumbs").rglob("*.jpg")) and list((scanned / "home").rglob("*.sqlite"))
    assert exposed(scanned / "home") == []
    assert exposed(scanned / "thumbs") == []


def test_open_home_is_closed_on_the_next_start_with_a_word(scanned: Path) -> None:
    for folder in (scanned / "home", scanned / "thumbs"):
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    environment = {"THUMBNAILS": str(scanned / "thumbs")}
    first = darkroom("status", folder=scanned, **environment)
    assert "could be read by other users" in first.stderr and str(scanned / "home") in first.stderr
    again = darkroom("status", folder=scanned, **environment)
    assert again.stderr == "" and again.returncode == 0
    for closed in ("home", "home/lake", "home/lake/catalog.sqlite"):
        assert not stat.S_IMODE((scanned / closed).stat().st_mode) & 0o077, closed
    for shared in ("photos", "thumbs"):
        assert (scanned / shared).stat().st_mode & 0o055, f"{shared} may be somebody's to share"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look through somebody else's vision")
def test_another_user_of_the_machine_reads_nothing(scanned: Path) -> None:
    for path in (scanned, *scanned.parents):
        path.chmod(path.stat().st_mode | 0o055)
    look = f"import os, pathlib; os.setuid(65534); print(list(pathlib.Path({str(scanned / 'home')!r}).iterdir()))"
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert seen.returncode and "PermissionError" in seen.stderr


@pytest.mark.parametrize("variable", ["DATABASE_URL", "LAKE_DATA_PATH", "THUMBNAILS", "VIDEO_PATH"])
def test_folder_of_others_that_a_setting_names_is_left_as_it_is(tmp_path: Path, variable: str) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    darkroom("status", folder=tmp_path, **{variable: str(shared)})
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755


@pytest.mark.parametrize("folder", ["home", "home/thumbnails"])
def test_doctor_names_what_others_can_read(home: Path, tmp_path: Path, folder: str) -> None:
    home.mkdir(mode=0o700)
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder).chmod(0o755)
    found = {check.name: check for check in run_checks(load_settings())}
    assert found["private data"].state == "warn" and str(tmp_path / folder) in found["private data"].found


def test_what_is_written_into_a_library_is_as_open_as_the_library(scanned: Path) -> None:
    draw(scanned / "photos" / "sub" / "tagged.jpg", 5)
    (scanned / "photos" / "sub").chmod(0o775)
    snippet = (
        "from pathlib import Path; from serving.upload.incoming_file import publish;"
        "from tasks.files.private import deny_others;"
        "from tasks.files.atomic_write import atomic_write; from tasks.files.private import mode_in;"
        f"deny_others(); root = Path({str(scanned / 'photos')!r}); beside = root / '.darkroom-x';"
        "beside.write_bytes(b'x');"
        "publish(beside, root / 'sub' / 'new' / 'up.jpg', root);"
        "atomic_write(root / 'sub' / 'a.xmp', b'x', mode=mode_in(root / 'sub'))"
    )
    subprocess.run([sys.executable, "-c", snippet], cwd=CHECKOUT, check=True)
    modes = {
        name: stat.S_IMODE((scanned / "photos" / "sub" / name).stat().st_mode)
        for name in ("new", "new/up.jpg", "a.xmp")
    }
    assert modes == {"new": 0o775, "new/up.jpg": 0o664, "a.xmp": 0o664}
