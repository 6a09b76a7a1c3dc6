"""Rows that repeat others: key tiers, which one counts, and classes that span days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.odd_archives.workbench import DAY, Edit, Value, Workbench

if TYPE_CHECKING:
    from collections.abc import Sequence


def _pair(bench: Workbench, name: str, rows: Sequence[dict[str, Value]]) -> None:
    """Insert one message a row; `session` and `agent` name where, `tokens` how many."""
    for row in rows:
        columns = dict(row)
        session = f"{name}:{columns.pop('session', 'a')!s}"
        agent, tokens = columns.pop("agent", "claude"), columns.pop("tokens")
        known = bench.database.execute("SELECT 1 FROM sessions WHERE id = ?", (session,))
        if not known.fetchone():
            bench.session(session, f"{name}-project", agent=agent)
        bench.message(session, usage={"input_tokens": tokens}, model=name, **columns)


def _ids(message: str, request: str, uuid: str = "") -> dict[str, Value]:
    return {"claude_message_id": message, "claude_request_id": request, "source_uuid": uuid}


def same_time(bench: Workbench) -> None:
    """At one time the session id decides, by bytes."""
    ids = _ids("same-time", "r")
    _pair(
        bench,
        "dup same time",
        [{"session": s, "tokens": t, **ids} for s, t in (("b", 1), ("a", 2))],
    )
    ids = _ids("upper", "r")
    _pair(bench, "dup bytes", [{"session": s, "tokens": t, **ids} for s, t in (("a", 1), ("B", 2))])


def earlier_time(bench: Workbench) -> None:
    """The earlier time wins, whatever its session is called."""
    ids = _ids("earlier", "r")
    rows: list[dict[str, Value]] = [
        {"session": "b", "tokens": 1, "timestamp": f"{DAY}T09:59:59Z", **ids},
        {"session": "a", "tokens": 2, "timestamp": f"{DAY}T10:00:00Z", **ids},
    ]
    _pair(bench, "dup earlier", rows)


def lower_ordinal(bench: Workbench) -> None:
    """Within a session and a time the lower ordinal wins, in whatever order they were stored."""
    ids = _ids("ordinal", "r")
    _pair(bench, "dup ordinal", [{"ordinal": o, "tokens": t, **ids} for o, t in ((5, 1), (2, 2))])


def text_order(bench: Workbench) -> None:
    """Times compare as texts: a fraction comes before `Z`, an offset is not converted."""
    ids = _ids("fraction", "r")
    times = (f"{DAY}T10:00:00Z", f"{DAY}T10:00:00.5Z")
    rows = [{"tokens": t, "timestamp": text, **ids} for t, text in enumerate(times, 1)]
    _pair(bench, "dup fraction", rows)
    ids = _ids("offset", "r")
    times = (f"{DAY}T10:00:00+02:00", f"{DAY}T09:00:00Z")
    rows = [{"tokens": t, "timestamp": text, **ids} for t, text in enumerate(times, 1)]
    _pair(bench, "dup offset", rows)


def half_keys(bench: Workbench) -> None:
    """A message id without a request id, and the reverse, is no key."""
    rows = [{"tokens": t, **_ids("half", "")} for t in (1, 2)]
    rows += [{"tokens": t, **_ids("", "half")} for t in (4, 8)]
    _pair(bench, "dup half", rows)


def joined_keys(bench: Workbench) -> None:
    """Ids are joined by a colon before they are compared."""
    rows = [{"tokens": 1, **_ids("m:x", "r")}, {"tokens": 2, **_ids("m", "x:r")}]
    _pair(bench, "dup joined", rows)


def source_uuids(bench: Workbench) -> None:
    """Source uuids are unique within an agent; an empty agent has none; tiers do not mix."""
    for name, agents in (("dup uuid", ("claude", "codex", "claude")), ("dup no agent", ("", ""))):
        rows: list[dict[str, Value]] = [
            {"session": f"{n}", "agent": agent, "tokens": 1 << n, **_ids("", "", f"{name} u")}
            for n, agent in enumerate(agents)
        ]
        _pair(bench, name, rows)
    tiers = (_ids("t", "r", "u1"), _ids("t", "r", "u2"), _ids("", "", "u1"))
    _pair(bench, "dup tiers", [{"tokens": 1 << n, **ids} for n, ids in enumerate(tiers)])


def message_and_event(bench: Workbench) -> None:
    """A message and a usage event of one turn are both counted."""
    session = bench.session("turn", "message-and-event")
    bench.message(session, source_uuid="turn-1", model="dup turn")
    bench.event(session, model="dup turn", message_ordinal=0, dedup_key="turn-1")


def event_keys(bench: Workbench) -> None:
    """Event keys hold session, source and key; a Cursor key may equal one of them."""
    for name in ("e1", "e2"):
        session = bench.session(name, "event-keys")
        for source in ("turn", "shutdown"):
            bench.event(session, source=source, dedup_key="k", model="dup events")
            bench.event(session, source=source, model="dup events")
            bench.event(session, source=source, model="dup events")
    bench.cursor(dedup_key="e1:turn:k", model="dup events", occurred_at=f"{DAY}T11:00:00Z")
    bench.cursor(dedup_key="e2:turn:k", model="dup events", occurred_at=f"{DAY}T13:00:00Z")
    bench.cursor(model="dup events")
    bench.cursor(model="dup events")


def event_ordinals(bench: Workbench) -> None:
    """An event without an ordinal sorts before ordinal 0, at the same time and session."""
    session = bench.session("event-order", "event-ordinals")
    for ordinal in (0, None, 3):
        bench.event(session, message_ordinal=ordinal, model="dup order", input_tokens=5)


def spanning_days(bench: Workbench) -> None:
    """Classes whose rows lie on several days: the window decides which of them counts."""
    days = ("2026-06-30T23:00:00Z", "2026-07-01T01:00:00Z", "2026-07-02T05:00:00Z")
    rows: list[dict[str, Value]] = [
        {"session": f"s{n}", "tokens": 1 << n, "timestamp": text, **_ids("span", "r")}
        for n, text in enumerate(days)
    ]
    _pair(bench, "dup span", rows)
    odd = ("", "garbage-timestamp", "2026-07-01T12:00:00Z", None)
    rows = [
        {"session": f"s{n}", "tokens": 1 << n, "timestamp": text, **_ids("odd span", "r")}
        for n, text in enumerate(odd)
    ]
    _pair(bench, "dup odd span", rows)


def across_agents(bench: Workbench) -> None:
    """One message in sessions of two agents, projects and models: filters change who counts."""
    for number, agent in enumerate(("claude", "codex", "copilot")):
        session = bench.session(f"across:{agent}", f"across-{agent}", agent=agent)
        bench.message(
            session,
            usage={"input_tokens": 1 << number},
            model=f"dup across {agent}",
            timestamp=f"2026-06-29T1{number}:00:00Z",
            claude_message_id="across",
            claude_request_id="r",
        )


def losing_rows(bench: Workbench) -> None:
    """A session, a label and a model whose only rows repeat others do not appear at all."""
    first = bench.session("winner", "winning-project")
    second = bench.session("loser", "losing-project")
    for session, model in ((first, "winning-model"), (second, "losing-model")):
        bench.message(session, model=model, claude_message_id="lose", claude_request_id="r")


def trashed_winner(bench: Workbench) -> None:
    """A row of a trashed session neither counts nor stops its repetition from counting."""
    for name, deleted in (("a", f"{DAY}T00:00:00Z"), ("b", None)):
        session = bench.session(f"trashed-dup:{name}", "trashed-winner", deleted_at=deleted)
        bench.message(session, model="dup trash", claude_message_id="tw", claude_request_id="r")


EDITS: tuple[Edit, ...] = (
    same_time,
    earlier_time,
    lower_ordinal,
    text_order,
    half_keys,
    joined_keys,
    source_uuids,
    message_and_event,
    event_keys,
    event_ordinals,
    spanning_days,
    across_agents,
    losing_rows,
    trashed_winner,
)
