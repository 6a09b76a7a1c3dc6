"""`materialize` and `status` on the sample archive: what is made, when, and that it adds up."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.rules.staleness import DAILY_TABLES, OBSERVATIONS, REPORTS
from agentsview_assets.schemas import CONTRACTS, HISTORIES, MADE_BY_KEY
from agentsview_assets.settings import DEFAULT_START_DATE
from tests.support import naive_reports
from tests.support.command import OurCommand
from tests.support.in_process import SAMPLE, Desk
from tests.support.oracle import REPOSITORY
from tests.support.staged import Staged

if TYPE_CHECKING:
    from pathlib import Path

FIRST, LAST = "2026-10-29", "2026-11-10"
SUMMARY_TYPES = {
    "archive": str,
    "archive_id": str,
    "unread": list,
    "warehouse": str,
    "up_to_date": bool,
    "changed_sessions": int,
    "ranges": list,
    "assets": list,
    "partitions": int,
    "rows": int,
    "rows_by_table": dict,
    "bytes": int,
    "pricing_digest": str,
    "unpriced_models": list,
    "work_seconds": float,
    "history_seconds": float,
    "total_seconds": float,
}
ALL_TABLES = sorted(set(CONTRACTS) - {*HISTORIES, *MADE_BY_KEY})
SUMMED = (
    "usage_row_count",
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_read_tokens",
    "reasoning_tokens",
    "cost_usd",
    "unpriced_tokens",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One Dagster home for all runs: making one costs seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        made = prepare_home(tmp_path_factory.mktemp("history"))
    return str(made)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, home: str) -> tuple[Desk, dict[str, Any]]:
    """A finished warehouse, to look at only, and the summary of its making."""
    desk = Desk.with_sample(tmp_path_factory.mktemp("done"), DAGSTER_HOME=home)
    return desk, desk.materialize()


@pytest.fixture(scope="module")
def made(done: tuple[Desk, dict[str, Any]]) -> Desk:
    return done[0]


@pytest.fixture
def desk(staged: Staged[Desk]) -> Desk:
    """A finished warehouse with an archive of its own, up to date."""
    return staged.anew()


@pytest.fixture
def copied(made: Desk, tmp_path: Path) -> Desk:
    """A copy of the finished warehouse with an archive that nobody looked at where it lies."""
    return made.copied(tmp_path / "desk")


@pytest.fixture
def fresh(home: str, tmp_path: Path) -> Desk:
    """An archive of which nothing has been materialised."""
    return Desk.with_sample(tmp_path, DAGSTER_HOME=home)


def _rows(desk: Desk, table: str) -> list[tuple[Any, ...]]:
    """All rows, without what names the run of prices that made them."""
    return desk.rows(f"SELECT * FROM {table} ORDER BY ALL")


def _contents(desk: Desk) -> dict[str, list[tuple[Any, ...]]]:
    return {table: _rows(desk, table) for table in ALL_TABLES}


def _remade(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The days written anew between two looks at a table's notes."""
    return {day for day, noted in after.items() if before.get(day) != noted}


def _only_session(desk: Desk) -> tuple[str, str]:
    """A session whose rows all lie on one day and share no key with others; and that day."""
    found = desk.rows(
        "SELECT session_id, strftime(min(partition_date), '%Y-%m-%d') FROM usage_rows "
        "WHERE session_id NOT IN (SELECT session_id FROM duplicates) "
        "GROUP BY session_id HAVING count(DISTINCT partition_date) = 1 "
        "AND min(partition_date) = min(session_date) "
        f"AND min(partition_date) > '{FIRST}' ORDER BY count(*) DESC, session_id LIMIT 1"
    )
    return str(found[0][0]), str(found[0][1])


def _grow(session: str, when: str, tokens: int = 1000) -> tuple[str, str]:
    """Statements that add a turn to a session, as a sync by agentsview does."""
    usage = json.dumps({"input_tokens": tokens, "output_tokens": 7})
    turn = (
        "INSERT INTO messages (session_id, ordinal, role, content, timestamp, model, token_usage,"
        " claude_message_id, claude_request_id) SELECT session_id, MAX(ordinal) + 1, 'assistant',"
        f" '', '{when}', 'claude-opus-4-6', '{usage}', 'grown', 'grown' FROM messages"
        f" WHERE session_id = '{session}'"
    )
    signature = (
        f"UPDATE sessions SET message_count = message_count + 1, local_modified_at = '{when}x'"
        f" WHERE id = '{session}'"
    )
    return turn, signature


