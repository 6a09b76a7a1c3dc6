"""Multiply an archive by cloning rows, whole families of sessions together.

A family is what duplicates and links tie together: sessions that share message ids, a parent, or a
subagent call. A clone gets fresh ids (the old ones and a suffix) and moves by whole days, so that
duplicates stay duplicates within a clone and never arise between clones.
"""

from __future__ import annotations

import collections
import datetime as dt
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How a clone's columns come from the original's `t` and the move `m`; all others are copied.
_RENAMED = "CASE WHEN t.{0} <> '' THEN t.{0} || m.tag ELSE t.{0} END"
_SHIFTED = (
    "CASE WHEN t.{0} <> '' THEN date(substr(t.{0}, 1, 10), m.days || ' days')"
    " || substr(t.{0}, 11) ELSE t.{0} END"
)
_LINKED = "(SELECT other.new FROM temp.moves other WHERE other.old = t.{0})"
_FRESH_ROW = "NULL"
_MESSAGE = "(SELECT id FROM messages WHERE session_id = m.new AND ordinal = o.ordinal)"
_RULES: dict[str, dict[str, str]] = {
    "sessions": {
        "id": "m.new",
        "parent_session_id": _LINKED,
        "started_at": _SHIFTED,
        "ended_at": _SHIFTED,
        "file_path": _RENAMED,
        "file_inode": _FRESH_ROW,
        "last_entry_uuid": _RENAMED,
        "source_session_id": _RENAMED,
    },
    "messages": {
        "id": _FRESH_ROW,
        "session_id": "m.new",
        "timestamp": _SHIFTED,
        "claude_message_id": _RENAMED,
        "claude_request_id": _RENAMED,
        "source_uuid": _RENAMED,
        "source_parent_uuid": _RENAMED,
    },
    "usage_events": {
        "id": _FRESH_ROW,
        "session_id": "m.new",
        "occurred_at": _SHIFTED,
        "dedup_key": _RENAMED,
    },
    "tool_calls": {
        "id": _FRESH_ROW,
        "session_id": "m.new",
        "message_id": _MESSAGE,
        "tool_use_id": _RENAMED,
        "subagent_session_id": _LINKED,
    },
    "tool_result_events": {
        "id": _FRESH_ROW,
        "session_id": "m.new",
        "tool_use_id": _RENAMED,
        "timestamp": _SHIFTED,
        "subagent_session_id": _LINKED,
    },
}
_USAGE = """
    SELECT id, (SELECT COUNT(*) FROM messages WHERE session_id = s.id AND token_usage <> '')
             + (SELECT COUNT(*) FROM usage_events WHERE session_id = s.id),
           COALESCE(substr(started_at, 1, 10), ''), COALESCE(substr(ended_at, 1, 10), '')
    FROM sessions s ORDER BY id
"""
_TO_PARENT = "SELECT id, parent_session_id FROM sessions WHERE parent_session_id IS NOT NULL"
_TO_SUBAGENT = """
    SELECT DISTINCT session_id, subagent_session_id FROM tool_calls
    WHERE subagent_session_id IS NOT NULL
"""
_BY_MESSAGE_ID = """
    SELECT DISTINCT m.session_id, f.first FROM messages m JOIN (
        SELECT claude_message_id, claude_request_id, MIN(session_id) AS first
        FROM messages WHERE claude_message_id <> '' GROUP BY 1, 2
    ) f USING (claude_message_id, claude_request_id)
"""
_BY_SOURCE_UUID = """
    SELECT DISTINCT m.session_id, f.first FROM messages m JOIN (
        SELECT source_uuid, MIN(session_id) AS first
        FROM messages WHERE source_uuid <> '' GROUP BY 1
    ) f USING (source_uuid)
"""
# Each gives pairs of sessions that must be cloned together.
_TIES = (_TO_PARENT, _TO_SUBAGENT, _BY_MESSAGE_ID, _BY_SOURCE_UUID)


@dataclass(frozen=True)
class Target:
    """How large an archive is to become: sessions, usage rows, days."""

    sessions: int
    usage: int
    days: int


@dataclass
class _Family:
    """Sessions that are cloned together.

    Attributes:
        members: Session ids.
        usage: Usage rows of all of them.
        first: First day on which one starts.
        last: Last day on which one ends.
    """

    members: list[str]
    usage: int
    first: dt.date
    last: dt.date


