"""What is read from an agentsview archive: tables, columns and the types that they must hold.

What belongs here: declarations. What does not: opening or reading anything.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

ValueType = Literal["text", "integer", "real"]


class SourceColumn(NamedTuple):
    """One column of a query over the archive.

    Attributes:
        name: Name of the column in the result.
        type: Storage class that every value must have (NULL aside).
        source: Column that must exist in the table; None for a derived expression.
        expression: SQL over the table's columns; the source column itself when None.
        nullable: Whether NULL may pass; otherwise it reads as '' or 0, as the program reads it.
        stored: Storage class of the source where it is not that of the result.
        newer: The form of newer releases, taken where its source exists.
        divisor: What the source's values are divided by, which `expression` does for SQLite.
        replaces: Whether the upgrade to this form removed the older one's source.
        is_flag: Whether only 0 and 1 may stand there.
        is_finite: Whether no infinite number may stand there.
        unreadable: What stands for a value that is no number, where agentsview only compares it;
            elsewhere its row is held back.
    """

    name: str
    type: ValueType
    source: str | None = None
    expression: str | None = None
    nullable: bool = False
    stored: ValueType | None = None
    newer: SourceColumn | None = None
    divisor: float | None = None
    replaces: bool = False
    is_flag: bool = False
    is_finite: bool = False
    unreadable: float | None = None

    @property
    def required(self) -> str:
        """The archive column that has to exist."""
        return self.source or self.name

    @property
    def stored_type(self) -> ValueType:
        """Storage class that the source's values must have."""
        return self.stored or self.type

    def among(self, present: Collection[str]) -> SourceColumn:
        """The form that a table with these columns has; this one when it has none."""
        if self.newer is None or self.newer.required not in present:
            return self
        return self.newer._replace(is_finite=self.is_finite, unreadable=self.unreadable)

    def is_torn(self, present: Collection[str]) -> bool:
        """Whether a table has both forms, which an interrupted upgrade leaves behind."""
        return (
            self.newer is not None
            and self.newer.replaces
            and {self.required, self.newer.required} <= set(present)
        )

    @property
    def sql(self) -> str:
        """The SQL expression that yields the value."""
        value = self.expression or self.required
        if self.nullable:
            return value
        return f"COALESCE({value}, {EMPTY[self.type]})"


class SourceTable(NamedTuple):
    """A table of the archive and what is read of it.

    Attributes:
        name: Its name.
        columns: What is read.
        optional: Whether an archive may lack it.
        key: Columns that are unique together; people know a row by them.
        is_kept_when_held: Whether a row that is held back is still needed for those that refer to
            it.
    """

    name: str
    columns: tuple[SourceColumn, ...]
    optional: bool = False
    key: tuple[str, ...] = ()
    is_kept_when_held: bool = False

    def among(self, present: Collection[str]) -> SourceTable:
        """The table in the form that an archive with these columns has it."""
        return self._replace(columns=tuple(column.among(present) for column in self.columns))

    @property
    def session_column(self) -> str | None:
        """The column that names the session of a row, if there is one."""
        names = {column.name for column in self.columns if column.type == "text"}
        return next((name for name in ("session_id", "id") if name in names), None)

    @property
    def key_columns(self) -> tuple[SourceColumn, ...]:
        """The columns that tell people which row is meant."""
        return tuple(c for c in self.columns if c.name in self.key) or self.columns[:1]


EMPTY: dict[ValueType, str] = {"text": "''", "integer": "0", "real": "0.0"}


def _text(name: str, *, nullable: bool = False, source: str | None = None) -> SourceColumn:
    return SourceColumn(name, "text", source=source, nullable=nullable)


def _integer(name: str, *, nullable: bool = False, unreadable: int | None = None) -> SourceColumn:
    return SourceColumn(name, "integer", nullable=nullable, unreadable=unreadable)


def _flag(name: str) -> SourceColumn:
    return SourceColumn(name, "integer", is_flag=True)


def _newer_flag(name: str, *, beside: str) -> SourceColumn:
    """A flag that not every archive has, which has another column in any case.

    agentsview only compares it with 0, which what is no number is not.
    """
    column = SourceColumn(name, "integer", nullable=True, unreadable=1)
    return column._replace(source=beside, expression="NULL", newer=column)


def _money(name: str, micro: str, per_unit: float, *, nullable: bool = False) -> SourceColumn:
    """Money as a real number of its unit, or in whole microdollars since 0.40.0.

    What is no integer passes as text, so that it is told apart by its type.
    """
    exact = (
        f"CASE typeof({micro}) WHEN 'integer' THEN {micro} / {per_unit} "
        f"WHEN 'null' THEN NULL ELSE CAST({micro} AS TEXT) END"
    )
    column = SourceColumn(name, "real", nullable=nullable)
    newer = column._replace(
        source=micro, expression=exact, stored="integer", divisor=per_unit, replaces=True
    )
    return column._replace(newer=newer)


def _charged(name: str, micro: str, per_unit: float) -> SourceColumn:
    """Money that agentsview divides in SQL, where what is no number is nothing."""
    return _money(name, micro, per_unit)._replace(unreadable=0.0)


def _of_no_remote(name: str, place: str) -> SourceColumn:
    """What is told of a working tree where no remote is.

    Since 0.38.0 it is told of every tree, and not of a folder that is no tree, which the v1
    contract names all the same.
    """
    place = f"CASE WHEN git_remote <> '' OR root_path = '' THEN '' ELSE {place} END"
    return SourceColumn(
        name, "text", newer=SourceColumn(name, "text", "worktree_relationship", place)
    )


