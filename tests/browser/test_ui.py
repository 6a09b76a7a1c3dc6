"""A person before the UI: the graph, a day, a range, the checks, the price change and its effect.

The tests are steps of one story and run in this order. `make browser` runs them, and with
`SCREENSHOTS=docs/images` takes the pictures of the documentation anew.
"""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from agentsview_assets.rules.staleness import OBSERVATIONS, REPORTS
from tests.support.holders import holding

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

DAY, FIRST, LAST_BUT_ONE, LAST = "2026-11-03", "2026-10-29", "2026-11-09", "2026-11-10"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
MODEL = "kelp-coder-preview-3"
ASSETS = 15
UP_TO_DATE = "everything is up to date"
_READ_WHOLE = {
    "archive_sessions",
    *("machines", "project_observations", "project_identities"),
    *("model_pricing", "effective_pricing"),
}
_LEAVES = {"duplicates", "model_rates"}


def _assets(run: dict) -> set[str]:
    return {key["path"][-1] for key in run["assetSelection"]}


def _tag(run: dict, key: str) -> str | None:
    return {tag["key"]: tag["value"] for tag in run["tags"]}.get(key)


def _days(run: dict) -> tuple[str | None, str | None]:
    """The first and the last day of a run."""
    start, end = RANGE
    return _tag(run, start), _tag(run, end)


