"""A home is backed up while it is used, destroyed, and put back elsewhere by somebody else, with every row."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.backup.backup import UNFINISHED, CannotBackUp, back_up, finished_backups
from deployments.backup.manifest import MANIFEST
from deployments.backup.restore import CannotRestore, restore
from deployments.cli.read_only import documented_views
from deployments.settings import Settings
from sql.lake import Lake
from tasks.errors import IntegrityError
from tests.deployments.live import wait_for
from tests.pictures import draw

CHECKOUT = Path(__file__).resolve().parents[2]


def settings_of(home: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, darkroom_home=home, **more)  # type: ignore[call-arg]


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return kept | {"PYTHONPATH": str(CHECKOUT), "DARKROOM_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


def darkroom(
    *arguments: str, home: Path, folder: Path, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-P", "-m", "deployments.cli.app", *arguments], env=environment(home), cwd=folder,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def views(home: Path) -> dict[str, list[str]]:
    """Every row of every documented view, as sorted text."""
    with Lake(f"sqlite:///{home}/lake/catalog.sqlite", f"{home}/lake/data", read_only=True) as lake:
        return {view: sorted(map(str, lake.select(f"from {view}"))) for view in documented_views()}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `photos` and a `home` in which they were scanned; its catalog has files and inlined rows."""
    folder = tmp_path_factory.mktemp("backed up")
    for number in range(4):
        draw(folder / "photos" / f"{number}.jpg", number)
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing more")
    assert darkroom("scan", "photos", home=folder / "home", folder=folder).returncode == 0
    home = folder / "home"
    with Lake(f"sqlite:///{home}/lake/catalog.sqlite", f"{home}/lake/data") as lake, lake.write() as writer:
        writer.append("run", [{"run_id": f"r{n}", "flow": "scan", "state": "completed"} for n in range(700)])
    (home / "secrets").mkdir(exist_ok=True)
    (home / "secrets" / "secret_key").write_text("signs")
    return folder


@pytest.fixture
def backed_up(scanned: Path, tmp_path: Path) -> Iterator[Path]:
    target = tmp_path / "backups"
    back_up(settings_of(scanned / "home"), target, with_derivatives=True)
    yield target


def test_backup_of_a_destroyed_home_has_every_row_at_another_place(scanned: Path, tmp_path: Path) -> None:
    before = views(scanned / "home")
    lost = tmp_path / "lost"
    shutil.copytree(scanned / "home", lost)
    made = darkroom("backup", "saved", "--with-derivatives", "--json", home=lost, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    report = json.loads(made.stdout)
    assert report["copied_files"] == report["files"] > 5 and "original" in report["left_out"][0]
    thumbnails = sorted(path.relative_to(lost) for path in (lost / "thumbnails").rglob("*.jpg"))
    shutil.rmtree(lost)
    back = darkroom("restore", "saved", "--home", "elsewhere", home=tmp_path / "unused", folder=tmp_path)
    assert back.returncode == 0, back.stderr
    found = tmp_path / "elsewhere"
    assert views(found) == before and len(before["v_runs"]) > 700 and before["v_assets"]
    assert sorted(path.relative_to(found) for path in (found / "thumbnails").rglob("*.jpg")) == thumbnails != []
    assert (found / "secrets" / "secret_key").read_text() == "signs"
    assert not [path for path in [found, *found.rglob("*")] if path.stat().st_mode & 0o077]
    with Lake(f"sqlite:///{found}/lake/catalog.sqlite", f"{found}/lake/data") as lake:  # it can be gone on with
        with lake.write() as writer:
            writer.append("run", [{"run_id": "after", "flow": "scan"}])
        lake.maintain(1)
    assert len(views(found)["v_runs"]) == len(before["v_runs"]) + 1


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become another user")
def test_another_user_restores_it_at_another_path(backed_up: Path, scanned: Path, tmp_path: Path) -> None:
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | 0o055)
    moved = tmp_path / "of nobody"
    shutil.move(backed_up, moved)
    for path in [moved, *moved.rglob("*")]:
        os.chown(path, 65534, 65534)
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, 65534)
    become = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    back = darkroom(
        "restore",
        str(moved),
        "--home",
        "theirs/home",
        home=tmp_path / "theirs" / "unused",
        folder=tmp_path,
        before=become,
    )
    assert back.returncode == 0, back.stderr
    assert {path.stat().st_uid for path in (tmp_path / "theirs" / "home").rglob("*")} == {65534}
    assert views(tmp_path / "theirs" / "home") == views(scanned / "home")


