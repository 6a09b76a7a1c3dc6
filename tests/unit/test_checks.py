"""The checks: passed by an undisturbed warehouse, failed in words by one that was tampered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from agentsview_assets.build import build_definitions
from agentsview_assets.checks import OBSERVED, REPORTED, SEEN, SETTLED
from agentsview_assets.checks.archives import archive_checks
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.schemas import CONTRACTS, HISTORIES
from agentsview_assets.settings import load_settings
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from pathlib import Path

    from agentsview_assets.checks.verdict import Verdict

CHECKS = {
    (check.asset, check.name): check
    for check in (*archive_checks(7), *SEEN, *OBSERVED, *SETTLED, *REPORTED)
}
UNPRICED = ("daily_usage", "completeness")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        home = prepare_home(tmp_path_factory.mktemp("history"))
    desk = Desk.with_sample(tmp_path_factory.mktemp("made"), DAGSTER_HOME=str(home))
    desk.materialize()
    return desk


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    return made.copied(tmp_path / "desk")


def ask(desk: Desk, asset: str, name: str) -> Verdict:
    with open_reader(str(desk.warehouse)) as reader:
        return CHECKS[asset, name].ask(reader)


def tamper(desk: Desk, *statements: str) -> None:
    with duckdb.connect(str(desk.warehouse)) as warehouse:
        for statement in statements:
            warehouse.execute(statement)


class TestWhatThereIs:
    def test_every_table_that_is_made_has_its_contract_checked(self):
        checked = {asset for asset, name in CHECKS if name == "contract"}
        assert checked == set(CONTRACTS) - set(HISTORIES)

    def test_dagster_knows_all_of_them_and_which_ones_block(self):
        graph = build_definitions(load_settings({})).resolve_asset_graph()
        known = {(key.asset_key.path[-1], key.name) for key in graph.asset_check_keys}
        assert known == set(CHECKS)
        for key in graph.asset_check_keys:
            node = graph.get(key)
            assert node.description
            assert node.blocking == CHECKS[key.asset_key.path[-1], key.name].is_blocking

    def test_checks_that_tell_wrong_numbers_block_and_hints_do_not(self):
        blocking = {name for (_, name), check in CHECKS.items() if check.is_blocking}
        assert blocking == {"contract", "duplicates_removed", "totals_agree"}


class TestAnUndisturbedWarehouse:
    @pytest.mark.parametrize("check", sorted(CHECKS.keys() - {UNPRICED}), ids=".".join)
    def test_it_passes_and_says_so_in_words_and_numbers(self, made, check):
        verdict = ask(made, *check)
        assert verdict.passed, verdict.words
        assert any(character.isdigit() for character in verdict.words) or verdict.numbers
        assert verdict.result(check[1], check[0]).passed

    def test_tokens_without_a_price_are_told_with_their_model(self, made):
        verdict = ask(made, *UNPRICED)
        [(tokens,)] = made.rows("SELECT sum(unpriced_tokens)::BIGINT FROM daily_usage")
        assert not verdict.passed
        assert not verdict.is_wrong
        assert f"kelp-coder-preview-3 ({tokens:,})" in verdict.words
        assert verdict.numbers["unpriced_tokens"] == tokens

    def test_the_command_tells_what_is_noteworthy_and_dagster_keeps_it(self, desk):
        shown = desk.run("materialize", "--force", "--select", "daily_usage")
        assert "note: daily_usage, completeness: " in shown.err


WRONG = {
    "tokens of a day": (
        "daily_usage",
        "totals_agree",
        (
            "UPDATE daily_usage SET input_tokens = input_tokens + 1 "
            "WHERE model = 'claude-opus-4-6' AND partition_date = '2026-11-10'"
        ),
        "input_tokens",
    ),
    "cost of a day": (
        "daily_usage",
        "totals_agree",
        "UPDATE daily_usage SET cost_usd = cost_usd * 1.000001 WHERE cost_usd > 0",
        "cost_usd",
    ),
    "a bucket that is gone": (
        "daily_usage",
        "totals_agree",
        (
            "DELETE FROM activity_buckets WHERE bucket_start = "
            "(SELECT max(bucket_start) FROM activity_buckets WHERE output_tokens > 0)"
        ),
        "activity_buckets by day",
    ),
    "tokens of a session": (
        "daily_usage",
        "totals_agree",
        (
            "UPDATE session_model_usage SET output_tokens = output_tokens + 1 WHERE session_id = "
            "(SELECT min(session_id) FROM session_model_usage)"
        ),
        "session_model_usage by model",
    ),
    "a summary": (
        "daily_usage",
        "totals_agree",
        "UPDATE session_summaries SET cost_usd = cost_usd + 1",
        "session_summaries in all",
    ),
    "a row counted twice": (
        "duplicates",
        "duplicates_removed",
        (
            "UPDATE duplicates SET counting_row_id = row_id WHERE dedup_key = "
            "(SELECT min(dedup_key) FROM duplicates)"
        ),
        "of 1 keys not exactly one row counts",
    ),
    "a row counted never": (
        "duplicates",
        "duplicates_removed",
        (
            "UPDATE duplicates SET counting_row_id = 'nowhere' WHERE dedup_key = "
            "(SELECT min(dedup_key) FROM duplicates)"
        ),
        "of 1 keys not exactly one row counts",
    ),
    "a row that shares a key and is not among those that do": (
        "duplicates",
        "duplicates_removed",
        "DELETE FROM duplicates WHERE dedup_key = (SELECT min(dedup_key) FROM duplicates)",
        "of 1 keys not exactly one row counts",
    ),
    "a value that is not in the list": (
        "session_summaries",
        "contract",
        (
            "UPDATE session_summaries SET classification = 'robot' WHERE session_id = "
            "(SELECT min(session_id) FROM session_summaries)"
        ),
        "classification is one of 'automated', 'interactive': 1",
    ),
    "a negative count": (
        "daily_usage",
        "contract",
        "UPDATE daily_usage SET usage_row_count = -1",
        "usage_row_count is at least 0",
    ),
    "a repeated key": (
        "model_rates",
        "contract",
        "INSERT INTO model_rates SELECT * FROM model_rates LIMIT 1",
        "(archive_id, model) is unique: 1",
    ),
    "a lost row": (
        "sessions",
        "contract",
        "DELETE FROM sessions WHERE session_id = (SELECT min(session_id) FROM sessions)",
        "as many rows as were written: 1",
    ),
}


class TestATamperedWarehouse:
    @pytest.mark.parametrize("name", sorted(WRONG))
    def test_what_is_wrong_is_named(self, desk, name):
        asset, check, statement, words = WRONG[name]
        tamper(desk, statement)
        verdict = ask(desk, asset, check)
        assert not verdict.passed
        assert verdict.is_wrong
        assert words in verdict.words

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            (
                "UPDATE project_observations SET git_remote = 'https://me:secret@example.org/a.git'",
                "project_observations.git_remote holds credentials in 1 texts (archive ",
            ),
            (
                (
                    "UPDATE sessions SET title = 'use sk-ant-api03-secretsecretsecret' WHERE "
                    "session_id = (SELECT min(session_id) FROM sessions)"
                ),
                "sessions.title holds credentials in 1 texts (session ",
            ),
            (
                "UPDATE sessions SET git_branch = repeat('lorem ipsum ', 1000)",
                "sessions.git_branch holds a text of 12,000 characters (session ",
            ),
        ],
    )
    def test_what_should_not_be_there_is_a_hint_that_names_it_and_repeats_no_secret(
        self, desk, statement, words
    ):
        tamper(desk, statement)
        verdict = ask(desk, "session_summaries", "content_free")
        assert not verdict.passed
        assert not verdict.is_wrong
        assert words in verdict.words
        assert "secret@" not in verdict.words + str(verdict.numbers)
        assert "secretsecret" not in verdict.words + str(verdict.numbers)

    def test_a_wrong_number_ends_the_command_with_1_and_one_message(self, desk):
        tamper(desk, "UPDATE session_model_usage SET input_tokens = input_tokens + 1")
        shown = desk.run("materialize", "--force", "--select", "daily_usage")
        assert shown.code == 1
        assert "Traceback" not in shown.err
        assert "blocking asset check" in shown.err
        assert "WRONG: daily_usage, totals_agree" in shown.err

    def test_no_report_is_made_of_rows_that_count_twice(self, desk):
        tamper(desk, "UPDATE duplicates SET counting_row_id = 'nowhere'")
        before = desk.dicts("daily_usage")
        shown = desk.run("materialize", "--force", "--select", "daily_usage,session_summaries")
        assert shown.code == 1
        assert "Traceback" not in shown.err
        assert "nothing was made of usage rows that may count twice" in shown.err
        assert "duplicates, duplicates_removed" in shown.err
        assert desk.dicts("daily_usage") == before

    def test_other_rates_than_those_in_force_are_a_hint_to_reprice(self, desk):
        tamper(desk, "UPDATE model_rates SET input_usd_per_mtok = 99 WHERE model LIKE 'claude%'")
        verdict = ask(desk, "daily_usage", "rates_in_force")
        assert not verdict.passed
        assert not verdict.is_wrong
        assert "run `reprice`" in verdict.words

    def test_price_tables_that_agree_are_no_fault(self, desk):
        tamper(
            desk,
            f"UPDATE daily_usage SET pricing_digest = 'sha256:{'0' * 64}' "
            "WHERE partition_date = '2026-11-10'",
        )
        verdict = ask(desk, "daily_usage", "rates_in_force")
        assert verdict.passed
        assert "2 price tables that agree" in verdict.words

    def test_days_that_are_out_of_date_are_not_compared(self, desk):
        tamper(
            desk,
            "UPDATE warehouse_partitions SET input_version = 'old' WHERE asset = 'daily_usage' "
            "AND partition_date = '2026-11-10'",
            "UPDATE daily_usage SET input_tokens = 0 WHERE partition_date = '2026-11-10'",
        )
        verdict = ask(desk, "daily_usage", "totals_agree")
        assert not verdict.passed
        assert not verdict.is_wrong
        assert "daily_usage by model: 1 days are of another observation" in verdict.words
        assert "activity_buckets by day" in verdict.words

    def test_an_archive_that_nobody_looked_at_is_told_by_its_path(self, desk):
        tamper(desk, "UPDATE warehouse_archives SET observed_at = '2026-01-01T00:00:00Z'")
        verdict = ask(desk, "session_summaries", "freshness")
        assert not verdict.passed
        assert "sessions.db" in verdict.words

    def test_an_agent_that_reports_no_tokens_is_named(self, desk):
        tamper(desk, "DELETE FROM usage_rows WHERE agent = 'codex'")
        verdict = ask(desk, "session_summaries", "coverage")
        assert not verdict.passed
        assert "most of codex" in verdict.words
