"""The command line of `export sessions`: what is refused, in which order, in whose words."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from agentsview_assets.cli.main import cli

CONFLICTS = (
    *("project", "exclude-project", "machine", "git-branch", "agent", "date", "date-from"),
    *("date-to", "active-since", "min-messages", "max-messages", "min-user-messages"),
    *("include-one-shot", "include-automated", "include-children", "outcome", "health-grade"),
    *("min-tool-failures", "has-secret", "all"),
)
BOOLEANS = {"include-one-shot", "include-automated", "include-children", "has-secret", "all"}
NUMBERS = {"min-messages", "max-messages", "min-user-messages", "min-tool-failures"}
BAD_INT = 'invalid argument "{0}" for "--limit" flag: strconv.ParseInt: parsing "{0}": {1}'
# A warehouse that is not there: whatever passes the command line ends at it.
ELSEWHERE = ("--warehouse", "/nowhere/warehouse.duckdb")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["export", "sessions", *ELSEWHERE, *arguments])


def refusal(*arguments: str) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("fatal: ")
    return result.stderr.removeprefix("fatal: ").removesuffix("\n")


def passes(*arguments: str) -> bool:
    return refusal(*arguments).startswith("warehouse /nowhere/warehouse.duckdb: no such file")


def given(name: str) -> str:
    """Give an option a value that means nothing."""
    return f"--{name}={'false' if name in BOOLEANS else '0' if name in NUMBERS else ''}"


def test_export_alone_prints_its_help() -> None:
    result = CliRunner().invoke(cli, ["export"])
    assert result.exit_code == 0
    assert "sessions" in result.stdout


def test_help_names_every_option() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in (*CONFLICTS, "cursor", "limit", "json", "format", "archive", "archive-id"):
        assert f"--{name}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--bogus"], "unknown flag: --bogus"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["--format"], "flag needs an argument: --format"),
        (
            ["--format", "xml"],
            'invalid argument "xml" for "--format" flag: must be json or ndjson',
        ),
        (
            ["--all=x"],
            'invalid argument "x" for "--all" flag: strconv.ParseBool: parsing "x": invalid syntax',
        ),
        (["extra"], 'unknown command "extra" for "agentsview export sessions"'),
        (["--all", "true"], 'unknown command "true" for "agentsview export sessions"'),
        (["--", "--all"], 'unknown command "--all" for "agentsview export sessions"'),
        (
            ["--json", "--format", "ndjson"],
            "--json cannot be combined with --format ndjson",
        ),
        (["--limit", "0"], "--limit must be between 1 and 500"),
        (["--limit", "501"], "--limit must be between 1 and 500"),
        (["--limit", "-5"], "--limit must be between 1 and 500"),
    ],
    ids=str,
)
def test_refusals(arguments: list[str], text: str) -> None:
    assert refusal(*arguments) == text


@pytest.mark.parametrize(
    "text", ["abc", "", " 5", "5 ", "08", "0x", "0xg", "_1", "1_", "1__0", "1.0", "٣", "+", "0b2"]
)
def test_numbers_that_are_none(text: str) -> None:
    assert refusal("--limit", text) == BAD_INT.format(text, "invalid syntax")


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809"])
def test_numbers_beyond_64_bits(text: str) -> None:
    assert refusal("--limit", text) == BAD_INT.format(text, "value out of range")


@pytest.mark.parametrize(
    "text", ["1", "+5", "0x10", "0X1f4", "010", "0o17", "0b11", "1_0", "0_7", "0x_1", "500", "007"]
)
def test_notations_of_numbers(text: str) -> None:
    assert passes("--limit", text)


@pytest.mark.parametrize("text", ["0x1F5", "0765", "0b111110101", "00", "-0"])
def test_numbers_are_read_in_their_notation(text: str) -> None:
    assert refusal("--limit", text) == "--limit must be between 1 and 500"


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_cursor_goes_with_no_filter_even_of_no_effect(name: str) -> None:
    assert refusal("--cursor", "x", given(name)) == f"--cursor cannot be combined with --{name}"


def test_the_first_conflict_is_named_whatever_the_order() -> None:
    found = refusal(*map(given, reversed(CONFLICTS)), "--cursor", "x")
    assert found == "--cursor cannot be combined with --project"


def test_checks_come_in_the_contracts_order() -> None:
    assert refusal("--limit", "0", "--cursor", "x", "--all").endswith("with --all")
    assert refusal("--cursor", "x", "--json", "--format", "ndjson", "--all").startswith("--json")
    assert refusal("--cursor", "bad", "--limit", "0") == "--limit must be between 1 and 500"
    assert refusal("extra", "--json", "--format", "ndjson").startswith("unknown command")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--cursor", ""],
        ["--cursor", "", "--all"],
        ["--cursor", "x", "--limit", "7", "--format", "ndjson"],
        ["--cursor", "x", "--json"],
        ["--json", "--format", "json"],
        ["--json=false", "--format", "ndjson"],
        ["--min-messages", "-2"],
        ["--limit=0", "--limit=5"],
        ["--all=1", "--include-children=T"],
    ],
    ids=str,
)
def test_what_is_accepted(arguments: list[str]) -> None:
    assert passes(*arguments)
