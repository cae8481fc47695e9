"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


@pytest.fixture(scope="session")
def media() -> Path:
    """The real photos, RAWs, videos and broken files beside the checkout; read-only."""
    if not MEDIA.is_dir():
        pytest.skip("no ../shared/media beside this checkout")
    return MEDIA
