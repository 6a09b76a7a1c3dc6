"""Tables of pages: how they are shown, sorted and downloaded; addresses; charts as JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from agentsview_assets.documents.common.sql import Sql
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.text import displayable
from agentsview_assets.web.pages.address import Address, name_of, path_part, word
from agentsview_assets.web.pages.charts import Chart, all_days, ranked_bars, stacked_days
from agentsview_assets.web.pages.downloads import chosen, downloaded
from agentsview_assets.web.pages.formats import change, days, name, percent, rate, short, usd
from agentsview_assets.web.pages.scope import Names
from agentsview_assets.web.pages.table import Column, Table
from tests.support.hostile_names import hostile_names

HERE = Address("/base", "/projects", (("span", "7d"), ("project", "a b"), ("by", "model")))
ACTING = ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", "\r=1"]


def table(*rows: list[Any], **more: Any) -> Table:
    columns = [Column("name", "Name", "name"), Column("cost", "Cost", "usd", unit="USD")]
    return Table("costs", "Costs", columns, list(rows), **more)


def file(found: Table, format_: str) -> bytes:
    return bytes(downloaded([found], "", format_, found.rows).body)


def test_rows_are_sorted_as_the_address_says():
    found = table(["b", 2.0], ["a", None], ["c", 10.0])

    def names(order: str) -> list[str]:
        return [row[0] for row in found.sorted_rows(Address("", "/", (("sort_costs", order),)))]

    assert names("") == names("nothing") == ["b", "a", "c"]
    assert names("-cost") == ["c", "b", "a"]
    assert names("cost") == ["b", "c", "a"]
    assert names("name") == ["a", "b", "c"]


def test_the_heads_lead_to_the_other_order_and_say_which_one_it_is():
    address = Address("", "/x", (("sort_costs", "-cost"), ("span", "7d")))
    first, second = table(["a", 1.0]).heads(address)
    assert (first.order, second.order) == ("", "descending")
    assert second.href == "/x?span=7d&sort_costs=cost"
    assert first.href == "/x?span=7d&sort_costs=name"
    assert [head.href for head in table(sorts=frozenset()).heads(address)] == [None, None]


def test_a_cell_holds_the_exact_number_beside_the_shown_one():
    name_cell, cost = table(["a", 0.1 + 0.2]).cells(["a", 0.1 + 0.2])
    assert (cost.text, cost.exact, cost.is_number) == ("$0.30", "0.30000000000000004", True)
    assert (name_cell.text, name_cell.exact, name_cell.is_head) == ("a", None, True)


@pytest.mark.parametrize("text", ACTING)
def test_no_cell_of_a_csv_acts(text: str):
    [head, row] = csv.reader(io.StringIO(file(table([text, -1.5]), "csv").decode()))
    assert head == ["name", "cost"]
    assert row[0].startswith("'")
    assert row[1] == "-1.5"


def test_a_csv_holds_every_name_on_one_line():
    names = hostile_names()
    text = file(table(*([one, 1.0] for one in names)), "csv").decode()
    assert len(list(csv.reader(io.StringIO(text)))) == len(names) + 1
    assert not any(ord(char) < 32 for char in text if char not in "\r\n")


def test_json_and_parquet_hold_values_as_they_are():
    rows = [["=1\n", 0.1 + 0.2], ["</script>", None]]
    found = table(*rows)
    told = json.loads(file(found, "json"))
    assert told == [{"name": name_, "cost": cost} for name_, cost in rows]
    assert pq.read_table(io.BytesIO(file(found, "parquet"))).to_pylist() == told


def test_parquet_holds_whole_numbers_that_are_too_great_for_others():
    columns = [Column("tokens", "Tokens", "tokens")]
    found = Table("t", "T", columns, [[2**70], [1]])
    read = pq.read_table(io.BytesIO(file(found, "parquet")))
    assert [int(value) for value in read.column("tokens").to_pylist()] == [2**70, 1]


def test_a_download_names_what_there_is():
    with pytest.raises(UsageError, match="csv, json, parquet"):
        file(table(), "xlsx")
    with pytest.raises(UsageError, match="this page has costs, others"):
        chosen([table(), Table("others", "", [], [])], "rows")


def test_a_query_is_shown_with_its_values():
    found = table(sql=Sql("SELECT 1\n    FROM x WHERE a = ?", ("it's \x1b[31m",)))
    assert found.sql_text == 'SELECT 1\nFROM x WHERE a = ?\n-- ?1: "it\'s \\x1b[31m"'


def test_links_keep_what_concerns_them():
    assert HERE.here(span="all") == "/base/projects?project=a+b&by=model&span=all"
    assert HERE.here(project=None, span="") == "/base/projects?by=model"
    assert HERE.there("/rows", in_day="2026-11-01") == (
        "/base/rows?span=7d&project=a+b&in_day=2026-11-01"
    )
    assert HERE.here(from_="2026-11-01").endswith("&from=2026-11-01")
    assert HERE.plain("/models") == "/base/models"


def test_no_link_downloads_by_itself():
    address = Address("", "/", (("format", "csv"), ("table", "x"), ("by", "model")))
    assert address.here() == "/?by=model"


@pytest.mark.parametrize("text", ["", ".", "..", "~", "~a", "a/b", "a?b#c", "ü ", *hostile_names()])
def test_every_name_can_be_a_part_of_a_path(text: str):
    from urllib.parse import unquote  # noqa: PLC0415

    part = path_part(text)
    assert part not in ("", ".", "..")
    assert "/" not in part
    held = displayable(text)
    assert name_of(unquote(part, errors="surrogateescape")) == held
    assert name_of(word(text)) == held


def test_an_address_of_nonsense_is_read_as_far_as_it_goes():
    address = Address.read("", "/", b"a=%ff&b=%00&=&&a=2;3&" + b"x=1&" * 2000)
    assert address.values("a") == ("\ufffd", "2;3")
    assert len(address.query) < 1000


def test_names_with_commas_stay_whole():
    names = Names(("a,b", "c"))
    assert names.split(",") == ["a,b", "c"]
    assert names


@pytest.mark.parametrize(
    ("shown", "meant"),
    [
        (usd(1234.5), "$1,234.50"),
        (usd(0.001), "<$0.01"),
        (usd(-2.0), "−$2.00"),
        (usd(0.0), "$0.00"),
        (percent(0.945), "94.5 %"),
        (percent(0.0001), "<0.1 %"),
        (rate(0.3), "$0.30"),
        (rate(0.175), "$0.175"),
        (rate(15.0), "$15.00"),
        (short(9_999), "9,999"),
        (short(124_537), "124.54 k"),
        (short(8_185_674), "8.19 M"),
        (change(3.0, 2.0), "+50 %"),
        (change(1.0, 0.0), ""),
        (days("2026-10-29", "2026-11-10"), "29 Oct – 10 Nov 2026"),
        (days("2025-12-31", "2026-01-01"), "31 Dec 2025 – 1 Jan 2026"),
        (name("a\nb"), "a\\nb"),
        (name(" "), "(no name)"),
        (name("x" * 500), "x" * 159 + "…"),
    ],
)
def test_values_are_shown_as_people_read_them(shown: str, meant: str):
    assert shown == meant


def test_no_name_ends_the_script_that_holds_a_chart():
    values = [{"name": one, "value": 1.0, "text": "$1"} for one in hostile_names()]
    chart = Chart("c", "C", ranked_bars(values, "usd"), table())
    assert not set("<>&\u2028\u2029") & set(chart.json)
    assert json.loads(chart.json)["layer"][0]["data"]["values"] == values


def test_days_of_an_axis_are_whole_and_bounded():
    assert all_days(["2026-11-02"], "2026-11-01", "2026-11-03") == [
        "2026-11-01",
        "2026-11-02",
        "2026-11-03",
    ]
    assert all_days(["no day", "2026-11-02"], None, None) == ["2026-11-02"]
    assert all_days(["0001-01-01", "2026-11-02"], None, None) == ["0001-01-01", "2026-11-02"]
    assert all_days([], "2026-11-01", None) == []


def test_a_value_that_has_no_day_is_not_drawn():
    value = {"day": "soon", "date": "soon", "name": "a", "order": 0, "place": 0, "value": 1}
    spec = stacked_days([value], "usd", ["2026-11-01"])
    assert spec["layer"][0]["data"]["values"] == []
