"""One original to one small upright sRGB picture, by the decoders inside this process: Pillow and its plugins."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import PIL
import pillow_heif
import pillow_jxl
from PIL import Image, ImageFile, UnidentifiedImageError

from tasks.errors import AssetError, CorruptMedia, MediaTooLarge, UnreadableFile, UnsupportedMedia
from tasks.files.media_types import HEAD_BYTES, identify
from tasks.images.byte_source import read_whole
from tasks.images.colour import hdr_to_srgb, resizable, to_srgb
from tasks.images.frame_size import jpeg2000_levels, jxl_size, nclx_in
from tasks.images.geometry import fit, turn, upright_size
from tasks.images.limits import DECODE_BUDGET_BYTES, MAX_PIXELS, bytes_per_pixel, check_pixels, room_for
from tasks.images.tiff_walk import exif_orientation

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # a second net below our own check, which is per format and comes first
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\..*")  # the metadata pass reports on bad EXIF
_JXL_PLUGIN = pillow_jxl.__name__  # importing it registers it

# What hostile bytes make Pillow and its plugins raise. Memory and programming errors are not among them.
DECODER_FAULTS = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, KeyError, TypeError, OverflowError,
    RuntimeError, ZeroDivisionError, AttributeError,
)  # fmt: skip
_FORMATS = (
    "JPEG", "PNG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "HEIF", "AVIF", "JXL", "JPEG2000", "PSD", "ICO", "PPM", "TGA",
    "PCX", "SGI", "QOI",
)  # fmt: skip  # what is left out runs programs (EPS), or is no picture
# irot and imir are applied by libheif, the TIFF tag by Pillow, the codestream's by libjxl (but not for a JPEG packed
# into a JPEG XL, which Pillow decodes). An EXIF orientation beside those is history, the standards say, not an order.
_TURNED_BY_DECODER = {"HEIF", "TIFF"}
_SLIVER = 0.05  # less of a picture than this says nothing


@dataclass(frozen=True, slots=True)
class Decoded:
    """
    Args:
        image: Mode RGB, sRGB, upright, long edge at most what was asked for.
        source_width, source_height: Upright pixels of what was decoded (a whole picture or an embedded preview).
        layer: Which decoder or embedded preview won.
        tool, tool_version: The library that decoded it.
        warning: What was wrong with a file that could be shown all the same.
    """

    image: Image.Image
    source_width: int
    source_height: int
    layer: str
    tool: str = "pillow"
    tool_version: str = PIL.__version__
    warning: str | None = None


def decode_picture(path: Path, content: bytes | None, long_edge_px: int) -> Decoded:
    """
    Decode any picture but a JPEG (see `decode_jpeg`): first page, first frame, alpha on white.

    Args:
        path: The original; read only when *content* is None.
    Raises:
        UnsupportedMedia, CorruptMedia, MediaTooLarge.
    """
    head = content[:HEAD_BYTES] if content is not None else _head(path)
    if _is_jxl(head):
        content = content if content is not None else read_whole(path)
        return _decode_jxl(path, content, long_edge_px)
    with _open(path, content, head) as image:
        if image.format == "AVIF" and (found := nclx_in(head)):  # Pillow keeps it to itself
            image.info["nclx_profile"] = found
        return _render(path, image, long_edge_px)


def shrink(path: Path, image: Image.Image, long_edge_px: int, orientation: int | None) -> Image.Image:
    """A decoded picture to its final size, colours and position. Raises: CorruptMedia."""
    profile = image.info.get("icc_profile")
    transfer, primaries = _nclx(image)
    size = fit(*image.size, long_edge_px)
    try:
        small = resizable(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        flat = to_srgb(small, profile if isinstance(profile, bytes) else None)
    except DECODER_FAULTS as exc:
        raise CorruptMedia(path, f"its pixels cannot be converted: {_said(exc)}") from exc
    return turn(flat if profile else hdr_to_srgb(flat, transfer, primaries), orientation)


def _nclx(image: Image.Image) -> tuple[int, int]:
    """Code points of (transfer curve, primaries) where the file names them; (0, 0) where it does not."""
    nclx = image.info.get("nclx_profile")
    if not isinstance(nclx, dict):
        return 0, 0
    return int(nclx.get("transfer_characteristics", 0)), int(nclx.get("color_primaries", 0))


def load_pixels(path: Path, image: ImageFile.ImageFile) -> str | None:
    """
    Decode *image* in place.

    Returns:
        None, or what is missing when only its upper part could be decoded.
    Raises:
        CorruptMedia: Nothing, or next to nothing, could be.
    """
    try:
        image.load()
    except DECODER_FAULTS as exc:
        return _keep_what_is_there(path, image, exc)
    return None


def unopenable(path: Path, head: bytes, said: str) -> AssetError:
    """The error for bytes no decoder would open: damaged when they begin like a format we know, else unsupported."""
    if not head:
        return CorruptMedia(path, "the file is empty")
    if identify(head, "") is not None:
        return CorruptMedia(path, f"damaged: {said}")
    return UnsupportedMedia(path, "no decoder recognises its bytes")


def _render(path: Path, image: ImageFile.ImageFile, long_edge_px: int) -> Decoded:
    image_format = image.format or ""
    turned_by_decoder = image_format in _TURNED_BY_DECODER or (image_format == "JXL" and not getattr(image, "jpeg", 0))
    orientation = None if turned_by_decoder else exif_orientation(_exif(image))
    width, height = upright_size(*image.size, orientation)
    layer = "pillow" if image_format != "HEIF" else "heif"
    drafted = _draft(image, long_edge_px)
    needed = check_pixels(path, *image.size, _cost(image))
    with room_for(needed):
        warning = load_pixels(path, image)
        if turned_by_decoder and not drafted:
            width, height = image.size  # only now turned
        if image_format == "PNG" and orientation is None:  # an eXIf chunk may follow the pixels
            orientation = exif_orientation(_exif(image))
            width, height = upright_size(*image.size, orientation)
        small = shrink(path, image, long_edge_px, orientation)
    decoded = Decoded(small, width, height, f"{layer}:thumbnail" if drafted and layer == "heif" else layer)
    return replace(_signed(decoded, image_format), warning=warning)


def _signed(decoded: Decoded, image_format: str) -> Decoded:
    if image_format == "HEIF":
        return replace(decoded, tool="pillow-heif", tool_version=pillow_heif.__version__)
    return decoded


def _draft(image: ImageFile.ImageFile, long_edge_px: int) -> bool:
    """Ask the decoder for less than all: HEIC's embedded thumbnail, JPEG 2000's lower resolutions."""
    wanted = fit(*image.size, long_edge_px)
    if image.format == "HEIF":
        return _draft_heif(image, wanted)
    if image.format == "JPEG2000":
        levels = jpeg2000_levels(image.fp)
        while levels and min(image.size[0] >> levels, image.size[1] >> levels) < min(wanted):
            levels -= 1
        image.reduce = levels  # type: ignore[method-assign, assignment]  # a property of this format only
    return False


def _draft_heif(image: ImageFile.ImageFile, wanted: tuple[int, int]) -> bool:
    """The embedded thumbnail, if large enough; or of any size, when the whole is too large for us to decode."""
    if image.draft(None, wanted) is not None:
        return True
    too_large = image.width * image.height * _cost(image) > DECODE_BUDGET_BYTES
    return too_large and any(image.draft(None, fit(*image.size, edge)) is not None for edge in (256, 128, 1))


def _cost(image: ImageFile.ImageFile) -> float:
    """Bytes per pixel of decoding *image* as it is drafted now."""
    cost = bytes_per_pixel(image.format, image.mode)
    if image.format == "JPEG2000":
        return cost / float(4 ** getattr(image, "_reduce", 0)) + 0.5
    if image.format == "HEIF" and (image.info.get("bit_depth", 8) > 8 or image.info.get("chroma", 420) != 420):
        return 12.0
    if image.format == "TIFF" and image.info.get("compression") == "raw":
        return min(cost, 5.0) if image.mode == "RGB" else cost
    return cost


def _is_jxl(head: bytes) -> bool:
    return head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))


def _decode_jxl(path: Path, content: bytes, long_edge_px: int) -> Decoded:
    """JPEG XL is decoded by merely being opened, so its size is read by ourselves first."""
    size = jxl_size(content)
    if size is None:
        raise CorruptMedia(path, "damaged: there is no codestream in it")
    with room_for(check_pixels(path, *size, bytes_per_pixel("JXL", "RGB"))):
        image = _open(path, content, content[:HEAD_BYTES])
    with image:
        return _render(path, image, long_edge_px)


def _open(path: Path, content: bytes | None, head: bytes) -> ImageFile.ImageFile:
    try:
        return Image.open(path if content is None else io.BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError as exc:
        raise MediaTooLarge(path, _said(exc).partition(", could be")[0]) from exc
    except DECODER_FAULTS as exc:
        raise unopenable(path, head, _said(exc)) from exc


def _keep_what_is_there(path: Path, image: ImageFile.ImageFile, exc: Exception) -> str:
    """Pillow has filled the image down to the fault: forget the rest of the file and use that."""
    if image._im is None or image.size != image._im.size:
        raise CorruptMedia(path, f"cannot be decoded: {_said(exc)}") from exc
    image.tile = []
    rows = image.getbbox()  # what was not reached is zero
    share = rows[3] / image.height if rows else 0.0
    if share < _SLIVER or (image.mode in {"P", "1"} and rows is None):
        raise CorruptMedia(path, f"cannot be decoded: {_said(exc)}") from exc
    return f"damaged: only the upper {share:.0%} can be decoded ({_said(exc)})"


def _exif(image: Image.Image) -> bytes:
    """The EXIF block, wherever the format keeps it; not by `getexif`, which fails on malformed ones."""
    block = image.info.get("exif")
    if isinstance(block, bytes):
        return block
    text = image.info.get("Raw profile type exif")
    return _hex_profile(text) if isinstance(text, str) else b""


def _hex_profile(text: str) -> bytes:
    """ImageMagick's way of putting EXIF into a PNG: name, length and hex digits, a line each."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return b""


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as exc:
        raise UnreadableFile(path, f"cannot be read: {exc.strerror}") from exc


def _said(exc: BaseException) -> str:
    """What the decoder said, in one short line without our paths in it."""
    if isinstance(exc, UnidentifiedImageError):  # its text is our path
        return "its structure cannot be read"
    text = " ".join(str(exc).split()) or type(exc).__name__
    return text[:200]
