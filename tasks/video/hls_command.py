"""The ffmpeg commands that make HLS: names are bare, since the muxer reads `%` in them; ffmpeg runs in the folder."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.files.derivatives import PLAYLIST
from tasks.video.encoders import MAX_THREADS, Encoder, frames_as_they_come
from tasks.video.facts import VideoFacts
from tasks.video.ffmpeg import safe_input
from tasks.video.filters import MAX_FRAME_RATE, audio_options, before_scaling, colour_tags, scaling
from tasks.video.frame import MAX_FRAME_PIXELS
from tasks.video.plan import SEGMENT_SECONDS, Plan, Rendition
from tasks.video.progress import ASK_FOR_PROGRESS

CRF = 23
LONGEST_SECONDS = 24 * 3600  # of a stream: a film without end has one
_WITHOUT_PRIVATE_DATA = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn")
_CAMCORDER_NOTES = b"\x17\xee\x8c\x60\xf8\x4d\x11\xd9\x8c\xd6\x08\x00\x20\x0c\x9a\x66MDPM"  # AVCHD: date, place, model
_NOTES_WITHIN_BYTES = 2 << 20


def remux_command(path: Path, facts: VideoFacts, plan: Plan) -> list[str]:
    """Packets as they are; the sound encoded where browsers would not play it."""
    sound = ["-c:a", "copy"] if plan.copy_audio else audio_options(facts)
    # Date and place in the packets themselves: out they go. All messages do: ffmpeg cannot tell them apart.
    private = ["-bsf:v", "filter_units=remove_types=6"] if has_camcorder_notes(path) else []
    return [
        *ASK_FOR_PROGRESS,
        *safe_input(path, "-fflags", "+genpts"),
        *_streams(facts),
        "-c:v", "copy", *private, *sound,
        *_muxer(""),
    ]  # fmt: skip


def transcode_command(path: Path, facts: VideoFacts, plan: Plan, encoder: Encoder, ffmpeg: str | None) -> list[str]:
    """Decoded once, encoded once a rendition; key frames of all at the same times, where segments begin."""
    threads = str(min(os.cpu_count() or 1, MAX_THREADS))
    decoder = ["-threads", threads, "-max_pixels", str(MAX_FRAME_PIXELS)]
    command = [*ASK_FOR_PROGRESS, *encoder.before_input, *safe_input(path, *decoder)]
    labels = [f"[{number}]" for number in range(len(plan.renditions))]
    command += ["-filter_complex", _graph(facts, plan, encoder, labels, ffmpeg)]
    for label, rendition in zip(labels, plan.renditions, strict=True):
        command += [
            "-map", label, *_sound(facts), *frames_as_they_come(ffmpeg), "-enc_time_base", "1:90000",
            *encoder.options(CRF, rendition.max_bits_per_second), *colour_tags(facts),
            "-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_SECONDS})",
            *audio_options(facts),
            *_muxer(rendition.name),
        ]  # fmt: skip
    return command


def has_camcorder_notes(path: Path) -> bool:
    """Whether the packets say where and when: AVCHD cameras write it into every key frame."""
    with path.open("rb") as file:
        return _CAMCORDER_NOTES[-4:] in file.read(_NOTES_WITHIN_BYTES)


def _graph(facts: VideoFacts, plan: Plan, encoder: Encoder, labels: list[str], ffmpeg: str | None) -> str:
    """Everything up to the sizes once, then each size."""
    once = ",".join(before_scaling(facts, MAX_FRAME_RATE)) or "null"

    def sized(rendition: Rendition) -> str:
        return ",".join([*scaling(facts, rendition.width, rendition.height, ffmpeg), encoder.last_filters])

    source = f"[0:{facts.index}]{once}"
    if len(plan.renditions) == 1:
        return f"{source},{sized(plan.renditions[0])}{labels[0]}"
    copies = [f"[copy{number}]" for number in range(len(plan.renditions))]
    split = f"{source},split={len(copies)}{''.join(copies)}"
    rest = [
        f"{copy}{sized(rendition)}{label}"
        for copy, rendition, label in zip(copies, plan.renditions, labels, strict=True)
    ]
    return ";".join([split, *rest])


def _streams(facts: VideoFacts) -> list[str]:
    return ["-map", f"0:{facts.index}", *_sound(facts)]


def _sound(facts: VideoFacts) -> list[str]:
    return ["-map", f"0:{facts.audio.index}"] if facts.audio else []


def _muxer(name: str) -> list[str]:
    """The HLS of one rendition: `segment_000.ts` …, with its name in front where it has one."""
    prefix = f"{name}_" if name else ""
    return [
        *_WITHOUT_PRIVATE_DATA, "-t", str(LONGEST_SECONDS), "-max_muxing_queue_size", "4096",
        "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", "0", "-hls_playlist_type", "vod",
        "-hls_segment_type", "mpegts", "-hls_segment_filename", f"{prefix}segment_%03d.ts",
        f"{name}.m3u8" if name else PLAYLIST,
    ]  # fmt: skip
