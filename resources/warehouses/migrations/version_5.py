"""The migration to version 5: price tables without an archive, and who uses which.

What belongs here: the shapes of version 5 as they were when it was new. They are never changed,
also where today's contracts go on.
"""

from __future__ import annotations

from agentsview_assets.resources.warehouses.migrations.version_4 import readable_like, table_ddl
from agentsview_assets.warehouse_urls import Kind

_RATES = (
    "input_usd_per_mtok double, output_usd_per_mtok double, cache_write_usd_per_mtok double, "
    "cache_read_usd_per_mtok double"
)
_TABLES = (
    (
        "model_pricing",
        (
            f"price_table text, layer text, model_pattern text, {_RATES}, updated_at_text text?, "
            "table_version text?"
        ),
        "price_table, layer, model_pattern",
        "archive_id || ' ' || layer",
    ),
    (
        "effective_pricing",
        (
            f"price_table text, model_pattern text, source text, {_RATES}, "
            "updated_at timestamptz?, pricing_digest text"
        ),
        "price_table, model_pattern",
        "archive_id",
    ),
)
"""Name, columns, key, and what names an archive's rows until they are made again and shared."""


def shared_prices(kind: Kind) -> tuple[str, ...]:
    """Version 5: the rows of price tables are stored once, by digest."""
    made = []
    for name, columns, key, digest in _TABLES:
        kept = ", ".join(column.split(" ")[0] for column in columns.split(", ")[1:])
        made += [
            f"ALTER TABLE {name} RENAME TO earlier_{name}",
            *(
                [f"ALTER TABLE earlier_{name} DROP CONSTRAINT IF EXISTS {name}_pkey"]
                if kind == "postgresql"
                else []
            ),
            table_ddl(kind, name, columns, key),
            table_ddl(
                kind,
                f"{name}_archives",
                "archive_id text, price_table text",
                "archive_id, price_table",
            ),
            f"INSERT INTO {name} SELECT {digest}, {kept} FROM earlier_{name}",
            f"INSERT INTO {name}_archives SELECT DISTINCT archive_id, {digest} FROM earlier_{name}",
            *(
                [readable_like(f"earlier_{name}", name, f"{name}_archives")]
                if kind == "postgresql"
                else []
            ),
            f"DROP TABLE earlier_{name}",
        ]
    return tuple(made)
