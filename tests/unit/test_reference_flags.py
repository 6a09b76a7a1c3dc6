"""Command lines are read, and refused, in agentsview's own words."""

from __future__ import annotations

import json

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from agentsview_assets.cli.flags import rewrite_long_flags
from agentsview_assets.cli.reference import ReferenceCommand, ReferenceGroup
from agentsview_assets.rules.goquote import go_quote

WARNING = (
    "warning: deprecated single-dash long flags detected; use GNU-style long flags instead: {}\n"
)


@click.command(cls=ReferenceCommand)
@click.option("--json", "as_json", is_flag=True)
@click.option("--breakdown", is_flag=True)
@click.option("--no-sync", is_flag=True)
@click.option("--agent", default="")
@click.option("--since", default="")
@click.option("--format", type=click.Choice(["human", "json"]), default="human")
@click.option("--warehouse", envvar="TEST_WAREHOUSE")
def daily(**values: object) -> None:
    """Daily cost summary."""
    click.echo(json.dumps(values))


@click.group()
def program() -> None:
    """Stand in for the program that the reports belong to."""


@program.group(cls=ReferenceGroup)
def usage() -> None:
    """Token cost tracking."""


usage.add_command(daily)


def run(*args: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(program, ["usage", "daily", *args], env=env)


def values_of(*args: str, env: dict[str, str] | None = None) -> dict[str, object]:
    result = run(*args, env=env)
    assert result.exit_code == 0, result.stderr
    values: dict[str, object] = json.loads(result.stdout)
    return values


@pytest.mark.parametrize(
    ("args", "name", "value"),
    [
        ([], "agent", ""),
        (["--agent", "claude"], "agent", "claude"),
        (["--agent=claude"], "agent", "claude"),
        (["--agent="], "agent", ""),
        (["--agent=a=b"], "agent", "a=b"),
        (["--agent", "x", "--agent", "y"], "agent", "y"),
        (["--agent", "--"], "agent", "--"),
        (["--agent", "-h"], "agent", "-h"),
        (["--agent", "--nope"], "agent", "--nope"),
        (["--since", "-1d"], "since", "-1d"),
        (["--agent=x", "--"], "agent", "x"),
        (["--format", "json"], "format", "json"),
        (["--format=json", "--format", "human"], "format", "human"),
        (["--json"], "as_json", True),
        (["--no-sync"], "no_sync", True),
        (["--help=false"], "as_json", False),
        (["-h=false"], "as_json", False),
        (["--help", "--help=0"], "as_json", False),
    ],
)
def test_a_flag_takes_its_last_value(args: list[str], name: str, value: object) -> None:
    assert values_of(*args)[name] == value


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_texts_that_switch_a_boolean_on(text: str) -> None:
    assert values_of(f"--breakdown={text}")["breakdown"] is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_texts_that_switch_a_boolean_off(text: str) -> None:
    assert values_of("--breakdown", f"--breakdown={text}")["breakdown"] is False


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["--nope=3=4"], "unknown flag: --nope"),
        (["--ag", "x"], "unknown flag: --ag"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["-xyz=3"], "unknown shorthand flag: 'x' in -xyz=3"),
        (["-1"], "unknown shorthand flag: '1' in -1"),
        (["-hx"], "unknown shorthand flag: 'x' in -x"),
        (["-help"], "unknown shorthand flag: 'e' in -elp"),
        (["-h="], "unknown shorthand flag: '=' in -="),
        (["-'"], r"unknown shorthand flag: '\'' in -'"),
        (["-é"], "unknown shorthand flag: 'Ã' in -é"),
        (["--agent"], "flag needs an argument: --agent"),
        (["--agent", "x", "--agent"], "flag needs an argument: --agent"),
        (["--=x"], "bad flag syntax: --=x"),
        (["---x"], "bad flag syntax: ---x"),
        (["extra"], 'unknown command "extra" for "agentsview usage daily"'),
        (["extra", "another"], 'unknown command "extra" for "agentsview usage daily"'),
        (["help"], 'unknown command "help" for "agentsview usage daily"'),
        (["-"], 'unknown command "-" for "agentsview usage daily"'),
        ([""], 'unknown command "" for "agentsview usage daily"'),
        (["--json", "false"], 'unknown command "false" for "agentsview usage daily"'),
        (["--", "-json"], 'unknown command "-json" for "agentsview usage daily"'),
        (["--", "--json", "-x"], 'unknown command "--json" for "agentsview usage daily"'),
        (['ex"tra'], r'unknown command "ex\"tra" for "agentsview usage daily"'),
        (["--format", "xml"], 'invalid argument "xml" for "--format" flag: must be human or json'),
        (["--format="], 'invalid argument "" for "--format" flag: must be human or json'),
        (
            ["--format", "JSON"],
            'invalid argument "JSON" for "--format" flag: must be human or json',
        ),
        (
            ["--breakdown=maybe"],
            (
                'invalid argument "maybe" for "--breakdown" flag: '
                'strconv.ParseBool: parsing "maybe": invalid syntax'
            ),
        ),
        (
            ["--json=tRue", "extra"],
            (
                'invalid argument "tRue" for "--json" flag: '
                'strconv.ParseBool: parsing "tRue": invalid syntax'
            ),
        ),
        (
            ["--help=maybe"],
            (
                'invalid argument "maybe" for "-h, --help" flag: '
                'strconv.ParseBool: parsing "maybe": invalid syntax'
            ),
        ),
        (["extra", "--nope"], "unknown flag: --nope"),
        (["--help", "extra", "--nope"], "unknown flag: --nope"),
        (
            ["-h", "--format", "xml"],
            'invalid argument "xml" for "--format" flag: must be human or json',
        ),
        (["--nope", "-x"], "unknown flag: --nope"),
    ],
)
def test_a_command_line_that_cannot_be_read(args: list[str], message: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"fatal: {message}\n")


