"""Who launches the runs of the Dagster home that the user names, read without loading Dagster.

What belongs here: reading that one entry. What does not: the rest of the instance
(`dagster_home.history`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from agentsview_assets.errors import ConfigError

HOME_VARIABLE, CONFIG_FILE = "DAGSTER_HOME", "dagster.yaml"
_OWN = ("DefaultRunLauncher", "SyncInMemoryRunLauncher")


def require_own_launcher(environ: Mapping[str, str] = os.environ) -> None:
    """Refuses to run here what a deployment launches elsewhere.

    Its runs would have no task that the launcher knows of: its health check fails on them, and
    "Terminate" in the UI does nothing.

    Raises:
        ConfigError: The instance that is named launches runs elsewhere.
    """
    home = environ.get(HOME_VARIABLE)
    named = _launcher(Path(home)) if home else None
    if named is not None and named.rpartition(".")[2] not in _OWN:
        raise ConfigError(
            f"{HOME_VARIABLE} {home}: its runs are launched by {named}; hand this to the "
            "deployment with `agentsview-assets materialize --launch`, or unset "
            f"{HOME_VARIABLE} to run it here"
        )


def _launcher(home: Path) -> str | None:
    try:
        text = (home / CONFIG_FILE).read_text()
    except OSError:
        return None
    if "run_launcher" not in text:
        return None
    import yaml  # noqa: PLC0415 - homes without a launcher of their own do without it

    try:
        found = yaml.safe_load(text)
        launcher = found["run_launcher"]
        return f"{launcher['module']}.{launcher['class']}"
    except (yaml.YAMLError, TypeError, KeyError):
        return None  # Dagster says what is wrong with it
