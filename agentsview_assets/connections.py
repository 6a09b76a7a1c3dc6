"""What every run works with: the archive to read and the warehouse to write, from settings."""

from __future__ import annotations

from agentsview_assets.assets.common import ARCHIVE_KEY, IO_MANAGER_KEY
from agentsview_assets.settings import OBSERVATION_STORE, Settings
from resources.archive_resource import ArchiveResource
from resources.io_manager import WarehouseIOManager


def archive_source(
    settings: Settings, kind: type[ArchiveResource] = ArchiveResource
) -> ArchiveResource:
    """The archive to read, with the store of what was observed in it."""
    return kind(
        archive="\n".join(archive.shown for archive in settings.archives),
        store_path=str(settings.state_dir / OBSERVATION_STORE),
        with_titles=settings.with_titles,
    )


def build_resources(settings: Settings) -> dict[str, object]:
    """The archive to read and the warehouse to write."""
    return {
        ARCHIVE_KEY: archive_source(settings),
        IO_MANAGER_KEY: WarehouseIOManager(url=settings.warehouse),
    }
