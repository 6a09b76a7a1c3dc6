"""The page of all sessions: those that began in a window, in any order, page by page."""

from __future__ import annotations

from typing import Any, Final

from agentsview_assets.documents.common.counting import NO_COPY
from agentsview_assets.documents.common.lookups import of_archive, resolve_archives
from agentsview_assets.documents.common.sql import Sql, all_of, any_of, one_of
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.web.pages.address import path_part, word
from agentsview_assets.web.pages.formats import short, usd
from agentsview_assets.web.pages.instants import bounds_of, local_minute
from agentsview_assets.web.pages.keyset import Leaf, Order, leaf, number_key, text_key
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page
from agentsview_assets.web.pages.table import Column, Row, Table, order_of

PER_PAGE: Final = 50
_DEFAULT: Final = "-started"
_TOKENS: Final = (
    "(m.input_tokens + m.output_tokens + m.cache_creation_tokens + m.cache_read_tokens)"
)
STARTED: Final = "CAST(s.started_at AS VARCHAR(40))"
_SORTS: Final[dict[str, tuple[str, type]]] = {
    "started": (STARTED, str),
    "cost": ("m.cost_usd", float),
    "tokens": (_TOKENS, int),
    "duration": ("m.duration_seconds", int),
    "messages": ("m.message_count", int),
}
"""By what sessions can be ordered: SQL, and the type of its values."""
_NONE: Final = {str: "''", int: "0", float: "0"}
_SHOWN: Final = (
    f"s.title, {STARTED}, m.project, m.agent, m.cost_usd, m.unpriced_tokens, {_TOKENS}, "
    "m.duration_seconds, m.message_count, m.classification, s.session_id, s.archive_id"
)


def sessions(ask: Ask) -> Content:
    """Fills the page."""
    test = tests_of(ask)
    found = _totals(ask, test)
    page = _leaf(ask, test)
    return Content(
        title="Sessions",
        lead=f"Begun: {ask.scope.words}",
        figures=[
            Figure("Sessions", f"{found['sessions']:,}", f"{found['sessions']}"),
            Figure("Cost", usd(found["cost"]), repr(found["cost"]), note=_unpriced(found)),
            Figure("Tokens", short(found["tokens"]), f"{found['tokens']}"),
            Figure("Interactive", f"{found['interactive']:,}", f"{found['interactive']}"),
        ],
        tables=[_table(ask, page, test)],
    )


def tests_of(ask: Ask) -> Sql:
    """The tests on a session that an address asks for, for `FROM` of `relation`."""
    scope = ask.scope
    archive = resolve_archives(ask.reader, scope.archive_id)
    first, last = bounds_of(ask)
    tests = [
        Sql("NOT m.is_deleted"),
        *([Sql(f"{STARTED} >= ?", (first,))] if first else []),
        *([Sql(f"{STARTED} < ?", (last,))] if last else []),
        *(
            one_of(f"m.{dimension}", scope.names[dimension])
            for dimension in ("project", "agent", "machine")
            if scope.names[dimension]
        ),
        *([Sql("m.classification = 'interactive'")] if scope.automation != "all" else []),
    ]
    if scope.names["model"]:
        used = one_of("u.model", scope.names["model"])
        tests.append(
            Sql(
                "EXISTS (SELECT 1 FROM session_model_usage u WHERE u.archive_id = m.archive_id "
                f"AND u.session_id = m.session_id AND {used.text})",
                used.params,
            )
        )
    owned = Sql(*of_archive(archive))
    found = all_of(tests)
    return Sql(
        f"FROM (SELECT * FROM session_summaries WHERE {owned.text} AND {NO_COPY}) m "
        "JOIN sessions s ON s.archive_id = m.archive_id AND s.session_id = m.session_id "
        f"WHERE {found.text}",
        owned.params + found.params,
    )


def order_asked(text: str) -> str:
    """The order that an address asks for.

    Raises:
        UsageError: There is no such order.
    """
    name, _ = order_of(text or _DEFAULT)
    if name not in _SORTS:
        raise UsageError(f"sort_sessions: expected one of {', '.join(_SORTS)}, perhaps after -")
    return text or _DEFAULT


def order_by_name(ask: Ask, order: str) -> Order:
    """What sessions are ordered by; what lacks its value comes last, whichever way it goes."""
    name, is_down = order_of(order)
    expression, kind = _SORTS[name]
    lacking = number_key(f"CASE WHEN {expression} IS NULL THEN 1 ELSE 0 END")
    held = f"COALESCE({expression}, {_NONE[kind]})"
    by = (
        text_key(ask.reader, held, is_down=is_down)
        if kind is str
        else number_key(held, is_down=is_down)
    )
    last = [text_key(ask.reader, column) for column in ("m.archive_id", "m.session_id")]
    return Order(order, [lacking, by, *last], [int, kind, str, str])


