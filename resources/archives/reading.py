"""Reading an archive without the credentials in it: nothing behind this sees one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.resources.archives import schema as source
from agentsview_assets.resources.archives.cleaning import cleaned
from agentsview_assets.rules.credentials.secrets import clean_identifier

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.mirrors.reader import MirrorReader
    from agentsview_assets.resources.archives.reader import ArchiveReader


class CleanReader:
    """An open archive, of which every text is cleaned as it is read.

    Attributes:
        archive: The archive.
        texts: How many texts held credentials so far.
    """

    def __init__(self, archive: ArchiveReader | MirrorReader) -> None:
        self.archive = archive
        self.texts = 0
        self._stored_ids: dict[str, str] = {}

    def read(self, table: source.SourceTable, where: str = "", order: str = "") -> pa.Table:
        """Reads a table, or the rows of a condition; see `ArchiveReader.read`."""
        found = cleaned(self.archive.read(table, where, order))
        self.texts += found.texts
        return found.table

    def read_sessions(self, *, with_titles: bool) -> pa.Table:
        """Reads the rows of all sessions, and whether each of them is held back."""
        raw = self.archive.read(source.SESSIONS if with_titles else source.UNTITLED_SESSIONS)
        held = {row.session_id for row in self.archive.held if row.table == source.SESSIONS.name}
        is_held = pc.is_in(raw.column("id"), pa.array(sorted(held), pa.string()))
        found, texts = cleaned(raw)
        self.texts += texts
        # An id with a credential in it is another one here; reading goes by the archive's own.
        ids = zip(found.column("id").to_pylist(), raw.column("id").to_pylist(), strict=True)
        self._stored_ids = {here: there for here, there in ids if here != there} if texts else {}
        return found.append_column("is_held", is_held)

    def stored(self, session: str) -> str:
        """The id of a session as the archive has it."""
        return self._stored_ids.get(session, session)

    def shown(self, session: str) -> str:
        """The id of a session of the archive as it lands."""
        return clean_identifier(session) if self._stored_ids else session
