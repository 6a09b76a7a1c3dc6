"""Which sessions of an archive are to be read: those that the ledger does not know as they are.

What belongs here: the archive's session rows beside the ledger, in memory. What does not: reading
what sessions hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from agentsview_assets.resources.archives.asked import Known, Needed
from agentsview_assets.resources.archives.content import Wanted
from agentsview_assets.resources.archives.entering import name_landed, need_sessions
from agentsview_assets.resources.archives.reading import CleanReader
from agentsview_assets.resources.warehouses.ledger import Entry
from agentsview_assets.rules import entries, versions

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.scratch import Scratch


class Candidates:
    """The sessions of an open archive, of which some are chosen to be read.

    Attributes:
        is_whole: Whether the ledger has nothing of the archive.
        read: Those that were chosen.
    """

    def __init__(self, scratch: Scratch, reader: CleanReader, archive_id: str) -> None:
        self._scratch = scratch
        self._reader = reader
        self.archive_id = archive_id
        self.is_whole = False
        self.read: set[str] = set()

    def take_in(self, entries: Sequence[Entry]) -> None:
        """Puts the ledger beside the sessions seen, unless this run has it there already."""
        db = self._scratch.db
        self.is_whole = not entries
        db.execute("DELETE FROM ledger WHERE archive_id = ?", [self.archive_id])
        if not entries:
            return
        columns = dict(zip(Entry._fields, zip(*entries, strict=True), strict=True))
        db.register("incoming", pa.table({name: pa.array(v) for name, v in columns.items()}))
        db.execute("INSERT INTO ledger BY NAME SELECT * FROM incoming")
        db.unregister("incoming")

    def wanted(self, needed: Needed | None, before: Known, *, is_verified: bool) -> Wanted:
        """The sessions that are new, changed or needed.

        Args:
            needed: Days of which all sessions are needed.
            before: What the warehouse knows of the archive.
            is_verified: Whether all sessions are to be read, changed or not.
        """
        db, mine = self._scratch.db, [self.archive_id]
        for table in ("candidate", "entry"):
            db.execute(f"DELETE FROM {table} WHERE archive_id = ?", mine)
        db.execute(entries.CANDIDATES, {"landing": versions.rules().digests["landing"]})
        name_landed(self._scratch, self.archive_id)
        if before.entries:
            db.execute(entries.KNOWN_ENTRIES, {"archive": self.archive_id})
        db.execute("CREATE OR REPLACE TEMP TABLE needed (id TEXT)")
        if needed is not None:
            need_sessions(self._scratch, self.archive_id, needed)
        # What could not be read may have been mended, which no session row shows.
        spoiled = sorted({row.session_id for row in before.left_out if row.session_id})
        db.execute(
            "INSERT INTO needed SELECT unnest($ids) EXCEPT SELECT id FROM landed",
            {"ids": spoiled},
        )
        self.read = set()
        return self.chosen("true" if is_verified else "is_changed OR id IN (SELECT id FROM needed)")

    def chosen(self, condition: str) -> Wanted:
        """The sessions to read that satisfy a condition on their row in `candidate`."""
        found = self._scratch.rows(
            "SELECT id, message_count FROM candidate WHERE archive_id = $archive "
            f"AND ({condition})",
            {"archive": self.archive_id},
        )
        sessions = sorted((self._reader.stored(session), count) for session, count in found)
        self.read |= {session for session, _ in found}
        count = self._scratch.rows(
            "SELECT count(*) FROM candidate WHERE archive_id = ?", [self.archive_id]
        )
        return Wanted(sessions, int(count[0][0]))

    def there(self) -> set[str]:
        """The sessions that the archive has now; '' where it has rows without a session."""
        found = self._scratch.rows(
            "SELECT id FROM candidate WHERE archive_id = $archive UNION "
            "SELECT session_id FROM entry WHERE archive_id = $archive AND session_id = ''",
            {"archive": self.archive_id},
        )
        return {name for (name,) in found}
