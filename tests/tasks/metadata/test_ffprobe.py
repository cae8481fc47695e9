"""ffprobe on real videos, on broken ones, and on files that would have it open others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import AssetError, CorruptMedia, DecoderTimeout, ToolMissing, UnreadableFile, UnsupportedMedia
from tasks.metadata.ffprobe import ffprobe_version, probe


def test_a_sideways_video_is_measured_upright(media: Path, ffprobe: str) -> None:
    found = probe(media / "video/phone/rotated_hdr_video.mov", ffprobe)
    assert (found.width, found.height, found.rotation) == (1080, 1920, 90)
    assert (found.video_codec, found.frame_rate) == ("hevc", 24.0)
    assert found.tags["com.apple.quicktime.creationdate"].startswith("2024-01-22T10:47:18")


def test_sound_alone_has_no_picture(media: Path, ffprobe: str) -> None:
    found = probe(media / "video/video_without_video_stream.mp4", ffprobe)
    assert (found.width, found.video_codec, found.audio_codec) == (None, None, "aac")


@pytest.mark.parametrize("name", ["odd/broken.mp4", "odd/truncated_no_moov.mp4"])
def test_a_damaged_video_says_what_is_missing(name: str, media: Path, ffprobe: str) -> None:
    with pytest.raises(CorruptMedia, match="moov atom not found"):
        probe(media / name, ffprobe)


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{other}'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>http://127.0.0.1:{port}/'
        "</BaseURL></Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
    ],
)
def test_a_playlist_in_disguise_opens_nothing_else(playlist: str, media: Path, tmp_path: Path, ffprobe: str) -> None:
    called = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_notice_a_call, args=(server, called), daemon=True).start()
        disguised = tmp_path / "holiday.mp4"
        disguised.write_text(playlist.format(other=media / "video/video.mp4", port=server.getsockname()[1]))
        with pytest.raises(AssetError):
            probe(disguised, ffprobe)
    assert not called.is_set()


def _notice_a_call(server: socket.socket, called: threading.Event) -> None:
    try:
        server.accept()
    except OSError:
        return
    called.set()


def test_text_is_no_video(media: Path, tmp_path: Path, ffprobe: str) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("nothing to see here\n" * 100)
    with pytest.raises(UnsupportedMedia):
        probe(path, ffprobe)


@pytest.mark.parametrize("name", ["-version.mp4", "http:x.mp4", "concat:a|b.mp4", "two\nlines.mp4", "%03d.mp4"])
def test_no_file_name_is_an_option_or_a_protocol(
    name: str, media: Path, tmp_path: Path, ffprobe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes((media / "video/isom-avc1.mp4").read_bytes())
    assert probe(Path(name), ffprobe).width == 320


def test_hanging_and_missing_programs_have_errors_of_their_own(script: Callable[[str], str], tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(DecoderTimeout):
        probe(video, script("exec sleep 30"), timeout_seconds=0.2)
    with pytest.raises(ToolMissing):
        probe(video, "no-such-ffprobe")
    with pytest.raises(UnreadableFile):
        probe(tmp_path / "gone.mp4")


def test_an_answer_with_nonsense_numbers_becomes_nulls(script: Callable[[str], str], tmp_path: Path) -> None:
    answer = ('{"format": {"duration": "N/A", "tags": {"title": "a\\u0000b"}}, "streams": [{"codec_type": "video", '
              '"codec_name": "h264", "width": -1, "height": 1e30, "avg_frame_rate": "0/0", "r_frame_rate": "1/0", '
              '"side_data_list": [{"rotation": "nan"}]}]}')  # fmt: skip
    video = tmp_path / "a.mp4"
    video.write_bytes(b"\0\0\0\x18ftypmp42")
    found = probe(video, script(f"cat <<'END'\n{answer}\nEND"))
    assert (found.width, found.height, found.duration_s, found.frame_rate, found.rotation) == (None,) * 4 + (0,)


def test_the_version_is_known(ffprobe: str) -> None:
    assert ffprobe_version(ffprobe)[0].isalnum()
