"""How streams and clips are made on demand: as the flows make them, one file at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deployments.settings import Settings
from serving.media.video_work import HLS, PREVIEW_CLIP, Work
from tasks.asset import Asset, Results
from tasks.batches.video import VideoPlan, make_clip, make_stream, plan_videos
from tasks.video.progress import OnProgress


def video_works(settings: Settings) -> Mapping[str, Work]:
    """The plan is made anew for each: an ffmpeg that was upgraded meanwhile is another reason for failing."""

    def stream(asset: Asset, breathe: Callable[[], None]) -> Results:
        return make_stream(asset, _plan(settings), _following(breathe))

    def clip(asset: Asset, breathe: Callable[[], None]) -> Results:
        return make_clip(asset, _plan(settings), _following(breathe))

    return {HLS: stream, PREVIEW_CLIP: clip}


def at_once(settings: Settings) -> Mapping[str, int]:
    return {HLS: settings.hls_concurrency, PREVIEW_CLIP: max(1, settings.threads // 2)}


def _plan(settings: Settings) -> VideoPlan:
    return plan_videos(
        settings.video_folder, settings.previews_folder, settings.gifs_folder, ladder=settings.hls_ladder, threads=1
    )


def _following(breathe: Callable[[], None]) -> OnProgress:
    """Nobody is shown how far it is; being asked is the occasion to stop."""
    return lambda _done, _whole: breathe()
