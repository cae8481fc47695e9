"""The command line as a person and as a script use it: a process each time."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sql.lake import Lake
from tests.big_library import scan_by_command
from tests.deployments.commands import darkroom
from tests.lakes import name_data_folder
from tests.pictures import age, draw
from tests.waiting import wait_until

TEMPORARY = ".darkroom-"


def answer(*arguments: str) -> Any:
    done = darkroom(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def draw_photos(folder: Path) -> Path:
    for number in range(3):
        draw(folder / f"{number}.jpg", number, taken=f"202{number}:01:02 03:04:05")
    (folder / "bad.jpg").write_bytes(b"no picture")
    age(folder / "bad.jpg")
    return folder


@pytest.fixture
def photos(home: Path, tmp_path: Path) -> Path:
    return draw_photos(tmp_path / "photos")


@pytest.fixture(scope="module")
def scanned_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scanned")
    scan_by_command(folder / "home", draw_photos(folder / "photos"))
    return folder / "home"


@pytest.fixture
def scanned_home(home: Path, scanned_once: Path) -> Path:
    """A home of one's own in which such photos were scanned, for tests that change no photo."""
    shutil.copytree(scanned_once, home)
    name_data_folder(home / "lake")
    return home


def test_scan_prints_one_json_object_with_the_promised_numbers(photos: Path) -> None:
    report = answer("scan", str(photos))
    assert {name: report[name] for name in ("found", "new", "failed", "thumbnails", "skipped")} == {
        "found": 4, "new": 4, "failed": 1, "thumbnails": 3, "skipped": 0,
    }  # fmt: skip
    assert {"changed", "moved", "missing", "restored", "seconds"} <= set(report)
    assert answer("scan")["new"] == 0


def test_status_failures_and_retry_tell_one_story(scanned_home: Path) -> None:
    stages = {stage["stage"]: stage for stage in answer("status")["libraries"][0]["stages"]}
    assert (stages["thumbnail"]["done"], stages["thumbnail"]["failed"], stages["thumbnail"]["backlog"]) == (3, 1, 0)
    failed = answer("failures", "--stage", "thumbnail")["failures"]
    assert [row["path"] for row in failed] == ["bad.jpg"]
    assert answer("retry", "bad.jpg", "--stage", "thumbnail") == {"asked_again": 1}
    stages = {stage["stage"]: stage for stage in answer("status")["libraries"][0]["stages"]}
    assert stages["thumbnail"]["backlog"] == 1


