"""Prices change: what that moves is told first, done without reading sessions, and kept."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsview_assets import running
from agentsview_assets.errors import AssetsError
from agentsview_assets.resources.archives.looking import Look
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.rules.rates import ModelRate
from agentsview_assets.rules.reasons import Moved
from agentsview_assets.rules.repricing import next_history
from agentsview_assets.rules.restating import restatements
from agentsview_assets.rules.staleness import OBSERVATIONS, REPORTS
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import records
from tests.support.in_process import Desk
from tests.support.staged import Staged

MODEL = "kelp-coder-preview-3"
PRICE = f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DIGESTS = tuple(f"sha256:{digit * 64}" for digit in "abc")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        return str(prepare_home(tmp_path_factory.mktemp("history")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, home: str) -> Desk:
    desk = Desk.with_sample(tmp_path_factory.mktemp("made"), DAGSTER_HOME=home)
    desk.materialize()
    return desk


@pytest.fixture
def desk(staged: Staged[Desk]) -> Desk:
    """A finished warehouse of its own, observed where it lies."""
    return staged.anew()


def _price(desk: Desk, text: str = PRICE) -> None:
    (desk.archive / "config.toml").write_text(text)


def _days_of(desk: Desk, model: str) -> set[str]:
    """Days whose reports read the model: those it was used on, and those its sessions began on."""
    found = desk.rows(
        f"SELECT CAST(partition_date AS VARCHAR) FROM usage_rows WHERE model = '{model}' UNION "
        f"SELECT CAST(session_date AS VARCHAR) FROM usage_rows WHERE model = '{model}'"
    )
    return {day for (day,) in found if day}


def _remade(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {day for day, noted in after.items() if before.get(day) != noted}


class TestADryRun:
    def test_it_tells_models_days_and_costs_and_writes_nothing(self, desk):
        _price(desk)
        before = {path: path.read_bytes() for path in desk.folder.glob("warehouse*") if
                  path.is_file()}  # fmt: skip
        impact = desk.run("reprice", "--dry-run", "--json").json
        assert impact["dry_run"] is True
        assert impact["up_to_date"] is False
        [model] = impact["models"]
        assert (model["model"], model["old_rates"]) == (MODEL, None)
        assert model["new_rates"] == [3.0, 9.0, 0.0, 0.0]
        assert set(impact["days"]) == _days_of(desk, MODEL)
        assert impact["old_cost_usd"] == 0
        assert impact["new_cost_usd"] > 0
        assert impact["old_pricing_digest"] != impact["new_pricing_digest"]
        assert {path: path.read_bytes() for path in before} == before

    def test_as_text_it_is_a_table(self, desk):
        _price(desk)
        shown = desk.run("reprice", "--dry-run")
        assert shown.code == 0
        assert shown.out.startswith("MODEL ")
        assert f"\n{MODEL}" in shown.out
        assert "- > 3" in shown.out
        assert "pricing digest sha256:" in shown.out

    def test_it_says_what_doing_it_then_moves(self, desk):
        _price(desk)
        told = desk.run("reprice", "--dry-run", "--json").json
        desk.run("reprice")
        [(old, new)] = desk.rows("SELECT sum(old_cost_usd), sum(new_cost_usd) FROM restatements")
        assert (old, new) == pytest.approx((told["old_cost_usd"], told["new_cost_usd"]))
        [(cost,)] = desk.rows(f"SELECT sum(cost_usd) FROM daily_usage WHERE model = '{MODEL}'")
        assert cost == pytest.approx(told["new_cost_usd"], rel=1e-9)


class TestAnArchiveOutOfReach:
    def test_what_the_embedded_prices_would_move_is_told_all_the_same(self, desk):
        _price(desk)
        desk.materialize()
        told = desk.run("reprice", "--dry-run", "--json").json
        desk.archive.rename(desk.archive.with_name("away"))
        for state in desk.folder.rglob("*.state"):
            shutil.rmtree(state)
        done = desk.run("reprice", "--dry-run", "--json")
        assert done.code == 0
        [reason] = done.json.pop("unread")
        assert f"archive {desk.archive}: no such file" in reason
        assert reason in done.err
        assert done.json["up_to_date"] is told["up_to_date"] is True

    def test_older_embedded_prices_are_noticed(self, desk):
        with duckdb.connect(str(desk.warehouse)) as warehouse:
            warehouse.execute(
                "UPDATE model_pricing SET input_usd_per_mtok = 2 * input_usd_per_mtok, "
                "table_version = 'older' WHERE layer = 'embedded'"
            )
        desk.archive.rename(desk.archive.with_name("away"))
        done = desk.run("reprice", "--dry-run")
        assert done.code == 0
        assert "note: not read, with the prices that it had before" in done.err
        assert done.out != ""
        assert desk.run("reprice", "--dry-run", "--json").json["up_to_date"] is False

    def test_what_the_warehouse_never_knew_is_refused(self, desk):
        done = desk.run("reprice", "--dry-run", "--archive", str(desk.folder / "nowhere"))
        assert done.code == 1
        assert "no such file" in done.err


class TestRepricing:
    def test_only_days_with_a_model_whose_rates_moved_are_made(self, desk):
        _price(desk)
        days = _days_of(desk, MODEL)
        before = {t: desk.noted(t) for t in CONTRACTS}
        assert desk.run("reprice").code == 0
        for table in REPORTS:
            assert _remade(before[table], desk.noted(table)) == days, table
        for table in (*OBSERVATIONS, "project_observations", "project_identities"):
            assert desk.noted(table) == before[table], table

    def test_no_session_is_read(self, desk, monkeypatch):
        _price(desk)

        def forbidden(*_: object) -> None:
            raise AssertionError("a session was read")

        monkeypatch.setattr(Look, "run", forbidden)
        assert desk.run("reprice").code == 0

    def test_it_gives_what_materialising_gives_and_leaves_it_nothing_to_do(
        self, desk, made, tmp_path
    ):
        _price(desk)
        desk.run("reprice")
        assert desk.materialize()["up_to_date"] is True
        other = Desk.with_sample(tmp_path / "other", **made.settings)
        _price(other)
        other.materialize()
        for table in (*REPORTS, "model_rates", "effective_pricing", "model_pricing"):
            order = f"SELECT * FROM {table} ORDER BY ALL"
            names = [r[0] for r in desk.rows(f"SELECT column_name FROM (DESCRIBE {table})")]
            if "pricing_digest" in names:
                order = f"SELECT * EXCLUDE (pricing_digest) FROM {table} ORDER BY ALL"
            assert desk.rows(order) == other.rows(order), table

    def test_twice_is_once(self, desk):
        _price(desk)
        desk.run("reprice")
        before = {t: desk.noted(t) for t in CONTRACTS}
        shown = desk.run("reprice")
        assert shown.out.startswith("Nothing to do: ")
        assert {t: desk.noted(t) for t in CONTRACTS} == before

    def test_a_price_that_nobody_used_makes_the_price_tables_alone(self, desk):
        _price(desk, "[custom_model_pricing.unheard-of]\ninput = 3\n")
        before = desk.noted("daily_usage")
        shown = desk.run("reprice")
        assert shown.out.startswith("No model that was used has other rates")
        assert desk.noted("daily_usage") == before
        assert desk.rows("SELECT 1 FROM restatements") == []
        assert desk.run("reprice").out.startswith("Nothing to do: ")

    def test_a_run_that_died_is_finished_by_the_next(self, desk, monkeypatch):
        _price(desk)
        days = _days_of(desk, MODEL)
        kills = iter([False, True])

        def die(*_: object, **__: object) -> None:
            if next(kills, False):
                raise AssetsError("struck down")

        run = running.Runner.run

        def dying(self: Any, step: Any) -> None:
            die()
            run(self, step)

        with monkeypatch.context() as patch:
            patch.setattr(running.Runner, "run", dying)
            patch.setattr(
                "agentsview_assets.repricing._ranges", lambda d: [(day, day) for day in d]
            )
            assert desk.run("reprice").code == 1
        left = set(desk.run("reprice", "--dry-run", "--json").json["days"])
        assert left < days
        desk.run("reprice")
        assert desk.materialize()["up_to_date"] is True
        restated = {str(d) for (d,) in desk.rows("SELECT partition_date FROM restatements")}
        used = desk.rows(
            "SELECT DISTINCT partition_date FROM daily_usage "
            f"WHERE model = '{MODEL}' AND cost_usd > 0"
        )
        assert restated == {str(day) for (day,) in used}

    def test_another_archive_at_its_place_is_refused(self, desk):
        desk.edit("UPDATE archive_metadata SET value = 'another'")
        shown = desk.run("reprice")
        assert shown.code == 1
        assert "agentsview-assets materialize" in shown.err


class TestTheHistories:
    def test_the_first_run_notes_every_rate_and_no_restatement(self, made):
        [(models,)] = made.rows("SELECT count(*) FROM model_rates")
        held = made.rows("SELECT count(*), count(valid_to) FROM price_changes")
        assert held == [(models, 0)]
        assert made.rows("SELECT 1 FROM restatements") == []

    @pytest.mark.parametrize("command", ["reprice", "materialize"])
    def test_a_price_change_is_kept_whichever_command_meets_it(self, desk, command):
        _price(desk)
        assert desk.run(command).code == 0
        [before, after] = desk.rows(
            "SELECT matched_pattern, output_usd_per_mtok, valid_from, valid_to, pricing_digest "
            f"FROM price_changes WHERE model = '{MODEL}' ORDER BY valid_from"
        )
        assert before[:2] == (None, 0.0)
        assert after[:2] == (MODEL, 9.0)
        assert before[3] == after[2]
        assert after[3] is None
        [(old, new)] = desk.rows(
            "SELECT DISTINCT old_pricing_digest, new_pricing_digest FROM restatements"
        )
        assert (old, new) == (before[4], after[4])
        moved = desk.rows(
            "SELECT sum(old_cost_usd), sum(new_cost_usd), count(DISTINCT project) FROM restatements"
        )
        used = desk.rows(
            f"SELECT 0.0, sum(cost_usd), count(DISTINCT project) FROM daily_usage "
            f"WHERE model = '{MODEL}'"
        )
        assert moved[0] == pytest.approx(used[0])

    def test_there_and_back_again_is_two_changes_and_two_restatements(self, desk):
        _price(desk)
        desk.run("reprice")
        (desk.archive / "config.toml").unlink()
        desk.run("reprice")
        assert len(desk.rows(f"SELECT 1 FROM price_changes WHERE model = '{MODEL}'")) == 3
        [(moved, times)] = desk.rows(
            "SELECT sum(new_cost_usd - old_cost_usd), count(DISTINCT restated_at) FROM restatements"
        )
        assert moved == pytest.approx(0, abs=1e-12)
        assert times >= 2

    def test_more_tokens_are_restated_as_content_not_as_a_price(self, desk):
        [(before,)] = desk.rows("SELECT sum(cost_usd) FROM daily_usage")
        desk.edit(
            "UPDATE messages SET token_usage = replace(token_usage, '\"input_tokens\":', "
            "'\"input_tokens\":1') WHERE role = 'assistant'",
            "UPDATE sessions SET local_modified_at = '2026-11-20T00:00:00Z'",
        )
        assert desk.materialize()["up_to_date"] is False
        [(after,)] = desk.rows("SELECT sum(cost_usd) FROM daily_usage")
        assert desk.rows("SELECT DISTINCT reason FROM restatements") == [("content",)]
        [(moved,)] = desk.rows("SELECT sum(new_cost_usd - old_cost_usd) FROM restatements")
        assert moved == pytest.approx(after - before)


def _rate(price: float, model: str = "m", digest: str = DIGESTS[0]) -> ModelRate:
    return ModelRate("a", model, model, "custom", price, price, price, price, 1, digest)


class TestTheHistoryOfRates:
    @given(st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=12))
    def test_it_tells_the_rate_of_any_moment(self, prices):
        rows: list[dict[str, Any]] = []
        for hour, price in enumerate(prices):
            rows = next_history(rows, [_rate(price)], NOW + timedelta(hours=hour), f"run {hour}")
        for hour, price in enumerate(prices):
            moment = NOW + timedelta(hours=hour, minutes=1)
            [row] = [
                r
                for r in rows
                if r["valid_from"] <= moment and (r["valid_to"] is None or moment < r["valid_to"])
            ]
            assert row["input_usd_per_mtok"] == price
        changes = 1 + sum(a != b for a, b in pairwise(prices))
        assert len(rows) == changes

    def test_a_model_that_is_gone_keeps_its_last_rates(self):
        rows = next_history([], [_rate(1.0), _rate(2.0, "n")], NOW, "run")
        assert next_history(rows, [_rate(1.0)], NOW, "later") == rows


def _daily(cost: float, price: float, digest: str, day: str = "2026-07-01") -> pa.Table:
    contract = CONTRACTS["daily_usage"]
    [row] = records(contract, 1)
    tokens = dict.fromkeys((n for n in contract.column_names if n.endswith("tokens")), 0)
    row |= tokens | {
        "archive_id": "a", "partition_date": day, "project": "p", "model": "m",
        "input_tokens": 1_000_000, "priced_input_tokens": 1_000_000, "reported_cost_usd": cost,
        "computed_cost_usd": price, "cost_usd": cost + price, "pricing_digest": digest,
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=contract.arrow_schema)


def _rates(price: float, digest: str) -> pa.Table:
    schema = CONTRACTS["model_rates"].arrow_schema
    return pa.Table.from_pylist([_rate(price, digest=digest)._asdict()], schema=schema)


def _restate(daily: pa.Table, rates: pa.Table) -> list[dict[str, Any]]:
    moved = [Moved(("a", "2026-07-01"), None, is_repriced=True)]
    return restatements(daily, daily.slice(0, 0), rates, moved, NOW, "run").to_pylist()


class TestTheRestatements:
    def test_reported_costs_stay_what_they_are(self):
        [row] = _restate(_daily(5.0, 2.0, DIGESTS[0]), _rates(3.0, DIGESTS[1]))
        assert (row["old_cost_usd"], row["new_cost_usd"]) == (7.0, 8.0)
        assert (row["old_pricing_digest"], row["new_pricing_digest"]) == DIGESTS[:2]
        assert row["tokens"] == 1_000_000

    def test_the_same_money_is_no_restatement(self):
        daily = _daily(5.0, 2.0 * (1 + 1e-12), DIGESTS[0])
        assert _restate(daily, _rates(2.0, DIGESTS[1])) == []
