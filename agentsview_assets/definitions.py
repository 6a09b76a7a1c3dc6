"""What Dagster loads: the graph over the settings of the environment."""

from __future__ import annotations

from agentsview_assets.build import build_definitions
from agentsview_assets.settings import keep_private, load_settings

keep_private()
defs = build_definitions(load_settings())
