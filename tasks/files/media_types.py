"""Which files are photos, RAWs or videos: by name for the walk, by their first bytes for everything after it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, NamedTuple

MediaType = Literal["photo", "raw", "video"]
HEAD_BYTES = 4096  # enough for every signature below

PHOTO = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg", "mpo": "image/jpeg",
    "png": "image/png", "apng": "image/png", "gif": "image/gif", "bmp": "image/bmp", "webp": "image/webp",
    "tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic", "heif": "image/heif", "hif": "image/heif",
    "avif": "image/avif", "jxl": "image/jxl", "jp2": "image/jp2", "j2k": "image/jp2", "jpf": "image/jp2",
    "psd": "image/vnd.adobe.photoshop", "insp": "image/jpeg",
}  # fmt: skip
RAW = {
    "arw": "image/x-sony-arw", "sr2": "image/x-sony-sr2", "srf": "image/x-sony-srf", "nef": "image/x-nikon-nef",
    "nrw": "image/x-nikon-nrw", "cr2": "image/x-canon-cr2", "cr3": "image/x-canon-cr3", "crw": "image/x-canon-crw",
    "dng": "image/x-adobe-dng", "raf": "image/x-fuji-raf", "orf": "image/x-olympus-orf",
    "rw2": "image/x-panasonic-rw2", "raw": "image/x-panasonic-raw", "rwl": "image/x-leica-rwl",
    "pef": "image/x-pentax-pef", "srw": "image/x-samsung-srw", "3fr": "image/x-hasselblad-3fr",
    "fff": "image/x-hasselblad-fff", "iiq": "image/x-phaseone-iiq", "mrw": "image/x-minolta-mrw",
    "x3f": "image/x-sigma-x3f", "kdc": "image/x-kodak-kdc", "dcr": "image/x-kodak-dcr", "k25": "image/x-kodak-k25",
    "erf": "image/x-epson-erf", "mef": "image/x-mamiya-mef", "mos": "image/x-leaf-mos", "gpr": "image/x-gopro-gpr",
}  # fmt: skip
VIDEO = {
    "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "qt": "video/quicktime", "3gp": "video/3gpp",
    "3g2": "video/3gpp2", "avi": "video/x-msvideo", "mkv": "video/x-matroska", "webm": "video/webm",
    "mpg": "video/mpeg", "mpeg": "video/mpeg", "mpe": "video/mpeg", "vob": "video/mpeg", "mts": "video/mp2t",
    "m2ts": "video/mp2t", "m2t": "video/mp2t", "ts": "video/mp2t", "wmv": "video/x-ms-wmv", "asf": "video/x-ms-wmv",
    "flv": "video/x-flv", "ogv": "video/ogg", "mxf": "application/mxf", "dv": "video/x-dv", "insv": "video/mp4",
}  # fmt: skip
AUDIO = frozenset({"m4a", "m4b", "m4p", "mka", "wma", "mp3", "aac", "oga", "opus", "flac", "wav"})
SIDECAR = frozenset({"xmp", "aae", "thm", "json", "411", "lrv", "pp3", "dop"})

_HEIF_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic",
                b"hevc": "image/heic", b"hevx": "image/heic", b"mif1": "image/heif", b"msf1": "image/heif",
                b"avif": "image/avif", b"avis": "image/avif"}  # fmt: skip


_FIRST_ATOMS = frozenset({b"moov", b"wide", b"free", b"skip", b"pnot"})  # of QuickTime from before `ftyp`


class MediaKind(NamedTuple):
    media_type: MediaType
    mime_type: str


def by_name(name: str) -> MediaKind | None:
    """What the extension claims; None for names that claim nothing we know."""
    extension = PurePath(name).suffix[1:].lower()
    if mime := PHOTO.get(extension):
        return MediaKind("photo", mime)
    if mime := RAW.get(extension):
        return MediaKind("raw", mime)
    if mime := VIDEO.get(extension):
        return MediaKind("video", mime)
    return None


def is_sidecar(name: str) -> bool:
    return PurePath(name).suffix[1:].lower() in SIDECAR


def identify(head: bytes, name: str) -> MediaKind | None:
    """
    What a file really is.

    Args:
        head: Its first `HEAD_BYTES` bytes (fewer when the file is shorter).
        name: Its name, which decides between the many RAW formats that are all TIFF inside.
    Returns:
        None when neither bytes nor name say photo, RAW or video. An unreadable file keeps what its name claims, so
        that the decoder can say what is wrong with it.
    """
    if PurePath(name).suffix[1:].lower() in AUDIO:
        return None  # in the containers of videos
    claimed = by_name(name)
    seen = _by_signature(head, claimed)
    return seen or claimed


def _by_signature(head: bytes, claimed: MediaKind | None) -> MediaKind | None:
    photo = _photo_signature(head)
    if photo:
        return MediaKind("photo", photo)
    if head[4:8] == b"ftyp":
        return _iso_media(head, claimed)
    if _is_tiff_like(head):
        return claimed if claimed and claimed.media_type == "raw" else MediaKind("photo", "image/tiff")
    if head.startswith(b"FUJIFILMCCD-RAW"):
        return MediaKind("raw", RAW["raf"])
    if head.startswith(b"FOVb"):
        return MediaKind("raw", RAW["x3f"])
    if head.startswith(b"\0MRM"):
        return MediaKind("raw", RAW["mrw"])
    video = _video_signature(head)
    return MediaKind("video", video) if video else None


def _photo_signature(head: bytes) -> str | None:
    signatures: tuple[tuple[bytes, str], ...] = (
        (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"), (b"8BPS", "image/vnd.adobe.photoshop"), (b"\xff\x0a", "image/jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"), (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
        (b"\xff\x4f\xff\x51", "image/jp2"),
    )  # fmt: skip
    for signature, mime in signatures:
        if head.startswith(signature):
            return mime
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    return None


def _is_tiff_like(head: bytes) -> bool:
    """TIFF, BigTIFF, and the TIFFs with a magic number of their own (Olympus IIRO/IIRS, Panasonic IIU)."""
    return head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"IIRO", b"IIRS", b"MMOR", b"IIU\0"}


def _iso_media(head: bytes, claimed: MediaKind | None) -> MediaKind | None:
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4], "big"), 64), 4))]
    if brands[0] == b"crx ":
        return MediaKind("raw", RAW["cr3"])
    for brand in brands:  # the major brand first, then what it is compatible with
        if mime := _HEIF_BRANDS.get(brand):
            return MediaKind("photo", mime)
    if brands[0] in {b"M4A ", b"M4B ", b"M4P "} and claimed is None:
        return None
    if brands[0] == b"qt  ":
        return MediaKind("video", "video/quicktime")
    if brands[0][:2] == b"3g":
        return MediaKind("video", "video/3gpp")
    return claimed if claimed and claimed.media_type == "video" else MediaKind("video", "video/mp4")


def _video_signature(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video/x-msvideo"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:4] in {b"\0\0\x01\xba", b"\0\0\x01\xb3"}:
        return "video/mpeg"
    if head[4:8] == b"mdat" or (head[4:8] in _FIRST_ATOMS and head[0] == 0):  # a size; text has a letter there
        return "video/quicktime"
    if len(head) > 200 and (head[0] == head[188] == 0x47 or head[4] == head[196] == 0x47):
        return "video/mp2t"
    if head.startswith(b"FLV\x01"):
        return "video/x-flv"
    if head.startswith(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"):
        return "video/x-ms-wmv"
    return None