def test_the_graph_shows_every_group(ui, picture):
    page = ui.open("/asset-groups")
    for group in ("archive", "observations", "identities", "pricing", "reports", "histories"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    picture(page, "graph-groups")
    page = ui.open("/locations/agentsview_assets/asset-groups/reports")
    for asset in ("daily_usage", "activity_buckets", "session_summaries", "session_model_usage"):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()


def test_nothing_starts_by_itself(ui, picture):
    page = ui.open("/automation")
    for name in ("daily", "reconcile"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
        expect(ui.switch(name)).to_be_visible()
    expect(page.get_by_text("Scheduled At 03:00 AM UTC")).to_be_visible()
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(0)
    picture(page, "automation")
    assert ui.runs() == []


def test_one_day_of_everything_is_one_run(ui):
    ui.materialize_all(DAY)
    [run] = ui.wait_for_runs(1)
    assert run["status"] == "SUCCESS"
    assert _tag(run, "dagster/partition") == DAY
    assert len(run["assetSelection"]) == ASSETS
    held = ui.desk.rows("SELECT DISTINCT CAST(partition_date AS VARCHAR) FROM daily_usage")
    assert held == [(DAY,)]


def test_a_range_is_a_backfill_of_one_run_of_days_however_long_it_is(ui):
    ui.materialize_all(f"[{FIRST}...{LAST_BUT_ONE}]")
    ui.wait_for_runs(1 + 3)
    ui.wait_for_backfills()
    runs = ui.runs()[:-1]
    assert {run["status"] for run in runs} == {"SUCCESS"}
    with_days = {frozenset(_assets(run)): _days(run) for run in runs if _days(run)[0]}
    assert with_days == {frozenset({*OBSERVATIONS, *REPORTS}): (FIRST, LAST_BUT_ONE)}
    # Dagster asks for these two together, or one by one, as what they follow from is there.
    whole = [_assets(run) for run in runs if not _days(run)[0]]
    assert len(runs) - len(whole) == 1
    together = [sorted(_READ_WHOLE), sorted(_LEAVES)]
    apart = [sorted(_READ_WHOLE), *([leaf] for leaf in _LEAVES)]
    assert sorted(map(sorted, whole)) in (sorted(together), sorted(apart))
    assert len(ui.desk.noted("daily_usage")) == 11


def test_the_reconciler_brings_the_rest_up_to_date(ui):
    noted, since = ui.desk.noted("daily_usage"), time.time()
    ui.turn("reconcile", on=True)
    ui.wait_until_said(UP_TO_DATE, since)
    made, checked = ui.wait_for_runs(1, "materialize"), ui.wait_for_runs(1, "check")
    ui.turn("reconcile", on=False)
    page = ui.open("/automation")
    ui.automation("reconcile").get_by_role("button", name="status").click()
    expect(page.get_by_text(UP_TO_DATE).first).to_be_visible()
    assert {run["status"] for run in made + checked} == {"SUCCESS"}
    [run] = made
    assert _assets(run) >= {*OBSERVATIONS, *REPORTS}
    assert _days(run) == (LAST, LAST)
    now = ui.desk.noted("daily_usage")
    assert {day for day in now if now[day] != noted.get(day)} == {LAST}
    assert len(now) == 12
    assert ui.desk.run("materialize", "--json").json["up_to_date"] is True


def test_the_checks_tell_in_words_and_numbers(ui, picture):
    assert ui.launch("check")["status"] == "SUCCESS"
    page = ui.open("/assets/daily_usage?view=checks&checkDetail=totals_agree")
    expect(page.get_by_text("equal to the rows that they were made from").first).to_be_visible()
    picture(page, "checks")
    page = ui.open("/assets/daily_usage?view=checks&checkDetail=completeness")
    expect(page.get_by_text(f"{MODEL} (").first).to_be_visible()


def test_a_day_shows_its_projects_and_a_chart_of_its_cost(ui, picture):
    page = ui.open(f"/assets/daily_usage?view=partitions&partition={LAST}")
    page.get_by_text("quillbox.web", exact=True).first.wait_for()
    chart = page.locator("img[src^='data:image/svg+xml']")
    expect(chart).to_be_visible()
    assert chart.evaluate("image => image.naturalWidth") > 0
    chart.scroll_into_view_if_needed()
    picture(page, "cost-chart")


def test_a_price_change_is_shown_first_and_then_carried_out(ui, picture):
    held = "SELECT DISTINCT CAST(partition_date AS VARCHAR) FROM daily_usage WHERE model = "
    affected = {day for (day,) in ui.desk.rows(f"{held} '{MODEL}'")}
    noted, known = ui.desk.noted("daily_usage"), {run["runId"] for run in ui.runs("materialize")}
    ui.turn("reconcile", on=True)
    config = ui.desk.archive / "config.toml"
    price = f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
    # Runs wait in line, so that none makes the days before this one has told of them.
    run = ui.launch("reprice", first=lambda: config.write_text(price))
    assert run["status"] == "SUCCESS"
    since = time.time()
    page = ui.open(f"/runs/{run['runId']}")
    page.get_by_text("[Show Markdown]").first.click()
    expect(page.get_by_text("one model with other rates").first).to_be_visible()
    picture(page, "reprice")
    page.keyboard.press("Escape")
    ui.wait_until_said(UP_TO_DATE, since)
    made = [run for run in ui.runs("materialize") if run["runId"] not in known]
    ui.turn("reconcile", on=False)
    assert {run["status"] for run in made} == {"SUCCESS"}
    assert not any(_assets(run) & {*OBSERVATIONS} for run in made)
    of_reports = [_days(run) for run in made if _assets(run) & {*REPORTS}]
    assert sorted(of_reports) == [(day, day) for day in sorted(affected)]
    now = ui.desk.noted("daily_usage")
    assert {day for day in now if now[day] != noted.get(day)} == affected
    assert len(affected) == 2
    [(unpriced,)] = ui.desk.rows("SELECT sum(unpriced_tokens)::BIGINT FROM daily_usage")
    assert unpriced == 0


def test_the_restatement_is_there_to_be_read(ui, picture):
    page = ui.open("/assets/restatements?view=events")
    expect(page.get_by_text(MODEL).first).to_be_visible()
    picture(page, "restatement")
    [(old, new)] = ui.desk.rows("SELECT sum(old_cost_usd), sum(new_cost_usd) FROM restatements")
    assert old == 0
    assert new > 0


def test_a_day_that_fails_says_why_and_is_made_once_that_is_mended(ui, picture):
    there, away = (ui.desk.archive / name for name in ("sessions.db", "away.db"))
    known = len(ui.runs())
    there.rename(away)
    ui.materialize_all(LAST)
    [failed, *_] = ui.wait_for_runs(known + 1)
    assert failed["status"] == "FAILURE"
    page = ui.open(f"/runs/{failed['runId']}")
    expect(page.get_by_text(f"archive {there}").first).to_be_visible()
    assert ui.failed_steps(failed["runId"]) == ["archive_sessions"]
    assert "Traceback" not in page.content()
    picture(page, "failed-day")
    away.rename(there)
    page.get_by_role("button", name="Re-execute").first.click()
    [again, *_] = ui.wait_for_runs(known + 2)
    assert again["status"] == "SUCCESS"
    assert _tag(again, "dagster/parent_run_id") == failed["runId"]
    assert _tag(again, "dagster/partition") == LAST


def test_a_run_that_is_terminated_ends_and_leaves_everything_as_it_was(ui):
    rows = "SELECT COUNT(*) FROM usage_rows"
    before, known = ui.desk.rows(rows), len(ui.runs())
    with holding(ui.desk.warehouse, "writer"):
        ui.materialize_all(DAY)
        run_id = ui.wait_until_started()
        page = ui.open(f"/runs/{run_id}")
        page.get_by_role("button", name="Terminate").click()
        page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
        [ended, *_] = ui.wait_for_runs(known + 1)
    assert (ended["runId"], ended["status"]) == (run_id, "CANCELED")
    assert ui.desk.rows(rows) == before