def test_second_backup_copies_only_what_changed_and_the_first_stays(
    backed_up: Path, scanned: Path, tmp_path: Path
) -> None:
    (first,) = finished_backups(backed_up)
    home = tmp_path / "home"
    shutil.copytree(scanned / "home", home)
    (home / "gifs").mkdir(exist_ok=True)
    (home / "gifs" / "new.gif").write_bytes(b"GIF")
    report = back_up(settings_of(home), backed_up, with_derivatives=True)
    second = finished_backups(backed_up)[-1]
    assert second != first and report.linked_files >= report.files - 3
    parquet = next((second / "lake" / "data").rglob("*.parquet"))
    assert parquet.stat().st_nlink == 2
    restore(settings_of(tmp_path / "a"), backed_up, at=first.name)
    assert not (tmp_path / "a" / "gifs" / "new.gif").exists()
    restore(settings_of(tmp_path / "b"), backed_up)
    assert (tmp_path / "b" / "gifs" / "new.gif").read_bytes() == b"GIF"
    for _ in range(3):
        report = back_up(settings_of(home), backed_up, keep=2)
    assert len(finished_backups(backed_up)) == 2 and report.removed
    restore(settings_of(tmp_path / "c"), backed_up)
    assert views(tmp_path / "c") == views(home)


