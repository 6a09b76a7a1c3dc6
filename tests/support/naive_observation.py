"""What an archive should land as, worked out row by row: slow, plain, and sharing no code.

Rules are those of the agentsview v1 contract: usage report sections 1 to 6, activity report
section 7, session export section 2.2. Only the scanner of malformed token texts is borrowed; it
has tests of its own.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from agentsview_assets.rules.agents import AGENTS_WITHOUT_TOKENS
from agentsview_assets.rules.token_usage import parse_token_usage
from tests.support.naive_order import in_key_order

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]
Moment = tuple[int, int]
"""Seconds since 1970 and nanoseconds."""

MOST_TOKENS = 2_000_000
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_OVERSHOOT = re.compile(r"\.999\d+")  # newer SQLite does this itself
_CALENDAR = sqlite3.connect(":memory:", check_same_thread=False)
_MESSAGE_KEYS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "reasoning_tokens",
)
_COUNTERS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_read_tokens",
    "reasoning_tokens",
)


def moment(text: str | None) -> Moment | None:
    """Reads a time text as the contract's table has it."""
    found = _TIME.fullmatch(text or "")
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[n]) for n in range(1, 7))
    try:
        # A cycle later the calendar is the same, and datetime knows no year 0.
        days = dt.date(year + _CYCLE_YEARS if year < 9000 else year, month, day).toordinal()
    except ValueError:
        return None
    days -= _EPOCH_DAY + (_CYCLE_DAYS if year < 9000 else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    if found[8] != "Z":
        hours, minutes = int(found[8][1:3]), int(found[8][4:])
        if hours > 24 or minutes > 60:
            return None
        seconds -= (hours * 3600 + minutes * 60) * (-1 if found[8][0] == "-" else 1)
    return seconds, int(((found[7] or "") + "0" * 9)[:9])


def day_of(when: Moment | None) -> str | None:
    """The UTC day of a moment; None without one, or where calendars end."""
    if when is None:
        return None
    ordinal = when[0] // 86_400 + _EPOCH_DAY
    if not 1 <= ordinal <= dt.date.max.toordinal():
        return None
    return dt.date.fromordinal(ordinal).isoformat()


def julian(text: str | None) -> float | None:
    """The sort value of a time text: SQLite's own julian day, a second's overshoot cut at .999."""
    cut = _OVERSHOOT.sub(".999", text or "")
    found = _CALENDAR.execute("SELECT julianday(?)", (cut,)).fetchone()[0] if cut else None
    return None if found is None else float(found)


class NaiveArchive:
    """An archive read whole into dictionaries.

    Attributes:
        first: First day of the window that rows are placed in.
    """

    def __init__(self, database: Path, first: str) -> None:
        self.first = first
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            opened.row_factory = sqlite3.Row
            self._sessions = _read(opened, "SELECT * FROM sessions ORDER BY id")
            self._messages = _read(opened, "SELECT * FROM messages ORDER BY session_id, ordinal")
            self._events = _read(opened, "SELECT * FROM usage_events ORDER BY session_id, id")
            self._cursor = _read(opened, "SELECT * FROM cursor_usage_events ORDER BY id")
        self._of_session: dict[str, list[Row]] = {row["id"]: [] for row in self._sessions}
        for message in self._messages:
            if message["session_id"] in self._of_session:
                self._of_session[message["session_id"]].append(message)
        self._live = {row["id"]: row for row in self._sessions if row["deleted_at"] is None}

    def partition(self, day: str | None) -> str:
        """The partition of a row of that day."""
        return day if day is not None and self.first <= day else self.first

    def sessions(self) -> list[Row]:
        """Start, last activity and counts of every session, trashed ones too."""
        return [self._session(row) for row in self._sessions]

    def _session(self, row: Row) -> Row:
        messages = self._of_session[row["id"]]
        timed = [m["timestamp"] for m in messages if m["timestamp"]]
        ranked = sorted((-1e300 if (j := julian(text)) is None else j, text) for text in timed)
        parsed = [j for text in timed if (j := julian(text)) is not None]
        values = [julian(row["ended_at"]), max(parsed, default=None)]
        values += [julian(row[name]) for name in ("started_at", "created_at")]
        titles = ("display_name", "session_name", "first_message", "project", "id")
        return {
            "session_id": row["id"],
            "partition_date": self.partition(day_of(moment(row["started_at"]))),
            "title": next(row[name] for name in titles if row[name]),
            "project": row["project"],
            "agent": row["agent"],
            "started_at_text": row["started_at"],
            "ended_at_text": row["ended_at"],
            "started_at": _micros(moment(row["started_at"])),
            "ended_at": _micros(moment(row["ended_at"])),
            "latest_message_text": max(timed, default=None) if not row["ended_at"] else None,
            "last_activity_text": row["ended_at"]
            or (ranked[-1][1] if ranked else row["started_at"] or row["created_at"]),
            "last_activity_julian": next((value for value in values if value is not None), None),
            "message_count": row["message_count"],
            "user_message_count": row["user_message_count"],
            "total_output_tokens": row["total_output_tokens"],
            "peak_context_tokens": row["peak_context_tokens"],
            "has_total_output_tokens": row["has_total_output_tokens"] != 0,
            "has_peak_context_tokens": row["has_peak_context_tokens"] != 0,
            "assistant_message_count": sum(
                m["role"] == "assistant" and not m["is_system"] for m in messages
            ),
            "is_automated": row["is_automated"] == 1,
            "deleted_at_text": row["deleted_at"],
            "display_name": _name_of_its_own(row),
            "own_activity_julian": julian(
                row["ended_at"] or row["started_at"] or row["created_at"]
            ),
            "answer_times": _answer_times(row, messages),
        }

    def intervals(self) -> list[Row]:
        """The spans between consecutive timed messages, with the running model."""
        return [span for row in self._live.values() for span in self._spans(row)]

    def _spans(self, session: Row) -> Iterable[Row]:
        model = "unknown"
        timed = [m for m in self._of_session[session["id"]] if m["timestamp"]]
        for a, b in itertools.pairwise(timed):
            start, end = moment(a["timestamp"]), moment(b["timestamp"])
            if start is None or end is None or end <= start:
                continue
            if b["role"] == "assistant" and b["model"]:
                model = b["model"]
            length = (end[0] - start[0]) * 10**9 + end[1] - start[1]
            length = min(length, 300 * 10**9)
            yield {
                "session_id": session["id"],
                "partition_date": self.partition(day_of(start)),
                "ordinal": a["ordinal"],
                "model": model,
                "is_automated": session["is_automated"] == 1,
                "epoch_seconds": start[0],
                "nanosecond": start[1],
                "duration_ns": length,
            }

    def usage_rows(self) -> list[Row]:
        """Every token-bearing row, with the key that another one could share."""
        events = in_key_order(self._event_rows())
        rows = [*self._message_rows(), *events, *self._cursor_rows()]
        keys = Counter(row["dedup_key"] for row in rows)
        for row in rows:
            # A key that is the number of an event means nothing to any other.
            if row.pop("is_numbered") and keys[row["dedup_key"]] == 1:
                row["dedup_key"] = None
        return rows

    @staticmethod
    def duplicates(rows: Iterable[Row]) -> dict[str, str]:
        """The row that counts for each row that shares its key with another one."""
        classes: dict[str, list[Row]] = {}
        for row in rows:
            if row["dedup_key"] is not None:
                classes.setdefault(row["dedup_key"], []).append(row)
        return {
            row["row_id"]: min(alike, key=_first_seen)["row_id"]
            for alike in classes.values()
            if len(alike) > 1
            for row in alike
        }

    def _message_rows(self) -> Iterable[Row]:
        for session in self._live.values():
            for m in self._of_session[session["id"]]:
                if not m["token_usage"] or m["model"] in ("", "<synthetic>"):
                    continue
                key = None
                if m["claude_message_id"] and m["claude_request_id"]:
                    key = f"claude:{m['claude_message_id']}:{m['claude_request_id']}"
                elif session["agent"] and m["source_uuid"]:
                    key = f"source:{session['agent']}:{m['source_uuid']}"
                tokens = [min(max(n, 0), MOST_TOKENS) for n in _message_tokens(m["token_usage"])]
                yield self._row(
                    session,
                    m,
                    tokens,
                    row_id=f"{session['id']}#m{m['ordinal']}",
                    row_kind="message",
                    source="message",
                    ordinal=m["ordinal"],
                    timestamp_text=m["timestamp"] or session["started_at"],
                    dedup_key=key,
                    reported_cost_usd=None,
                )

    def _event_rows(self) -> Iterable[Row]:
        places: dict[str, int] = {}
        for e in self._events:
            session = self._live.get(e["session_id"])
            if session is None or not e["model"]:
                continue
            place = places.get(session["id"], 0)
            places[session["id"]] = place + 1
            own = e["occurred_at"]
            key = e["dedup_key"] or f"id:{e['id']}"
            yield self._row(
                session,
                e,
                _event_tokens(e),
                row_id=f"{session['id']}#e{place}",
                row_kind="usage_event",
                source=e["source"],
                ordinal=e["message_ordinal"],
                timestamp_text=own if own is not None else session["started_at"],
                dedup_key=f"usage:{session['id']}:{e['source']}:{key}",
                is_numbered=not e["dedup_key"],
                own_key=key,
                reported_cost_usd=e["cost_usd"],
            )

    def _cursor_rows(self) -> Iterable[Row]:
        nobody = {"id": "", "project": "", "agent": "cursor", "machine": "", "started_at": None}
        places: dict[str, int] = {}
        for c in self._cursor:
            if not c["model"]:
                continue
            place = places.get(c["occurred_at"], 0)
            places[c["occurred_at"]] = place + 1
            counts = ("input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens")
            yield self._row(
                nobody,
                c,
                [*(min(max(c[name], 0), MOST_TOKENS) for name in counts), 0],
                row_id=f"cursor#{c['occurred_at']}#c{place}",
                row_kind="cursor_event",
                source="cursor",
                ordinal=None,
                timestamp_text=c["occurred_at"],
                dedup_key=f"usage:{c['dedup_key']}" if c["dedup_key"] else None,
                reported_cost_usd=c["charged_cents"] / 100.0,
                is_headless=c["is_headless"] != 0,
            )

    def _row(self, session: Row, found: Row, tokens: list[int], **columns: Any) -> Row:
        when = moment(columns["timestamp_text"])
        started = day_of(moment(session["started_at"]))
        is_cursor = columns["row_kind"] == "cursor_event"
        return {
            "is_numbered": False,
            "is_headless": None,
            "event_key_order": None,
            **columns,
            **dict(zip(_COUNTERS, tokens, strict=True)),
            "billable_output_tokens": tokens[1] or tokens[4],
            "session_id": session["id"],
            "project": session["project"],
            "agent": session["agent"],
            "machine": session["machine"],
            "model": found["model"],
            "session_date": None if is_cursor else self.partition(started),
            "partition_date": self.partition(day_of(when)),
            "occurred_at": _micros(when),
            "epoch_seconds": when[0] if when else None,
            "nanosecond": when[1] if when else None,
        }


def _read(database: sqlite3.Connection, query: str) -> list[Row]:
    return [dict(row) for row in database.execute(query)]


def _micros(when: Moment | None) -> int | None:
    return None if day_of(when) is None or when is None else when[0] * 10**6 + when[1] // 1000


def _name_of_its_own(session: Row) -> str | None:
    """What usage by session calls it, where that is not the title."""
    if session["display_name"] != "" or not session["session_name"]:
        return None
    return str(session["first_message"] or session["project"] or session["id"])


def _answer_times(session: Row, messages: Iterable[Row]) -> str | None:
    if session["agent"] not in AGENTS_WITHOUT_TOKENS:
        return None
    times: dict[str, set[str | None]] = {}
    for m in messages:
        if m["role"] == "assistant" and m["model"] != "<synthetic>":
            times.setdefault(m["model"], set()).add(m["timestamp"] or session["started_at"])
    found = [
        {"model": model, "times": sorted(texts, key=lambda text: (text is None, text or ""))}
        for model, texts in sorted(times.items())
    ]
    # DuckDB writes characters beyond ASCII as they are.
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False) if found else None


def _message_tokens(text: str) -> list[int]:
    try:
        found = json.loads(text)
        plain = isinstance(found, dict) and text.count('"') == 2 * len(found)
        values = [found.get(key, 0) for key in _MESSAGE_KEYS] if plain else []
    except ValueError:
        values = []
    if values and all(type(value) is int and abs(value) < 2**62 for value in values):
        return values
    return list(parse_token_usage(text))


def _event_tokens(event: Row) -> list[int]:
    if event["source"] == "message":
        return [0] * 5
    most = None if event["source"] == "session" else MOST_TOKENS
    counts = [max(event[key], 0) for key in _MESSAGE_KEYS[:4]]
    return [*(n if most is None else min(n, most) for n in counts), event["reasoning_tokens"]]


def _first_seen(row: Row) -> tuple[bytes, bytes, int]:
    ordinal = -1 if row["ordinal"] is None else row["ordinal"]
    return ((row["timestamp_text"] or "").encode(), row["session_id"].encode(), ordinal)
