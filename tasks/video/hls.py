"""
A video as an HLS stream: packets copied where browsers play them, else encoded; complete, or not there at all.

`encode_hls` may be called for the same content by several processes at once: one works, the others wait and find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.errors import CorruptMedia, StorageUnavailable
from tasks.files.derivatives import PLAYLIST
from tasks.files.media_file import MediaFile
from tasks.video.encoders import Encoder, working_encoders
from tasks.video.facts import VideoFacts, read_facts
from tasks.video.ffmpeg import FfmpegResult, ffmpeg_version, last_complaint, run_ffmpeg
from tasks.video.hls_command import remux_command, transcode_command
from tasks.video.hls_result import correct_last_segment, finish_playlists, segment_trouble
from tasks.video.plan import DEFAULT_HEIGHT, Plan, make_plan
from tasks.video.playlist import read_comment, read_segments, read_variants
from tasks.video.progress import STALL_SECONDS, EncodeWatch, OnProgress, folder_bytes
from tasks.video.staging import put_in_place, staging_directory

_CODE_VERSION = 1  # raise it when the same settings give other streams: every stream is then made again
_MEMORY_LIMIT_BYTES = 4 * 2**30
_AT_LEAST_SECONDS, _SECONDS_PER_SECOND = 300.0, 40.0  # what an encode may take: an 8K film on a small machine
_UNKNOWN_SECONDS = 12 * 3600.0
_AT_LEAST_BYTES, _TIMES_SOURCE = 2 * 2**30, 64
_LONGEST_GAP_SECONDS = 30.0  # a copied segment longer than this makes seeking a download


@dataclass(frozen=True, slots=True)
class HlsResult:
    """
    A stream that is complete on disk.

    Args:
        playlist: Absolute path; a master playlist where there are several renditions.
        width, height: Pixels of the best rendition.
        size_bytes: Of all its files.
        duration_s: As its segments say.
        layer: 'remux' or 'transcode:<encoder>'.
        warning: What was wrong with the original, where it can be played all the same; else "".
        tool_version: Of ffmpeg.
    """

    playlist: Path
    width: int
    height: int
    size_bytes: int
    duration_s: float
    layer: str
    warning: str
    tool_version: str


@dataclass(frozen=True, slots=True)
class _Job:
    """One original on its way to one temporary folder."""

    path: Path
    size_bytes: int
    facts: VideoFacts
    temporary: Path
    ladder: tuple[int, ...]
    ffmpeg: str | None
    on_progress: OnProgress | None
    stall_seconds: float


def hls_recipe(ladder: Sequence[int] = ()) -> str:
    """What a stream is made by; another one makes it again."""
    return f"hls-{_CODE_VERSION} {','.join(str(height) for height in ladder) or DEFAULT_HEIGHT}"


def encode_hls(
    file: MediaFile,
    folder: Path,
    *,
    ladder: Sequence[int] = (),
    ffmpeg: str | None = None,
    ffprobe: str | None = None,
    on_progress: OnProgress | None = None,
    stall_seconds: float = STALL_SECONDS,
) -> HlsResult:
    """
    The stream of *file* in *folder*; what is there already and complete is kept.

    Args:
        folder: Its own, named after the content: `VIDEO_PATH/<hash[:2]>/<hash>`.
        ladder: Heights of renditions; none for the source's own, at most 1080.
        on_progress: Called about twice a second with seconds done and seconds in all (0: not known).
        stall_seconds: ffmpeg is ended when it comes no further for so long.
    Raises:
        UnsupportedMedia, CorruptMedia, MediaTooLarge, DecoderTimeout, UnreadableFile: It cannot be made a stream of.
        ToolMissing: No ffmpeg, or one without an H.264 encoder.
        StorageUnavailable: The disk is full, read-only or gone.
    """
    recipe = hls_recipe(ladder)
    if known := find_stream(folder, recipe):
        return known
    facts = read_facts(file.path, ffprobe=ffprobe)
    with staging_directory(folder) as temporary:
        if known := find_stream(folder, recipe):  # somebody else made it while we waited
            return known
        job = _Job(
            file.path.absolute(), file.size_bytes, facts, temporary, tuple(ladder), ffmpeg, on_progress, stall_seconds
        )
        layer, plan = _make(job)
        warning = _shortfall(facts, temporary, plan)
        comment = f"{recipe} | {layer} | {ffmpeg_version(ffmpeg)} | {warning}"
        finish_playlists(temporary, plan, facts, comment)
        put_in_place(temporary, folder)
    made = find_stream(folder, recipe)
    if made is None:
        raise StorageUnavailable(f"the stream in {folder} vanished as it was finished")
    return made


def find_stream(folder: Path, recipe: str | None = None) -> HlsResult | None:
    """
    The complete stream in *folder*: it ends, and all its segments are there. None where there is none.

    Args:
        recipe: None takes a stream of any recipe.
    """
    playlist = folder / PLAYLIST
    made_by, _, rest = read_comment(playlist).partition(" | ")
    if not made_by or (recipe is not None and made_by != recipe):
        return None
    layer, version, warning, size = (rest.split(" | ") + [""] * 4)[:4]
    duration = 0.0
    for name in read_variants(playlist) or [PLAYLIST]:
        segments = read_segments(folder / name)
        if not segments or not all((folder / segment.name).is_file() for segment in segments):
            return None
        duration = max(duration, sum(segment.seconds for segment in segments))
    width, _, height = size.partition("x")
    return HlsResult(
        playlist, int(width or 0), int(height or 0), folder_bytes(folder), round(duration, 3), layer, warning, version
    )


def _make(job: _Job) -> tuple[str, Plan]:
    """Copy what can be copied, else encode; what a hardware encoder fails at, software does."""
    plan = make_plan(job.facts, job.ladder)
    if plan.copy_video:
        trouble = _attempt(job, partial(remux_command, job.path, job.facts, plan), plan, copied=True)
        if not trouble:
            return "remux", plan
        plan = make_plan(job.facts, job.ladder, copy=False)
    trouble = ""
    for encoder in working_encoders(job.ffmpeg):
        trouble = _attempt(job, partial(_transcode, job, plan, encoder), plan, copied=False)
        if not trouble:
            return f"transcode:{encoder.name}", plan
    raise CorruptMedia(job.path, f"no stream can be made of it: {trouble}")


def _transcode(job: _Job, plan: Plan, encoder: Encoder) -> list[str]:
    return transcode_command(job.path, job.facts, plan, encoder, job.ffmpeg)


def _attempt(job: _Job, command: Callable[[], list[str]], plan: Plan, *, copied: bool) -> str:
    """What is wrong with the result of one run; "" when nothing is."""
    for left in job.temporary.iterdir():
        left.unlink()
    watch = EncodeWatch(
        job.path,
        job.facts.duration_s,
        job.temporary,
        max(_AT_LEAST_BYTES, _TIMES_SOURCE * job.size_bytes),
        job.on_progress,
        job.stall_seconds,
    )
    done = run_ffmpeg(
        command(),
        _timeout(job.facts.duration_s),
        path=job.path,
        ffmpeg=job.ffmpeg,
        memory_limit_bytes=_MEMORY_LIMIT_BYTES,
        folder=job.temporary,
        watch=watch,
    )
    _refuse_full_disk(done, job.temporary)
    trouble = _trouble(job, plan, done, copied=copied)
    if not trouble:
        watch.finish()
    return trouble


def _trouble(job: _Job, plan: Plan, done: FfmpegResult, *, copied: bool) -> str:
    names = [f"{rendition.name}.m3u8" if rendition.name else PLAYLIST for rendition in plan.renditions]
    for name in names:
        segments = correct_last_segment(job.path, job.temporary / name)
        if not segments:
            return last_complaint(done.log)
        if copied and max(segment.seconds for segment in segments) > _LONGEST_GAP_SECONDS:
            return "its key frames are too far apart"
        if trouble := segment_trouble(job.path, job.temporary, segments):
            return trouble
    if copied and (done.returncode != 0 or _shortfall(job.facts, job.temporary, plan)):
        return last_complaint(done.log) if done.returncode else "its packets end too early"
    return ""


def _shortfall(facts: VideoFacts, folder: Path, plan: Plan) -> str:
    """A note when the stream is clearly shorter than the original says it is."""
    first = plan.renditions[0].name
    segments = read_segments(folder / (f"{first}.m3u8" if first else PLAYLIST)) or []
    seconds = sum(segment.seconds for segment in segments)
    said = facts.duration_s or 0.0
    if seconds >= said * 0.95 - 1.0:
        return ""
    return f"{seconds:.1f} of the {said:.1f} s it says it has can be played"


def _timeout(duration_s: float | None) -> float:
    if duration_s is None:
        return _UNKNOWN_SECONDS
    return min(_AT_LEAST_SECONDS + _SECONDS_PER_SECOND * duration_s, 48 * 3600.0)


def _refuse_full_disk(done: FfmpegResult, folder: Path) -> None:
    """A full disk is not the video's fault."""
    if done.returncode != 0 and "No space left on device" in done.log:
        raise StorageUnavailable(f"the disk of {folder.parent} is full: make room, or set VIDEO_PATH")