def test_backup_during_a_scan_is_one_moment_of_the_catalog(scanned: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(scanned / "home", home)
    for number in range(24):
        draw(tmp_path / "more" / f"{number}.jpg", number)
    with (tmp_path / "scan.log").open("wb") as log:
        scan = subprocess.Popen(
            [sys.executable, "-P", "-m", "deployments.cli.app", "scan", "more"], env=environment(home), cwd=tmp_path,
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            lock = home / "lake" / "catalog.sqlite.lock"
            before = lock.read_bytes()
            wait_for(lambda: scan.poll() is not None or lock.read_bytes() != before, 240, tmp_path / "scan.log")
            while not finished_backups(tmp_path / "saved") or scan.poll() is None:
                back_up(settings_of(home), tmp_path / "saved", keep=3)
        finally:
            scan.kill() if scan.poll() is None else None
    assert scan.returncode == 0, (tmp_path / "scan.log").read_text()
    for backup in finished_backups(tmp_path / "saved"):
        restored = tmp_path / "restored" / backup.name
        restore(settings_of(restored), tmp_path / "saved", at=backup.name)
        found = views(restored)
        assert len(found["v_runs"]) >= 700
        with Lake(f"sqlite:///{restored}/lake/catalog.sqlite", f"{restored}/lake/data") as lake:
            for check in sorted((CHECKOUT / "sql" / "checks").glob("*.sql")):
                assert lake.rows(f"checks/{check.stem}") == [], f"{check.stem} in {backup.name}"


def test_killed_backup_leaves_the_earlier_one_whole(backed_up: Path, scanned: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(scanned / "home", home)
    (home / "gifs").mkdir(exist_ok=True)
    for number in range(3_000):
        (home / "gifs" / f"{number}.gif").write_bytes(b"GIF" * number)
    earlier = finished_backups(backed_up)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "deployments.cli.app", "backup", str(backed_up), "--with-derivatives"],
        env=environment(home), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (backed_up / UNFINISHED / "gifs").exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert (backed_up / UNFINISHED).exists() and finished_backups(backed_up) == earlier
    restore(settings_of(tmp_path / "back"), backed_up)
    assert views(tmp_path / "back") == views(scanned / "home")
    back_up(settings_of(home), backed_up)
    assert not (backed_up / UNFINISHED).exists() and len(finished_backups(backed_up)) == 2


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o600)
    with file.open("r+b") as opened:  # in place: the time stays what a failing disk would leave
        status = file.stat()
        opened.write(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("name", ["lake/catalog.sqlite", "lake/data/**/*.parquet", "secrets/secret_key", MANIFEST])
def test_flipped_bit_is_refused_before_anything_changes(backed_up: Path, tmp_path: Path, name: str) -> None:
    (backup,) = finished_backups(backed_up)
    flip_a_bit(next(backup.glob(name)))
    with pytest.raises(IntegrityError):
        restore(settings_of(tmp_path / "back"), backed_up)
    assert not (tmp_path / "back").exists() and not list(tmp_path.glob(".darkroom*"))


def test_damage_in_an_earlier_backup_is_found_and_copied_again(backed_up: Path, scanned: Path, tmp_path: Path) -> None:
    (backup,) = finished_backups(backed_up)
    flip_a_bit(next((backup / "lake" / "data").rglob("*.parquet")))
    report = back_up(settings_of(scanned / "home"), backed_up, verify=True)
    assert len(report.damaged) == 1 and report.damaged[0].endswith(".parquet")
    restore(settings_of(tmp_path / "back"), backed_up)
    assert views(tmp_path / "back") == views(scanned / "home")


def test_home_that_holds_something_is_moved_aside_only_when_told(backed_up: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine.txt").write_text("kept")
    with pytest.raises(CannotRestore, match="--replace"):
        restore(settings_of(home), backed_up)
    report = restore(settings_of(home), backed_up, replace=True)
    assert report.moved_away and (Path(report.moved_away) / "mine.txt").read_text() == "kept"
    assert (home / "lake" / "catalog.sqlite").exists() and not (home / "mine.txt").exists()


def test_restore_names_libraries_that_are_not_on_this_machine(scanned: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(scanned / "home", home)
    with Lake(f"sqlite:///{home}/lake/catalog.sqlite", f"{home}/lake/data") as lake, lake.write() as writer:
        writer.execute("update library set root_path = '/nowhere/photos'")
    back_up(settings_of(home), tmp_path / "saved")
    back = darkroom("restore", "saved", "--home", "there", home=tmp_path / "unused", folder=tmp_path)
    assert "/nowhere/photos" in back.stdout and "library move" in back.stdout


def test_dry_runs_write_nothing(backed_up: Path, scanned: Path, tmp_path: Path) -> None:
    files = sorted(backed_up.rglob("*"))
    report = back_up(settings_of(scanned / "home"), backed_up, dry_run=True)
    assert report.linked_files and sorted(backed_up.rglob("*")) == files
    back_up(settings_of(scanned / "home"), tmp_path / "not made", dry_run=True)
    assert not (tmp_path / "not made").exists()
    assert restore(settings_of(tmp_path / "back"), backed_up, dry_run=True).files == report.files + _thumbnails(scanned)
    assert not (tmp_path / "back").exists()


def _thumbnails(scanned: Path) -> int:
    names = ("gifs", "previews", "thumbnails", "video")
    return sum(path.is_file() for name in names for path in (scanned / "home" / name).rglob("*"))


def test_places_and_catalogs_that_cannot_be_backed_up_are_refused_in_words(scanned: Path, tmp_path: Path) -> None:
    home = scanned / "home"
    with pytest.raises(CannotBackUp, match="inside"):
        back_up(settings_of(home), home / "backups")
    with pytest.raises(CannotBackUp, match="library photos"):
        back_up(settings_of(home), scanned / "photos" / "backups")
    with pytest.raises(CannotBackUp, match="pg_dump"):
        back_up(settings_of(home, database_url="postgresql://x/y"), tmp_path / "b")
    with pytest.raises(CannotBackUp, match="s3://"):
        back_up(settings_of(home, lake_data_path="s3://bucket/x/"), tmp_path / "b")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(CannotBackUp, match="other things"):
        back_up(settings_of(home), tmp_path / "full")


def test_backup_that_names_files_outside_of_the_home_is_refused(backed_up: Path, tmp_path: Path) -> None:
    from blake3 import blake3

    (backup,) = finished_backups(backed_up)
    lines = (backup / MANIFEST).read_text().splitlines(keepends=True)[:2]
    lines[1] = json.dumps({**json.loads(lines[1]), "name": "../../escaped"}) + "\n"
    seal = json.dumps({"seal": blake3("".join(lines).encode()).hexdigest()}) + "\n"
    (backup / MANIFEST).write_text("".join(lines) + seal)
    with pytest.raises(IntegrityError, match="outside"):
        restore(settings_of(tmp_path / "back"), backed_up)
