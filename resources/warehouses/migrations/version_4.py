"""The migration to version 4: records by archive and day, verdicts in a table, a ledger.

What belongs here: the shapes of version 4 as they were when it was new. They are never changed,
also where today's contracts go on.
"""

from __future__ import annotations

from collections.abc import Mapping

from agentsview_assets.warehouse_urls import Kind

TYPES: Mapping[Kind, dict[str, str]] = {
    "duckdb": {
        "text": "VARCHAR",
        "timestamptz": "TIMESTAMPTZ",
        "date": "DATE",
        "bigint": "BIGINT",
        "boolean": "BOOLEAN",
        "double": "DOUBLE",
    },
    "sqlite": {
        "text": "TEXT",
        "timestamptz": "TEXT",
        "date": "TEXT",
        "bigint": "INTEGER",
        "boolean": "INTEGER",
        "double": "REAL",
    },
    "postgresql": {
        "text": 'TEXT COLLATE "C"',
        "timestamptz": "TIMESTAMPTZ",
        "date": "DATE",
        "bigint": "BIGINT",
        "boolean": "BOOLEAN",
        "double": "DOUBLE PRECISION",
    },
}
"""The types of columns, by backend."""
_MADE_BY_KEY: tuple[tuple[str, str, str], ...] = (
    (
        "archive_sessions",
        ("archive_id text, session_id text, row_digest text, content_digest text, "
        "start_epoch bigint?, is_deleted boolean, is_held boolean, days text"),
        "archive_id, session_id",
    ),
    (
        "duplicates",
        ("rule text, scope text, archive_id text, row_id text, partition_date date, "
        "session_id text, session_date date?, dedup_key text, counting_archive_id text, "
        "counting_row_id text"),
        "archive_id, row_id, rule, scope",
    ),
    ("session_copies", "archive_id text, session_id text, canonical_archive_id text",
     "archive_id, session_id"),
)  # fmt: skip
_KEPT_BY_STORES: tuple[tuple[str, str], ...] = (
    ("warehouse_meta", "schema_version bigint, revision bigint"),
    (
        "warehouse_partitions",
        (
            "asset text, archive_id text, partition_date text, row_count bigint, "
            "input_version text, rates_version text, run_id text, rules_version text, "
            "written_at timestamptz"
        ),
    ),
    (
        "warehouse_archives",
        (
            "archive_id text, database_id text, user_version bigint, path text, host text, "
            "stamp text, observed_at timestamptz"
        ),
    ),
    (
        "warehouse_expected",
        (
            "archive_id text, part text, partition_date text, input_version text, models text, "
            "reads text, expected_at timestamptz"
        ),
    ),
    ("warehouse_pending", "kind text, name text"),
    (
        "warehouse_left_out",
        "archive_id text, source_table text, session_id text, row_name text, reason text",
    ),
)
_RESTATEMENTS = (
    "restatements",
    (
        "archive_id text, partition_date date, project text, model text, restated_at timestamptz, "
        "reason text, old_cost_usd double, new_cost_usd double, old_tokens bigint, tokens bigint, "
        "old_pricing_digest text, new_pricing_digest text, run_id text"
    ),
    "partition_date, archive_id, project, model, restated_at, reason",
)
"""Until version 4 prices were the only reason, and told of the same tokens."""
_DAILY = (
    *("sessions", "usage_rows", "activity_intervals", "daily_usage", "activity_buckets"),
    *("session_model_usage", "session_summaries"),
)
_WHOLE = (
    *("project_observations", "machines", "project_identities", "model_pricing"),
    *("effective_pricing", "model_rates"),
)
_VERDICTS_AS_ROWS = (
    """INSERT INTO duplicates SELECT 'v1', 'archive', archive_id, row_id, partition_date,
    session_id, session_date, dedup_key, archive_id, COALESCE(duplicate_of, row_id)
    FROM usage_rows WHERE has_duplicates{is_true}""",
    """INSERT INTO duplicates SELECT 'v1', 'all', archive_id, row_id, partition_date,
    session_id, session_date, dedup_key, COALESCE(elsewhere_archive_id, archive_id),
    COALESCE(elsewhere_row_id, row_id)
    FROM usage_rows WHERE dedup_key IN (SELECT dedup_key FROM usage_rows
        WHERE dedup_key IS NOT NULL GROUP BY dedup_key
        HAVING MIN(archive_id) <> MAX(archive_id))""",
    """INSERT INTO session_copies SELECT archive_id, session_id,
    COALESCE(elsewhere_archive_id, archive_id) FROM sessions WHERE session_id IN (
        SELECT session_id FROM sessions WHERE elsewhere_archive_id IS NOT NULL)""",
    "UPDATE usage_rows SET dedup_key = NULL WHERE dedup_key LIKE 'row:%'",
    *(
        f"ALTER TABLE {table} DROP COLUMN {column}"
        for table, column in (
            ("sessions", "elsewhere_archive_id"),
            ("usage_rows", "has_duplicates"),
            ("usage_rows", "duplicate_of"),
            ("usage_rows", "elsewhere_archive_id"),
            ("usage_rows", "elsewhere_row_id"),
        )
    ),
)
"""What counts was a property of rows until version 4; it holds until the archive is read again."""


