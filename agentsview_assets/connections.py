"""What every run works with: the archive to read and the warehouse to write, from settings.

Fixed when the process starts: a run may choose days, and never a path, an address or a file.
"""

from __future__ import annotations

import dagster as dg

from agentsview_assets.assets.common import ARCHIVE_KEY, IO_MANAGER_KEY
from agentsview_assets.assets.naming import Names
from agentsview_assets.resources.archives.resource import ArchiveResource
from agentsview_assets.resources.fixed import fixed_resource, keeps_nothing, kept_resource
from agentsview_assets.resources.warehouses.io_manager import WarehouseIOManager
from agentsview_assets.settings import Settings

_DAGSTERS_OWN = "io_manager"


def build_resources(
    settings: Settings, source: ArchiveResource | None = None
) -> dict[str, dg.ResourceDefinition]:
    """The archive to read and the warehouse to write, of which a run can configure nothing.

    Args:
        settings: Where they are.
        source: The archives, where they have been looked at in this process; whoever did closes
            them.
    """
    names, about = Names(settings.key_prefix), "the archives that the deployment names"
    return {
        names.of(ARCHIVE_KEY): fixed_resource(lambda: ArchiveResource.of(settings), about)
        if source is None
        else kept_resource(source, about),
        names.of(IO_MANAGER_KEY): WarehouseIOManager(settings.warehouse),
        # Beside the definitions of others it is theirs to say.
        **({} if settings.key_prefix else {_DAGSTERS_OWN: keeps_nothing()}),
    }
