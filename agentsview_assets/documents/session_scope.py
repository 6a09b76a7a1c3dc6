"""Which sessions an export is about, as portable SQL conditions on the table `sessions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentsview_assets.documents.session_filters import (
    BRANCH_LIST_SEPARATOR,
    BRANCH_SEPARATOR,
    SessionFilters,
    split_words,
)
from agentsview_assets.documents.usage_query import Sql
from agentsview_assets.errors import WarehouseError
from agentsview_assets.transforms.julian import julian_day
from agentsview_assets.transforms.text import displayable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resources.warehouse import Reader

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

        Raises:
            WarehouseError: A filter asks for what warehouses do not hold.
        """
        self._reader = reader
        self._filters = filters.canonical()
        self._owned = Sql("archive_id = ?", (archive_id,))
        _refuse_unknown(self._filters)
        if self._filters.include_children:
            self.candidates = _all([self._owned, *self._listed(), Sql(_PLACED)])
            self.eligible = _all([self.candidates, self._in_tree()])
        else:
            self.candidates = self.eligible = _all(
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
        roots = _all([self._owned, Sql(_LISTED), self._canonical_root(), *self._filter_tests()])
        children = _all([self._owned, *self._listed()])
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
            *self._label_tests(),
            *self._date_tests(),
            *self._count_tests(),
            *self._signal_tests(),
            *self._kind_tests(),
        ]

    def _label_tests(self) -> list[Sql]:
        asked, tests = self._filters, []
        if asked.project:
            tests.append(_test("project = ?", asked.project))
        if asked.exclude_project:
            tests.append(_test("project <> ?", asked.exclude_project))
        if asked.machine:
            tests.append(_one_of("machine", split_words(asked.machine)))
        if asked.git_branch:
            tests.append(_branches(asked.git_branch))
        if asked.agent:
            tests.append(_one_of("agent", split_words(asked.agent)))
        return tests

    def _date_tests(self) -> list[Sql]:
        """Return the tests of days, compared as texts, and of the last activity."""
        asked, tests = self._filters, []
        ended, started = map(self._reader.binary_order, ("ended_on", "started_on"))
        tests += [_test(f"{ended} >= ?", day) for day in (asked.date, asked.date_from) if day]
        tests += [_test(f"{started} <= ?", day) for day in (asked.date, asked.date_to) if day]
        if asked.active_since:
            since = julian_day(displayable(asked.active_since))
            tests.append(
                Sql("1 = 0") if since is None else Sql("last_activity_julian >= ?", (since,))
            )
        return tests

    def _count_tests(self) -> list[Sql]:
        asked = self._filters
        bounds = (
            ("message_count >= ?", asked.min_messages),
            ("message_count <= ?", asked.max_messages),
            ("user_message_count >= ?", asked.min_user_messages),
        )
        return [Sql(text, (count,)) for text, count in bounds if count > 0]

    def _signal_tests(self) -> list[Sql]:
        asked, tests = self._filters, []
        if asked.outcome:
            tests.append(_one_of("outcome", asked.outcome))
        if asked.health_grade:
            tests.append(_one_of("health_grade", asked.health_grade))
        if asked.min_tool_failures is not None:
            tests.append(Sql("tool_failure_signal_count >= ?", (asked.min_tool_failures,)))
        if asked.has_secret:
            tests.append(Sql("secret_leak_count > 0"))
        ended = [word for word in split_words(asked.termination) if word in _TERMINATIONS]
        if ended:
            tests.append(_one_of("termination_status", ended))
        return tests

    def _kind_tests(self) -> list[Sql]:
        asked, tests = self._filters, []
        if asked.exclude_one_shot:
            exempt = "" if asked.automated_scope == "human" else " OR is_automated"
            tests.append(Sql(f"(user_message_count > 1{exempt})"))
        if asked.automated_scope in _SCOPES:
            tests.append(Sql(_SCOPES[asked.automated_scope]))
        return tests


def _refuse_unknown(filters: SessionFilters) -> None:
    """Refuse what no command line asks for, but a genuine cursor could."""
    unknown = {
        "starred": filters.starred,
        "secrets_rules_versions": filters.has_secret and filters.secrets_rules_versions,
        "termination": _TIMED_TERMINATIONS.intersection(split_words(filters.termination)),
    }
    for name, asked in unknown.items():
        if asked:
            raise WarehouseError(
                f"the cursor filters by {name}, which a warehouse does not hold; "
                "export without --cursor, or with agentsview"
            )


def _test(text: str, value: str) -> Sql:
    # Stores take no bytes that are not UTF-8, nor do archives that hold such get into one.
    return Sql(text, (displayable(value),))


def _one_of(column: str, words: Sequence[str]) -> Sql:
    marks = ", ".join("?" * len(words))
    return Sql(f"{column} IN ({marks})", tuple(map(displayable, words)))


def _branches(text: str) -> Sql:
    """Match pairs of project and branch; a text without any pair matches nothing."""
    found = [part.partition(BRANCH_SEPARATOR) for part in text.split(BRANCH_LIST_SEPARATOR)]
    pairs = [(project, branch) for project, separator, branch in found if separator]
    if not pairs:
        return Sql("1 = 0")
    either = " OR ".join(["(project = ? AND git_branch = ?)"] * len(pairs))
    return Sql(f"({either})", tuple(displayable(name) for pair in pairs for name in pair))


def _all(tests: Sequence[Sql]) -> Sql:
    return Sql(
        " AND ".join(test.text for test in tests),
        tuple(value for test in tests for value in test.params),
    )
