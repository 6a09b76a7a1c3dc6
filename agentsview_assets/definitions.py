"""What Dagster loads: the graph over the settings of the environment."""

from __future__ import annotations

from agentsview_assets.build import build_definitions
from agentsview_assets.settings import load_settings

defs = build_definitions(load_settings())