class TestTheFirstRun:
    def test_it_makes_every_table_over_the_days_of_the_archive(self, done):
        desk, summary = done
        assert summary["up_to_date"] is False
        assert summary["assets"] == ALL_TABLES
        assert summary["ranges"] == [[FIRST, LAST]]
        assert summary["partitions"] == 7 * 13 + 6
        assert all(desk.rows(f"SELECT count(*) FROM {t}")[0][0] > 0 for t in ALL_TABLES)

    def test_its_summary_has_exactly_these_keys_and_types(self, done):
        _, summary = done
        assert {key: type(value) for key, value in summary.items()} == SUMMARY_TYPES
        assert all(isinstance(rows, int) for rows in summary["rows_by_table"].values())

    def test_its_numbers_are_those_of_the_warehouse(self, done):
        desk, summary = done
        counted = {t: desk.rows(f"SELECT count(*) FROM {t}")[0][0] for t in ALL_TABLES}
        assert summary["rows_by_table"] == counted
        assert summary["rows"] == sum(counted.values())
        assert summary["changed_sessions"] == counted["sessions"]
        assert summary["unpriced_models"] == ["kelp-coder-preview-3"]
        assert summary["pricing_digest"].startswith("sha256:")
        assert summary["bytes"] > 0
        assert 0 < summary["work_seconds"] < summary["total_seconds"]
        assert 0 < summary["history_seconds"] < summary["total_seconds"]

    def test_the_archive_is_left_as_it_was(self, made):
        assert (made.archive / "sessions.db").read_bytes() == SAMPLE.read_bytes()
        assert [path.name for path in made.archive.iterdir()] == ["sessions.db"]

    def test_it_shows_what_it_does_on_stderr_and_the_result_on_stdout(self, fresh):
        shown = fresh.run("materialize", "--since", LAST)
        assert shown.code == 0
        assert shown.out.startswith("Materialised ")
        for label in ("archive", "days", "partitions", "rows", "bytes", "work", "history", "total"):
            assert f"\n  {label} " in shown.out
        assert "\n  unpriced models  none" in shown.out
        assert "observing " in shown.err
        assert "wrote usage_rows: " in shown.err


class TestASecondRun:
    def test_it_does_nothing_and_says_so(self, desk):
        before = {table: desk.noted(table) for table in ALL_TABLES}
        shown = desk.run("materialize")
        assert shown.code == 0
        assert shown.out.startswith("Nothing to do: ")
        assert "up to date" in shown.out
        summary = desk.materialize()
        assert summary["up_to_date"] is True
        assert summary["assets"] == summary["ranges"] == []
        assert summary["partitions"] == summary["rows"] == summary["changed_sessions"] == 0
        assert summary["unpriced_models"] == ["kelp-coder-preview-3"]
        assert {key: type(value) for key, value in summary.items()} == SUMMARY_TYPES
        assert {table: desk.noted(table) for table in ALL_TABLES} == before

    def test_force_makes_everything_again_and_changes_nothing(self, desk):
        before, noted = _contents(desk), desk.noted("usage_rows")
        summary = desk.materialize("--force")
        assert summary["up_to_date"] is False
        assert summary["assets"] == ALL_TABLES
        assert summary["ranges"] == [[FIRST, LAST]]
        assert _remade(noted, desk.noted("usage_rows")) == set(noted)
        assert _contents(desk) == before

    def test_a_file_that_was_only_touched_is_read_and_nothing_is_made(self, desk):
        (desk.archive / "sessions.db").touch()
        summary = desk.materialize()
        assert summary["up_to_date"] is True
        assert summary["changed_sessions"] == 0


