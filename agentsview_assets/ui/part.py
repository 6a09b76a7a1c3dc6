"""One of Dagster's servers, ended with the process that started it, however that one ends.

`python -P -m agentsview_assets.ui.part code|daemon ARGUMENT...`, with a pipe as standard input that
the starting process holds open as long as it lives.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

_STDIN = 0


def _end_with_parent() -> None:
    while os.read(_STDIN, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str]) -> None:
    """Runs the part until it is told to end."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Signals that a shell lets background jobs ignore are the way to end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    part, *rest = arguments
    if part == "code":
        from dagster._cli.code_server import start_command as command  # noqa: PLC0415 - heavy
    else:
        from dagster._daemon.cli import run_command as command  # noqa: PLC0415 - heavy
    command.main(rest, prog_name=part)


if __name__ == "__main__":
    main(sys.argv[1:])
