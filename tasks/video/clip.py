"""A preview clip: up to ten seconds of a video, one from each tenth of it, small enough to load in a grid."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.errors import CorruptMedia, DecoderTimeout, StorageUnavailable
from tasks.files.media_file import MediaFile
from tasks.video.encoders import MAX_THREADS, Encoder, working_encoders
from tasks.video.facts import VideoFacts, read_facts
from tasks.video.ffmpeg import ffmpeg_version, last_complaint, run_ffmpeg, safe_input, safe_output
from tasks.video.filters import before_scaling, colour_tags, scaling
from tasks.video.frame import MAX_FRAME_PIXELS
from tasks.video.progress import OnProgress
from tasks.video.staging import staging_directory

CLIP_HEIGHT = 480
SEGMENTS = 10
SEGMENT_SECONDS = 1.0
CRF = 28
CLIP_RECIPE = f"clip-1 {CLIP_HEIGHT} {SEGMENTS}x{SEGMENT_SECONDS:g}"
MAX_FRAME_RATE = 30.0
MAX_CLIP_SECONDS = 600.0  # for one clip, all segments together
_SEGMENT_TIMEOUT_SECONDS = 90.0
_MAX_BITS_PER_SECOND = 3_000_000
_MEMORY_LIMIT_BYTES = 3 * 2**30
_MIN_FRAME_RATE = 5.0  # a frame of a slower film would outlast its segment
_PLAIN_SOUND = ("-c:a", "pcm_s16le", "-ac", "2", "-ar", "48000", "-af", "aresample=async=1:first_pts=0")
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ClipResult:
    """
    Args:
        path: Of the MP4 (or GIF), complete.
        segments: How many stretches of the video it shows.
        layer: 'clip:<encoder>'; 'motion:<encoder>' for the video inside a photo.
    """

    path: Path
    width: int
    height: int
    size_bytes: int
    duration_s: float
    segments: int
    layer: str
    tool_version: str


def make_preview_clip(
    file: MediaFile,
    target: Path,
    *,
    embedded: tuple[int, int] | None = None,
    ffmpeg: str | None = None,
    ffprobe: str | None = None,
    on_progress: OnProgress | None = None,
) -> ClipResult:
    """
    The clip of *file* at *target* (MP4, H.264 and AAC, 480 lines at most); it appears when it is complete.

    Args:
        embedded: Offset and length, bytes, of the video inside a motion photo; None where *file* is a video.
        on_progress: Called at least once a second with segments done and segments in all; what it raises ends the work.
    Raises:
        UnsupportedMedia, CorruptMedia, MediaTooLarge, DecoderTimeout, UnreadableFile: There is nothing to show.
        ToolMissing: No ffmpeg, or one without an H.264 encoder.
        StorageUnavailable: The disk is full, read-only or gone.
    """
    with staging_directory(target) as folder:
        source = _cut_out(file.path, embedded, folder) if embedded else file.path.absolute()
        facts = read_facts(source, ffprobe=ffprobe)
        parts, encoder = _render_parts(source, facts, folder, ffmpeg, on_progress)
        joined = _join(source, parts, folder, ffmpeg)
        made = read_facts(joined, ffprobe=ffprobe)
        layer = f"{'motion' if embedded else 'clip'}:{encoder.name}"
        result = ClipResult(target, made.width, made.height, joined.stat().st_size, made.duration_s or 0.0,
                            len(parts), layer, ffmpeg_version(ffmpeg))  # fmt: skip
        _put(joined, target)
    return result


def segment_starts(duration_s: float | None) -> list[float]:
    """Where the segments begin, seconds; one that takes what there is where the video is no longer than the clip."""
    if duration_s is None or duration_s <= SEGMENTS * SEGMENT_SECONDS:
        return [0.0]
    return [number * duration_s / SEGMENTS for number in range(SEGMENTS)]


def _render_parts(
    source: Path, facts: VideoFacts, folder: Path, ffmpeg: str | None, on_progress: OnProgress | None
) -> tuple[list[Path], Encoder]:
    """One file a segment that has a picture; what no segment shows is taken from the start."""
    complaint = ""
    for encoder in working_encoders(ffmpeg):
        render = partial(_render_part, source, facts, folder, encoder, ffmpeg, on_progress)
        starts = segment_starts(facts.duration_s)
        deadline = time.monotonic() + MAX_CLIP_SECONDS
        parts: list[Path] = []
        for number, start in enumerate(starts):
            if time.monotonic() > deadline:
                break  # what there is by now shows enough
            seconds = SEGMENT_SECONDS if len(starts) > 1 else SEGMENTS * SEGMENT_SECONDS
            part, said = render(number, start, seconds)
            complaint = complaint or said
            parts += [part] if part else []
            if number == 0 and part is None and len(starts) > 1:
                break  # nothing at its very start: seeking will not help
        if len(parts) < min(2, len(starts)):  # its length is a lie, or it cannot be seeked in
            part, said = render(len(starts), 0.0, SEGMENTS * SEGMENT_SECONDS)
            complaint = said or complaint
            parts = [part] if part else parts
        if parts:
            return parts, encoder
    raise CorruptMedia(source, f"no clip can be made of it: {complaint or 'nothing in it can be decoded'}")


def _render_part(
    source: Path,
    facts: VideoFacts,
    folder: Path,
    encoder: Encoder,
    ffmpeg: str | None,
    on_progress: OnProgress | None,
    number: int,
    start: float,
    seconds: float,
) -> tuple[Path | None, str]:
    """One segment, its sound not yet compressed (AAC cut in pieces has a gap in every joint); or None and why."""
    part = folder / f"part{number:02}.mov"
    width, height = clip_size(facts)
    rate = min(max(facts.frame_rate or 25.0, _MIN_FRAME_RATE), MAX_FRAME_RATE)
    steps = [*before_scaling(facts, None), f"fps={rate:.6f}", *scaling(facts, width, height, ffmpeg)]
    filters = ",".join([*steps, encoder.last_filters])
    threads = str(min(os.cpu_count() or 1, MAX_THREADS))
    seek = ["-ss", f"{start:.3f}"] if start else []
    sound = ["-map", f"0:{facts.audio.index}", *_PLAIN_SOUND] if facts.audio else ["-an"]
    args = [
        *encoder.before_input,
        *safe_input(source, "-threads", threads, "-max_pixels", str(MAX_FRAME_PIXELS), *seek),
        "-map", f"0:{facts.index}", "-vf", filters,
        *encoder.options(CRF, _MAX_BITS_PER_SECOND), *colour_tags(facts), *sound,
        "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-t", f"{seconds:g}",
        "-f", "mov", "-y", safe_output(part),
    ]  # fmt: skip

    def watch(_chunk: bytes) -> None:
        if on_progress is not None:
            on_progress(number, SEGMENTS)

    watch(b"")
    try:
        done = run_ffmpeg(args, _SEGMENT_TIMEOUT_SECONDS, path=source, ffmpeg=ffmpeg,
                          memory_limit_bytes=_MEMORY_LIMIT_BYTES, watch=watch)  # fmt: skip
    except DecoderTimeout:
        if number == 0:
            raise
        return None, "ffmpeg did not finish in the time allowed"
    _refuse_full_disk(done.log, folder)
    shown = done.log.rpartition("frame=")[2].split()
    if shown[:1] in ([], ["0"]) or not part.is_file() or not part.stat().st_size:
        part.unlink(missing_ok=True)
        return None, last_complaint(done.log)
    return part, ""


def clip_size(facts: VideoFacts) -> tuple[int, int]:
    """480 lines, never enlarged; even."""
    height = min(CLIP_HEIGHT, facts.shown_height)
    width = facts.shown_width * height / facts.shown_height
    return max(2, round(width / 2) * 2), max(2, round(height / 2) * 2)


def _join(source: Path, parts: list[Path], folder: Path, ffmpeg: str | None) -> Path:
    """One MP4 that plays while it loads; the pictures as they are, the sound compressed in one go."""
    names = folder / "parts.txt"
    names.write_text("".join(f"file {part.name}\n" for part in parts), encoding="ascii")
    # The list is ours and so are the parts: this is the one place where ffmpeg may follow a list.
    ours = ["-f", "concat", "-safe", "1", "-protocol_whitelist", "file", "-i", names.name]
    joined = folder / "clip.mp4"
    sound = ["-c:a", "aac", "-b:a", "96k", "-af", "aresample=async=1:first_pts=0"]
    args = [*ours, "-map", "0:v", "-map", "0:a?", "-c:v", "copy", *sound, "-t", f"{SEGMENTS * SEGMENT_SECONDS:g}",
            "-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart", "-f", "mp4", "-y",
            joined.name]  # fmt: skip
    done = run_ffmpeg(args, _SEGMENT_TIMEOUT_SECONDS, path=source, ffmpeg=ffmpeg, folder=folder)
    _refuse_full_disk(done.log, folder)
    if done.returncode != 0:
        raise CorruptMedia(source, f"the clip's parts cannot be joined: {last_complaint(done.log)}")
    return joined


def _put(made: Path, target: Path) -> None:
    try:
        with made.open("rb") as file:
            os.fsync(file.fileno())
        made.replace(target)
    except OSError as exc:
        raise StorageUnavailable(f"cannot write {target}: {exc.strerror}") from exc


def _cut_out(photo: Path, embedded: tuple[int, int], folder: Path) -> Path:
    """The video inside a motion photo as a file of its own; a few megabytes."""
    offset, left = embedded
    video = folder / "embedded.mp4"
    with photo.open("rb") as source, video.open("wb") as copy:
        source.seek(offset)
        while left > 0 and (chunk := source.read(min(left, _COPY_BYTES))):
            copy.write(chunk)
            left -= len(chunk)
    return video


def _refuse_full_disk(log: str, folder: Path) -> None:
    """A full disk is not the video's fault."""
    if "No space left on device" in log:
        raise StorageUnavailable(f"the disk of {folder.parent} is full: make room, or set another folder")
