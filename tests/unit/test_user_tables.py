"""The IO manager for assets of others: their tables, under their contracts, in our warehouse."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import dagster as dg
import duckdb
import pandas as pd
import pandera.pandas as pa
import polars as pl
import pyarrow as arrow  # noqa: ICN001 - pa is pandera here
import pytest

from agentsview_assets.errors import ConfigError, WarehouseError
from agentsview_assets.resources.warehouses.opening import each, open_store
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.user_tables import rows as user_rows
from agentsview_assets.resources.warehouses.user_tables.io_manager import UserTablesIOManager
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas import CONTRACTS, STORED
from agentsview_assets.schemas.user_table import user_table
from agentsview_assets.warehouse_urls import parse_warehouses
from tests.support.everything import everything
from tests.support.holders import holding

DAILY = dg.DailyPartitionsDefinition("2026-11-01", end_date="2026-11-05")
DAYS = ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"]
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class Budgets(pa.DataFrameModel):
    """What a team may spend."""

    team: str = pa.Field(unique=True)
    usd: float = pa.Field(ge=0)


class Spending(pa.DataFrameModel):
    """What a team spent on a day; some names are words of SQL."""

    day: str
    group: str
    user: str = pa.Field(nullable=True)
    calls: int = pa.Field(ge=0)

    class Config:
        """A row for each day and group."""

        unique: ClassVar[list[str]] = ["day", "group"]


class EveryKind(pa.DataFrameModel):
    """All that can be kept."""

    text: str
    kind: pd.CategoricalDtype
    whole: int
    some: pd.Int64Dtype = pa.Field(nullable=True)
    share: float = pa.Field(nullable=True)
    is_new: bool
    maybe: pd.BooleanDtype = pa.Field(nullable=True)
    on_day: pa.Date
    at: pd.DatetimeTZDtype = pa.Field(dtype_kwargs={"unit": "us", "tz": "UTC"}, nullable=True)


EVERY_KIND = pd.DataFrame(
    {
        "text": ["a'b\"c;--", "日本語 🦦"],
        "kind": pd.Categorical(["new", "old"]),
        "whole": [2**53 + 1, -(2**63)],
        "some": pd.array([2**53 + 1, None], dtype="Int64"),
        "share": [0.1 + 0.2, None],
        "is_new": [True, False],
        "maybe": pd.array([True, None], dtype="boolean"),
        "on_day": [date(2026, 11, 1), date(1969, 12, 31)],
        "at": pd.array(
            [datetime(2026, 11, 1, 12, 0, 0, 1, tzinfo=UTC), None], "datetime64[us, UTC]"
        ),
    }
)
"""What a frame that is read must be equal to, whatever the warehouse."""


def _spent(*rows: tuple[str, str, int]) -> pd.DataFrame:
    records = [(day, group, None, calls) for day, group, calls in rows]
    return pd.DataFrame(records, columns=["day", "group", "user", "calls"]).astype({"user": str})


def _asset(name: str, make: Callable[..., Any], **more: Any) -> dg.AssetsDefinition:
    @dg.asset(name=name, io_manager_key="theirs", **more)
    def made():
        return make()

    return made


def _daily(make: Callable[[], Any], **more: Any) -> dg.AssetsDefinition:
    """An asset of theirs with days."""
    with_days = {
        "partitions_def": DAILY,
        "metadata": {"partition_expr": "day"},
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }
    return _asset("spending", make, **{**with_days, **more})


def _run(
    url: str,
    assets: list[Any],
    contracts: dict[str, Any],
    days: tuple[str, str] | None = None,
    select: str | None = None,
) -> dg.ExecuteInProcessResult:
    """A run in a deployment of theirs."""
    return dg.materialize(
        assets,
        resources={"theirs": UserTablesIOManager(url, contracts)},
        selection=select,
        tags=dict(zip(RANGE, days, strict=True)) if days else None,
        raise_on_error=False,
        instance=dg.DagsterInstance.ephemeral(),
    )


def _write(url: str, frame: Any, contract: Any = Budgets, name: str = "budgets") -> Any:
    return _run(url, [_asset(name, lambda: frame)], {name: contract})


def _write_days(url: str, frame: Any, first: str, last: str, contract: Any = Spending) -> Any:
    return _run(url, [_daily(lambda: frame)], {"spending": contract}, (first, last))


def _message(done: dg.ExecuteInProcessResult) -> str:
    """What a red step says: its first lines, and no stack of ours."""
    [failure] = [event for event in done.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error is not None
    return error.message


def _read(url: str, sql: str) -> list[tuple[Any, ...]]:
    with open_reader(url) as reader:
        return sorted(reader.rows(sql))


def _spendings(url: str) -> list[tuple[Any, ...]]:
    return _read(url, 'SELECT day, "group", calls FROM spending')


class TestWholeTables:
    def test_a_table_is_stored_and_replaced_whole(self, warehouse):
        first = pd.DataFrame({"team": ["red", "blue"], "usd": [5.0, 7.5]})
        assert _write(warehouse, first).success
        assert _read(warehouse, "SELECT team, usd FROM budgets") == [("blue", 7.5), ("red", 5.0)]
        assert _write(warehouse, pd.DataFrame({"team": ["red"], "usd": [6.0]})).success
        assert _read(warehouse, "SELECT team, usd FROM budgets") == [("red", 6.0)]

    def test_no_rows_are_a_table_too(self, warehouse):
        assert _write(
            warehouse, pd.DataFrame({"team": [], "usd": []}).astype({"team": str})
        ).success
        assert _read(warehouse, "SELECT * FROM budgets") == []

    def test_a_changed_contract_makes_the_table_anew(self, warehouse):
        assert _write(warehouse, pd.DataFrame({"team": ["red"], "usd": [5.0]})).success
        wider = pa.DataFrameSchema({"team": pa.Column(str), "eur": pa.Column(int)})
        assert _write(warehouse, pd.DataFrame({"team": ["red"], "eur": [4]}), wider).success
        assert _read(warehouse, "SELECT team, eur FROM budgets") == [("red", 4)]

    def test_several_warehouses_are_written_alike(self, tmp_path):
        both = f"duckdb:///{tmp_path / 'a.duckdb'} sqlite:///{tmp_path / 'b.sqlite'}"
        assert _write(both, pd.DataFrame({"team": ["red"], "usd": [5.0]})).success
        for url in both.split():
            assert _read(url, "SELECT team, usd FROM budgets") == [("red", 5.0)]


class TestDays:
    def test_the_days_of_a_run_are_replaced_and_no_others(self, warehouse):
        made = _spent(*((day, "red", 1) for day in DAYS))
        assert _write_days(warehouse, made, DAYS[0], DAYS[3]).success
        again = _spent((DAYS[1], "red", 2), (DAYS[1], "blue", 3))
        assert _write_days(warehouse, again, DAYS[1], DAYS[2]).success
        assert _spendings(warehouse) == [
            (DAYS[0], "red", 1),
            (DAYS[1], "blue", 3),
            (DAYS[1], "red", 2),
            (DAYS[3], "red", 1),
        ]

    def test_each_day_says_how_many_rows_it_has(self, warehouse):
        made = _spent((DAYS[0], "red", 1), (DAYS[0], "blue", 1))
        done = _write_days(warehouse, made, DAYS[0], DAYS[1])
        counts = {
            found.partition: found.metadata["dagster/partition_row_count"].value
            for found in done.asset_materializations_for_node("spending")
        }
        assert counts == {DAYS[0]: 2, DAYS[1]: 0}

    def test_rows_of_other_days_are_refused(self, warehouse):
        message = _message(_write_days(warehouse, _spent((DAYS[2], "red", 1)), DAYS[0], DAYS[1]))
        assert "outside the partitions being written" in message
        assert "day=2026-11-03, group=red" in message

    def test_days_may_be_dates(self, warehouse):
        dated = pa.DataFrameSchema({"day": pa.Column(pa.Date), "calls": pa.Column(int)})
        frame = pd.DataFrame({"day": [date(2026, 11, 1), date(2026, 11, 2)], "calls": [1, 2]})
        assert _write_days(warehouse, frame, DAYS[0], DAYS[1], dated).success
        assert _write_days(warehouse, frame[1:], DAYS[1], DAYS[1], dated).success
        found = _read(warehouse, "SELECT day, calls FROM spending")
        assert [(str(day), calls) for day, calls in found] == [(DAYS[0], 1), (DAYS[1], 2)]

    def test_a_changed_contract_leaves_the_other_days_and_says_what_to_do(self, warehouse):
        assert _write_days(warehouse, _spent((DAYS[0], "red", 1)), DAYS[0], DAYS[0]).success
        other = pa.DataFrameSchema({"day": pa.Column(str), "usd": pa.Column(float)})
        frame = pd.DataFrame({"day": [DAYS[1]], "usd": [1.0]})
        message = _message(_write_days(warehouse, frame, DAYS[1], DAYS[1], other))
        assert "has not usd double NOT NULL and has group text NOT NULL" in message
        assert "Drop the table" in message
        assert _spendings(warehouse) == [(DAYS[0], "red", 1)]


class TestOneTransaction:
    def test_a_run_that_was_declared_dead_leaves_the_rows_as_they_were(self, warehouse):
        before = pd.DataFrame({"team": ["red"], "usd": [5.0]})
        assert _write(warehouse, before).success
        table = user_table("budgets", Budgets)
        rows = table.validated(pd.DataFrame({"team": ["blue"], "usd": [1.0]}), None)

        def dead() -> None:
            raise WarehouseError("declared dead")

        with open_store(warehouse) as store, pytest.raises(WarehouseError, match="declared dead"):
            user_rows.replace(each(store), table, rows, None, dead)
        assert _read(warehouse, "SELECT team FROM budgets") == [("red",)]

    def test_whether_the_run_is_alive_is_asked_before_the_commit(self, warehouse):
        instance = dg.DagsterInstance.ephemeral()

        def ended_meanwhile() -> pd.DataFrame:
            [run] = instance.get_runs()
            instance.report_run_failed(run)
            return pd.DataFrame({"team": ["late"], "usd": [1.0]})

        done = dg.materialize(
            [_asset("budgets", ended_meanwhile)],
            resources={"theirs": UserTablesIOManager(warehouse, {"budgets": Budgets})},
            instance=instance,
            raise_on_error=False,
        )
        assert "was declared dead" in _message(done)
        with open_reader(warehouse) as reader:
            assert not reader.has_table("budgets")


class TestOurTables:
    @pytest.mark.parametrize("name", [*CONTRACTS, *STORED, "warehouse_meta", "warehouse_rules"])
    def test_none_of_them_can_be_written(self, name, tmp_path):
        with pytest.raises(ConfigError, match=f"table {name}: the warehouse keeps a table of its"):
            UserTablesIOManager(f"duckdb:///{tmp_path / 'w.duckdb'}", {name: Budgets})

    def test_nothing_of_them_changes(self, sample_desk, tmp_path):
        desk = sample_desk.copied(tmp_path / "desk")
        url = str(desk.warehouse)
        before = everything(url)
        assert _write(url, pd.DataFrame({"team": ["red"], "usd": [5.0]})).success
        assert _write_days(url, _spent((DAYS[0], "red", 1)), DAYS[0], DAYS[0]).success
        assert everything(url) == before
        assert desk.materialize()["up_to_date"]
        assert _read(url, "SELECT team FROM budgets") == [("red",)]

    def test_a_table_that_somebody_else_made_is_left_alone(self, warehouse):
        with open_store(warehouse) as store:
            [one] = each(store)
            with one.transaction():
                one.execute("CREATE TABLE budgets (team TEXT)")
                one.execute("INSERT INTO budgets VALUES ('theirs')")
        done = _write(warehouse, pd.DataFrame({"team": ["red"], "usd": [5.0]}))
        assert "not written by this IO manager" in _message(done)
        assert _read(warehouse, "SELECT team FROM budgets") == [("theirs",)]

    def test_a_table_of_that_name_in_another_schema_is_another_table(self, tmp_path):
        url = f"duckdb:///{tmp_path / 'w.duckdb'}"
        with open_store(url) as store:
            [one] = each(store)
            with one.transaction():
                one.execute("CREATE SCHEMA marts")
                one.execute("CREATE TABLE marts.budgets (of_dbt TEXT)")
        assert _write(url, pd.DataFrame({"team": ["red"], "usd": [5.0]})).success
        assert _read(url, "SELECT team FROM budgets") == [("red",)]
        assert _read(url, "SELECT * FROM marts.budgets") == []


class TestBrokenContracts:
    def test_the_message_names_column_rule_and_the_first_rows(self, warehouse):
        assert _write(warehouse, pd.DataFrame({"team": ["red"], "usd": [5.0]})).success
        wrong = pd.DataFrame({"team": ["a", "b", "b"], "usd": [-1.0, 2.0, -3.0]})
        done = _write(warehouse, wrong)
        first, *rules = _message(done).splitlines()
        assert first.endswith("Failure: budgets: the frame breaks its contract and was not written")
        keys = "2 row(s), first keys:"
        assert rules == [
            f"  column team, rule field_uniqueness: {keys} (team=b); (team=b)",
            f"  column usd, rule greater_than_or_equal_to(0): {keys} (team=a); (team=b)",
        ]
        assert _read(warehouse, "SELECT team FROM budgets") == [("red",)]

    def test_rows_without_a_key_are_named_by_what_is_in_them(self, warehouse):
        loose = pa.DataFrameSchema(
            {"team": pa.Column(str), "usd": pa.Column(float, pa.Check.ge(0))}
        )
        message = _message(_write(warehouse, pd.DataFrame({"team": ["a"], "usd": [-1.0]}), loose))
        assert "column usd, rule greater_than_or_equal_to(0): 1 row(s)" in message
        assert "(team=a, usd=-1.0)" in message

    @pytest.mark.parametrize(
        ("frame", "said"),
        [
            ({"team": ["a"]}, "column_in_dataframe: found usd"),
            ({"team": ["a"], "usd": ["1"]}, "column usd, rule dtype('float64'): found str"),
            ({"team": ["a"], "usd": [1.0], "more": [1]}, "column_in_schema: found more"),
            ({"team": [None], "usd": [1.0]}, "column team, rule not_nullable"),
        ],
    )
    def test_columns_that_are_missing_wrong_or_too_many_are_named(self, tmp_path, frame, said):
        url = f"duckdb:///{tmp_path / 'w.duckdb'}"
        assert said in _message(_write(url, pd.DataFrame(frame)))

    def test_what_a_row_says_cannot_act_on_a_terminal(self, tmp_path):
        wrong = pd.DataFrame({"team": ["\x1b[2Jred\n"], "usd": [-1.0]})
        message = _message(_write(f"duckdb:///{tmp_path / 'w.duckdb'}", wrong))
        assert "\x1b" not in message
        assert r"(team='\x1b[2Jred\n')" in message

    def test_what_is_no_frame_is_refused(self, tmp_path):
        message = _message(_write(f"duckdb:///{tmp_path / 'w.duckdb'}", [1, 2]))
        assert "budgets: expected a frame" in message
        assert "got list" in message


class TestWhatCannotBeKept:
    @pytest.mark.parametrize(
        ("column", "said"),
        [
            (pa.Column(), "of no type"),
            (pa.Column(object), "column x is object"),
            (pa.Column("datetime64[ns]"), "an instant in UTC"),
            (pa.Column(pa.Decimal(10, 2)), "cannot be kept alike"),
            (pa.Column(str, required=False), "declare it nullable"),
            (pa.Column(str, regex=True), "no pattern"),
        ],
    )
    def test_a_column_that_no_warehouse_keeps_is_named(self, tmp_path, column, said):
        with pytest.raises(ConfigError, match=said) as refused:
            UserTablesIOManager(str(tmp_path / "w"), {"t": pa.DataFrameSchema({"x": column})})
        assert str(refused.value).startswith("table t: column ")

    @pytest.mark.parametrize(
        ("name", "contract", "said"),
        [
            ("Budgets", Budgets, "use small letters"),
            ("b; DROP TABLE x", Budgets, "use small letters"),
            ("b", pa.DataFrameSchema({"Team": pa.Column(str)}), "column 'Team'"),
            ("b", pa.DataFrameSchema({}, index=pa.Index(int)), "an index is not kept"),
            ("b", pa.DataFrameSchema({}, drop_invalid_rows=True), "filter them in the asset"),
            ("b", {"team": str}, "its contract is dict; use a DataFrameModel"),
        ],
    )
    def test_a_table_that_no_warehouse_keeps_is_named(self, tmp_path, name, contract, said):
        with pytest.raises(ConfigError, match=said):
            UserTablesIOManager(str(tmp_path / "w"), {name: contract})

    def test_other_partitions_than_days_are_refused(self, tmp_path):
        colours = dg.StaticPartitionsDefinition(["red", "blue"])
        done = dg.materialize(
            [_daily(lambda: None, partitions_def=colours)],
            resources={"theirs": UserTablesIOManager(str(tmp_path / "w"), {"spending": Spending})},
            partition_key="red",
            instance=dg.DagsterInstance.ephemeral(),
            raise_on_error=False,
        )
        assert "tables are kept whole or by days" in _message(done)

    @pytest.mark.parametrize(
        ("metadata", "said"),
        [
            ({}, "name the column that holds them in its metadata, {'partition_expr': 'day'}"),
            ({"partition_expr": "calls"}, "its days are to be in the column 'calls'"),
        ],
    )
    def test_an_asset_with_days_says_which_column_they_are_in(self, tmp_path, metadata, said):
        theirs = _daily(_spent, metadata=metadata)
        done = _run(str(tmp_path / "w"), [theirs], {"spending": Spending}, (DAYS[0], DAYS[0]))
        assert said in _message(done)

    def test_an_asset_without_a_contract_is_named(self, tmp_path):
        done = _run(str(tmp_path / "w"), [_asset("orphan", _spent)], {})
        assert "asset orphan: no contract is named for the table orphan" in _message(done)


FRAMES = {
    "pandas": EVERY_KIND,
    "arrow": arrow.Table.from_pandas(EVERY_KIND.assign(kind=["new", "old"]), preserve_index=False),
    "polars": pl.DataFrame(arrow.Table.from_pandas(EVERY_KIND.assign(kind=["new", "old"]))),
    "lazy": pl.DataFrame(arrow.Table.from_pandas(EVERY_KIND.assign(kind=["new", "old"]))).lazy(),
}


class TestFrames:
    @pytest.mark.parametrize("given", [*FRAMES, "duckdb"])
    def test_every_kind_of_frame_comes_back_as_the_contract_says(self, warehouse, given):
        frame = FRAMES.get(given)
        got: list[Any] = []

        def make() -> Any:
            return duckdb.from_arrow(FRAMES["arrow"]) if frame is None else frame

        @dg.asset(ins={"kinds": dg.AssetIn(input_manager_key="theirs")})
        def reader(kinds: pd.DataFrame) -> None:
            got.append(kinds)

        done = _run(warehouse, [_asset("kinds", make), reader], {"kinds": EveryKind})
        assert done.success
        [found] = got
        found = found.sort_values("whole", ascending=False, ignore_index=True)
        pd.testing.assert_frame_equal(
            found.astype({"kind": str}), EVERY_KIND.astype({"kind": str}), check_dtype=False
        )
        assert {str(found[name].dtype) for name in ("some", "maybe")} == {"Int64", "boolean"}

    @pytest.mark.parametrize(
        ("annotation", "count"),
        [
            (pd.DataFrame, len),
            (arrow.Table, len),
            (pl.DataFrame, len),
            (pl.LazyFrame, lambda lazy: len(lazy.collect())),
            (duckdb.DuckDBPyRelation, len),
        ],
    )
    def test_others_read_a_days_rows_as_they_are_annotated(self, warehouse, annotation, count):
        made = _spent(*((day, "red", 1) for day in DAYS), (DAYS[2], "blue", 2))
        writer = _daily(lambda: made)
        assert _run(warehouse, [writer], {"spending": Spending}, (DAYS[0], DAYS[3])).success
        got: list[Any] = []

        def theirs(spending: Any) -> None:
            assert isinstance(spending, annotation)
            got.append(count(spending))

        ins = {"spending": dg.AssetIn(dagster_type=annotation, input_manager_key="theirs")}
        daily = dg.asset(theirs, ins=ins, partitions_def=DAILY, name="daily")
        whole = dg.asset(theirs, ins=ins, name="whole")
        done = _run(warehouse, [writer, daily], {"spending": Spending}, (DAYS[2],) * 2, "daily")
        assert done.success
        assert _run(warehouse, [writer, whole], {"spending": Spending}, select="whole").success
        assert got == [2, 5]

    def test_a_table_that_was_not_made_is_named(self, warehouse):
        @dg.asset(ins={"budgets": dg.AssetIn(input_manager_key="theirs")})
        def reader(budgets: pd.DataFrame) -> None:
            raise AssertionError(budgets)

        assets = [_asset("budgets", lambda: None), reader]
        done = _run(warehouse, assets, {"budgets": Budgets}, select="reader")
        assert "table budgets: not in the warehouse; materialize its asset first" in _message(done)


@pytest.fixture
def held(warehouse: str) -> Iterator[str]:
    """A warehouse that another writer has."""
    with open_store(warehouse):
        pass
    address = parse_warehouses(warehouse)[0]
    if address.kind == "duckdb":
        with holding(address.file, "writer"):
            yield warehouse
        return
    with open_store(warehouse) as other:
        [one] = each(other)
        with one.transaction("table budgets"):
            yield warehouse


def test_another_writer_is_waited_for_and_named(held, monkeypatch):
    monkeypatch.setenv("AGENTSVIEW_ASSETS_WAIT", "0.2")
    said: list[str] = []
    monkeypatch.setattr(METER, "report", said.append)
    done = _write(held, pd.DataFrame({"team": ["red"], "usd": [5.0]}))
    assert not done.success
    assert any(words.startswith("waiting up to 0.2 s for ") for words in said)
    assert any(words in _message(done) for words in ("in use", "another process"))
