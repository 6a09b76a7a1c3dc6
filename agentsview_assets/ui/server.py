"""The web server of the UI: Dagster's own application, behind our guard.

`python -P -m agentsview_assets.ui.server`, started by the `ui` command with settings in the
environment. It listens on the one address that was announced; all else talks over Unix sockets.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from agentsview_assets.errors import AssetsError
from agentsview_assets.rules.shown_text import visible_lines
from agentsview_assets.ui.addresses import Addresses
from agentsview_assets.ui.guard import Guard
from agentsview_assets.ui.processes import Processes
from agentsview_assets.ui.serving import Serving, listen

# Dagster's own, for a server that lives long: statements end, connections are renewed.
_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_CONNECTIONS = 15_000, 3600, 20
_POLL_MILLISECONDS = 2000
_GRACE_SECONDS = 3


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that only the user can enter, in which everything runs, and that goes at the end."""
    with tempfile.TemporaryDirectory(prefix="agentsview-assets-ui-") as name:
        folder = Path(name)
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = name  # Dagster's sockets as well
        try:
            yield folder
        finally:
            tempfile.tempdir = None
            os.chdir("/")


def serve(serving: Serving) -> None:
    """Serves until a signal.

    Raises:
        AssetsError: It cannot start, or something that it needs does not stay.
    """
    configure_loggers(log_level="INFO")
    addresses = Addresses.of(serving.host, serving.port, serving.allowed)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(listen(serving.host, serving.port)))
        folder = stack.enter_context(own_folder())
        processes = stack.enter_context(Processes(folder, not serving.is_read_only))
        instance = stack.enter_context(DagsterInstance.get())
        instance.optimize_for_webserver(
            _STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_CONNECTIONS
        )
        context = stack.enter_context(
            WorkspaceProcessContext(
                instance,
                version=__version__,
                read_only=serving.is_read_only,
                workspace_load_target=WorkspaceFileTarget([str(processes.workspace)]),
            )
        )
        server = web_server(context, addresses)
        processes.on_end = lambda: setattr(server, "should_exit", True)
        logging.getLogger("dagster-webserver").info(
            "Serving dagster-webserver on %s in process %s", addresses.home, os.getpid()
        )
        server.run(sockets=[listener])
        if processes.failed:
            raise AssetsError(processes.failed)


def web_server(context: WorkspaceProcessContext, addresses: Addresses) -> uvicorn.Server:
    """Dagster's application behind the guard, in a server that hands on what was really said."""
    application = create_app_from_workspace_process_context(
        context, live_data_poll_rate=_POLL_MILLISECONDS
    )
    return uvicorn.Server(
        uvicorn.Config(
            Guard(application, addresses),
            http="h11",  # the other one drops the host of an address given as the target
            proxy_headers=False,
            server_header=False,
            log_level="warning",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )


def main(arguments: list[str]) -> int:
    """Serves, and returns the exit code."""
    # A shell that starts a background job has it ignore SIGINT, without which it would never end.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        serve(Serving.parse(arguments))
    except KeyboardInterrupt:
        return 0
    except AssetsError as error:
        sys.stderr.write(f"error: {visible_lines(str(error))}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
