"""The page of one session: all that is known of it without its content."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from agentsview_assets.documents.common.counting import NO_COPY
from agentsview_assets.documents.common.lookups import of_archive, project_map, resolve_archives
from agentsview_assets.documents.sessions.one_usage import session_usage
from agentsview_assets.rules.text import displayable, storable
from agentsview_assets.web.pages.address import name_of, path_part
from agentsview_assets.web.pages.formats import counted, name, short, usd
from agentsview_assets.web.pages.page import Ask, Content, Figure, NotThereError, Page
from agentsview_assets.web.pages.sessions import rows_of_session
from agentsview_assets.web.pages.steps import steps_chart
from agentsview_assets.web.pages.table import Column, Table

_MOST_KIN: Final = 200


class _Session(NamedTuple):
    """A session as it is stored; its fields are columns of `sessions`."""

    archive_id: str
    session_id: str
    project: str
    machine: str
    agent: str
    title: str
    started_at_text: str | None
    ended_at_text: str | None
    last_activity_text: str
    message_count: int
    user_message_count: int
    assistant_message_count: int
    parent_session_id: str | None
    relationship_type: str
    is_automated: object
    deleted_at_text: str | None
    cwd: str
    git_branch: str
    worktree_name: str | None
    worktree_root_path: str | None
    peak_context_tokens: int
    has_peak_context_tokens: object
    outcome: str
    health_grade: str | None
    termination_status: str | None
    tool_failure_signal_count: int
    secret_leak_count: int
    starred_at_text: str | None


def session(ask: Ask) -> Content:
    """Fills the page.

    Raises:
        NotThereError: There is no such session.
    """
    session_id = name_of(ask.path["id"])
    archive = resolve_archives(ask.reader, ask.scope.archive_id)
    found = _find(ask, archive, session_id)
    if found is None:
        raise NotThereError(f"No session {name(session_id)} is in it.")
    usage: dict[str, Any] = ask.kept(
        ("session", session_id, ask.scope.archive_id),
        lambda: (
            session_usage(ask.reader, session_id, breakdown=True, archive_id=ask.scope.archive_id)
            or {}
        ),
    )
    entries = usage.get("breakdown", [])
    return Content(
        title=name(found.title),
        lead=_lead(found),
        crumbs=[("Sessions", ask.address.there("/sessions"))],
        figures=_figures(ask, found, usage),
        charts=[steps_chart(ask, entries, rows_of_session(ask, session_id))] if entries else [],
        tables=[table for table in (_kin(ask, found), _copies(ask, found)) if table.rows],
        values={"facts": _facts(ask, archive, found, usage), "is_deleted": _is_deleted(found)},
        template="session.html",
        has_window=False,
    )


def _find(ask: Ask, archive: str, session_id: str) -> _Session | None:
    """The session of an id; of several the one that counts, as its usage document takes it."""
    test, params = of_archive(archive)
    text = displayable(session_id)
    rows = ask.reader.rows(
        f"SELECT {', '.join(_Session._fields)} FROM sessions WHERE {test} AND session_id IN (?, ?) "
        "ORDER BY CASE WHEN deleted_at_text IS NULL THEN 0 ELSE 1 END, "
        f"CASE WHEN {NO_COPY} THEN 0 ELSE 1 END, {ask.reader.binary_order('archive_id')} LIMIT 1",
        (*params, text, storable(text)),
    )
    return _Session(*rows[0]) if rows else None


def _is_deleted(found: _Session) -> bool:
    return found.deleted_at_text is not None


def _lead(found: _Session) -> str:
    driver = "driven by a program" if found.is_automated else "driven by a person"
    return f"A session of {name(found.agent)}, {driver}"


def _figures(ask: Ask, found: _Session, usage: dict[str, Any]) -> list[Figure]:
    rows, entries = rows_of_session(ask, found.session_id), usage.get("breakdown", [])
    tokens = sum(entry[key] for entry in entries for key in _COUNTERS)
    has_cost = usage.get("has_cost", False)
    [(seconds,)] = ask.reader.rows(
        "SELECT duration_seconds FROM session_summaries WHERE archive_id = ? AND session_id = ?",
        (found.archive_id, found.session_id),
    ) or [(None,)]
    lacking = usage.get("unpriced_models", [])
    return [
        Figure(
            "Cost",
            usd(usage["cost_usd"]) if has_cost else "not known",
            repr(usage["cost_usd"]) if has_cost else "",
            rows,
            f"no price for {', '.join(map(name, lacking))}" if lacking else "",
        ),
        Figure(
            "Tokens",
            short(tokens),
            f"{tokens}",
            rows,
            f"{counted(len(entries), 'row')}; those that repeat another session's count there",
        ),
        Figure(
            "Messages",
            f"{found.message_count:,}",
            f"{found.message_count}",
            note=f"{found.user_message_count:,} by people, "
            f"{found.assistant_message_count:,} answers",
        ),
        Figure(
            "Duration",
            "not known" if seconds is None else _duration(seconds),
            "" if seconds is None else f"{seconds}",
        ),
        *_context(found),
    ]


_COUNTERS: Final = (
    *("input_tokens", "output_tokens"),
    *("cache_creation_input_tokens", "cache_read_input_tokens"),
)


def _context(found: _Session) -> list[Figure]:
    if not found.has_peak_context_tokens:
        return []
    peak = found.peak_context_tokens
    return [Figure("Largest context", short(peak), f"{peak}", note="tokens")]


class Fact(NamedTuple):
    """Something known, in words."""

    title: str
    text: str
    href: str | None = None


def _facts(ask: Ask, archive: str, found: _Session, usage: dict[str, Any]) -> list[Fact]:
    there = ask.address.there
    place = project_map(ask.reader, archive, [found.project]).get(found.project)
    identity = place and place["identity"]
    models = ", ".join(map(name, usage.get("models", [])))
    facts = [
        Fact("Project", name(found.project), there(f"/projects/{path_part(found.project)}")),
        Fact("Repository", name(_place(identity)) if identity else ""),
        Fact("Project key", name(identity["key"]) if identity else ""),
        Fact("Started", name(found.started_at_text or "")),
        Fact("Ended", name(found.ended_at_text or "")),
        Fact("Last active", name(found.last_activity_text)),
        Fact("Models", models),
        Fact("Machine", name(found.machine)),
        Fact("Folder", name(found.cwd)),
        Fact("Branch", name(found.git_branch)),
        Fact("Worktree", name(found.worktree_name or found.worktree_root_path or "")),
        Fact("Outcome", name(found.outcome)),
        Fact("Grade", name(found.health_grade or "")),
        Fact("Ended as", name(found.termination_status or "")),
        Fact("Tool failures", _some(found.tool_failure_signal_count)),
        Fact("Secrets found", _some(found.secret_leak_count)),
        Fact("Starred", name(found.starred_at_text or "")),
        Fact("In the trash since", name(found.deleted_at_text or "")),
        Fact("Archive", name(found.archive_id)),
        Fact("Id", name(found.session_id)),
    ]
    nothing = name("")
    return [fact for fact in facts if fact.text not in ("", nothing)]


def _place(identity: dict[str, Any]) -> str:
    return str(identity.get("normalized_remote") or identity.get("root_path") or "")


def _duration(seconds: int) -> str:
    """A length of time, its two greatest units."""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    sign = "−" if seconds < 0 else ""
    if days:
        return f"{sign}{days:,} d {hours} h"
    if hours:
        return f"{sign}{hours} h {minutes} min"
    return f"{sign}{minutes} min" if minutes else f"{sign}{rest} s"


def _some(count: int) -> str:
    return f"{count:,}" if count else ""


def _kin(ask: Ask, found: _Session) -> Table:
    """Its parent and its children."""
    rows = ask.reader.rows(
        "SELECT s.session_id, s.title, s.agent, s.relationship_type, s.started_at_text, m.cost_usd "
        "FROM sessions s LEFT JOIN session_summaries m ON m.archive_id = s.archive_id AND "
        "m.session_id = s.session_id WHERE s.archive_id = ? AND (s.session_id = ? OR "
        "s.parent_session_id = ?) ORDER BY s.started_at_text, s.session_id "
        f"LIMIT {_MOST_KIN}",
        (found.archive_id, found.parent_session_id, found.session_id),
    )
    return Table(
        name="kin",
        caption="Parent and children",
        columns=[
            Column(
                "title",
                "Session",
                "name",
                link=lambda row: ask.address.there(f"/sessions/{path_part(row[-1])}"),
            ),
            Column("is", "Is its"),
            Column("agent", "Agent", "name"),
            Column("started", "Start", "name"),
            Column("cost", "Cost", "usd", unit="USD"),
            Column("id", "Id", "id"),
        ],
        rows=[
            [
                title,
                "parent" if key == found.parent_session_id else kind or "child",
                agent,
                started,
                cost,
                key,
            ]
            for key, title, agent, kind, started, cost in rows
        ],
        asset="sessions",
        note=f"The first {_MOST_KIN}." if len(rows) == _MOST_KIN else "",
    )


def _copies(ask: Ask, found: _Session) -> Table:
    rows = ask.reader.rows(
        "SELECT archive_id, canonical_archive_id FROM session_copies WHERE session_id = ? "
        f"ORDER BY {ask.reader.binary_order('archive_id')}",
        (found.session_id,),
    )
    return Table(
        name="copies",
        caption="Archives that hold a copy",
        columns=[
            Column("archive_id", "Archive", "id"),
            Column("counts", "Counts"),
        ],
        rows=[[archive, "yes" if archive == owner else "no"] for archive, owner in rows],
        asset="session_copies",
    )


PAGE = Page("/sessions/{id}", session)
