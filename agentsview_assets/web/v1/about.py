"""What a server says of itself, without looking at the warehouse."""

from __future__ import annotations

import os

from agentsview_assets import __version__
from agentsview_assets.settings import APP

API_VERSION = 2
"""Of the contract that is answered for: agentsview 0.37.5's."""
_DATA_VERSION = 60


def ping() -> dict[str, object]:
    """The body of `/api/ping`."""
    return {"ok": True, "service": APP, "version": f"v{__version__}", "pid": os.getpid()}


def version() -> dict[str, object]:
    """The body of `/api/v1/version`."""
    return {
        "version": f"v{__version__}",
        "commit": "",
        "build_date": "",
        "api_version": API_VERSION,
        "data_version": _DATA_VERSION,
    }