def readable_like(table: str, *tables: str) -> str:
    """SQL that lets whoever may read one table of a PostgreSQL warehouse read others, too."""
    return f"""
DO $$
DECLARE reader record;
BEGIN
    FOR reader IN
        SELECT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
            AS name
        FROM pg_class, aclexplode(relacl)
        WHERE oid = '{table}'::regclass AND privilege_type = 'SELECT'
    LOOP
        EXECUTE 'GRANT SELECT ON {", ".join(tables)} TO ' || reader.name;
    END LOOP;
END $$"""


def table_ddl(kind: Kind, name: str, columns: str, key: str = "") -> str:
    """The DDL of a table, its columns given as name and kind (with `?` where it may be null)."""
    ddl = []
    for column in columns.split(", "):
        name_, type_ = column.split(" ")
        required = "" if type_.endswith("?") else " NOT NULL"
        ddl.append(f"{name_} {TYPES[kind][type_.rstrip('?')]}{required}")
    if key and kind != "duckdb":
        ddl.append(f"PRIMARY KEY ({key})")
    strict = " STRICT" if key and kind == "sqlite" else ""
    return f"CREATE TABLE {name} ({', '.join(ddl)}){strict}"


def by_archive(kind: Kind) -> tuple[str, ...]:
    """Version 4: records by archive and day, verdicts in a table, a ledger."""
    now = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')" if kind == "sqlite" else "now()"
    renamed = ("warehouse_meta", "warehouse_partitions", "warehouse_archives")
    made = [table_ddl(kind, *table) for table in _MADE_BY_KEY]
    made += [f"ALTER TABLE {table} RENAME TO earlier_{table}" for table in renamed]
    made += ["DROP TABLE warehouse_expected"]
    made += [
        "ALTER TABLE restatements RENAME TO earlier_restatements",
        *(
            ["ALTER TABLE earlier_restatements DROP CONSTRAINT IF EXISTS restatements_pkey"]
            if kind == "postgresql"
            else []
        ),
        table_ddl(kind, *_RESTATEMENTS),
        (
            "INSERT INTO restatements SELECT archive_id, partition_date, project, model, "
            "restated_at, 'price', old_cost_usd, new_cost_usd, tokens, tokens, old_pricing_digest, "
            "new_pricing_digest, run_id FROM earlier_restatements"
        ),
        "DROP TABLE earlier_restatements",
    ]
    made += [table_ddl(kind, *table) for table in _KEPT_BY_STORES]
    made += [
        "INSERT INTO warehouse_meta SELECT schema_version, 0 FROM earlier_warehouse_meta",
        (
            "INSERT INTO warehouse_archives SELECT archive_id, database_id, user_version, path, "
            "'', '', observed_at FROM earlier_warehouse_archives"
        ),
    ]
    is_true = " = 1" if kind == "sqlite" else ""
    made += [statement.replace("{is_true}", is_true) for statement in _VERDICTS_AS_ROWS]
    # From which observation a slice was made is not known by archive.
    made += [
        f"INSERT INTO warehouse_partitions SELECT '{table}', archive_id, "
        f"CAST(partition_date AS VARCHAR(10)), COUNT(*), 'upgraded', '', '', '', {now} "
        f"FROM {table} GROUP BY archive_id, partition_date"
        for table in _DAILY
    ]
    made += [
        f"INSERT INTO warehouse_partitions SELECT '{table}', archive_id, '', COUNT(*), 'upgraded', "
        f"'', '', '', {now} FROM {table} GROUP BY archive_id"
        for table in _WHOLE
    ]
    if kind == "postgresql":
        # Who may read the records of slices may read what was added beside them.
        made.append(
            readable_like(
                "earlier_warehouse_partitions",
                *("archive_sessions", "duplicates", "session_copies", "warehouse_meta"),
                *("warehouse_partitions", "warehouse_archives", "warehouse_expected"),
                *("warehouse_pending", "warehouse_left_out", "restatements"),
            )
        )
    return (*made, *(f"DROP TABLE earlier_{table}" for table in renamed))
