"""What a session export can be narrowed by, in the form in which cursors carry it.

What belongs here: the filters, their canonical form and their JSON members. What does not: SQL
(`session_scope`), options of the command line.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.text import displayable, trim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

BRANCH_LIST_SEPARATOR = "\x1e"
BRANCH_SEPARATOR = "\x1f"
SCOPES = frozenset({"human", "all", "automated"})

_Record = TypeVar("_Record")
_LARGEST_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SessionFilters:
    """Filters of a session export; all that are given must hold.

    The order of the fields is the order of a cursor's members. A field that is empty, zero or
    false is no filter and is left out there; only `min_tool_failures` counts whenever it is given.

    Attributes:
        project: Only this project.
        exclude_project: All but this project.
        machine: Comma-separated machines.
        git_branch: Pairs of project and branch, joined by U+001F, separated by U+001E.
        agent: Comma-separated agents.
        date: UTC date on which a session was under way.
        date_from: UTC date on or after which it ended.
        date_to: UTC date on or before which it started.
        active_since: Time, in any form SQLite reads, at or after which it was last active.
        min_messages: Fewest messages, as stored.
        max_messages: Most messages.
        min_user_messages: Fewest messages of the user.
        exclude_one_shot: Leave out sessions with one message of the user.
        exclude_automated: Carried by old cursors and kept in the next one; it has no effect.
        automated_scope: `human`, `automated` or `all`.
        include_children: Follow sessions to the ones that they started; no filter but the scope
            applies to those.
        include_orphans: Take children whose parent is gone as roots.
        outcome: Outcomes.
        health_grade: Quality grades.
        min_tool_failures: Fewest failed tool calls.
        has_secret: Only sessions in whose text a secret was found.
        starred: Only starred sessions.
        secrets_rules_versions: Versions of the rules that found the secret.
        termination: How sessions ended, comma-separated.
    """

    project: str = ""
    exclude_project: str = ""
    machine: str = ""
    git_branch: str = ""
    agent: str = ""
    date: str = ""
    date_from: str = ""
    date_to: str = ""
    active_since: str = ""
    min_messages: int = 0
    max_messages: int = 0
    min_user_messages: int = 0
    exclude_one_shot: bool = False
    exclude_automated: bool = False
    automated_scope: str = ""
    include_children: bool = False
    include_orphans: bool = False
    outcome: tuple[str, ...] = ()
    health_grade: tuple[str, ...] = ()
    min_tool_failures: int | None = None
    has_secret: bool = False
    starred: bool = False
    secrets_rules_versions: tuple[str, ...] = ()
    termination: str = ""

    def canonical(self) -> SessionFilters:
        """Return the form in which equal filters are equal: trimmed, sorted, scope spelled out."""
        scope, termination = trim(self.automated_scope), trim(self.termination)
        return replace(
            self,
            project=trim(self.project),
            exclude_project=trim(self.exclude_project),
            machine=_sorted_list(self.machine, ","),
            git_branch=_sorted_list(self.git_branch, BRANCH_LIST_SEPARATOR),
            agent=_sorted_list(self.agent, ","),
            date=trim(self.date),
            date_from=trim(self.date_from),
            date_to=trim(self.date_to),
            active_since=trim(self.active_since),
            exclude_automated=False,
            automated_scope=scope if scope in SCOPES else "all",
            outcome=_sorted_words(self.outcome),
            health_grade=_sorted_words(self.health_grade),
            secrets_rules_versions=_sorted_words(self.secrets_rules_versions),
            termination="" if termination == "all" else termination,
        )

    def members(self) -> dict[str, object]:
        """Return the JSON members of a cursor's `filters`."""
        return given_members(self)

    @classmethod
    def from_members(cls, members: Mapping[str, object]) -> SessionFilters:
        """Read the JSON members of a cursor's `filters`; unknown ones are ignored.

        Raises:
            ValueError: A member has a value of another type.
        """
        return cls(**read_members(cls, members))


def split_words(text: str, separator: str = ",") -> tuple[str, ...]:
    """Return the trimmed parts of a list, empty ones left out."""
    return tuple(filter(None, map(trim, text.split(separator))))


def _sorted_list(text: str, separator: str) -> str:
    return separator.join(_sorted_words(text.split(separator)))


def _sorted_words(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(filter(None, map(trim, words)), key=utf8_bytes))


def given_members(record: Any, always: frozenset[str] = frozenset()) -> dict[str, object]:
    """Return the fields of a dataclass that hold something.

    Args:
        record: Instance of a dataclass.
        always: Fields that are there even when they are empty.
    """
    values = ((field.name, getattr(record, field.name)) for field in fields(record))
    return {
        name: value
        for name, value in values
        if name in always or (value is not None and (name == "min_tool_failures" or bool(value)))
    }


def read_members(kind: type[_Record], members: Mapping[str, object]) -> dict[str, Any]:
    """Return what JSON members say of the fields of a dataclass, by field name.

    Names match whatever their case is, and null says nothing: so agentsview reads them.

    Raises:
        ValueError: A value is of another type than its field.
    """
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    found: dict[str, Any] = {}
    for member, value in members.items():
        name = member if member in names else member.casefold()
        if name in names and value is not None:
            found[name] = _READERS[str(hints[name])](value)
    return found


def _text(value: object) -> str:
    if isinstance(value, str):
        return displayable(value)
    raise ValueError(f"not a text: {value!r}")


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INT64:
        return value
    raise ValueError(f"not a whole number: {value!r}")


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"not a number: {value!r}")


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"not a boolean: {value!r}")


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple("" if word is None else _text(word) for word in value)
    raise ValueError(f"not a list: {value!r}")


def _filters(value: object) -> SessionFilters:
    if isinstance(value, dict):
        return SessionFilters.from_members(value)
    raise ValueError(f"not an object: {value!r}")


_READERS: dict[str, Callable[[object], object]] = {
    str(str): _text,
    str(int): _integer,
    str(int | None): _integer,
    str(float): _number,
    str(bool): _boolean,
    str(tuple[str, ...]): _texts,
    str(SessionFilters): _filters,
}
