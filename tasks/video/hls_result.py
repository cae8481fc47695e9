"""What ffmpeg left in a stream's folder: looked at before anybody is told that it plays, then described."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tasks.files.derivatives import PLAYLIST
from tasks.programs import find_ffprobe
from tasks.video.facts import VideoFacts
from tasks.video.ffmpeg import run_ffmpeg, safe_input
from tasks.video.plan import Plan, Rendition
from tasks.video.playlist import Segment, Variant, read_segments, write_master_playlist, write_media_playlist

_LOOK_SECONDS = 30.0
_ONE_FRAME_SECONDS = 0.04
_SPS_WITHIN_BYTES = 1 << 20
_SPS = re.compile(rb"\x00\x00\x01[\x07\x27\x47\x67](...)", re.DOTALL)  # NAL unit 7: profile, constraints, level
_AAC_LC = "mp4a.40.2"


def segment_trouble(path: Path, folder: Path, segments: Sequence[Segment]) -> str:
    """Why the first segment would not play; "" when it is H.264 and begins with a key frame."""
    if any(not (folder / segment.name).is_file() for segment in segments):
        return "a segment is missing"
    show = ["-show_entries", "stream=codec_name,pix_fmt,width:packet=flags", "-select_streams", "v:0"]
    args = ["-v", "error", "-of", "json", "-read_intervals", "%+#1", *show, *safe_input(folder / segments[0].name)]
    done = run_ffmpeg(args, _LOOK_SECONDS, path=path, ffmpeg=find_ffprobe() or "ffprobe")
    try:
        answer = json.loads(done.output)
    except ValueError:
        return "the first segment cannot be read"
    streams, packets = answer.get("streams", []), answer.get("packets", [])
    if not streams or streams[0].get("codec_name") != "h264" or not streams[0].get("width"):
        return "the first segment has no picture"
    if not packets or "K" not in packets[0].get("flags", ""):
        return "it does not begin with a key frame"
    return ""


def correct_last_segment(path: Path, playlist: Path) -> list[Segment]:
    """
    The segments of *playlist*, rewritten with the true length of the last one; none where it is not complete.

    ffmpeg counts up to the packet it wrote last, which is not the one shown last, and leaves out a sound that goes on.
    """
    segments = read_segments(playlist) or []
    if not segments:
        return []
    last = segments[-1]
    show = ["-show_entries", "packet=codec_type,pts_time,duration_time"]
    args = ["-v", "error", "-of", "json", *show, *safe_input(playlist.parent / last.name)]
    done = run_ffmpeg(args, _LOOK_SECONDS, path=path, ffmpeg=find_ffprobe() or "ffprobe")
    packets = [packet for packet in json.loads(done.output or b"{}").get("packets", []) if "pts_time" in packet]
    if seconds := _shown_seconds(packets):
        segments[-1] = Segment(last.name, round(seconds, 6))
        write_media_playlist(playlist, segments)
    return segments


def _shown_seconds(packets: Sequence[dict[str, str]]) -> float:
    """From the first picture to the end of the last picture or sound; 0 where there is no picture."""
    pictures = sorted(float(packet["pts_time"]) for packet in packets if packet["codec_type"] == "video")
    if not pictures:
        return 0.0
    gaps = sorted(later - earlier for earlier, later in pairwise(pictures) if later > earlier)
    usual = gaps[len(gaps) // 2] if gaps else _ONE_FRAME_SECONDS  # MPEG-TS does not say how long the last one stays
    ends = [pictures[-1] + usual]
    ends += [
        float(packet["pts_time"]) + float(packet.get("duration_time", 0))
        for packet in packets
        if packet["codec_type"] != "video"
    ]
    return max(ends) - pictures[0]


def finish_playlists(folder: Path, plan: Plan, facts: VideoFacts, comment: str) -> None:
    """
    Rewrite the playlists that ffmpeg left: target durations rounded up, and a master where there are renditions.

    Args:
        comment: Kept in `playlist.m3u8`, with the size of the best rendition put behind it.
    """
    best = plan.renditions[-1]
    comment = f"{comment} | {best.width}x{best.height}"
    if len(plan.renditions) == 1:
        write_media_playlist(folder / PLAYLIST, read_segments(folder / PLAYLIST) or [], comment)
        return
    variants = [_variant(folder, rendition, facts) for rendition in plan.renditions]
    write_master_playlist(folder / PLAYLIST, variants, comment)


def _variant(folder: Path, rendition: Rendition, facts: VideoFacts) -> Variant:
    name = f"{rendition.name}.m3u8"
    segments = read_segments(folder / name) or []
    write_media_playlist(folder / name, segments)
    bits = [(8 * (folder / segment.name).stat().st_size, segment.seconds) for segment in segments]
    seconds = sum(length for _, length in bits) or 1.0
    return Variant(
        playlist=name,
        width=rendition.width,
        height=rendition.height,
        peak_rate=round(max((size / max(length, 0.5) for size, length in bits), default=0)),
        average_rate=round(sum(size for size, _ in bits) / seconds),
        codecs=",".join([avc_codec(folder / segments[0].name), *([_AAC_LC] if facts.audio else [])]),
        frame_rate=min(facts.frame_rate, 60.0) if facts.frame_rate else None,
    )


def avc_codec(segment: Path) -> str:
    """RFC 6381's name of the H.264 in a segment, such as `avc1.64001f`; High 4.0 where it cannot be found."""
    with segment.open("rb") as file:
        found = _SPS.search(file.read(_SPS_WITHIN_BYTES))
    return f"avc1.{found[1].hex()}" if found else "avc1.640028"
