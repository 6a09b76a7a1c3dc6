"""The daily schedule, evaluated at thirty scheduled times while its archive goes on changing.

What it asks for is carried out in the tests' process. At the end, tables and documents are those of
a single run over the archive as it is then.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from agentsview_assets.build import build_definitions
from agentsview_assets.resources.warehouses.opening import each, open_store
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, READINGS_TABLE
from tests.support.clocks import clock_at, day_after
from tests.support.everything import everything
from tests.support.in_process import Desk
from tests.support.reconciling import Ran, carry_out, reconcile, settings_of
from tests.support.tiny_archives import TinyArchive
from tests.support.turns import add_turn

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.endurance, pytest.mark.xdist_group("thirty-days")]

START = "2026-10-10"
TIMES = 30
OFF = {11: 1, 21: 4}
"""Days for which the machine is off before a scheduled time."""
QUIET = (5, 6, 17, 25)
"""Scheduled times before which nothing was written."""
MODEL = "claude-opus-4-6"
CUSTOM = ("--from", f"{START}T00:00:00Z", "--to", "2026-11-09T00:00:00Z")
DOCUMENTS = (
    ("usage", "daily", "--all", "--json"),
    ("usage", "daily", "--all", "--breakdown"),
    ("activity", "report", "--preset", "custom", *CUSTOM, "--json"),
    ("export", "sessions"),
)


def _work(desk: Desk, day: str) -> None:
    """A day's session, which goes on over midnight."""
    with TinyArchive(desk.archive) as archive:
        archive.session(f"of-{day}", day, project=f"project-{day[-1]}")
        archive.message(f"of-{day}", 0, f"{day}T10:00:00Z")
        archive.message(f"of-{day}", 1, f"{day}T23:58:00Z")
        archive.event(f"of-{day}", occurred_at=f"{day_after(day)}T00:01:00Z")


def _late(desk: Desk, day: str) -> None:
    """A session of ten days ago goes on, on its own day."""
    late = day_after(day, -10)
    add_turn(desk.archive, f"{late}T12:00:00Z", f"late-{day}", f"SELECT 'of-{late}'")


def _edited(desk: Desk, day: str) -> None:
    """Somebody edits messages of a week ago; no row of a session tells."""
    edited = day_after(day, -7)
    desk.edit(
        "UPDATE messages SET token_usage = json_set(token_usage, '$.output_tokens', 4321) "
        f"WHERE timestamp LIKE '{edited}%'"
    )


def _deleted(desk: Desk, day: str) -> None:
    gone = f"of-{day_after(day, -4)}"
    desk.edit(
        *(
            f"DELETE FROM {name} WHERE session_id = '{gone}'"
            for name in ("messages", "usage_events")
        ),
        f"DELETE FROM sessions WHERE id = '{gone}'",
    )


def _priced(desk: Desk, _day: str) -> None:
    (desk.archive / "config.toml").write_text(
        f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
    )


def _by_other_rules(desk: Desk, _day: str) -> None:
    """What a release with other rules finds: intervals and reports of an earlier one."""
    _change(
        desk.settings["AGENTSVIEW_ASSETS_WAREHOUSE"],
        f"UPDATE {PARTITIONS_TABLE} SET rules_version = 'of an earlier release' "
        "WHERE asset IN ('activity_intervals', 'daily_usage')",
    )


CHANGES: dict[int, Callable[[Desk, str], None]] = {
    **dict.fromkeys((12, 18, 23, 27), _late),
    **dict.fromkeys((9, 15, 26), _edited),
    **dict.fromkeys((8, 20), _deleted),
    14: _priced,
    19: _by_other_rules,
}
"""What happens before which scheduled time, beside the day's work."""


def _change(url: str, statement: str) -> None:
    with open_store(url) as store:
        [one] = each(store)
        with one.transaction():
            one.execute(statement)


def _tick(desk: Desk, day: str) -> list[Ran]:
    """Evaluates the schedule at three of a day, and carries out what it asks for."""
    when = datetime.combine(date.fromisoformat(day), time(3), UTC)
    # Opened anew, as by a daemon that was started again.
    definitions = build_definitions(settings_of(desk))
    schedule = definitions.resolve_schedule_def("daily")
    with (
        desk.history() as instance,
        dg.build_schedule_context(instance, scheduled_execution_time=when) as context,
    ):
        asked = schedule.evaluate_tick(context).run_requests
        ran = [carry_out(definitions, instance, request) for request in asked or ()]
    # The server's clock goes with the machine's.
    _change(
        desk.settings["AGENTSVIEW_ASSETS_WAREHOUSE"],
        f"UPDATE {READINGS_TABLE} SET read_at = '{when:%Y-%m-%d %H:%M:%S+00}'",
    )
    return ran


@pytest.mark.parametrize("kind", ["duckdb", "postgresql"])
def test_thirty_scheduled_times_end_where_a_single_run_does(kind, tmp_path, further_url):
    url, other_url = further_url(kind, "daily"), further_url(kind, "single")
    settings = {
        "AGENTSVIEW_ASSETS_START_DATE": START,
        "AGENTSVIEW_ASSETS_WAREHOUSE": url,
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    desk = Desk(tmp_path / "desk", settings)
    ticks: dict[int, list[Ran]] = {}
    day = START
    for number in range(1, TIMES + 1):
        for _ in range(1 + OFF.get(number, 0)):
            if number not in QUIET:
                _work(desk, day)
            day = day_after(day)
        with clock_at(day):
            if number in CHANGES:
                CHANGES[number](desk, day)
            ticks[number] = _tick(desk, day)
    with clock_at(day), desk.history() as instance:
        rest, said = reconcile(settings_of(desk), instance)
        assert reconcile(settings_of(desk), instance)[0] == []
    runs = [run for ran in [*ticks.values(), rest] for run in ran]
    assert all(run.succeeded for run in runs)
    assert said.given_up == []
    # Where nothing was written, the schedule looks, and makes what the day before left.
    assert all("usage_rows" not in run.assets for n in (6, 17, 25) for run in ticks[n])
    _require_same(desk, _single(desk, tmp_path, other_url, day), day)


def _single(desk: Desk, tmp_path, url: str, day: str) -> Desk:
    """A single run over the archive as it is now."""
    other = replace(
        desk,
        folder=tmp_path / "single",
        settings={**desk.settings, "AGENTSVIEW_ASSETS_WAREHOUSE": url},
    )
    shutil.copytree(desk.archive, other.archive)
    with clock_at(day):
        other.materialize()
    return other


def _require_same(desk: Desk, other: Desk, day: str) -> None:
    # A row whose rates did not move names the price table that priced it, which was an earlier one.
    found, wanted = (
        everything(which.settings["AGENTSVIEW_ASSETS_WAREHOUSE"], "pricing_digest")
        for which in (desk, other)
    )
    assert len(wanted["daily_usage"]) > TIMES
    differ = {table for table in wanted if found[table] != wanted[table]}
    # What was published before is restated; each archive lies somewhere else.
    assert differ <= {"restatements", "price_changes", "warehouse_archives"}
    with clock_at(day):
        for document in DOCUMENTS:
            said, expected = desk.run(*document), other.run(*document)
            assert expected.code == 0, expected.err
            assert said.out == expected.out, document
