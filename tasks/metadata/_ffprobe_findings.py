"""ffprobe's answer to findings: streams, and the container's tags for where exiftool is not installed."""

from __future__ import annotations

from tasks.metadata.dates import local_candidate, utc_candidate
from tasks.metadata.ffprobe import VideoProbe
from tasks.metadata.fields import DateCandidate, Findings
from tasks.metadata.gps import iso_6709

_APPLE = "com.apple.quicktime."


def ffprobe_findings(probe: VideoProbe) -> Findings:
    """Everything a video says of itself through ffprobe."""
    tags = probe.tags
    findings = Findings(
        width=probe.width,
        height=probe.height,
        rotation=probe.rotation,
        duration_s=probe.duration_s,
        frame_rate=probe.frame_rate,
        video_codec=probe.video_codec,
        audio_codec=probe.audio_codec,
        camera_make=tags.get(f"{_APPLE}make") or tags.get("make"),
        camera_model=tags.get(f"{_APPLE}model") or tags.get("model"),
        title=tags.get(f"{_APPLE}title") or tags.get("title"),
        description=tags.get(f"{_APPLE}description") or tags.get("description") or tags.get("comment"),
        content_id=tags.get(f"{_APPLE}content.identifier"),
    )
    place = iso_6709(tags.get(f"{_APPLE}location.iso6709") or tags.get("location"))
    findings.latitude, findings.longitude, findings.altitude_m = place
    findings.dates = _dates(probe)
    return findings


def _dates(probe: VideoProbe) -> list[DateCandidate]:
    """The names are those that exiftool's findings have, so that the two become one candidate."""
    created, container = probe.tags.get("creation_time"), probe.container or ""
    found = [local_candidate("QuickTime:CreationDate", probe.tags.get(f"{_APPLE}creationdate"), "CreationDate")]
    if container == "avi":  # ffprobe puts a 'Z' behind what the camera wrote as wall time
        found.append(local_candidate("RIFF:DateTimeOriginal", (created or "").rstrip("Z"), "CameraDateTimeOriginal"))
    elif container.startswith("matroska"):
        found.append(utc_candidate("Matroska:DateTimeOriginal", created, "MovieDate"))
    else:
        found.append(utc_candidate("QuickTime:CreateDate", created, "MovieDate"))
    return [candidate for candidate in found if candidate is not None]
