"""`python -m agentsview_assets`: the command line."""

from __future__ import annotations

from agentsview_assets.cli.main import run

if __name__ == "__main__":
    run()