@pytest.mark.parametrize(
    "args", [["-h"], ["--help"], ["-hh"], ["-h=true"], ["--json", "--help"], ["extra", "-h"]]
)
def test_help_goes_to_stdout(args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 0
    assert "Daily cost summary." in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("args", "rewritten"),
    [
        (["-json"], "-json -> --json"),
        (["-agent=x", "-json=true"], "-agent -> --agent, -json -> --json"),
        (["-json", "-agent", "x", "-json=false"], "-json -> --json, -agent -> --agent"),
        (["--agent", "-json"], "-json -> --json"),
        (["-no-sync"], "-no-sync -> --no-sync"),
    ],
)
def test_long_flags_with_one_dash_work_with_a_warning(args: list[str], rewritten: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stderr) == (0, WARNING.format(rewritten))


def test_the_warning_comes_before_the_error() -> None:
    result = run("-since", "2026-07-01", "-nope")
    warning = WARNING.format("-since -> --since")
    assert result.stderr == f"{warning}fatal: unknown shorthand flag: 'n' in -nope\n"


def test_a_value_that_looks_like_a_legacy_flag_is_rewritten_too() -> None:
    assert values_of("--agent", "-json")["agent"] == "--json"


def test_words_after_two_dashes_are_not_rewritten() -> None:
    args = ["-json", "--", "-json"]
    assert rewrite_long_flags(args, {"json": None}) == (["--json", "--", "-json"], ["json"])


def test_options_keep_their_environment_variable() -> None:
    env = {"TEST_WAREHOUSE": "duckdb:///x"}
    assert values_of(env=env)["warehouse"] == "duckdb:///x"
    assert values_of("--warehouse=other", env=env)["warehouse"] == "other"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nope"], 'unknown command "nope" for "agentsview usage"'),
        (["--json", "daily"], "unknown flag: --json"),
        (["-x", "daily"], "unknown shorthand flag: 'x' in -x"),
    ],
)
def test_a_group_refuses_what_it_does_not_know(args: list[str], message: str) -> None:
    result = CliRunner().invoke(program, ["usage", *args])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"fatal: {message}\n")


def test_a_group_keeps_the_options_that_it_declares() -> None:
    group = click.version_option("1.2.3")(ReferenceGroup("tool", commands={"daily": daily}))
    result = CliRunner().invoke(group, ["--version"])
    assert (result.exit_code, "1.2.3" in result.stdout) == (0, True)


@pytest.mark.parametrize("args", [[], ["-h"], ["--help"]])
def test_a_group_without_a_command_prints_its_help(args: list[str]) -> None:
    result = CliRunner().invoke(program, ["usage", *args])
    assert result.exit_code == 0
    assert "daily" in result.stdout


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["usage"], "da", ["daily"]),
        (["usage", "daily"], "--b", ["--breakdown"]),
        (["usage", "daily", "--format"], "", ["human", "json"]),
        (["usage", "daily", "--json", "--nope"], "--ag", ["--agent"]),
    ],
)
def test_the_shell_completes_commands_options_and_choices(
    words: list[str], incomplete: str, expected: list[str]
) -> None:
    completion = ShellComplete(program, {}, "program", "_PROGRAM_COMPLETE")
    found = [item.value for item in completion.get_completions(words, incomplete)]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("plain é", '"plain é"'),
        ('say "x"', r'"say \"x\""'),
        ("it's", '"it\'s"'),
        ("a\\b", r'"a\\b"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\x01\x7f", r'"\x01\x7f"'),
        ("\u2028\u00a0", r'"\u2028\u00a0"'),
        ("\U000e0001", r'"\U000e0001"'),
        ("\udcff", r'"\xff"'),
        ("😀", '"😀"'),
    ],
)
def test_text_in_messages_is_quoted_as_go_quotes_it(text: str, quoted: str) -> None:
    assert go_quote(text) == quoted