def test_sql_answers_in_every_format_and_writes_nothing(scanned_home: Path, tmp_path: Path) -> None:
    query = (
        "select path, year(taken_at) as year, keywords from v_assets where taken_at is not null order by path limit 1"
    )
    assert "0.jpg" in darkroom("sql", query).stdout
    assert json.loads(darkroom("sql", query, "--format", "json").stdout)[0]["year"] == 2020
    assert darkroom("sql", query, "--format", "csv").stdout.splitlines()[1].startswith('"0.jpg",2020')
    refused = darkroom("sql", "delete from asset")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "read-only" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_parquet_goes_through_a_pipe(scanned_home: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    with target.open("wb") as file:
        command = [sys.executable, "-m", "deployments.cli.app", "sql", "from v_assets", "--format", "parquet"]
        subprocess.run(command, stdout=file, check=True, timeout=60)
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(target).num_rows == 4


def test_sql_at_an_earlier_time_shows_the_catalog_of_then(photos: Path) -> None:
    answer("scan", str(photos))
    then = answer("history")["history"][0]["snapshot_id"]
    (photos / "0.jpg").unlink()
    answer("scan")
    count = "select count(*) as n from v_assets where missing_since is null"
    assert json.loads(darkroom("sql", count, "--format", "json").stdout) == [{"n": 3}]
    assert json.loads(darkroom("sql", count, "--format", "json", "--at", str(then)).stdout) == [{"n": 4}]
    assert darkroom("sql", count, "--at", "tomorrow").returncode == 2
    assert darkroom("sql", count, "--at", "999999").returncode == 2


def test_history_of_a_file_follows_it_through_a_move(photos: Path) -> None:
    answer("scan", str(photos))
    (photos / "sub").mkdir()
    shutil.move(photos / "0.jpg", photos / "sub" / "0.jpg")
    answer("scan")
    told = [(row["what"], row["path"]) for row in answer("history", "sub/0.jpg")["history"]]
    assert told == [("first seen", "0.jpg"), ("changed", "sub/0.jpg")]


def test_shell_answers_statements_and_survives_mistakes(scanned_home: Path) -> None:
    done = darkroom("sql", stdin=".views\nselect nonsense;\nselect count(*) * 100 as n\nfrom v_assets;\n.quit\n")
    assert "v_assets" in done.stdout
    assert "400" in done.stdout
    assert "nonsense" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["scan"], 2, "which folder your photos are in"),
        (["scan", "/no/such/folder"], 1, "no folder /no/such/folder"),
        (["scan", "--quick", "--full"], 2, "exclude each other"),
        (["retry"], 2, "say what to retry"),
        (["sql", "select 1", "--format", "xml"], 2, "--format is one of"),
        (["token", "nobody"], 2, "nobody"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_errors_are_one_line_that_says_what_to_do(home: Path, arguments: list[str], code: int, says: str) -> None:
    done = darkroom(*arguments)
    assert done.returncode == code
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_wrong_setting_is_named(home: Path) -> None:
    done = darkroom("status", THUMBNAIL_SIZE="huge")
    assert done.returncode == 2
    assert "THUMBNAIL_SIZE" in done.stderr


def test_library_that_lost_most_files_exits_with_the_numbers_and_the_way_on(photos: Path) -> None:
    answer("scan", str(photos))
    for path in photos.iterdir():
        path.unlink()
    done = darkroom("scan", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "4 files are known" in done.stderr
    assert "--accept-loss" in done.stderr


def test_damaged_catalog_is_one_line(scanned_home: Path) -> None:
    (scanned_home / "lake" / "catalog.sqlite").write_bytes(b"garbage" * 5000)
    done = darkroom("status")
    assert done.returncode == 1
    assert "catalog.sqlite" in done.stderr
    assert "Traceback" not in done.stderr


def test_accounts_are_made_listed_and_removed(home: Path) -> None:
    assert darkroom("user", "add", "anna", "--password-stdin", stdin="correct horse\n").returncode == 0
    assert [row["name"] for row in answer("user", "list")["users"]] == ["anna"]
    assert len(darkroom("token", "anna").stdout.strip().split(".")) == 3
    assert darkroom("user", "add", "anna", "--password-stdin", stdin="other words\n").returncode == 2
    assert darkroom("user", "remove", "anna").returncode == 0
    assert darkroom("token", "anna").returncode == 2


def catalog(home: Path) -> list[dict[str, Any]]:
    """Everything the catalog says, but for when and by which run."""
    with Lake(f"sqlite:///{home / 'lake' / 'catalog.sqlite'}", str(home / "lake" / "data"), read_only=True) as lake:
        return (
            lake.select("select * exclude (first_seen_at, asset_id) from v_assets order by path")
            + lake.select(
                "select path, kind, file, width, height, size_bytes, content_hash from v_derivatives order by all"
            )
            + lake.select("select path, stage, error_class, attempts from v_failures order by all")
        )


def test_scan_killed_anywhere_and_run_again_ends_in_the_same_catalog(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "photos"
    for number in range(150):
        draw(library / f"{number % 5}" / f"{number}.jpg", number, size=(1200, 900))
    (library / "bad.jpg").write_bytes(b"no picture")
    age(library / "bad.jpg")
    monkeypatch.setenv("DARKROOM_HOME", str(tmp_path / "undisturbed"))
    answer("scan", str(library))
    monkeypatch.setenv("DARKROOM_HOME", str(home))
    kills = 0
    for thumbnails in (0, 1, 75, 140):
        scan = subprocess.Popen(
            [sys.executable, "-m", "deployments.cli.app", "scan", str(library), "--json"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        made = lambda: len(list((home / "thumbnails").rglob("*.jpg")))  # noqa: E731
        begun = lambda: (home / "lake" / "catalog.sqlite").exists() and made() >= thumbnails  # noqa: B023, E731
        wait_until(lambda: scan.poll() is not None or begun())  # noqa: B023
        kills += scan.poll() is None
        scan.send_signal(signal.SIGKILL)
        scan.wait()
        for picture in (home / "thumbnails").rglob("*.jpg") if (home / "thumbnails").exists() else ():
            assert picture.read_bytes().endswith(b"\xff\xd9"), "a half-written thumbnail can be seen"
    assert kills
    answer("scan", str(library))
    assert catalog(home) == catalog(tmp_path / "undisturbed")
    assert not [path for path in (home / "thumbnails").rglob("*") if path.name.startswith(TEMPORARY)]


def test_ctrl_c_says_that_nothing_is_lost(home: Path, tmp_path: Path) -> None:
    for number in range(150):
        draw(tmp_path / "photos" / f"{number}.jpg", number, size=(1600, 1200))
    scan = subprocess.Popen(
        [sys.executable, "-m", "deployments.cli.app", "scan", str(tmp_path / "photos"), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: list((home / "thumbnails").rglob("*.jpg")))
    scan.send_signal(signal.SIGINT)
    out, err = scan.communicate(timeout=120)
    assert (scan.returncode, out) == (130, "")
    assert "stopped; what was done is kept" in err
    assert answer("scan")["found"] == 150


def test_loss_is_accepted_for_a_named_library_only(photos: Path, tmp_path: Path) -> None:
    draw(tmp_path / "second" / "x.jpg", 9)
    answer("scan", str(photos), str(tmp_path / "second"))
    refused = darkroom("scan", "--accept-loss")
    assert refused.returncode == 2
    assert "there are several libraries" in " ".join(refused.stderr.split())


def test_lost_library_does_not_keep_the_others_from_being_drained(photos: Path, tmp_path: Path) -> None:
    draw(tmp_path / "second" / "x.jpg", 9)
    answer("scan", str(photos), str(tmp_path / "second"))
    shutil.rmtree(photos)
    draw(tmp_path / "second" / "y.png", 10)
    done = darkroom("scan")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    second = next(row for row in answer("status")["libraries"] if row["library"] == "second")
    assert all(stage["backlog"] == 0 for stage in second["stages"])


def test_file_name_with_control_characters_cannot_steer_the_terminal(home: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "e\x1b]0;owned\x07.jpg").write_bytes(b"no picture")
    age(tmp_path / "photos" / "e\x1b]0;owned\x07.jpg")
    answer("scan", str(tmp_path / "photos"))
    assert "\x1b" not in darkroom("failures").stdout


@pytest.mark.parametrize("query", ["", "  ", ";", "select 1 a, 2 a", 'select [1] as "q""r"', "select '\x00'"])
def test_odd_statements_end_without_a_traceback(scanned_home: Path, query: str) -> None:
    for output in ("table", "json", "csv"):
        assert "Traceback" not in darkroom("sql", query.replace("\x00", "\\0"), "--format", output).stderr


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://x", "/", "postgresql://nobody:secret@127.0.0.1:1/none"])
def test_catalog_that_cannot_be_is_one_line(home: Path, url: str) -> None:
    done = darkroom("status", DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
