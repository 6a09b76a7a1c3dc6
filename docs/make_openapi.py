"""Write docs/openapi.json from the server's endpoints: `make docs`."""

# ruff: noqa: INP001 - a folder of documents with the recipes of some of them, not a package

from __future__ import annotations

import json
from pathlib import Path

from agentsview_assets.web.application import ENDPOINTS
from agentsview_assets.web.openapi import description

FILE = Path(__file__).parents[1] / "docs" / "openapi.json"


def render() -> str:
    """Return the text of the file."""
    return json.dumps(description(ENDPOINTS), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