class TestRestricting:
    def test_since_and_until_bound_the_days(self, fresh):
        summary = fresh.materialize("--since", "2026-11-02", "--until", "2026-11-04")
        assert summary["ranges"] == [["2026-11-02", "2026-11-04"]]
        for table in DAILY_TABLES:
            assert set(fresh.noted(table)) == {"2026-11-02", "2026-11-03", "2026-11-04"}

    def test_what_was_left_out_is_made_by_the_next_run_and_nothing_is_missing(self, made, fresh):
        fresh.materialize("--since", "2026-11-02", "--until", "2026-11-04")
        fresh.materialize("--until", "2026-11-01")
        fresh.materialize()
        assert fresh.materialize()["up_to_date"] is True
        expected = _contents(made)
        assert {t: rows for t, rows in _contents(fresh).items() if rows != expected[t]} == {}

    def test_a_session_that_goes_on_after_the_last_day_made_is_completed_later(self, fresh):
        session, day = "677a880c-a20b-4447-be44-93fcbd208f7d", FIRST
        fresh.edit(*_grow(session, f"{LAST}T12:00:00Z"))
        fresh.materialize("--until", day)
        fresh.materialize()
        spent = f"SELECT sum(input_tokens) FROM {{}} WHERE session_id = '{session}'"
        [(tokens,)] = fresh.rows(spent.format("usage_rows"))
        assert fresh.rows(spent.format("session_model_usage")) == [(tokens,)]
        assert fresh.rows(spent.format("session_summaries")) == [(tokens,)]
        assert fresh.materialize()["up_to_date"] is True

    def test_the_same_bounds_again_do_nothing_though_a_session_goes_on_outside_them(self, fresh):
        fresh.edit(*_grow("677a880c-a20b-4447-be44-93fcbd208f7d", f"{LAST}T12:00:00Z"))
        fresh.materialize("--until", FIRST)
        assert fresh.materialize("--until", FIRST)["up_to_date"] is True
        assert fresh.materialize()["up_to_date"] is False
        assert fresh.materialize()["up_to_date"] is True

    def test_activity_that_runs_into_the_first_day_made_is_completed_later(self, fresh):
        session = "677a880c-a20b-4447-be44-93fcbd208f7d"
        fresh.edit(*_grow(session, "2026-11-05T23:58:00Z"), *_grow(session, "2026-11-06T00:01:00Z"))
        fresh.materialize("--since", "2026-11-06")
        fresh.materialize()
        worked = "SELECT sum(agent_minutes) FROM activity_buckets"
        [(minutes,)] = fresh.rows("SELECT sum(duration_ns) / 6e10 FROM activity_intervals")
        assert fresh.rows(worked)[0][0] == pytest.approx(minutes, rel=1e-9)
        assert fresh.materialize()["up_to_date"] is True

    def test_a_report_made_of_old_observations_is_made_again_with_new_ones(self, desk):
        session, day = _only_session(desk)
        desk.edit(*_grow(session, f"{day}T23:00:00Z"))
        desk.materialize("--select", "usage_rows,session_summaries")
        desk.materialize("--select", "sessions,activity_intervals")
        desk.materialize()
        counted = f"SELECT message_count FROM {{}} WHERE session_id = '{session}'"
        assert desk.rows(counted.format("session_summaries")) == desk.rows(
            counted.format("sessions")
        )
        assert desk.materialize()["up_to_date"] is True

    def test_day_by_day_gives_the_same_as_all_at_once(self, made, fresh):
        window = made.rows("SELECT DISTINCT strftime(partition_date, '%Y-%m-%d') FROM sessions")
        for day in sorted(day for (day,) in window)[:3]:
            fresh.materialize("--since", day, "--until", day)
        for table in ("usage_rows", "activity_intervals", "daily_usage", "activity_buckets"):
            found = fresh.rows(f"SELECT * FROM {table} ORDER BY ALL")
            days = {row[1] for row in found}
            assert found == [row for row in _rows(made, table) if row[1] in days]
            assert len(days) == 3

    def test_a_day_without_anything_is_nothing_to_do(self, desk):
        summary = desk.materialize("--since", "2026-01-01", "--until", "2026-01-31")
        assert summary["up_to_date"] is True

    @pytest.mark.parametrize(
        ("selection", "chosen"),
        [
            ("daily_usage", {"daily_usage"}),
            (" sessions , usage_rows ", {"sessions", "usage_rows"}),
            ("group:reports", {*REPORTS}),
            ("key:model_pricing or key:effective_pricing", {"model_pricing", "effective_pricing"}),
            (
                "key:model_pricing+",
                {"model_pricing", "effective_pricing", "model_rates", *REPORTS},
            ),
            ("project_identities", {"project_identities"}),
        ],
    )
    def test_select_takes_names_or_a_dagster_selection(self, desk, selection, chosen):
        before = {table: desk.noted(table) for table in ALL_TABLES}
        summary = desk.materialize("--force", "--select", selection)
        assert set(summary["assets"]) == chosen
        for table in ALL_TABLES:
            assert bool(_remade(before[table], desk.noted(table))) == (table in chosen), table

    @pytest.mark.parametrize(
        "selection", ["nonsense", "daily_usage,nonsense", "group:none", "((", ""]
    )
    def test_a_selection_of_nothing_is_wrong_usage(self, desk, selection):
        shown = desk.run("materialize", "--select", selection)
        assert shown.code == 2
        assert shown.out == ""
        assert "error: --select " in shown.err

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--since", "yesterday"),
            ("--since", "2026-7-1"),
            ("--until", "20260701"),
            ("--until", "2026-02-30"),
            ("--since", "2026-07-02", "--until", "2026-07-01"),
            ("--nonsense",),
        ],
    )
    def test_a_wrong_command_line_ends_with_2_and_one_message(self, desk, arguments):
        shown = desk.run("materialize", *arguments)
        assert shown.code == 2
        assert shown.out == ""
        assert "Traceback" not in shown.err