def _leaf(ask: Ask, test: Sql) -> Leaf:
    order = order_by_name(ask, order_asked(ask.address.value("sort_sessions")))
    query = Sql(_query(test), test.params)
    return leaf(ask.reader, query, order, ask.address.value("page"), PER_PAGE)


def _query(test: Sql) -> str:
    return f"SELECT {{keys}}, {_SHOWN} {test.text} AND {{place}} ORDER BY {{order}} LIMIT {{limit}}"


def _totals(ask: Ask, test: Sql) -> dict[str, Any]:
    whole, exact = ask.reader.whole_sum, ask.reader.exact_sum

    def make() -> dict[str, Any]:
        [(count, interactive, tokens, unpriced, cost)] = ask.reader.rows(
            "SELECT COUNT(*), COUNT(CASE WHEN m.classification = 'interactive' THEN 1 END), "
            f"{whole(_TOKENS)}, {whole('m.unpriced_tokens')}, {exact('m.cost_usd')} {test.text}",
            test.params,
        )
        return {
            "sessions": int(count),
            "interactive": int(interactive),
            "tokens": int(tokens),
            "unpriced": int(unpriced),
            "cost": float(cost),
        }

    found: dict[str, Any] = ask.kept(("sessions", test), make)
    return found


def _unpriced(found: dict[str, Any]) -> str:
    return f"{short(found['unpriced'])} tokens have no price" if found["unpriced"] else ""


def _models(ask: Ask, rows: list[tuple[Any, ...]]) -> dict[tuple[str, str], str]:
    """The models of the sessions of a page."""
    if not rows:
        return {}
    test = any_of([Sql("(archive_id = ? AND session_id = ?)", (row[-1], row[-2])) for row in rows])
    found: dict[tuple[str, str], list[str]] = {}
    for archive, session, model in ask.reader.rows(
        f"SELECT archive_id, session_id, model FROM session_model_usage WHERE {test.text}",
        test.params,
    ):
        found.setdefault((archive, session), []).append(model)
    return {key: ", ".join(sorted(models, key=utf8_bytes)) for key, models in found.items()}


def rows_of_session(ask: Ask, session_id: str) -> str:
    """The address of the rows of a session, of all its days."""
    archive = ask.scope.archive_id
    plain = type(ask.address)(ask.address.base, ask.address.path)
    return plain.there("/rows", span="all", in_session=word(session_id), archive_id=archive)


def _table(ask: Ask, page: Leaf, test: Sql) -> Table:
    models, here = _models(ask, page.rows), ask.address.here

    def of_session(row: Row) -> str:
        return ask.address.there(f"/sessions/{path_part(row[-1])}")

    def of_project(row: Row) -> str:
        return ask.address.there(f"/projects/{path_part(row[2])}")

    def of_rows(row: Row) -> str:
        return rows_of_session(ask, row[-1])

    order = order_by_name(ask, order_asked(ask.address.value("sort_sessions")))
    return Table(
        name="sessions",
        caption="Sessions",
        columns=[
            Column("title", "Session", "name", link=of_session),
            Column("started", "Start", about=f"Clock of {ask.scope.zone.name}"),
            Column("project", "Project", "name", link=of_project),
            Column("agent", "Agent", "name"),
            Column("models", "Models", "name"),
            Column("cost", "Cost", "usd", unit="USD", link=of_rows, about=_OWN),
            Column("tokens", "Tokens", "tokens", link=of_rows),
            Column("unpriced_tokens", "Unpriced", "tokens", link=of_rows),
            Column("duration", "Minutes", "minutes", about="From the first moment to the last"),
            Column("messages", "Messages", "whole"),
            Column("classification", "Driven", "text"),
            Column("id", "Id", "id"),
        ],
        rows=[_row(ask, row, models) for row in page.rows],
        sorts=frozenset(_SORTS),
        is_sorted=True,
        before_href=here(page=page.before) if page.before else "",
        next_href=here(page=page.after) if page.after else "",
        sql=Sql(
            f"SELECT {_SHOWN}\n{test.text}\nORDER BY "
            + ", ".join(f"{key.expression}{' DESC' if key.is_down else ''}" for key in order.keys),
            test.params,
        ),
        asset="session_summaries",
        note="Cost and tokens are each session's own, as the session export tells them: what a "
        "fork or copy repeats counts in each.",
    )


_OWN = "Of the session's own rows, whatever other sessions repeat"


def _row(ask: Ask, row: tuple[Any, ...], models: dict[tuple[str, str], str]) -> list[Any]:
    title, started, project, agent, cost, unpriced, tokens, seconds, messages, *rest = row
    classification, session_id, archive_id = rest
    return [
        title,
        started and local_minute(ask, started),
        project,
        agent,
        models.get((archive_id, session_id)),
        cost,
        tokens,
        unpriced or None,
        None if seconds is None else seconds / 60,
        messages,
        classification,
        session_id,
    ]


PAGE = Page("/sessions", sessions, nav="Sessions")
