"""What the UI shows beside the rows: lineage of columns, a chart, the numbers of a day."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets.assets.lineage import column_lineage
from agentsview_assets.assets.naming import UNPREFIXED
from agentsview_assets.planning import Plan, Step, phases, without_days
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.rules.charts import HEIGHT, WIDTH, as_markdown, bar_chart
from agentsview_assets.rules.staleness import OBSERVATIONS, REPORTS
from agentsview_assets.schemas import CONTRACTS, HISTORIES
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from pathlib import Path

# In one worker, which makes the warehouse once.
pytestmark = pytest.mark.xdist_group("shown")

FIRST, LAST = "2026-10-29", "2026-11-10"
READ = {"observations", "archive"}
MADE = sorted(n for n, c in CONTRACTS.items() if c.group not in READ and n not in HISTORIES)


class TestTheLineageOfColumns:
    @pytest.mark.parametrize("table", MADE)
    def test_every_column_comes_from_columns_that_exist(self, table):
        lineage = column_lineage(table, UNPREFIXED)
        assert lineage is not None
        assert set(lineage.deps_by_column) <= set(CONTRACTS[table].column_names)
        for deps in lineage.deps_by_column.values():
            for dep in deps:
                source = CONTRACTS[dep.asset_key.path[-1]]
                assert dep.column_name in source.column_names, dep

    @pytest.mark.parametrize("table", REPORTS)
    def test_every_cost_and_token_of_a_report_has_an_origin(self, table):
        lineage = column_lineage(table, UNPREFIXED)
        assert lineage is not None
        told = [n for n in CONTRACTS[table].column_names if n.endswith(("tokens", "cost_usd"))]
        assert set(told) <= set(lineage.deps_by_column)

    def test_what_is_read_from_the_archive_has_none_here(self):
        assert all(column_lineage(table, UNPREFIXED) is None for table in OBSERVATIONS)


class TestTheChart:
    @given(
        st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20),
        st.lists(st.tuples(st.text("ab<&>\"'", max_size=9), st.floats(-1, 1e9)), max_size=40),
    )
    def test_it_is_a_well_formed_picture_of_one_bar_each_within_its_frame(self, title, bars):
        drawn = ET.fromstring(bar_chart(title, bars))  # noqa: S314 - our own text
        rects = drawn.findall("{http://www.w3.org/2000/svg}rect")
        assert len(rects) == len(bars)
        for rect in rects:
            top, tall = float(rect.attrib["y"]), float(rect.attrib["height"])
            assert 0 <= top <= HEIGHT
            assert 0 <= tall <= HEIGHT
            assert 0 <= float(rect.attrib["x"]) <= WIDTH

    def test_the_greatest_bar_is_the_tallest(self):
        drawn = ET.fromstring(bar_chart("t", [("a", 1.0), ("b", 4.0), ("c", 2.0)]))  # noqa: S314
        tall = [float(r.attrib["height"]) for r in drawn if r.tag.endswith("rect")]
        assert tall == pytest.approx([tall[1] / 4, tall[1], tall[1] / 2], abs=0.1)

    def test_it_travels_inside_the_text(self):
        text = as_markdown("<svg/>", "cost")
        data = text.removeprefix("![cost](data:image/svg+xml;base64,").removesuffix(")")
        assert base64.b64decode(data) == b"<svg/>"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> dg.DagsterInstance:
    """The history of a warehouse made of the sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        home: Path = prepare_home(tmp_path_factory.mktemp("history"))
    desk = Desk.with_sample(tmp_path_factory.mktemp("made"), DAGSTER_HOME=str(home))
    desk.materialize()
    return dg.DagsterInstance.from_config(str(home))


class TestAMaterialisation:
    def _metadata(self, instance: dg.DagsterInstance, table: str, day: str) -> dict:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(table), asset_partitions=[day]), limit=1
        ).records
        return records[0].event_log_entry.asset_materialization.metadata

    def test_each_day_has_its_numbers(self, instance):
        shown = self._metadata(instance, "daily_usage", FIRST)
        assert shown["tokens"].value > 0
        assert shown["cost_usd"].value > 0
        assert shown["dagster/partition_row_count"].value > 0
        assert "dagster/column_lineage" not in shown

    @pytest.mark.parametrize("day", [FIRST, LAST])
    def test_table_and_chart_are_of_the_day_itself(self, instance, day):
        shown = self._metadata(instance, "daily_usage", day)
        lines = shown["top_projects"].value.splitlines()
        assert lines[0] == day
        total = next(line for line in lines if line.startswith("| **all"))
        assert f"**{shown['cost_usd'].value:,.2f}**" in total
        assert f"**{shown['tokens'].value:,}**" in total
        picture = shown["cost_chart"].value
        data = picture.partition("data:image/svg+xml;base64,")[2].removesuffix(")")
        drawn = base64.b64decode(data).decode()
        assert f"cost by project, {day}" in drawn
        projects = [line.split(" | ")[0].removeprefix("| ") for line in lines[4:-1]]
        assert projects
        assert all(project.replace("\\", "") in drawn for project in projects)

    def test_the_last_day_of_a_range_has_the_lineage(self, instance):
        shown = self._metadata(instance, "daily_usage", LAST)
        assert "cost_usd" in shown["dagster/column_lineage"].value.deps_by_column


class TestCuttingAPlanIntoRuns:
    EVERYTHING = frozenset({*OBSERVATIONS, *REPORTS, "model_rates", "model_pricing"})

    def test_one_range_of_any_length_is_one_run(self):
        plan = Plan(self.EVERYTHING, [("2025-11-01", "2026-10-31")])
        assert phases(plan) == [[Step(self.EVERYTHING, ("2025-11-01", "2026-10-31"))]]

    def test_of_several_ranges_all_are_observed_before_any_is_reported(self):
        ranges = [("2026-01-01", "2026-01-02"), ("2026-03-01", "2026-03-01")]
        observed, reported = phases(Plan(self.EVERYTHING, ranges))
        assert [step.days for step in observed] == [step.days for step in reported] == ranges
        assert all(not step.tables & {*REPORTS} for step in observed)
        assert all(not step.tables & {*OBSERVATIONS} for step in reported)

    @given(st.integers(2, 400))
    def test_halves_are_the_whole(self, days):
        last = (dg.DailyPartitionsDefinition("2025-01-01").get_partition_keys())[days - 1]
        step = Step(frozenset({"sessions"}), ("2025-01-01", last))
        left, right = step.halves()
        assert left.partitions + right.partitions == step.partitions == days
        assert (left.days[0], right.days[1]) == step.days

    def test_days_are_cut_out_of_ranges(self):
        ranges = [("2026-01-01", "2026-01-04")]
        expected = [("2026-01-01", "2026-01-01"), ("2026-01-03", "2026-01-04")]
        assert without_days(ranges, ["2026-01-02"]) == expected