def multiply(archive: Path, target: Target, seed: int) -> Target:
    """Clone families in place until the archive has about the target's size.

    Returns:
        What the archive holds now; the days are those of the target.
    """
    draws = random.Random(seed)
    with closing(sqlite3.connect(archive / "sessions.db", isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -400000")
        families = _families(database)
        missing = Target(
            target.sessions - sum(len(family.members) for family in families),
            target.usage - sum(family.usage for family in families),
            target.days,
        )
        for number, chosen in enumerate(_rounds(families, missing, draws), 1):
            _clone(database, number, _moves(chosen, families, target.days, draws))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _size(database, target.days)


def _families(database: sqlite3.Connection) -> list[_Family]:
    facts = {row[0]: row[1:] for row in database.execute(_USAGE)}
    leader = {session: session for session in facts}

    def find(session: str) -> str:
        while leader[session] != session:
            leader[session] = leader[leader[session]]
            session = leader[session]
        return session

    for query in _TIES:
        for one, other in database.execute(query):
            if one in leader and other in leader:
                leader[find(one)] = find(other)
    groups: dict[str, list[str]] = collections.defaultdict(list)
    for session in facts:
        groups[find(session)].append(session)
    found = (_family(group, facts) for group in groups.values())
    return [family for family in found if family is not None]


def _family(members: list[str], facts: dict[str, tuple[int, str, str]]) -> _Family | None:
    days = [day for member in members for day in facts[member][1:] if day]
    if not days:
        return None
    usage = sum(facts[member][0] for member in members)
    first, last = dt.date.fromisoformat(min(days)), dt.date.fromisoformat(max(days))
    return _Family(members, usage, first, last)


def _rounds(
    families: list[_Family], missing: Target, draws: random.Random
) -> Iterator[list[_Family]]:
    """Yield what to clone in each round; a family is cloned at most once in a round."""
    sessions, usage = missing.sessions, missing.usage
    while sessions > 0 and usage > 0:
        chosen: list[_Family] = []
        for family in draws.sample(families, len(families)):
            if sessions <= 0 or usage <= 0:
                break
            # Steer to both targets: half of the families that would lead away are passed over.
            heavy = family.usage / len(family.members) > usage / sessions
            wanted_heavier = sum(f.usage for f in chosen) < (usage / sessions) * sum(
                len(f.members) for f in chosen
            )
            if chosen and heavy != wanted_heavier and draws.getrandbits(1):
                continue
            chosen.append(family)
            sessions -= len(family.members)
            usage -= family.usage
        yield chosen


def _moves(
    chosen: list[_Family], families: list[_Family], days: int, draws: random.Random
) -> list[tuple[str, int]]:
    last = max(family.last for family in families)
    first = last - dt.timedelta(days=days - 1)
    moves = []
    for family in chosen:
        earliest, latest = (first - family.first).days, (last - family.last).days
        shift = draws.randint(min(earliest, latest), latest)
        moves += [(member, shift) for member in family.members]
    return moves


def _clone(database: sqlite3.Connection, number: int, moves: list[tuple[str, int]]) -> None:
    tag = f"-c{number}"
    database.execute("CREATE TEMP TABLE IF NOT EXISTS moves (old PRIMARY KEY, new, days, tag)")
    database.execute("DELETE FROM temp.moves")
    database.execute("BEGIN")
    # A parent may come after its child.
    database.execute("PRAGMA defer_foreign_keys = ON")
    database.executemany(
        "INSERT INTO temp.moves VALUES (?1, ?1 || ?3, ?2, ?3)",
        ((old, days, tag) for old, days in moves),
    )
    for table in _RULES:
        database.execute(_insertion(database, table))
    database.execute("COMMIT")


def _insertion(database: sqlite3.Connection, table: str) -> str:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    rules = _RULES[table]
    values = ", ".join(rules.get(column, "t.{0}").format(column) for column in columns)
    key = "id" if table == "sessions" else "session_id"
    join = f"FROM temp.moves m JOIN {table} t ON t.{key} = m.old"
    if table == "tool_calls":
        join += " JOIN messages o ON o.id = t.message_id"
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} {join} ORDER BY t.rowid"


def _size(database: sqlite3.Connection, days: int) -> Target:
    sessions, usage = database.execute(
        "SELECT (SELECT COUNT(*) FROM sessions), (SELECT COUNT(*) FROM messages"
        " WHERE token_usage <> '') + (SELECT COUNT(*) FROM usage_events)"
    ).fetchone()
    return Target(int(sessions), int(usage), days)
