"""
Python puts the working folder first on its path, and a folder of photos may hold somebody's `tasks.py`: no process of
ours looks there for code. Each is started with `python -P`; PYTHONSAFEPATH tells those that these start.
"""

from __future__ import annotations

import os
import site
import sysconfig
from collections.abc import Mapping
from pathlib import Path

_OURS = Path(__file__).resolve().parents[1]


def safe_path_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """
    What to set, so that a process finds our packages and none of the working folder.

    PYTHONPATH keeps its absolute folders: an empty or relative one (as `PYTHONPATH=$PYTHONPATH:/x` leaves) means the
    working folder. Where we run from a checkout that is not installed, the checkout is added.
    """
    kept = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if Path(part).is_absolute()]
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *_user_site()}
    if str(_OURS) not in {*installed, *kept}:
        kept.append(str(_OURS))
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(kept)}


def _user_site() -> list[str]:
    return [site.getusersitepackages()]
