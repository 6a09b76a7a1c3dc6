"""Reading what sessions hold and landing it, batch after batch, the next one read meanwhile.

What belongs here: messages and events of some sessions. What does not: which sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from agentsview_assets.resources.archives import schema as source
from agentsview_assets.resources.archives.odd_values import arrow_schema
from agentsview_assets.rules import entries, landing
from agentsview_assets.rules.event_order import ORDERED_EVENTS
from agentsview_assets.rules.julian import julian_day, utc_date
from agentsview_assets.rules.landing_tables import SESSION_TABLES
from agentsview_assets.rules.timestamps import parse_rfc3339
from agentsview_assets.rules.token_usage import clamp_message_tokens, parse_token_usage

if TYPE_CHECKING:
    from agentsview_assets.resources.archives.reading import CleanReader
    from agentsview_assets.resources.archives.scratch import Scratch

BATCH_MESSAGES = 120_000
"""Messages read in one transaction: a fraction of the three seconds that a reader may hold one."""
SOON_MESSAGES = 12_000
"""Messages that land within a fraction of a second."""
_FEW = 0.2
_COUNTERS = (
    *("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"),
    "reasoning_tokens",
)


class Wanted(NamedTuple):
    """The sessions to read.

    Attributes:
        sessions: Ids as the archive has them, each with its number of messages, ascending.
        of: How many sessions the archive has.
    """

    sessions: Sequence[tuple[str, int]]
    of: int

    @property
    def are_few(self) -> bool:
        """Whether naming each of them is faster than reading everything in between."""
        return len(self.sessions) <= max(100, _FEW * self.of)

    @property
    def are_soon_landed(self) -> bool:
        """Whether they land in a moment, so that their transaction may last as long."""
        return sum(max(1, count) for _, count in self.sessions) <= SOON_MESSAGES

    def batches(self) -> Iterator[list[tuple[str, int]]]:
        """The sessions, so many at a time as one transaction may read."""
        batch: list[tuple[str, int]] = []
        messages = 0
        for session in self.sessions:
            batch.append(session)
            messages += max(1, session[1])
            if messages >= BATCH_MESSAGES:
                yield batch
                batch, messages = [], 0
        if batch:
            yield batch


Batch = tuple[pa.Table, pa.Table]
"""Messages and events of some sessions."""


def read_batch(reader: CleanReader, batch: Sequence[tuple[str, int]], *, are_few: bool) -> Batch:
    """Reads what some sessions hold, in one transaction of its own or the caller's."""
    if are_few:
        where = reader.archive.among([session for session, _ in batch])
    else:
        where = reader.archive.between(batch[0][0], batch[-1][0])
    with reader.archive.transaction():
        return (
            reader.read(source.MESSAGES, where, "session_id, ordinal"),
            reader.read(source.USAGE_EVENTS, where, "session_id, id"),
        )