class TestAChangedPrice:
    def test_only_what_is_priced_is_made_again(self, desk):
        before = {table: desk.noted(table) for table in ALL_TABLES}
        days = desk.rows(
            "SELECT DISTINCT strftime(partition_date, '%Y-%m-%d') FROM usage_rows "
            "WHERE model = 'kelp-coder-preview-3'"
        )
        (desk.archive / "config.toml").write_text(
            "[custom_model_pricing.kelp-coder-preview-3]\ninput = 3.0\noutput = 9.0\n"
        )
        summary = desk.materialize()
        assert summary["changed_sessions"] == 0
        assert summary["unpriced_models"] == []
        assert set(summary["assets"]) == {
            *REPORTS,
            "model_pricing",
            "effective_pricing",
            "model_rates",
        }
        for table in (*OBSERVATIONS, "project_observations", "project_identities"):
            assert desk.noted(table) == before[table]
        remade = _remade(before["daily_usage"], desk.noted("daily_usage"))
        assert {day for (day,) in days} <= remade
        assert desk.materialize()["up_to_date"] is True
        unpriced = "SELECT sum(unpriced_tokens), sum(cost_usd) FROM daily_usage WHERE model = "
        [(tokens, cost)] = desk.rows(unpriced + "'kelp-coder-preview-3'")
        assert tokens == 0
        assert cost > 0

    def test_a_price_that_nobody_used_makes_no_report_again(self, desk):
        before = desk.noted("daily_usage")
        (desk.archive / "config.toml").write_text("[custom_model_pricing.unheard-of]\ninput = 3\n")
        summary = desk.materialize()
        assert summary["ranges"] == []
        assert set(summary["assets"]) == {"model_pricing", "effective_pricing", "model_rates"}
        assert desk.noted("daily_usage") == before
        assert desk.materialize()["up_to_date"] is True


