"""The `serve` command over a warehouse, as a real server."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from tests.support.background import Background
from tests.support.served_oracle import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Mapping

_READY = "Ctrl-C ends it"
_PATIENCE_SECONDS = 60.0


class ServedWeb(Background):
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

    @property
    def port(self) -> int:
        """Where it listens."""
        [found] = [line for line in self.log if _READY in line]
        return int(re.search(r" at http://[^/]*:(\d+)/", found)[1])  # type: ignore[index]

    def ask(self, target: str, **options: Any) -> Answer:
        """Sends it a request; see `served_oracle.ask`."""
        return ask(self.port, target, **options)

    def __exit__(self, *_error: object) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()
