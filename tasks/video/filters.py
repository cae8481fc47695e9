"""The filters between decoder and encoder: progressive, upright, square, even, SDR, BT.709, 8 bits, stereo."""

from __future__ import annotations

from tasks.video.encoders import has_filter
from tasks.video.facts import VideoFacts

MAX_FRAME_RATE = 60.0
_MAYBE_INTERLACED = {"mpeg2video", "dvvideo", "vc1"}  # their containers say nothing, their frames do
_PRIMARIES = {"bt2020": "2020", "bt709": "709", "smpte432": "smpte432"}
_MATRICES = {"bt2020nc": "2020_ncl", "bt2020c": "2020_cl", "bt709": "709"}

_SD_MATRICES = {"smpte170m", "bt470bg"}  # one and the same matrix: BT.601
_HD_LINES = 720  # from here on a picture that says nothing of its colours means BT.709


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


def colour_tags(facts: VideoFacts) -> list[str]:
    """What the encoder writes into the stream: BT.601 where the source has it, else BT.709."""
    matrix, primaries = ("smpte170m", "smpte170m") if _stays_bt601(facts) else ("bt709", "bt709")
    if _stays_bt601(facts) and facts.primaries in {"bt470bg", "bt709"}:
        primaries = facts.primaries
    return ["-colorspace", matrix, "-color_primaries", primaries, "-color_trc", matrix, "-color_range", "tv"]


def scaling(facts: VideoFacts, width: int, height: int, ffmpeg: str | None) -> list[str]:
    """
    To size, then (on the fewer pixels) to SDR. Rotation is ffmpeg's own doing.

    Colours are converted only where they must be: on 1080p that alone costs a third of an encode.

    Args:
        width, height: Wanted, upright; even.
    """
    if facts.hdr and has_filter("zscale", ffmpeg):
        return [f"scale={width}:{height}:flags=bicubic", *_tone_map(facts), "setsar=1"]
    if _converts(facts):
        read = "bt2020" if facts.matrix.startswith("bt2020") else "bt709" if _is_bt709(facts) else "bt601"
        matrix = f":in_color_matrix={read}:out_color_matrix={'bt601' if _stays_bt601(facts) else 'bt709'}:out_range=tv"
        return [f"scale={width}:{height}:flags=bicubic{matrix}", "setsar=1"]
    if (facts.shown_width, facts.shown_height) == (width, height) and facts.square_pixels:
        return ["null"]
    return [f"scale={width}:{height}:flags=bicubic", "setsar=1"]


def _is_rgb(facts: VideoFacts) -> bool:
    return facts.matrix == "gbr" or facts.pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "pal8"))


def _is_bt709(facts: VideoFacts) -> bool:
    return facts.matrix == "bt709" or (facts.matrix in {"", "unknown"} and facts.height >= _HD_LINES)


def _stays_bt601(facts: VideoFacts) -> bool:
    silent = facts.matrix in {"", "unknown"} and facts.height < _HD_LINES
    return (facts.matrix in _SD_MATRICES or silent) and not _is_rgb(facts) and not facts.hdr


def _converts(facts: VideoFacts) -> bool:
    """RGB, full range, and matrices that are neither BT.601 nor BT.709."""
    return _is_rgb(facts) or facts.full_range or not (_is_bt709(facts) or _stays_bt601(facts))


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