class TestAChangedSession:
    def test_only_its_day_is_made_again(self, desk):
        session, day = _only_session(desk)
        before = {table: desk.noted(table) for table in DAILY_TABLES}
        desk.edit(*_grow(session, f"{day}T23:59:58.5Z"))
        summary = desk.materialize()
        assert summary["changed_sessions"] == 1
        assert summary["ranges"] == [[day, day]]
        for table in DAILY_TABLES:
            assert _remade(before[table], desk.noted(table)) == {day}
        assert desk.materialize()["up_to_date"] is True

    def test_a_session_resumed_after_a_long_pause_counts_on_both_days(self, desk):
        session, tokens = desk.rows(
            "SELECT session_id, sum(input_tokens)::BIGINT FROM session_model_usage "
            f"WHERE partition_date = '{FIRST}' GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
        )[0]
        desk.edit(*_grow(session, f"{LAST}T12:00:00Z"))
        summary = desk.materialize()
        assert summary["ranges"] == [[FIRST, FIRST], [LAST, LAST]]
        mine = f"WHERE session_id = '{session}'"
        for table in ("session_model_usage", "session_summaries"):
            found = desk.rows(f"SELECT sum(input_tokens)::BIGINT FROM {table} {mine}")
            assert found == [(tokens + 1000,)], table
        assert desk.materialize()["up_to_date"] is True

    def test_a_session_that_is_gone_is_gone(self, desk):
        session, day = _only_session(desk)
        desk.edit(
            f"DELETE FROM messages WHERE session_id = '{session}'",
            f"DELETE FROM sessions WHERE id = '{session}'",
        )
        summary = desk.materialize()
        assert [day, day] in summary["ranges"]
        for table in ("sessions", "usage_rows", "activity_intervals", "session_summaries"):
            assert desk.rows(f"SELECT 1 FROM {table} WHERE session_id = '{session}'") == []

    def test_what_is_made_bit_by_bit_equals_what_is_made_at_once(self, desk, fresh):
        session, day = _only_session(desk)
        edits = [*_grow(session, f"{day}T23:59:58Z"), *_grow(session, f"{LAST}T01:00:00Z", 5)]
        for turn in range(2):
            desk.edit(*edits[2 * turn : 2 * turn + 2])
            desk.materialize()
        fresh.edit(*edits)
        fresh.materialize()
        expected = _contents(fresh)
        assert {t: rows for t, rows in _contents(desk).items() if rows != expected[t]} == {}


class TestAMovedWindow:
    def _totals(self, desk: Desk) -> dict[str, Any]:
        return {
            "sessions": desk.rows("SELECT count(*), count(DISTINCT session_id) FROM sessions"),
            "usage": desk.rows(
                "SELECT count(*), count(DISTINCT row_id), sum(input_tokens) FROM usage_rows"
            ),
            "intervals": desk.rows("SELECT count(*), sum(duration_ns) FROM activity_intervals"),
            "daily": desk.rows(
                "SELECT sum(input_tokens), sum(usage_row_count), round(sum(cost_usd), 9) "
                "FROM daily_usage"
            ),
            "buckets": desk.rows(
                "SELECT count(*), round(sum(agent_minutes), 9), round(sum(cost_usd), 9) "
                "FROM activity_buckets"
            ),
            "summaries": desk.rows(
                "SELECT count(*), sum(input_tokens), round(sum(cost_usd), 9) FROM session_summaries"
            ),
        }

    def test_a_later_start_moves_rows_to_its_first_day_and_an_earlier_one_back(self, desk):
        before, contents = self._totals(desk), _contents(desk)
        last = desk.settings.get("AGENTSVIEW_ASSETS_START_DATE", DEFAULT_START_DATE)
        for start in ("2026-11-04", "2026-11-09", "2026-11-01"):
            moved = desk.starting(start)
            refused = moved.run("materialize")
            assert refused.code == 1
            assert f"AGENTSVIEW_ASSETS_START_DATE={last} (here: {start})" in refused.err
            assert "--new-settings" in refused.err
            last = start
            assert moved.materialize("--new-settings")["up_to_date"] is False
            assert self._totals(moved) == before, start
            for table in DAILY_TABLES:
                days = {str(day) for (day,) in moved.rows(f"SELECT partition_date FROM {table}")}
                assert min(days) == start, table
                assert min(moved.noted(table)) == start, table
            assert moved.materialize()["up_to_date"] is True
        desk.materialize("--new-settings")
        assert self._totals(desk) == before
        assert _contents(desk) == contents

    def test_a_window_after_everything_keeps_everything_in_its_first_day(self, desk):
        before = self._totals(desk)
        moved = desk.starting("2026-11-15")
        assert moved.materialize("--new-settings")["ranges"] == [["2026-11-15", "2026-11-15"]]
        assert self._totals(moved) == before


