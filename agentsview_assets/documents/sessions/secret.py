"""Which key signs the cursors of a session export."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from agentsview_assets.documents.sessions.archive import archive_path
from agentsview_assets.errors import ConfigError
from agentsview_assets.files import look
from agentsview_assets.resources.cursor_secret import archive_secret, named_secret, own_secret
from agentsview_assets.settings import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.settings import Settings


def cursor_key(
    reader: Reader,
    settings: Settings,
    archive_id: str | None,
    *,
    as_set: bool = False,
    file: str | None = None,
) -> Callable[[], bytes]:
    """Return what gives the key of cursors: the archive's, else our own, made on first use.

    Args:
        reader: The warehouse.
        settings: Where the archive is if it is not where the warehouse says, and our own state.
        archive_id: Archive of the export; None takes the only one in the warehouse.
        as_set: Take the archive of the settings in any case.
        file: File that holds the secret instead, so that several machines can share one.

    Raises:
        ConfigError: The archive's settings cannot be used.
        WarehouseError: The archive is ambiguous, absent or without an identity.
    """
    if file is not None:
        return lambda: named_secret(Path(file))
    held = archive_path(reader, archive_id)
    if "://" in held and not as_set:  # a mirror, which does not carry the archive's
        return lambda: _own(settings)
    path = Path(held)
    if as_set or look(path, f"archive {path}", ConfigError) == "missing":
        path = settings.archive
    is_folder = look(path, f"archive {path}", ConfigError) == "folder"
    key = archive_secret(path if is_folder else path.parent)
    return lambda: _own(settings) if key is None else key


def _own(settings: Settings) -> bytes:
    return own_secret(data_dir(os.environ), settings.state_dir)