class Content:
    """Lands what sessions of an archive hold; their rows are in `seen_session`."""

    def __init__(self, scratch: Scratch, archive_id: str, *, is_all_compared: bool) -> None:
        """Prepares for a pass over some sessions.

        Args:
            scratch: Where rows land.
            archive_id: The archive.
            is_all_compared: Whether sessions are looked for whose content alone differs.
        """
        self._scratch = scratch
        self._archive_id = archive_id
        self._is_all_compared = is_all_compared

    def land(self, reader: CleanReader, wanted: Wanted, first: Batch | None) -> Iterator[int]:
        """Lands the sessions, yielding after each batch how many there are so far.

        Args:
            reader: The archive.
            wanted: What to read.
            first: The first batch, where it has been read already.
        """
        done, batches = 0, list(wanted.batches())

        def read(batch: list[tuple[str, int]]) -> Batch:
            return read_batch(reader, batch, are_few=wanted.are_few)

        found = [first or read(batch) for batch in batches[:1]]
        with ThreadPoolExecutor(max_workers=1) as ahead:
            for number, batch in enumerate(batches):
                pending = [ahead.submit(read, b) for b in batches[number + 1 : number + 2]]
                self._land_batch([reader.shown(session) for session, _ in batch], *found.pop())
                found = [reading.result() for reading in pending]
                done += len(batch)
                yield done

    def _land_batch(self, sessions: list[str], messages: pa.Table, events: pa.Table) -> None:
        db = self._scratch.db
        db.register("raw_message", messages)
        db.register("read_event", events)
        db.register("raw_event", db.sql(ORDERED_EVENTS).to_arrow_table())
        db.register("raw_cursor_event", arrow_schema(source.CURSOR_USAGE_EVENTS).empty_table())
        db.execute(entries.CONTENT_DIGESTS)
        db.execute(
            """CREATE OR REPLACE TEMP TABLE landing_session AS
            SELECT c.id FROM candidate c LEFT JOIN raw_content r ON r.session_id = c.id
            LEFT JOIN ledger k ON k.archive_id = c.archive_id AND k.session_id = c.id
            WHERE c.archive_id = $archive AND list_contains($sessions, c.id)
                AND (c.is_changed OR c.id IN (SELECT id FROM needed) OR ($all
                    AND k.content_digest IS DISTINCT FROM coalesce(r.content_digest, '')))""",
            {
                "archive": self._archive_id,
                "sessions": sessions,
                "all": self._is_all_compared,
            },
        )
        landing_now = self._scratch.count("landing_session")
        if not landing_now:
            return
        if landing_now < len(sessions):
            self._narrow("raw_message")
            self._narrow("raw_event")
        self._register_sessions()
        self.forget("SELECT id FROM landing_session")
        db.execute(landing.MESSAGES)
        self._scan_odd_texts()
        for step in landing.LANDING_STEPS:
            db.execute(step)

    def _register_sessions(self) -> None:
        rows = self._scratch.db.sql(
            "SELECT s.*, c.row_digest FROM seen_session s JOIN candidate c "
            "ON c.archive_id = s.archive_id AND c.id = s.id "
            "WHERE s.id IN (SELECT id FROM landing_session)"
        )
        self._scratch.db.register("raw_session", rows.to_arrow_table())

    def _narrow(self, relation: str) -> None:
        kept = self._scratch.db.sql(
            f"SELECT * FROM {relation} WHERE session_id IN (SELECT id FROM landing_session)"
        ).to_arrow_table()
        self._scratch.db.register(relation, kept)

    def forget(self, sessions: str) -> None:
        """Removes what has landed of some sessions, given as a query of their ids."""
        for table in SESSION_TABLES:
            self._scratch.db.execute(
                f"DELETE FROM {table} WHERE archive_id = ? AND session_id IN ({sessions})",
                [self._archive_id],
            )

    def land_cursor_events(self, events: pa.Table) -> None:
        """Lands usage without a session, all of it anew."""
        db, schema = self._scratch.db, arrow_schema
        db.execute(
            "DELETE FROM usage WHERE archive_id = ? AND row_kind = 'cursor_event'",
            [self._archive_id],
        )
        if events.num_rows == 0:
            return
        for name, table in (
            ("raw_message", source.MESSAGES),
            ("raw_event", source.USAGE_EVENTS),
            ("raw_session", source.SESSIONS),
        ):
            db.register(name, owned(schema(table).empty_table(), self._archive_id))
        db.register("raw_cursor_event", owned(events, self._archive_id))
        db.execute(landing.MESSAGES)
        self._scan_odd_texts()
        db.execute(landing.CURSOR_USAGE)

    def _scan_odd_texts(self) -> None:
        """Reads the few texts that plain SQL cannot with the exact scanners."""
        texts = [row[0] for row in self._scratch.rows(landing.ODD_USAGE_TEXTS)]
        counts = [clamp_message_tokens(parse_token_usage(text)) for text in texts]
        columns = zip(*counts, strict=True) if counts else ([] for _ in _COUNTERS)
        usage = {
            name: pa.array(list(c), pa.int64()) for name, c in zip(_COUNTERS, columns, strict=True)
        }
        self._scratch.db.register(
            "odd_usage", pa.table({"text": pa.array(texts, pa.string()), **usage})
        )
        times = [row[0] for row in self._scratch.rows(landing.ODD_TIME_TEXTS)]
        parsed = [parse_rfc3339(text) for text in times]
        self._scratch.db.register(
            "odd_time",
            pa.table(
                {
                    "text": pa.array(times, pa.string()),
                    "epoch": pa.array([p and p.epoch_seconds for p in parsed], pa.int64()),
                    "nanosecond": pa.array([p and p.nanosecond for p in parsed], pa.int64()),
                    "julian": pa.array([julian_day(text) for text in times], pa.float64()),
                    "utc_date": pa.array([utc_date(text) for text in times], pa.string()),
                }
            ),
        )


def owned(table: pa.Table, archive_id: str) -> pa.Table:
    """The rows with the archive that they are of."""
    return table.append_column("archive_id", pa.array([archive_id] * table.num_rows, pa.string()))