class TestItAddsUp:
    def test_daily_costs_sum_to_the_total_of_the_usage_report(self, made):
        document = made.run("usage", "daily", "--json", "--all", "--timezone", "UTC").json
        [(total,)] = made.rows("SELECT sum(cost_usd) FROM daily_usage")
        assert document["totals"]["totalCost"] == pytest.approx(total, rel=1e-9)
        by_day = dict(
            made.rows("SELECT usage_date_text, sum(cost_usd) FROM daily_usage GROUP BY 1")
        )
        told = {day["date"]: day["totalCost"] for day in document["daily"]}
        assert told == pytest.approx(by_day, rel=1e-9)

    def test_daily_totals_are_bucket_totals(self, made):
        sums = ", ".join(f"sum({name})" for name in (*naive_reports.TOKENS, "unpriced_tokens"))
        daily, buckets = (
            {
                archive: rest
                for archive, *rest in made.rows(
                    f"SELECT archive_id, {sums}, sum(cost_usd) FROM {table} GROUP BY 1"
                )
            }
            for table in ("daily_usage", "activity_buckets")
        )
        assert daily.keys() == buckets.keys()
        for archive, totals in daily.items():
            assert buckets[archive] == pytest.approx(totals, rel=1e-9)

    def test_session_summaries_sum_their_models(self, made):
        sums = ", ".join(f"sum({name})" for name in SUMMED if name != "usage_row_count")
        by_session = f"SELECT session_id, {sums} FROM {{}} GROUP BY 1 ORDER BY 1"
        models = made.rows(by_session.format("session_model_usage"))
        with_usage = {row[0] for row in models}
        summaries = made.rows(by_session.format("session_summaries"))
        for found, expected in zip(
            [row for row in summaries if row[0] in with_usage], models, strict=True
        ):
            assert found[0] == expected[0]
            assert found[1:] == pytest.approx(expected[1:], rel=1e-9)
        assert all(not any(row[1:]) for row in summaries if row[0] not in with_usage)

    def test_daily_usage_is_what_the_rows_say(self, made):
        prices = naive_reports.Prices(made.dicts("model_rates"))
        judged = made.rows("SELECT row_id FROM duplicates WHERE counting_row_id <> row_id")
        replaced = {row_id for (row_id,) in judged}
        assert replaced
        expected = naive_reports.daily_usage(made.dicts("usage_rows"), replaced, prices)
        found = {
            (r["partition_date"], r["usage_date_text"], r["project"], r["agent"], r["model"]): r
            for r in made.dicts("daily_usage")
        }
        assert found.keys() == expected.keys()
        for place, sums in expected.items():
            for name in (*SUMMED, "duplicate_row_count"):
                assert found[place][name] == pytest.approx(sums[name], rel=1e-9), (place, name)

    def test_session_model_usage_is_what_the_rows_say(self, made):
        prices = naive_reports.Prices(made.dicts("model_rates"))
        expected = naive_reports.session_model_usage(made.dicts("usage_rows"), prices)
        found = {(r["session_id"], r["model"]): r for r in made.dicts("session_model_usage")}
        assert found.keys() == expected.keys()
        for place, sums in expected.items():
            for name in SUMMED:
                assert found[place][name] == pytest.approx(sums[name], rel=1e-9), (place, name)

    def test_activity_buckets_are_what_a_sweep_over_the_intervals_says(self, made):
        expected = naive_reports.buckets(made.dicts("activity_intervals"))
        found = {
            round(row["bucket_start"].timestamp()) // 300: row
            for row in made.dicts("activity_buckets")
        }
        active = {bucket for bucket, row in found.items() if row["max_agents"]}
        assert active == set(expected)
        for bucket, sums in expected.items():
            for name, value in sums.items():
                assert found[bucket][name] == pytest.approx(value, rel=1e-9), (bucket, name)

    def test_every_bucket_lies_within_its_day(self, made):
        stray = "SELECT 1 FROM activity_buckets WHERE bucket_start::DATE <> partition_date"
        assert made.rows(stray) == []
        assert made.rows("SELECT max(active_minutes) <= 5 FROM activity_buckets") == [(True,)]


