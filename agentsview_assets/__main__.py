"""The program: `agentsview-assets` or `python -m agentsview_assets`.

What belongs here: what has to be there before anything is imported, and the end of the process.
"""

from __future__ import annotations

import gc
import os
import sys

# Python looked for this package in the current folder first, and would look there for all others.
# Unless we are it, that ends here, before anything else is imported.
_ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - not yet
_IS_MODULE = __name__ == "__main__"
if _IS_MODULE and not sys.flags.safe_path and sys.path and os.path.realpath(sys.path[0]) != _ROOT:
    del sys.path[0]

from agentsview_assets import interrupted  # noqa: E402 - see above

interrupted.end_at_once()

from agentsview_assets.cli import ending  # noqa: E402 - takes its time


def main() -> None:
    """Runs the command line and ends the process."""
    ending.watch()
    # Imports make hundreds of thousands of objects that stay, and Python would look through them
    # for garbage time and again: a fifth of a short command.
    gc.set_threshold(50_000, 20, 50)
    try:
        from agentsview_assets.cli.main import run  # noqa: PLC0415 - a signal may come meanwhile

        run()
    except SystemExit as end:
        ending.leave(end.code if isinstance(end.code, int) else int(bool(end.code)))
    except BaseException:
        if ending.was_interrupted():
            ending.leave(1)
        raise
    ending.leave(0)


if __name__ == "__main__":
    main()
