"""The filters between decoder and encoder: progressive, upright, square, even, SDR, BT.709, 8 bits, stereo."""

from __future__ import annotations

from tasks.video.encoders import has_filter
from tasks.video.facts import VideoFacts

MAX_FRAME_RATE = 60.0
_MAYBE_INTERLACED = {"mpeg2video", "dvvideo", "vc1"}  # their containers say nothing, their frames do
_PRIMARIES = {"bt2020": "2020", "bt709": "709", "smpte432": "smpte432"}
_MATRICES = {"bt2020nc": "2020_ncl", "bt2020c": "2020_cl", "bt709": "709"}

# What the encoder writes into the stream, whatever the source said of itself.
COLOUR_TAGS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")


def video_filters(facts: VideoFacts, width: int, height: int, ffmpeg: str | None, *, max_rate: float | None) -> str:
    """
    The filters up to (not including) the pixel format the encoder takes. Rotation is ffmpeg's own doing.

    Args:
        width, height: Wanted, upright; even.
        max_rate: Frames a second above which some are left out; None keeps all.
    """
    return ",".join([*before_scaling(facts, max_rate), *scaling(facts, width, height, ffmpeg)])


def before_scaling(facts: VideoFacts, max_rate: float | None) -> list[str]:
    """What is done once, however many sizes follow."""
    filters = []
    if facts.interlaced:
        filters.append("bwdif=mode=send_frame:deint=all")
    elif facts.codec in _MAYBE_INTERLACED:
        filters.append("bwdif=mode=send_frame:deint=interlaced")
    if max_rate is not None and (facts.frame_rate is None or facts.frame_rate > max_rate + 0.5):
        filters.append(f"fps={max_rate:g}")
    return filters


def scaling(facts: VideoFacts, width: int, height: int, ffmpeg: str | None) -> list[str]:
    """To size, then (on the fewer pixels) to SDR."""
    if facts.hdr and has_filter("zscale", ffmpeg):
        return [f"scale={width}:{height}:flags=bicubic", *_tone_map(facts), "setsar=1"]
    return [f"scale={width}:{height}:flags=bicubic:out_color_matrix=bt709:out_range=tv", "setsar=1"]


def _tone_map(facts: VideoFacts) -> list[str]:
    """PQ and HLG to BT.709, white of 203 nits (ITU-R BT.2408); what the stream does not say is taken for BT.2020."""
    read = (
        f"tin={facts.transfer}:pin={_PRIMARIES.get(facts.primaries, '2020')}"
        f":min={_MATRICES.get(facts.matrix, '2020_ncl')}:rin={'full' if facts.full_range else 'limited'}"
    )
    return [
        f"zscale={read}:t=linear:npl=203",
        "format=gbrpf32le",
        "zscale=p=709",
        "tonemap=mobius:param=0.3:desat=0",
        "zscale=t=709:m=709:r=limited",
        "format=yuv420p",
    ]


def audio_options(facts: VideoFacts, bits_per_second: int = 128_000) -> list[str]:
    """AAC-LC stereo; gaps in the source's timestamps become silence, so that sound stays with the picture."""
    if facts.audio is None:
        return ["-an"]
    rate = facts.audio.sample_rate if facts.audio.sample_rate in {44_100, 48_000} else 48_000
    return ["-c:a", "aac", "-b:a", str(bits_per_second), "-ac", "2", "-ar", str(rate),
            "-af", "aresample=async=1:first_pts=0"]  # fmt: skip
