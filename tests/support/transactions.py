"""How long read transactions on an archive are held."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentsview_assets.resources.archives.reader import ArchiveReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


def transactions_timed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have every read transaction note how long it was held, in seconds."""
    held: list[float] = []
    transaction = ArchiveReader.transaction

    @contextmanager
    def timed(reader: ArchiveReader) -> Iterator[None]:
        started = time.perf_counter()
        with transaction(reader):
            yield
        held.append(time.perf_counter() - started)

    monkeypatch.setattr(ArchiveReader, "transaction", timed)
    return held