class TestStatus:
    def test_a_warehouse_that_is_not_there_is_told_with_the_way_out(self, fresh):
        shown = fresh.run("status")
        assert shown.code == 1
        assert "agentsview-assets materialize" in shown.err
        assert not fresh.warehouse.exists()

    def test_it_tells_tables_prices_and_completeness(self, made):
        found = made.run("status", "--json").json
        assert set(found) >= {
            "warehouse",
            "archive",
            "archives",
            "tables",
            "pricing_digest",
            "completeness",
            "last_run",
        }
        assert found["archive"]["state"] == "observed"
        assert set(found["tables"]) == set(ALL_TABLES)
        for name, table in found["tables"].items():
            assert table["rows"] == made.rows(f"SELECT count(*) FROM {name}")[0][0]
            assert table["partitions"] == len(made.noted(name))
            assert table["stale"] == 0, name
        complete = found["completeness"]
        assert complete["tokens"] == complete["priced_tokens"] + complete["unpriced_tokens"]
        assert complete["unpriced_models"] == ["kelp-coder-preview-3"]
        assert found["last_run"]["run_id"] in {
            run for run, *_ in made.noted("daily_usage").values()
        }

    def test_as_text_it_is_a_table_with_a_line_for_each_table(self, made):
        lines = made.run("status").out.splitlines()
        for name in ALL_TABLES:
            [line] = [line for line in lines if line.startswith(f"{name} ")]
            assert f"{made.rows(f'SELECT count(*) FROM {name}')[0][0]:,}" in line
        assert any("kelp-coder-preview-3" in line for line in lines)

    def test_a_changed_archive_is_told_before_and_gone_after_materialising(self, copied):
        assert copied.run("status", "--json").json["archive"]["state"] == "unobserved"
        copied.materialize()
        assert copied.run("status", "--json").json["archive"]["state"] == "observed"
        session, day = _only_session(copied)
        copied.edit(*_grow(session, f"{day}T23:00:00Z"))
        assert copied.run("status", "--json").json["archive"]["state"] == "changed"
        assert "run materialize" in copied.run("status").out
        copied.materialize()
        assert copied.run("status", "--json").json["archive"]["state"] == "observed"

    def test_what_is_out_of_date_is_counted(self, made, fresh):
        fresh.materialize("--since", "2026-11-09")
        tables = fresh.run("status", "--json").json["tables"]
        held = {day for table in OBSERVATIONS for _, day, *_ in _rows(made, table)}
        assert tables["sessions"]["partitions"] == 2
        assert tables["sessions"]["stale"] == len(held) - 2
        assert tables["model_pricing"]["stale"] == 0

    def test_an_archive_that_is_gone_does_not_hide_the_warehouse(self, desk):
        shutil.rmtree(desk.archive)
        found = desk.run("status", "--json").json
        assert found["archive"]["state"] == "missing"
        assert found["tables"]["sessions"]["rows"] == 36
        assert found["tables"]["sessions"]["stale"] == 0


_HEAVY = ("dagster", "pandas", "pandera", "pyarrow", "duckdb", "sqlalchemy", "pydantic")
_LOADED = """
import sys
sys.argv = ["agentsview-assets", *sys.argv[1:]]
try:
    from agentsview_assets.__main__ import ending  # what comes before the command counts as well
    from agentsview_assets.cli.main import run
    run()
finally:
    print("loaded:", *sorted(sys.modules), file=sys.stderr)
"""


class TestStartingUp:
    def _loaded(self, desk: Desk, *arguments: str) -> set[str]:
        """The heavy packages that a command imports."""
        command = OurCommand(desk.archive, desk.folder / "home", str(desk.warehouse))
        done = subprocess.run(
            [sys.executable, "-c", _LOADED, *arguments],
            env=command.environment(),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        modules = done.stderr.rpartition("loaded:")[2].split()
        return {module for module in modules if module in _HEAVY}

    @pytest.mark.parametrize(
        "arguments", [("--help",), ("--version",), ("materialize", "--help"), ("usage", "--help")]
    )
    def test_help_imports_nothing_heavy(self, made, arguments):
        assert self._loaded(made, *arguments) == set()

    @pytest.mark.parametrize(
        "arguments", [("usage", "daily", "--json", "--all"), ("status", "--json")]
    )
    def test_a_report_imports_nothing_heavy_but_duckdb(self, made, arguments):
        assert self._loaded(made, *arguments) == {"duckdb"}
