"""`usage daily` as a command: the table that people read, its notes, its errors, its output."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from agentsview_assets.cli.human import agents_note, usage_table
from agentsview_assets.cli.usage import usage
from agentsview_assets.rules.money import added_up, cost_text
from tests.support.usage_warehouse import Usage, warehouse_file

if TYPE_CHECKING:
    from pathlib import Path

# Trailing spaces are part of the table: the column before an empty MODELS cell is padded.
BREAKDOWN_TABLE = """\
DATE                 INPUT    OUTPUT  CACHE_CR  CACHE_RD  COST    MODELS
----                 -----    ------  --------  --------  ----    ------
2026-07-01           1010     200     400       5000      $0.02   claude-opus-4-6, claude-sonnet-4.5
  claude-opus-4-6    1000     200     400       5000      $0.01   |
  claude-sonnet-4.5  10       0       0         0         <$0.01  |
2026-07-02           5000005  16      7         108       $0.20   gpt-5.5, mystery-model
  gpt-5.5            3000005  16      7         108       $0.20   |
  mystery-model      2000000  0       0         0         $0.00   |
----                 -----    ------  --------  --------  ----    ------
TOTAL                5001015  216     407       5108      $0.21   |
""".replace("|\n", "\n")
EMPTY_TABLE = """\
DATE   INPUT  OUTPUT  CACHE_CR  CACHE_RD  COST   MODELS
----   -----  ------  --------  --------  ----   ------
----   -----  ------  --------  --------  ----   ------
TOTAL  0      0       0         0         $0.00  |
""".replace("|\n", "\n")


def amounts(cost_key: str, cost: float, *tokens: int) -> dict[str, Any]:
    names = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens")
    return {**dict(zip(names, tokens or (0, 0, 0, 0), strict=True)), cost_key: cost}


def day(date: str, total: dict[str, Any], models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    breakdowns = [{"modelName": name, **entry} for name, entry in models.items()]
    return {"date": date, **total, "modelsUsed": list(models), "modelBreakdowns": breakdowns}


DOCUMENT = {
    "daily": [
        day(
            "2026-07-01",
            amounts("totalCost", 0.01653, 1010, 200, 400, 5000),
            {
                "claude-opus-4-6": amounts("cost", 0.015, 1000, 200, 400, 5000),
                "claude-sonnet-4.5": amounts("cost", 0.00153, 10, 0, 0, 0),
            },
        ),
        day(
            "2026-07-02",
            amounts("totalCost", 0.195, 5_000_005, 16, 7, 108),
            {
                "gpt-5.5": amounts("cost", 0.195, 3_000_005, 16, 7, 108),
                "mystery-model": amounts("cost", 0.0, 2_000_000, 0, 0, 0),
            },
        ),
    ],
    "totals": amounts("totalCost", 0.21153, 5_001_015, 216, 407, 5108),
}
NOTHING: dict[str, Any] = {"daily": [], "totals": amounts("totalCost", 0.0)}


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0.0, "$0.00"),
        (0.0049, "<$0.01"),
        (0.005, "$0.01"),
        (0.015, "$0.01"),
        (2.675, "$2.67"),
        (12345.678, "$12345.68"),
        (-1.0, "$-1.00"),
        (-0.001, "$-0.00"),
        (float("inf"), "$+Inf"),
        (float("-inf"), "$-Inf"),
        (float("nan"), "$NaN"),
    ],
)
def test_costs_are_shown_to_the_cent(usd: float, text: str) -> None:
    assert cost_text(usd) == text


def test_costs_add_up_one_after_the_other_on_every_python():
    # `sum` is 1.0 from Python 3.12 on, which carries what rounding loses.
    assert added_up([0.1] * 10) == 0.9999999999999999
    assert added_up([]) == 0.0


def test_the_table_with_models_below_their_days() -> None:
    assert usage_table(DOCUMENT, breakdown=True) == BREAKDOWN_TABLE


def test_the_table_without_breakdown_is_narrower() -> None:
    lines = usage_table(DOCUMENT, breakdown=False).splitlines()
    assert len(lines) == 6
    assert lines[0] == "DATE        INPUT    OUTPUT  CACHE_CR  CACHE_RD  COST   MODELS"
    assert lines[3] == (
        "2026-07-02  5000005  16      7         108       $0.20  gpt-5.5, mystery-model"
    )


def test_the_empty_table() -> None:
    assert usage_table(NOTHING, breakdown=False) == EMPTY_TABLE


def test_widths_are_counted_in_characters() -> None:
    entry = amounts("cost", 1.0)
    document = {
        "daily": [day("2026-07-01", amounts("totalCost", 1.0), {"é" * 12: entry})],
        "totals": amounts("totalCost", 1.0),
    }
    lines = usage_table(document, breakdown=True).splitlines()
    assert lines[0].index("INPUT") == lines[3].index("0") == 16


COPILOT_NOTE = (
    "note: these GitHub Copilot records do not include token or cost data "
    "that agentsview can total."
)
NO_TOKENS_NOTE = "note: matching sessions do not record per-message token usage."


@pytest.mark.parametrize(
    ("agents", "note"),
    [
        ("copilot", COPILOT_NOTE),
        (" copilot ,", COPILOT_NOTE),
        ("vscode-copilot,visualstudio-copilot", COPILOT_NOTE),
        ("windsurf", NO_TOKENS_NOTE),
        ("zcode, copilot ,", NO_TOKENS_NOTE),
        ("", None),
        (",", None),
        ("claude", None),
        ("zcode,claude", None),
    ],
)
def test_zero_totals_of_agents_without_tokens_are_explained(agents: str, note: str | None) -> None:
    assert agents_note(NOTHING, agents) == note


@pytest.mark.parametrize(
    "totals", [amounts("totalCost", 0.5), amounts("totalCost", 0.0, 0, 0, 0, 1)]
)
def test_totals_that_are_not_zero_need_no_note(totals: dict[str, Any]) -> None:
    assert agents_note({"daily": [], "totals": totals}, "copilot") is None


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    path = tmp_path / "warehouse.duckdb"
    with warehouse_file(path) as made:
        made.add_prices("embedded", [("m", 5.0, 25.0, 0.0, 0.0, None)], version="v1")
        made.add_usage(
            [
                Usage("r1", "2026-07-01T10:00:00Z", "m", input_tokens=1000, output_tokens=200),
                Usage("r2", "2026-07-02T23:30:00Z", "<é>", "s2", agent="codex", input_tokens=7),
            ]
        )
    return f"duckdb:///{path}"


def run(*args: str, warehouse: str | None = None, env: dict[str, str] | None = None) -> Result:
    options = [] if warehouse is None else ["--warehouse", warehouse]
    return CliRunner().invoke(usage, ["daily", *args, *options], env={"TZ": "UTC", **(env or {})})


def test_json_is_the_indented_document_and_a_line_feed(warehouse: str) -> None:
    result = run("--json", "--all", warehouse=warehouse)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith('{\n  "schema_version": 1,\n  "pricing": {\n')
    assert result.stdout.endswith("\n  }\n}\n")
    assert '"\\u003cé\\u003e"' in result.stdout
    assert [day["date"] for day in json.loads(result.stdout)["daily"]] == [
        "2026-07-01",
        "2026-07-02",
    ]


def test_the_table_is_the_default_and_json_wins_over_it(warehouse: str) -> None:
    window = ("--since", "2026-07-01", "--until", "2026-07-01")
    table = run(*window, warehouse=warehouse).stdout
    assert table.splitlines()[2] == "2026-07-01  1000   200     0         0         $0.01  m"
    assert run(*window, "--format=human", warehouse=warehouse).stdout == table
    assert run(*window, "--json", "--format=human", warehouse=warehouse).stdout.startswith("{")
    assert run(*window, "--format", "json", "--no-sync", warehouse=warehouse).stdout.startswith("{")


def test_the_zone_and_the_agents_reach_the_report(warehouse: str) -> None:
    args = ("--json", "--all", "--timezone", "Asia/Tokyo", "--agent", "codex")
    document = json.loads(run(*args, warehouse=warehouse).stdout)
    assert [day["date"] for day in document["daily"]] == ["2026-07-03"]
    assert document["daily"][0]["agentBreakdowns"] == []


def test_the_system_zone_is_the_default(warehouse: str) -> None:
    args = ("--json", "--all", "--agent", "codex", "--breakdown")
    document = json.loads(run(*args, warehouse=warehouse, env={"TZ": "Asia/Tokyo"}).stdout)
    assert [day["date"] for day in document["daily"]] == ["2026-07-03"]
    assert document["daily"][0]["agentBreakdowns"][0]["agent"] == "codex"


def test_the_warehouse_may_be_named_by_the_environment(warehouse: str) -> None:
    result = run("--all", env={"AGENTSVIEW_ASSETS_WAREHOUSE": warehouse})
    assert result.stdout.splitlines()[-1].startswith("TOTAL       1007   200")


def test_the_note_goes_to_stderr_and_only_with_the_table(warehouse: str) -> None:
    result = run("--all", "--agent", "zcode", warehouse=warehouse)
    assert (result.exit_code, result.stdout) == (0, EMPTY_TABLE)
    assert result.stderr == f"{NO_TOKENS_NOTE}\n"
    assert run("--all", "--json", "--agent", "zcode", warehouse=warehouse).stderr == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--timezone", "x", "--until", "y"], "invalid --timezone: unknown time zone x"),
        (
            ["--until", "x", "--since", "y"],
            'invalid --until: expected Nd, Nh, or YYYY-MM-DD, got "x"',
        ),
        (["--since", "7w"], 'invalid --since: expected Nd, Nh, or YYYY-MM-DD, got "7w"'),
        (
            ["--since", "2026-11-20", "--until", "2026-11-10"],
            "--since (2026-11-20) must not be after --until (2026-11-10)",
        ),
    ],
)
def test_times_are_checked_before_the_warehouse_is_looked_for(
    args: list[str], message: str, tmp_path: Path
) -> None:
    result = run(*args, warehouse=str(tmp_path / "absent.duckdb"))
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"error: {message}\n")


def test_a_missing_warehouse_is_an_error(tmp_path: Path) -> None:
    result = run("--all", warehouse=str(tmp_path / "absent.duckdb"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert "absent.duckdb" in result.stderr


def test_a_cost_that_json_cannot_express_leaves_stdout_empty(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with warehouse_file(path) as made:
        made.add_usage([Usage("r", "2026-07-01T10:00:00Z", "m", reported_cost_usd=float("inf"))])
    result = run("--json", "--all", warehouse=str(path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: json: unsupported value: +Inf\n"
    assert "$+Inf" in run("--all", warehouse=str(path)).stdout


def test_unknown_flags_are_refused_in_the_words_of_the_contract() -> None:
    result = run("--nope")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "fatal: unknown flag: --nope\n"


def python(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_the_help_needs_none_of_the_parts_that_work() -> None:
    script = (
        "import sys\n"
        "from agentsview_assets.cli.usage import usage\n"
        "usage(['daily', '--help'], standalone_mode=False)\n"
        "heavy = {'duckdb', 'dagster', 'pandas', 'agentsview_assets.documents.usage.daily'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))\n"
    )
    done = python(script)
    assert "Daily cost summary." in done.stdout
    assert "Examples:" in done.stdout


def test_a_report_starts_without_dagster_and_data_frames(warehouse: str) -> None:
    script = (
        "import sys\n"
        "from agentsview_assets.cli.usage import usage\n"
        f"usage(['daily', '--all', '--warehouse', {warehouse!r}], standalone_mode=False)\n"
        "heavy = {'dagster', 'pandas', 'pandera', 'pyarrow', 'numpy'}\n"
        "heavy.add('agentsview_assets.resources.archives.reader')\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = python(script)
    assert done.stderr.strip() == "[]"