MICRODOLLARS_PER_USD = 1_000_000.0
MICRODOLLARS_PER_CENT = 10_000.0


def _rate(what: str) -> SourceColumn:
    """A rate; no digest can be made of one that is infinite."""
    column = _money(f"{what}_per_mtok", f"{what}_microdollars_per_mtok", MICRODOLLARS_PER_USD)
    return column._replace(is_finite=True)


SESSIONS = SourceTable(
    "sessions",
    (
        _text("id"),
        _text("project"),
        _text("machine"),
        _text("agent"),
        _text("display_name", nullable=True),
        _text("session_name"),
        _text("first_message"),
        _text("started_at", nullable=True),
        _text("ended_at", nullable=True),
        _text("created_at"),
        _integer("message_count"),
        _integer("user_message_count"),
        _text("parent_session_id", nullable=True),
        _text("relationship_type"),
        _flag("is_automated"),
        _text("deleted_at", nullable=True),
        _text("cwd"),
        _text("git_branch"),
        _text("file_path"),
        _integer("total_output_tokens"),
        _integer("peak_context_tokens"),
        _flag("has_total_output_tokens"),
        _flag("has_peak_context_tokens"),
        _text("outcome"),
        _text("health_grade", nullable=True),
        _text("termination_status", nullable=True),
        _integer("tool_failure_signal_count"),
        _integer("secret_leak_count"),
        _text("secrets_rules_version"),
        _text("local_modified_at"),
        _integer("file_mtime", unreadable=0),
        _integer("file_size", unreadable=0),
        _text("file_hash"),
        _integer("data_version", unreadable=0),
    ),
    key=("id",),
    is_kept_when_held=True,
)

UNTITLED_SESSIONS = SESSIONS._replace(
    columns=tuple(
        column._replace(source="id", expression="''") if column.name == "first_message" else column
        for column in SESSIONS.columns
    )
)
"""Sessions without the one column that is somebody's words."""

STARRED_SESSIONS = SourceTable(
    "starred_sessions",
    (_text("session_id"), _text("created_at")),
    optional=True,
    key=("session_id",),
)

MESSAGES = SourceTable(
    "messages",
    (
        _text("session_id"),
        _integer("ordinal"),
        _text("role"),
        _integer("is_system", unreadable=1),
        _text("timestamp"),
        _text("model"),
        _text("token_usage"),
        _text("claude_message_id"),
        _text("claude_request_id"),
        _text("source_uuid"),
    ),
    key=("session_id", "ordinal"),
)

USAGE_EVENTS = SourceTable(
    "usage_events",
    (
        _integer("id"),
        _text("session_id"),
        _integer("message_ordinal", nullable=True),
        _text("source"),
        _text("model"),
        _integer("input_tokens"),
        _integer("output_tokens"),
        _integer("cache_creation_input_tokens"),
        _integer("cache_read_input_tokens"),
        _integer("reasoning_tokens"),
        _money("cost_usd", "cost_microdollars", MICRODOLLARS_PER_USD, nullable=True),
        _text("occurred_at", nullable=True),
        _text("dedup_key"),
    ),
    key=("session_id", "id"),
)

CURSOR_USAGE_EVENTS = SourceTable(
    "cursor_usage_events",
    (
        _integer("id"),
        _text("occurred_at", nullable=True),
        _text("model"),
        _integer("input_tokens"),
        _integer("output_tokens"),
        _integer("cache_write_tokens"),
        _integer("cache_read_tokens"),
        _charged("charged_cents", "charged_microdollars", MICRODOLLARS_PER_CENT),
        _text("dedup_key"),
        _newer_flag("is_headless", beside="id"),
    ),
    optional=True,
)

MODEL_PRICING = SourceTable(
    "model_pricing",
    (
        _text("model_pattern"),
        _rate("input"),
        _rate("output"),
        _rate("cache_creation"),
        _rate("cache_read"),
        _text("updated_at", nullable=True),
    ),
    key=("model_pattern",),
)

PROJECT_OBSERVATIONS = SourceTable(
    "project_identity_observations",
    (
        _text("project"),
        _text("machine"),
        _text("root_path"),
        _text("git_remote"),
        _of_no_remote("worktree_name", "worktree_name"),
        _of_no_remote("worktree_root_path", "COALESCE(NULLIF(worktree_root_path, ''), root_path)"),
    ),
)

WORKTREE_MAPPINGS = SourceTable(
    "worktree_project_mappings",
    (
        _text("machine"),
        _text("path_prefix"),
        _text("layout"),
        _text("project"),
        _integer("enabled", unreadable=0),
    ),
    optional=True,
)

SYNC_STATE = SourceTable("pg_sync_state", (_text("key"), _text("value")), optional=True)
"""State of syncs and pushes; only what names machines is ever selected."""

MACHINE_KEYS = (
    "key IN ('artifact_local_installation_id', 'artifact_local_machine_name') "
    "OR key LIKE 'machine_label:%'"
)
"""SQL condition on `pg_sync_state`: which installation this is, and what machines are called."""

ARCHIVE_METADATA = SourceTable("archive_metadata", (_text("key"), _text("value")), optional=True)

SOURCE_TABLES = (
    SESSIONS,
    STARRED_SESSIONS,
    MESSAGES,
    USAGE_EVENTS,
    CURSOR_USAGE_EVENTS,
    MODEL_PRICING,
    PROJECT_OBSERVATIONS,
    WORKTREE_MAPPINGS,
    ARCHIVE_METADATA,
    SYNC_STATE,
)
