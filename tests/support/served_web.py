"""The `serve` command over a warehouse, as a real server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Mapping

_READY = "Ctrl-C ends it"
_PATIENCE_SECONDS = 60.0


class ServedWeb(Served):
    """A running `serve` command on a free port; use as a context manager."""

    def __init__(self, environ: Mapping[str, str], *options: str) -> None:
        """Starts it.

        Args:
            environ: Its whole environment, which names the warehouse.
            options: More of its command line.
        """
        super().__init__(
            [sys.executable, "-m", "agentsview_assets", "serve", "--port", "0", *options],
            environ,
            None,
            _READY,
            _PATIENCE_SECONDS,
        )
