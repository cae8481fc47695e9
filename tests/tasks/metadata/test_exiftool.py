"""exiftool kept open: odd names, hangs, crashes, and what is in flight meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import AssetError, CorruptMedia, DecoderTimeout, ToolMissing
from tasks.metadata.exiftool import ExifTool

ODD_NAMES = [
    b"-delete_original!.jpg", b"-ver", b"two\nlines.jpg", b"return\r.jpg", b" leading.jpg", b"trailing.jpg ",
    b"#comment.jpg", b"#[CSTR]x.jpg", b"echo pwned > pwned |", b"| touch pwned", b"caf\xe9 latin-1.jpg",
    b"a" * 251 + b".jpg",
    "emoji 🐍.jpg".encode(), b"100% & 'quotes' \"double\" [x] $y;.jpg", b"tab\tname.jpg", b"{ready}.jpg",
]  # fmt: skip


def answer_script(tools: Callable[[str], str], hang_on: str = "", die_on: str = "") -> str:
    """A stand-in for exiftool that answers every file with its name, but hangs or dies on one."""
    return tools(
        'while read -r line; do case "$line" in\n'
        f"  *{hang_on or 'NEVER'}*) sleep 30;;\n"
        f"  *{die_on or 'NEVER'}*) exit 1;;\n"
        '  -execute) printf \'[{"File:Name":"%s"}]\\n{ready}\\n\' "$name";;\n'
        "  *) name=${line##*/};;\n"
        "esac; done"
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_file_name_is_an_option_a_pipe_or_two_lines(
    name: bytes, media: Path, tmp_path: Path, exiftool: ExifTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / os.fsdecode(name)
    shutil.copy(media / "2015/safari/example.jpg", path)
    (answer,) = exiftool.read([Path(os.fsdecode(name))], ["-Model"])
    assert answer == {"IFD0:Model": "Canon EOS 6D"}
    assert list(tmp_path.iterdir()) == [path]  # nothing was run, deleted or left behind


def test_answers_come_in_order_however_many_are_asked(media: Path, exiftool: ExifTool) -> None:
    paths = sorted(media.rglob("*.jpg"))[:60]
    answers = exiftool.read(paths, ["-FileName"])
    assert [answer["System:FileName"] for answer in answers if isinstance(answer, dict)] == [p.name for p in paths]


def test_numbers_in_text_stay_the_text_they_are(media: Path, exiftool: ExifTool) -> None:
    (answer,) = exiftool.read([media / "sidecar/iptc-2021.jpg"], ["-Rating"])
    assert answer == {"XMP-xmp:Rating": "1.0"}


def test_a_file_that_hangs_it_is_alone_in_timing_out(tmp_path: Path, script: Callable[[str], str]) -> None:
    paths = [tmp_path / f"{name}.jpg" for name in ("one", "two", "stuck", "four", "five")]
    with ExifTool(answer_script(script, hang_on="stuck"), timeout_seconds=0.3) as tool:
        answers = tool.read(paths, ["-X"])
    assert isinstance(answers[2], DecoderTimeout)
    assert [answer["File:Name"] for answer in answers if isinstance(answer, dict)] == [
        "one.jpg", "two.jpg", "four.jpg", "five.jpg",
    ]  # fmt: skip


def test_a_file_that_kills_it_is_alone_in_failing(tmp_path: Path, script: Callable[[str], str]) -> None:
    paths = [tmp_path / f"{name}.jpg" for name in ("one", "deadly", "three")]
    with ExifTool(answer_script(script, die_on="deadly")) as tool:
        answers = tool.read(paths, ["-X"])
    assert isinstance(answers[1], CorruptMedia)
    assert [isinstance(answer, dict) for answer in answers] == [True, False, True]


def test_killed_from_outside_it_starts_again_and_no_file_pays(media: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    photo = media / "2015/safari/example.jpg"
    with ExifTool() as tool:
        process = tool._process
        assert process is not None
        process.kill()
        process.wait()
        assert tool.read([photo, photo], ["-Model"]) == [{"IFD0:Model": "Canon EOS 6D"}] * 2


def test_a_file_that_does_not_exist_is_an_error_of_its_own(tmp_path: Path, media: Path, exiftool: ExifTool) -> None:
    answers = exiftool.read([tmp_path / "none.jpg", media / "2015/safari/example.jpg"], ["-Model"])
    assert isinstance(answers[0], AssetError)
    assert answers[1] == {"IFD0:Model": "Canon EOS 6D"}


def test_a_program_that_is_not_there_or_says_nothing_is_a_missing_tool(script: Callable[[str], str]) -> None:
    with pytest.raises(ToolMissing), ExifTool("no-such-exiftool"):
        pass
    with pytest.raises(ToolMissing), ExifTool(script("sleep 30"), timeout_seconds=0.2):
        pass
    with pytest.raises(ToolMissing), ExifTool(script("exit 1")):
        pass


def test_nonsense_for_an_answer_is_that_files_error(tmp_path: Path, script: Callable[[str], str]) -> None:
    noise = script('while read -r line; do [ "$line" = -execute ] && printf "%s\\n{ready}\\n" "{[not json"; done')
    with ExifTool(noise) as tool:
        (answer,) = tool.read([tmp_path / "a.jpg"], ["-X"])
    assert isinstance(answer, CorruptMedia)


def test_all_previews_come_in_one_call_largest_first(media: Path, exiftool: ExifTool) -> None:
    previews = exiftool.extract_previews(media / "raw/nikon/D7100_head.NEF")
    assert [len(preview) for preview in previews] == sorted(map(len, previews), reverse=True)
    assert len(previews) == len(set(previews)) == 3
    assert all(preview.startswith(b"\xff\xd8\xff") for preview in previews)


def test_no_preview_is_an_empty_list_and_no_file_an_error(media: Path, tmp_path: Path, exiftool: ExifTool) -> None:
    assert exiftool.extract_previews(media / "2015/safari/example.bmp") == []
    with pytest.raises(AssetError):
        exiftool.extract_previews(tmp_path / "none.nef")


def test_closing_ends_the_process_and_its_scratch_folder(media: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    with ExifTool() as tool:
        process, scratch = tool._process, tool._scratch
        assert process is not None
        assert scratch is not None
    assert process.poll() is not None
    assert not Path(scratch.name).exists()
