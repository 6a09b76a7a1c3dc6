"""`python -m agentsview_assets`: the command line."""

from __future__ import annotations

import os
import sys

# Python looked for this package in the current folder first, and would look there for all others.
# Unless we are it, that ends here, before anything else is imported.
_ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - not yet
if not sys.flags.safe_path and sys.path and os.path.realpath(sys.path[0]) != _ROOT:
    del sys.path[0]

from agentsview_assets.cli.main import run  # noqa: E402 - see above

if __name__ == "__main__":
    run()
