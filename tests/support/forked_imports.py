"""What `tests.support.forked` has imported before it forks: all that a whole run imports."""

from __future__ import annotations

import atexit
import gc
import importlib
import os

_IMPORTED = (
    "agentsview_assets.cli.main",
    "agentsview_assets.definitions",
    "agentsview_assets.materializing",
    "agentsview_assets.resources.warehouses.postgres.store",
    "agentsview_assets.resources.warehouses.sqlite.store",
    "tests.support.contract_rows",
    "tests.support.forked",
    # What these import is found when a run first needs it.
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.execution.execute_in_process",
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.instance.runs.run_domain",
    "dagster._core.secrets.env_file",
    "dagster._core.storage.legacy_storage",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.migration.utils",
    "dagster._core.storage.root",
    "dagster._core.system_config.composite_descent",
    "hypothesis.extra.pandas",
    "pandera.backends.pandas.register",
    "pandera.strategies.pandas_strategies",
    "upath.implementations.local",
)

for _name in _IMPORTED:
    importlib.import_module(_name)
gc.freeze()
# Its own end is nobody's business: libraries would complain of what was left open.
atexit.register(os._exit, 0)
