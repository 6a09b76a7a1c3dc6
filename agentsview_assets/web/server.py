"""The process of a server: it listens, says where, and ends on a signal."""

from __future__ import annotations

import contextlib
import logging
import signal
import webbrowser
from typing import TYPE_CHECKING

import uvicorn

from agentsview_assets.resources.warehouses.states.opening import states_of
from agentsview_assets.ui.serving import listen
from agentsview_assets.warehouse_urls import parse_warehouses
from agentsview_assets.web.answering import Service
from agentsview_assets.web.application import application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentsview_assets.settings import Settings
    from agentsview_assets.web.serving import Serving

_GRACE_SECONDS = 3
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOST_REQUESTS = 512
"""Connections beyond these are told to come later."""


def serve(
    serving: Serving, settings: Settings, say: Callable[[str], None], *, is_opened: bool = False
) -> None:
    """Serves until a signal.

    Args:
        serving: What is asked for.
        settings: Where things are.
        say: Takes the line that says where it listens.
        is_opened: Whether a browser is to be opened there.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    states = states_of(parse_warehouses(serving.warehouse)[0])
    with contextlib.closing(listen(serving.host, serving.port)) as listener:
        port = listener.getsockname()[1]
        host = f"[{serving.host}]" if ":" in serving.host else serving.host
        address = f"http://{host}:{port}{serving.base_path}/"
        server = uvicorn.Server(
            uvicorn.Config(
                application(Service(serving, settings, states)),
                http="h11",  # the other one drops the host of an address given as the target
                ws="none",
                lifespan="on",
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_level="warning",
                timeout_graceful_shutdown=_GRACE_SECONDS,
                limit_concurrency=_MOST_REQUESTS,
            )
        )
        say(f"serving {settings.warehouse} at {address} - Ctrl-C ends it")
        if is_opened:
            webbrowser.open(address)
        with _answering_signals(server):
            server.run(sockets=[listener])


@contextlib.contextmanager
def _answering_signals(server: uvicorn.Server) -> Iterator[None]:
    """Has every signal end the server in order; it was asked to, so that nothing failed."""

    def end(*_: object) -> None:
        server.should_exit = True

    signal.set_wakeup_fd(-1)
    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
