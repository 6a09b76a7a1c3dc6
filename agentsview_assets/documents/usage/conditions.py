"""Which usage rows pass the filters of a report, as portable SQL conditions on `usage_rows`.

What belongs here: filters made into SQL. What does not: dates, and which of several rows counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentsview_assets.documents.common.branches import branch_test
from agentsview_assets.documents.common.sql import (
    Sql,
    all_of,
    any_of,
    comparable,
    none_of,
    one_of,
)
from agentsview_assets.rules.julian import julian_of_epoch

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentsview_assets.documents.usage.filters import UsageFilters
    from agentsview_assets.resources.warehouses.reader import Reader

_IS_CURSOR: Final = Sql("row_kind = 'cursor_event'")
_IS_OF_SESSION: Final = Sql("row_kind <> 'cursor_event'")
_IS_ATTENDED: Final = Sql("NOT COALESCE(is_headless, FALSE)")
_LAST_TIME: Final = (
    "COALESCE(NULLIF(ended_at_text, ''), NULLIF(started_at_text, ''), created_at_text)"
)
_IS_FLAGGED: Final = Sql("termination_status IN ('tool_call_pending', 'truncated')")
_ACTIVE_SECONDS, _STALE_SECONDS = 600, 3_600


def row_tests(
    reader: Reader, archive: Sql, filters: UsageFilters, *, now: int, with_cursor: bool
) -> list[Sql]:
    """Return the tests on a usage row.

    Args:
        reader: The warehouse.
        archive: The test on the archive of a row, or of a session.
        filters: What is asked for.
        now: The present, in whole seconds since 1970, by which sessions are active or stale.
        with_cursor: Whether usage without a session takes part at all.
    """
    of_session = session_tests(reader, archive, filters, now=now)
    tests = list(model_tests(filters))
    if not (with_cursor and filters.keeps_cursor_events):
        return [_IS_OF_SESSION, *of_session, *tests]
    of_cursor = [] if filters.include_automated else [_IS_ATTENDED]
    if of_session or of_cursor:
        either = [all_of([_IS_CURSOR, *of_cursor]), all_of([_IS_OF_SESSION, *of_session])]
        tests.append(any_of([_bracketed(test) for test in either]))
    return tests


def model_tests(filters: UsageFilters) -> list[Sql]:
    """Return the tests on the model of a row."""
    return _listed("model", filters.model, filters.exclude_model)


def session_tests(
    reader: Reader, archive: Sql, filters: UsageFilters, *, now: int, of_sessions: bool = False
) -> list[Sql]:
    """Return the tests on the session of a row, or on the rows of `sessions` themselves.

    Labels stand in usage rows, too; for the rest sessions are looked up. The arguments are those
    of `row_tests`.
    """
    tests = [
        *_listed("agent", filters.agent, filters.exclude_agent),
        *_listed("project", filters.project, filters.exclude_project),
        *_listed("machine", filters.machine, ""),
    ]
    chosen = _attribute_tests(reader, filters, now)
    is_automated = [] if filters.include_automated else [Sql("is_automated")]
    wanted = [*chosen, *(Sql(f"NOT {test.text}") for test in is_automated)]
    if of_sessions:
        return [*tests, *wanted]
    if chosen:
        tests.append(_among("IN", [archive, *wanted]))
    elif is_automated:
        # The other way round: they are few, and rows whose session is not known stay.
        tests.append(_among("NOT IN", [archive, *is_automated]))
    return tests


def _among(operator: str, tests: list[Sql]) -> Sql:
    found = all_of(tests)
    return Sql(
        f"(archive_id, session_id) {operator} "
        f"(SELECT archive_id, session_id FROM sessions WHERE {found.text})",
        found.params,
    )


def _attribute_tests(reader: Reader, filters: UsageFilters, now: int) -> list[Sql]:
    """Return the tests on what only the row of a session tells."""
    tests = []
    if filters.git_branch:
        tests.append(branch_test(filters.git_branch))
    if filters.min_user_messages > 0:
        tests.append(Sql("user_message_count >= ?", (filters.min_user_messages,)))
    if not filters.include_one_shot:
        exempt = " OR is_automated" if filters.include_automated else ""
        tests.append(Sql(f"(user_message_count > 1{exempt})"))
    if filters.active_since:
        last = reader.binary_order(_LAST_TIME)
        tests.append(Sql(f"{last} >= ?", (comparable(filters.active_since),)))
    if filters.terminations:
        tests.append(any_of([_TERMINATIONS[word](now) for word in filters.terminations]))
    return tests


def _listed(column: str, wanted: str, unwanted: str) -> list[Sql]:
    tests = [one_of(column, wanted.split(","))] if wanted else []
    return [*tests, *([none_of(column, unwanted.split(","))] if unwanted else [])]


def _bracketed(test: Sql) -> Sql:
    return test._replace(text=f"({test.text})")


def _later_than(seconds: int, now: int) -> Sql:
    """Return the condition that a session was active later than so many seconds ago.

    agentsview compares whole seconds: later than one is at the next one or after.
    """
    return Sql("own_activity_julian >= ?", (julian_of_epoch(now - seconds + 1),))


def _not_later_than(seconds: int, now: int) -> Sql:
    return Sql("own_activity_julian < ?", (julian_of_epoch(now - seconds + 1),))


def _is_stale(now: int) -> Sql:
    between = (_later_than(_STALE_SECONDS, now), _not_later_than(_ACTIVE_SECONDS, now))
    return _bracketed(all_of([*between, _IS_FLAGGED]))


def _is_unclean(now: int) -> Sql:
    return _bracketed(all_of([_not_later_than(_STALE_SECONDS, now), _IS_FLAGGED]))


_TERMINATIONS: Final[dict[str, Callable[[int], Sql]]] = {
    "active": lambda now: _later_than(_ACTIVE_SECONDS, now),
    "stale": _is_stale,
    "unclean": _is_unclean,
    "clean": lambda _: Sql("termination_status = 'clean'"),
    "awaiting_user": lambda _: Sql("termination_status = 'awaiting_user'"),
}
