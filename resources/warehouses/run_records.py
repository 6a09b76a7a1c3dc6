"""What runs say in a warehouse beside their rows: what was read, and what can be trusted.

What belongs here: two small tables, portable SQL. What does not: reading them, which documents do
(`documents.common.gaps`, `documents.common.alarms`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from agentsview_assets.resources.warehouses.reader import CHECKS_TABLE, READINGS_TABLE


class Reading(NamedTuple):
    """What came of reading an archive.

    Attributes:
        archive: How it is named: a path, or a URL without a password.
        archive_id: Its identity; '' where it could not be read.
        reason: Why it could not be read; '' where it was.
    """

    archive: str
    archive_id: str
    reason: str = ""


class Answer(NamedTuple):
    """What a blocking check found.

    Attributes:
        asset: Table that it is about.
        check: Its name.
        words: What is wrong; '' if nothing is.
        run_id: Dagster run that asked it.
    """

    asset: str
    check: str
    words: str
    run_id: str


class _Writing(Protocol):
    """The part of a store that notes are written through."""

    now: ClassVar[str]

    def transaction(self, *locks: str) -> Any: ...
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None: ...
    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]: ...
    def execute_values(self, insert: str, rows: Sequence[Sequence[object]]) -> None: ...


class RunRecords:
    """Writes the notes of runs; a part of every store."""

    def record_readings(self: _Writing, readings: Sequence[Reading]) -> None:
        """Records what came of reading archives."""
        if readings:
            with self.transaction("readings"):
                _record_readings(self, readings)

    def record_answers(
        self: _Writing, answers: Sequence[Answer], checked: Sequence[tuple[str, str]]
    ) -> None:
        """Notes what blocking checks found; see `due`.

        Args:
            answers: What each of them found.
            checked: Tables whose checks were all asked, with the run that had written them.
        """
        with self.transaction("checks"):
            for answer in answers:
                self.execute(
                    f"DELETE FROM {CHECKS_TABLE} WHERE asset = ? AND check_name = ?", answer[:2]
                )
            wrong = [answer for answer in answers if answer.words]
            if wrong:
                self.execute_values(_INSERT_CHECK, wrong)
            for asset, run_id in checked:
                self.execute(
                    f"DELETE FROM {CHECKS_TABLE} WHERE asset = ? AND check_name = '' "
                    "AND run_id = ?",
                    [asset, run_id],
                )


_INSERT_CHECK = f"INSERT INTO {CHECKS_TABLE} (asset, check_name, words, run_id, checked_at)"


def due(store: _Writing, asset: str, run_id: str) -> None:
    """Notes that a table's checks are to be asked, in the transaction that writes its rows.

    A run that is killed before they are asked leaves this behind, and the next one asks them.
    """
    store.execute(f"DELETE FROM {CHECKS_TABLE} WHERE asset = ? AND check_name = ''", [asset])
    store.execute_values(_INSERT_CHECK, [(asset, "", "", run_id)])


def _record_readings(store: _Writing, readings: Sequence[Reading]) -> None:
    known = {archive for (archive,) in store.ask(f"SELECT archive FROM {READINGS_TABLE}")}
    insert = (
        f"INSERT INTO {READINGS_TABLE} (archive, archive_id, reason, read_at, failing_since) "
        "VALUES (?, ?, ?, "
    )
    for reading in readings:
        if not reading.reason:
            # Another spelling of its path is the same archive.
            store.execute(
                f"DELETE FROM {READINGS_TABLE} WHERE archive = ? OR archive_id = ?", reading[:2]
            )
            store.execute(f"{insert}{store.now}, NULL)", reading)
        elif reading.archive in known:
            store.execute(
                f"UPDATE {READINGS_TABLE} SET reason = ?, "
                f"failing_since = COALESCE(failing_since, {store.now}) WHERE archive = ?",
                [reading.reason, reading.archive],
            )
        else:
            store.execute(f"{insert}NULL, {store.now})", reading)
