"""Any pixels to eight-bit sRGB: ICC profiles, CMYK, Lab, palettes, 16-bit, float, alpha, HDR curves."""

from __future__ import annotations

import io
import threading

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

WHITE = (255, 255, 255)
_MAX_CACHED = 32
_cache = threading.local()  # a transform is not promised to be safe in two threads at once


def to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """
    Args:
        image: Small already: any mode that Pillow decodes to.
        icc_profile: The embedded profile; None takes the pixels for sRGB (or plain CMYK).
    Returns:
        Mode RGB, alpha flattened on white; a profile that does not fit the pixels is ignored.
    """
    if image.mode == "LAB":
        return _lab_to_srgb(image)
    alpha = image.getchannel("A") if image.mode in {"RGBA", "LA"} else None
    colours = image.convert("RGB" if image.mode == "RGBA" else "L") if alpha is not None else image
    if colours.mode not in {"RGB", "L", "CMYK"}:
        colours = colours.convert("RGB")
    converted = _apply_profile(colours, icc_profile) if icc_profile else colours
    rgb = converted if converted.mode == "RGB" else converted.convert("RGB")
    return rgb if alpha is None else _flatten(rgb, alpha)


def resizable(image: Image.Image) -> Image.Image:
    """*image* in a mode that can be averaged: no palette, no single bits, no more than eight bits a channel."""
    if image.mode in {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}:
        return _eight_bits(image)
    if image.mode == "P" or ("transparency" in image.info and image.mode in {"RGB", "L", "1"}):
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in {"PA", "RGBa", "La"}:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGB") if image.mode in {"YCbCr", "HSV", "RGBX"} else image


def _flatten(rgb: Image.Image, alpha: Image.Image) -> Image.Image:
    if alpha.getextrema() == (255, 255):
        return rgb
    page = Image.new("RGB", rgb.size, WHITE)
    page.paste(rgb, mask=alpha)
    return page


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit keeps its upper half; wider and float data is stretched over what it holds, for want of a known white."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    low, high = _range_of(image)
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0 if high > 255 else 255.0
    scale = 255 / ((high - low) or 1.0)
    return image.point(lambda value: value * scale - low * scale).convert("L")


def _range_of(image: Image.Image) -> tuple[float, float]:
    """Darkest and brightest finite value of a picture with one channel."""
    low, high = (float(value) for value in image.getextrema())  # type: ignore[arg-type]  # one band: two numbers
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    values = np.asarray(image)
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


# -- profiles -------------------------------------------------------------------------------------------------------


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """*image* in sRGB; unchanged when the profile is sRGB itself, broken, or made for other channels."""
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    return ImageCms.applyTransform(image, transform) or image


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    known: dict[tuple[bytes, str], ImageCms.ImageCmsTransform | None] | None = getattr(_cache, "known", None)
    if known is None or len(known) > _MAX_CACHED:
        known = _cache.known = {}
    key = (profile, mode)
    if key not in known:
        known[key] = _build_transform(profile, mode)
    return known[key]


def _build_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if mode == "RGB" and _is_srgb(source):
            return None
        return ImageCms.buildTransform(source, _srgb(), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None  # a broken profile costs the colours a little, never the picture


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    description = ImageCms.getProfileDescription(profile).strip()
    return description.startswith(("sRGB IEC61966", "sRGB built-in", "sRGB")) and "linear" not in description.lower()


def _srgb() -> ImageCms.ImageCmsProfile:
    if not hasattr(_cache, "srgb"):
        _cache.srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    profile: ImageCms.ImageCmsProfile = _cache.srgb
    return profile


def _lab_to_srgb(image: Image.Image) -> Image.Image:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    transform = ImageCms.buildTransform(lab, _srgb(), "LAB", "RGB")
    return ImageCms.applyTransform(image, transform) or image.convert("RGB")


# -- HDR ------------------------------------------------------------------------------------------------------------

PQ, HLG, _BT2020 = 16, 18, 9  # code points of ITU-T H.273
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)
_SDR_WHITE_NITS = 203.0  # ITU-R BT.2408


def hdr_to_srgb(image: Image.Image, transfer: int, primaries: int) -> Image.Image:
    """
    Pixels coded for HDR screens (PQ or HLG curve) to sRGB: highlights above paper white are rolled off.

    Args:
        image: Mode RGB.
        transfer, primaries: ITU-T H.273 code points, as the file's `nclx` box gives them; other curves pass through.
    """
    if transfer not in {PQ, HLG} or image.mode != "RGB":
        return image
    codes: NDArray[np.float32] = (np.arange(256) / 255).astype(np.float32)
    light = (_pq_to_nits(codes) if transfer == PQ else _hlg_to_nits(codes)) / _SDR_WHITE_NITS
    linear = light.astype(np.float32)[np.asarray(image)]
    if primaries == _BT2020:
        linear = linear @ _BT2020_TO_BT709.T
    peak = 4.0  # about 800 nits: what is brighter goes to white
    rolled = linear * (1 + linear / peak**2) / (1 + np.maximum(linear, 0) / 1.5) * (1 + 1 / 1.5) / (1 + 1 / peak**2)
    encoded = _srgb_curve(np.clip(rolled, 0, 1))
    return Image.fromarray((encoded * 255).round().astype(np.uint8))


def _pq_to_nits(code: NDArray[np.float32]) -> NDArray[np.float32]:
    """SMPTE ST 2084."""
    power = code ** (1 / 78.84375)
    nits = 10000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
    return np.asarray(nits, dtype=np.float32)


def _hlg_to_nits(code: NDArray[np.float32]) -> NDArray[np.float32]:
    """ITU-R BT.2100, for a screen of 1000 nits."""
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return np.asarray(1000 * scene**1.2, dtype=np.float32)


def _srgb_curve(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    curve = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(curve, dtype=np.float32)
