"""Table contracts: every table has one, all that derives from it agrees, and every rule bites."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any, get_type_hints

import duckdb
import pandas as pd
import pytest

from agentsview_assets.build import build_definitions
from agentsview_assets.errors import ContractError
from agentsview_assets.resources.warehouses.duckdb.store import SQL_TYPES, create_statements
from agentsview_assets.schemas import CONTRACTS, HISTORIES, MADE_BY_KEY, TableContract
from agentsview_assets.schemas.arrow_types import ARROW_TYPES
from agentsview_assets.settings import load_settings
from tests.support.contract_rows import (
    ARCHIVE,
    DAY,
    EVERY_TABLE,
    frame,
    frame_of,
    records,
    rules,
)

OTHER_DAY = "2026-07-02"

# How a column's name tells its unit: the ending of the name, the beginning of the unit.
UNITS_BY_ENDING = {
    "_tokens": "tokens",
    "_usd": "USD",
    "_usd_per_mtok": "USD per million tokens",
    "_minutes": "minutes",
    "_seconds": "seconds",
    "_ns": "nanoseconds",
    "_at": "UTC, microseconds",
}

# What a row has in a column of each kind.
HELD: dict[str, type] = {
    "text": str,
    "date": str,
    "bigint": int,
    "double": float,
    "boolean": bool,
    "timestamptz": datetime,
}


def _columns_with(rule: str) -> list[tuple[str, str]]:
    return [
        (name, column)
        for name in EVERY_TABLE
        for column in CONTRACTS[name].column_names
        if rule in rules(CONTRACTS[name], column)
    ]


def _refusal(contract: TableContract, broken: pd.DataFrame, days: list[str] | None = None) -> str:
    with pytest.raises(ContractError) as caught:
        contract.validate(broken, days)
    return str(caught.value)


def _broken(contract: TableContract, column: str, value: Any, size: int = 9) -> pd.DataFrame:
    """Valid rows of which the second and the last one hold a value that they must not."""
    rows = records(contract, size)
    for row in (rows[1], rows[-1]):
        row[column] = value
    return frame_of(contract, rows)


class TestEveryTable:
    def test_every_asset_that_is_made_has_a_contract_and_no_contract_is_left_over(self):
        graph = build_definitions(load_settings({})).resolve_asset_graph()
        made = {key.path[-1] for key in graph.materializable_asset_keys}
        beside = {*HISTORIES, *MADE_BY_KEY} - {"duplicates", "archive_sessions"}
        assert made == set(CONTRACTS) - beside
        assert beside < {key.path[-1] for key in graph.get_all_asset_keys()}

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_it_is_filed_under_its_own_name_and_says_what_a_row_is(self, name):
        contract = CONTRACTS[name]
        assert contract.name == name
        groups = {"observations", "identities", "pricing", "reports", "histories", "settlement"}
        assert contract.group in groups | {"archive"}
        assert contract.description.endswith(".")
        assert contract.model.__doc__

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_every_column_says_what_it_means_and_every_number_has_a_unit(self, name):
        for column in CONTRACTS[name].columns:
            assert column.description, column.name
            if column.kind in {"bigint", "double", "timestamptz"}:
                assert column.unit, column.name
            else:
                assert column.unit is None, column.name

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_a_unit_in_a_column_name_is_the_unit_of_the_column(self, name):
        for column in CONTRACTS[name].columns:
            for ending, unit in UNITS_BY_ENDING.items():
                if column.name.endswith(ending) and column.unit is not None:
                    assert column.unit.startswith(unit), column.name

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_key_partition_and_index_columns_are_columns_and_keys_are_never_null(self, name):
        contract = CONTRACTS[name]
        columns = {column.name: column for column in contract.columns}
        assert contract.key[0] == "archive_id"
        assert all(not columns[key].nullable for key in contract.key)
        if contract.partition_column is not None:
            assert columns[contract.partition_column].kind == "date"
            assert not columns[contract.partition_column].nullable

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_the_same_quantity_has_the_same_kind_in_every_table(self, name):
        kinds = {c.name: c.kind for other in CONTRACTS.values() for c in other.columns}
        assert all(kinds[c.name] == c.kind for c in CONTRACTS[name].columns)


class TestWhatDerivesFromAContract:
    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_model_arrow_schema_and_empty_frame_have_the_same_columns_in_the_same_order(self, name):
        contract = CONTRACTS[name]
        declared = list(contract.model.__annotations__)
        assert list(contract.column_names) == declared
        assert contract.arrow_schema.names == declared
        assert list(contract.empty().columns) == declared

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_a_column_is_annotated_with_what_rows_have_in_it(self, name):
        contract = CONTRACTS[name]
        hints = get_type_hints(contract.model)
        for column in contract.columns:
            held = HELD[column.kind]
            is_int = column.kind == "bigint"
            assert hints[column.name] == (held | None if is_int and column.nullable else held)

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_the_arrow_schema_has_each_columns_type_and_nullability(self, name):
        contract = CONTRACTS[name]
        for column in contract.columns:
            field = contract.arrow_schema.field(column.name)
            assert field.type == ARROW_TYPES[column.kind]
            assert field.nullable == column.nullable

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_the_table_has_each_columns_type_and_nullability(self, name):
        contract = CONTRACTS[name]
        with duckdb.connect() as connection:
            for statement in create_statements(contract):
                connection.execute(statement)
            made = [
                (column, kind, nullable == "YES")
                for column, kind, nullable, *_ in connection.execute(f"DESCRIBE {name}").fetchall()
            ]
        spelled = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
        assert made == [
            (c.name, spelled.get(SQL_TYPES[c.kind], SQL_TYPES[c.kind]), c.nullable)
            for c in contract.columns
        ]

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_the_empty_frame_satisfies_the_contract_and_fits_the_arrow_schema(self, name):
        contract = CONTRACTS[name]
        empty = contract.empty()
        assert len(contract.validate(empty, [DAY])) == 0
        assert list(contract.validate(empty).dtypes) == list(
            contract.validate(frame(contract, 2)).dtypes
        )

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_valid_rows_pass_unchanged_with_columns_in_table_order(self, name):
        contract = CONTRACTS[name]
        rows = frame(contract, 5)
        shuffled = rows[list(reversed(rows.columns))]
        pd.testing.assert_frame_equal(contract.validate(shuffled, [DAY]), rows)

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_null_passes_where_it_may_stand(self, name):
        contract = CONTRACTS[name]
        nulls = {c.name: None for c in contract.columns if c.nullable}
        assert len(contract.validate(frame(contract, 3, **nulls), [DAY])) == 3


class TestRules:
    @pytest.mark.parametrize(("name", "column"), _columns_with("isin"))
    def test_a_closed_list_is_closed(self, name, column):
        contract = CONTRACTS[name]
        refusal = _refusal(contract, _broken(contract, column, "neither"))
        assert refusal.startswith(f"{name}: ")
        assert f"column {column}, rule isin(" in refusal
        assert ": 2 row(s), first keys: (archive_id=archive-1" in refusal

    @pytest.mark.parametrize(("name", "column"), _columns_with("str_matches"))
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "0" * 64,
            "sha256:" + "0" * 63,
            "sha256:" + "0" * 65,
            "sha256:" + "G" * 64,
            "sha256:" + "A" * 64,
            "md5:" + "0" * 64,
            " sha256:" + "0" * 64,
            "sha256:" + "0" * 64 + " ",
            "sha256:" + "0" * 64 + "\n",
        ],
    )
    def test_a_key_or_digest_is_sha256_and_64_small_hex_digits(self, name, column, value):
        contract = CONTRACTS[name]
        refusal = _refusal(contract, _broken(contract, column, value))
        assert f"column {column}, rule str_matches(" in refusal
        assert ": 2 row(s)" in refusal

    def test_keys_and_digests_are_where_they_are_expected(self):
        digests = {name for name, column in _columns_with("str_matches") if column != "key"}
        assert digests == {
            "effective_pricing",
            "model_rates",
            "price_changes",
            "restatements",
            "daily_usage",
            "activity_buckets",
            "session_summaries",
            "session_model_usage",
        }
        assert ("project_identities", "key") in _columns_with("str_matches")

    @pytest.mark.parametrize(
        ("name", "column"),
        [
            (name, column)
            for name in EVERY_TABLE
            for column in CONTRACTS[name].column_names
            if column
            in {
                "input_tokens",
                "output_tokens",
                "cache_creation_tokens",
                "cache_read_tokens",
                "priced_input_tokens",
                "priced_cache_creation_tokens",
                "priced_cache_read_tokens",
                "unpriced_tokens",
                "usage_row_count",
                "duplicate_row_count",
                "reported_row_count",
                "max_agents",
                "agent_minutes",
                "duration_ns",
                "duration_seconds",
            }
        ],
    )
    def test_tokens_counts_and_durations_are_never_negative(self, name, column):
        contract = CONTRACTS[name]
        refusal = _refusal(contract, _broken(contract, column, -1))
        assert f"column {column}, rule greater_than_or_equal_to(0" in refusal
        assert ": 2 row(s)" in refusal

    @pytest.mark.parametrize(
        ("name", "column"),
        [(n, c.name) for n in EVERY_TABLE for c in CONTRACTS[n].columns if not c.nullable],
    )
    def test_null_is_refused_where_a_value_is_promised(self, name, column):
        contract = CONTRACTS[name]
        rows = frame(contract, 4)
        rows[column] = rows[column].astype(object).where(rows.index != 2, None)
        refusal = _refusal(contract, rows)
        assert f"column {column}, rule " in refusal

    def test_a_double_that_is_not_a_number_is_refused_as_null(self):
        contract = CONTRACTS["daily_usage"]
        refusal = _refusal(contract, _broken(contract, "cost_usd", math.nan))
        assert "column cost_usd, rule not_nullable: 2 row(s)" in refusal

    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_the_natural_key_is_unique(self, name):
        contract = CONTRACTS[name]
        rows = records(contract, 4)
        refusal = _refusal(contract, frame_of(contract, [*rows, rows[2]]))
        assert f"{name}: " in refusal
        assert "rule multiple_fields_uniqueness: 2 row(s), first keys: " in refusal
        key = ", ".join(f"{k}={rows[2][k]}" for k in contract.key if k != "bucket_start")
        assert key.split(", ", maxsplit=1)[0] in refusal

    @pytest.mark.parametrize(
        "name", [n for n in EVERY_TABLE if CONTRACTS[n].partition_column is not None]
    )
    def test_a_row_of_a_day_that_is_not_being_written_is_refused(self, name):
        contract = CONTRACTS[name]
        rows = [*records(contract, 3), *records(contract, 2, OTHER_DAY)]
        refusal = _refusal(contract, frame_of(contract, rows), [DAY])
        assert refusal.startswith(f"{name}: column partition_date has 2 row(s) outside ")
        assert f"({DAY} to {DAY})" in refusal
        assert OTHER_DAY in refusal
        assert f"archive_id={ARCHIVE}" in refusal
        assert len(contract.validate(frame_of(contract, rows), [DAY, OTHER_DAY])) == 5

    def test_a_day_within_the_range_but_not_among_its_days_is_refused(self):
        contract = CONTRACTS["sessions"]
        rows = frame(contract, 1, "2026-07-02")
        assert "outside" in _refusal(contract, rows, ["2026-07-01", "2026-07-03"])

    @pytest.mark.parametrize("value", [date(2026, 7, 1), pd.Timestamp("2026-07-01")])
    def test_a_day_is_text(self, value):
        contract = CONTRACTS["sessions"]
        rows = frame(contract, 2)
        rows["partition_date"] = pd.Series([value, value], dtype=object)
        assert "column partition_date" in _refusal(contract, rows, [DAY])

    def test_an_extra_column_is_refused_by_name(self):
        contract = CONTRACTS["daily_usage"]
        refusal = _refusal(contract, frame(contract, 2).assign(message_text="secret"))
        assert "column_in_schema" in refusal
        assert "message_text" in refusal
        assert "secret" not in refusal

    def test_a_missing_column_is_refused_by_name(self):
        contract = CONTRACTS["daily_usage"]
        refusal = _refusal(contract, frame(contract, 2).drop(columns=["cost_usd"]))
        assert "column_in_dataframe" in refusal
        assert "cost_usd" in refusal

    def test_a_missing_key_column_is_refused_by_name(self):
        contract = CONTRACTS["daily_usage"]
        refusal = _refusal(contract, frame(contract, 2).drop(columns=["model"]))
        assert "model" in refusal

    @pytest.mark.parametrize(
        ("column", "values", "found"),
        [
            ("input_tokens", [1.5, 2.0], "float64"),
            ("cost_usd", [1, 2], "int64"),
            ("is_automated", ["yes", "no"], "str"),
        ],
    )
    def test_a_wrong_dtype_is_refused_and_never_converted(self, column, values, found):
        contract = CONTRACTS["sessions" if column == "is_automated" else "daily_usage"]
        refusal = _refusal(contract, frame(contract, 2).assign(**{column: values}))
        assert f"column {column}, rule dtype(" in refusal
        assert f"found {found}" in refusal


class TestRefusals:
    def test_all_broken_rules_are_told_at_once(self):
        contract = CONTRACTS["daily_usage"]
        rows = records(contract, 3)
        rows[0]["input_tokens"] = -5
        rows[1]["pricing_digest"] = "none"
        rows[2]["project"] = None
        refusal = _refusal(contract, frame_of(contract, rows))
        assert "column input_tokens" in refusal
        assert "column pricing_digest" in refusal
        assert "column project, rule not_nullable" in refusal

    def test_at_most_five_keys_are_shown_of_any_number_of_rows(self):
        contract = CONTRACTS["usage_rows"]
        refusal = _refusal(contract, frame(contract, 50, input_tokens=-1))
        assert ": 50 row(s), first keys: " in refusal
        assert refusal.count("row_id=") == 5
        assert f"row_id=row_id {DAY} 0)" in refusal

    def test_rows_are_named_by_their_own_keys_whatever_the_frames_index(self):
        contract = CONTRACTS["usage_rows"]
        rows = _broken(contract, "input_tokens", -1)
        rows.index = pd.Index([7] * len(rows))
        refusal = _refusal(contract, rows)
        assert ": 2 row(s), first keys: " in refusal
        assert f"row_id=row_id {DAY} 1)" in refusal
        assert f"row_id=row_id {DAY} 8)" in refusal

    def test_a_filtered_frame_is_judged_like_any_other(self):
        contract = CONTRACTS["usage_rows"]
        rows = _broken(contract, "input_tokens", -1, size=30)
        refusal = _refusal(contract, rows[rows.index > 20])
        assert ": 1 row(s), first keys: " in refusal
        assert f"row_id=row_id {DAY} 29)" in refusal
        assert len(contract.validate(rows[(rows.index > 20) & (rows.index < 29)])) == 8
