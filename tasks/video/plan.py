"""What must be done to a video so that every browser plays it: nothing (remux), or decode and encode (transcode)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.video.facts import VideoFacts

SEGMENT_SECONDS = 6
DEFAULT_HEIGHT = 1080
LONGEST_FRAME = 16 / 9  # renditions fit a box of this shape, lying or standing as the video does
_PLAYED_PROFILES = {"Constrained Baseline", "Baseline", "Main", "High", "Progressive High", "Constrained High"}
_PLAYED_FORMATS = {"yuv420p", "yuvj420p"}
_NEARLY_THE_SAME = 1.2  # a rendition this close below the best one saves nobody anything
_SMOOTH = 40.0  # frames a second from which more bits are worth it


@dataclass(frozen=True, slots=True)
class Rendition:
    """
    One encoding of a video.

    Args:
        name: Of its playlist and segments, such as `480p`; "" for the only one.
        width, height: Even pixels.
        max_bits_per_second: Of the picture.
    """

    name: str
    width: int
    height: int
    max_bits_per_second: int


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Args:
        copy_video: The packets are kept as they are.
        copy_audio: Likewise; True for a silent film, where there is nothing to do.
        renditions: What to encode; one entry, of the source's own size, where the picture is copied.
        why: What browsers would not play, or "".
    """

    copy_video: bool
    copy_audio: bool
    renditions: tuple[Rendition, ...]
    why: str = ""

    @property
    def remux(self) -> bool:
        return self.copy_video and self.copy_audio


def make_plan(facts: VideoFacts, ladder: Sequence[int] = (), *, copy: bool = True) -> Plan:
    """
    Args:
        ladder: Heights (of the short side) wanted beside or instead of the source's own; none is above the source.
        copy: False transcodes whatever it is: the source's packets proved unfit.
    """
    renditions = _renditions(facts, ladder)
    why = "its packets cannot be copied" if not copy else unplayable(facts) or _unwanted(facts, renditions, ladder)
    if why:
        return Plan(copy_video=False, copy_audio=False, renditions=renditions, why=why)
    own = Rendition("", facts.width, facts.height, 0)
    return Plan(copy_video=True, copy_audio=plays_audio(facts), renditions=(own,))


def unplayable(facts: VideoFacts) -> str:
    """Why browsers would not play the picture as it is; "" where they do."""
    if facts.codec != "h264":
        return f"{facts.codec} video"
    if facts.profile not in _PLAYED_PROFILES or facts.pixel_format not in _PLAYED_FORMATS:
        return f"H.264 {facts.profile} {facts.pixel_format}"
    if facts.turned:
        return "turned by a matrix that MPEG-TS cannot carry"
    if facts.interlaced:
        return "interlaced"
    if facts.hdr:
        return "HDR"
    if facts.width % 2 or facts.height % 2 or not facts.square_pixels:
        return "odd sizes or oblong pixels"
    return ""


def plays_audio(facts: VideoFacts) -> bool:
    """AAC-LC and HE-AAC in at most 5.1; nothing at all is fine too."""
    audio = facts.audio
    if audio is None:
        return True
    return audio.codec == "aac" and audio.profile in {"", "LC", "HE-AAC", "HE-AACv2"} and audio.channels <= 6


def _unwanted(facts: VideoFacts, renditions: Sequence[Rendition], ladder: Sequence[int]) -> str:
    if len(renditions) > 1:
        return "several renditions are wanted, with key frames at the same places"
    if ladder and min(facts.width, facts.height) > max(ladder):
        return f"larger than {max(ladder)}p"
    return ""


def _renditions(facts: VideoFacts, ladder: Sequence[int]) -> tuple[Rendition, ...]:
    largest = _fit(facts, max(ladder, default=DEFAULT_HEIGHT))
    top = min(largest)
    heights = [height for height in sorted(set(ladder)) if height * _NEARLY_THE_SAME < top]
    if not heights:
        return (_rendition("", largest, facts),)
    fitted = [*((height, _fit(facts, height)) for height in heights), (top, largest)]
    return tuple(_rendition(f"{height}p", size, facts) for height, size in fitted)


def _fit(facts: VideoFacts, short_side: int) -> tuple[int, int]:
    """Even width and height inside the box of that height, lying or standing; never enlarged."""
    long, short = max(facts.shown_width, facts.shown_height), min(facts.shown_width, facts.shown_height)
    factor = min(1.0, short_side / short, short_side * LONGEST_FRAME / long)
    return _even(facts.shown_width * factor), _even(facts.shown_height * factor)


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _rendition(name: str, size: tuple[int, int], facts: VideoFacts) -> Rendition:
    return Rendition(name, *size, max_bits_per_second(*size, facts.frame_rate))


def max_bits_per_second(width: int, height: int, frame_rate: float | None) -> int:
    """8 Mbit/s for 1080p; a smaller picture needs more bits a pixel, a smoother one more bits in all."""
    pixels: float = (width * height / (1920 * 1080)) ** 0.75
    smooth = 1.5 if frame_rate is not None and frame_rate > _SMOOTH else 1.0
    return max(300_000, round(8_000_000 * pixels * smooth))
