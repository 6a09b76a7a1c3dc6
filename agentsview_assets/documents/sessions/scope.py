"""Which sessions an export is about, as portable SQL conditions on the table `sessions`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agentsview_assets.documents.common.branches import branch_test
from agentsview_assets.documents.common.sql import NOTHING, Sql, all_of, any_of, one_of
from agentsview_assets.documents.sessions.filters import (
    SessionFilters,
    split_words,
)
from agentsview_assets.rules.julian import julian_day
from agentsview_assets.rules.text import displayable
from agentsview_assets.rules.timestamps import SECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from agentsview_assets.resources.warehouses.reader import Reader

_LISTED = "message_count > 0 AND deleted_at_text IS NULL"
_PLACED = "last_activity_julian IS NOT NULL"
_NO_CHILD = "relationship_type NOT IN ('subagent', 'fork')"
_CANONICAL_ROOT = "relationship_type NOT IN ('subagent', 'fork', 'continuation')"
_ORPHAN = """NOT EXISTS (
    SELECT 1 FROM sessions AS parent WHERE parent.archive_id = sessions.archive_id
        AND parent.session_id = sessions.parent_session_id)"""
_SCOPES = {"human": "NOT is_automated", "automated": "is_automated"}
_TERMINATIONS = ("clean", "awaiting_user")
_TIMED_TERMINATIONS = frozenset({"active", "stale", "unclean"})
_FLAGGED = ("tool_call_pending", "truncated")
_EPOCH_JULIAN = 2_440_587.5
_ACTIVE_DAYS, _STALE_DAYS = 600 / SECONDS_PER_DAY, 3_600 / SECONDS_PER_DAY


class SessionScope:
    """The eligible sessions of an archive under some filters.

    Attributes:
        eligible: Condition that holds for them and for no others.
        candidates: A cheaper condition that holds for them and, where children are followed, for
            others too: `members` tells.
    """

    def __init__(self, reader: Reader, archive_id: str, filters: SessionFilters) -> None:
        """Make the conditions.

        Args:
            reader: The warehouse.
            archive_id: Archive of the sessions.
            filters: Filters in any form.
        """
        self._reader = reader
        self._filters = filters.canonical()
        self._owned = Sql("archive_id = ?", (archive_id,))
        if self._filters.include_children:
            self.candidates = all_of([self._owned, *self._listed(), Sql(_PLACED)])
            self.eligible = all_of([self.candidates, self._in_tree()])
        else:
            self.candidates = self.eligible = all_of(
                [self._owned, Sql(_LISTED), Sql(_PLACED), Sql(_NO_CHILD), *self._filter_tests()]
            )

    def members(self) -> frozenset[str] | None:
        """Return the ids of the eligible sessions; None when all candidates are eligible."""
        if self.candidates is self.eligible:
            return None
        found = self._reader.rows(
            f"SELECT session_id FROM sessions WHERE {self.eligible.text}", self.eligible.params
        )
        return frozenset(session_id for (session_id,) in found)

    def _listed(self) -> list[Sql]:
        """Return the tests that children have to pass as well as roots."""
        scope = _SCOPES.get(self._filters.automated_scope)
        return [Sql(_LISTED), *([Sql(scope)] if scope else [])]

    def _in_tree(self) -> Sql:
        roots = all_of([self._owned, Sql(_LISTED), self._canonical_root(), *self._filter_tests()])
        children = all_of([self._owned, *self._listed()])
        return Sql(
            f"""session_id IN (
                WITH RECURSIVE tree(id) AS (
                    SELECT session_id FROM sessions WHERE {roots.text}
                    UNION
                    SELECT session_id FROM sessions JOIN tree ON parent_session_id = tree.id
                    WHERE {children.text}
                ) SELECT id FROM tree)""",
            (*roots.params, *children.params),
        )

    def _canonical_root(self) -> Sql:
        if self._filters.include_orphans:
            return Sql(f"({_CANONICAL_ROOT} OR {_ORPHAN})")
        return Sql(_CANONICAL_ROOT)

    def _filter_tests(self) -> list[Sql]:
        return [
            *_label_tests(self._filters),
            *self._date_tests(),
            *_count_tests(self._filters),
            *self._signal_tests(),
            *_kind_tests(self._filters),
        ]

    def _date_tests(self) -> list[Sql]:
        """Return the tests of days, compared as texts, and of the last activity."""
        asked, tests = self._filters, []
        ended, started = map(self._reader.binary_order, ("ended_on", "started_on"))
        tests += [_test(f"{ended} >= ?", day) for day in (asked.date, asked.date_from) if day]
        tests += [_test(f"{started} <= ?", day) for day in (asked.date, asked.date_to) if day]
        if asked.active_since:
            since = julian_day(displayable(asked.active_since))
            tests.append(NOTHING if since is None else Sql("last_activity_julian >= ?", (since,)))
        return tests

    def _signal_tests(self) -> list[Sql]:
        asked, tests = self._filters, []
        if asked.outcome:
            tests.append(one_of("outcome", asked.outcome))
        if asked.health_grade:
            tests.append(one_of("health_grade", asked.health_grade))
        if asked.min_tool_failures is not None:
            tests.append(Sql("tool_failure_signal_count >= ?", (asked.min_tool_failures,)))
        if asked.has_secret:
            tests.append(Sql("secret_leak_count > 0"))
            if asked.secrets_rules_versions:
                tests.append(one_of("secrets_rules_version", asked.secrets_rules_versions))
        if asked.starred:
            tests.append(Sql("starred_at_text IS NOT NULL"))
        return [*tests, *self._termination_tests(split_words(asked.termination))]

    def _termination_tests(self, words: Sequence[str]) -> list[Sql]:
        """Return the test of how sessions ended; unknown words alone are none."""
        ended = [word for word in words if word in _TERMINATIONS]
        timed = _TIMED_TERMINATIONS.intersection(words)
        either = [one_of("termination_status", ended)] if ended else []
        if timed:
            found = self._in_states(timed)
            either.append(one_of("session_id", found) if found else NOTHING)
        return [any_of(either)] if either else []

    def _in_states(self, words: Collection[str]) -> list[str]:
        """Return the sessions that are active, or whose activity ended oddly, as of now."""
        now = time.time() / SECONDS_PER_DAY + _EPOCH_JULIAN
        rows = self._reader.rows(
            "SELECT session_id, termination_status, ended_at_text, started_at_text, "
            f"created_at_text FROM sessions WHERE {self._owned.text}",
            self._owned.params,
        )
        found = []
        for session_id, status, *texts in rows:
            activity = julian_day(next(filter(None, texts), ""))
            if activity is not None and _is_flagged_active(words, status, activity, now):
                found.append(session_id)
        return found


def _label_tests(asked: SessionFilters) -> list[Sql]:
    tests = []
    if asked.project:
        tests.append(_test("project = ?", asked.project))
    if asked.exclude_project:
        tests.append(_test("project <> ?", asked.exclude_project))
    if asked.machine:
        tests.append(one_of("machine", split_words(asked.machine)))
    if asked.git_branch:
        tests.append(branch_test(asked.git_branch))
    if asked.agent:
        tests.append(one_of("agent", split_words(asked.agent)))
    return tests


def _count_tests(asked: SessionFilters) -> list[Sql]:
    bounds = (
        ("message_count >= ?", asked.min_messages),
        ("message_count <= ?", asked.max_messages),
        ("user_message_count >= ?", asked.min_user_messages),
    )
    return [Sql(text, (count,)) for text, count in bounds if count > 0]


def _kind_tests(asked: SessionFilters) -> list[Sql]:
    tests = []
    if asked.exclude_one_shot:
        exempt = "" if asked.automated_scope == "human" else " OR is_automated"
        tests.append(Sql(f"(user_message_count > 1{exempt})"))
    if asked.automated_scope in _SCOPES:
        tests.append(Sql(_SCOPES[asked.automated_scope]))
    return tests


def _is_flagged_active(
    words: Collection[str], status: str | None, activity: float, now: float
) -> bool:
    """Whether a session is in one of the states that depend on the time that it is now."""
    active, stale = now - _ACTIVE_DAYS, now - _STALE_DAYS
    if activity > active:
        return "active" in words
    flagged = status in _FLAGGED
    return flagged and ("stale" if activity > stale else "unclean") in words


def _test(text: str, value: str) -> Sql:
    # Stores take no bytes that are not UTF-8, nor do archives that hold such get into one.
    return Sql(text, (displayable(value),))
