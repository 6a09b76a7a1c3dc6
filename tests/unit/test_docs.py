"""What the documents name is there: commands, options, settings, make targets, tables, files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from agentsview_assets import settings
from agentsview_assets.cli.main import PROGRAM, cli
from agentsview_assets.schemas import CONTRACTS
from docs import make_tables

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Options of make's, git's or uv's commands do not stand alone in the documents.
CODE = re.compile(r"```.*?\n(?P<block>.*?)```|`(?P<span>[^`\n]+)`", re.DOTALL)
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> list[str]:
    """The lines of code blocks and the code spans of a page."""
    found = CODE.finditer(page.read_text(encoding="utf-8"))
    return [line for match in found for line in (match["block"] or match["span"]).splitlines()]


def all_options(command: click.Command) -> set[str]:
    own = {name for param in command.params for name in param.opts} | {"--help", "-h"}
    nested = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union(*map(all_options, nested))


def invocations(line: str) -> list[list[str]]:
    """The words after each mention of the program in a line of code."""
    mentions = re.findall(rf"(?:^|[\s/]){PROGRAM}((?: [^|>;&$]*)?)(?=$|[|>;&$])", line)
    return [shlex.split(mention) for mention in mentions]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = cli
    while words and isinstance(command, click.Group) and re.fullmatch(r"[a-z]+", words[0]):
        assert words[0] in command.commands, f"no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize(
    "line",
    [
        "agentsview-assets nonsense",
        ".venv/bin/agentsview-assets usage nonsense --all",
        "$ agentsview-assets usage daily --nonsense",
    ],
)
def test_a_wrong_command_line_is_noticed(line: str) -> None:
    with pytest.raises(AssertionError, match="nonsense"):
        check(line)


def check(line: str) -> None:
    for invocation in invocations(line):
        command, rest = command_of(invocation)
        options = {word.partition("=")[0] for word in rest if word.startswith("--")}
        unknown = options - all_options(command)
        assert not unknown, f"{line}: no option {unknown}"


@pages
def test_every_command_line_can_be_typed(page: Path) -> None:
    for line in code(page):
        check(line)


@pages
def test_every_option_exists(page: Path) -> None:
    lines = [line for line in code(page) if re.match("--[a-z]", line)]
    named = {line.split()[0].partition("=")[0] for line in lines}
    assert named <= all_options(cli)


@pages
def test_every_setting_exists(page: Path) -> None:
    named = set(re.findall(r"AGENTSVIEW_ASSETS_[A-Z_]+", page.read_text(encoding="utf-8")))
    assert named <= {getattr(settings, name) for name in dir(settings) if name.endswith("VARIABLE")}


@pages
def test_every_make_target_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {found for line in code(page) for found in re.findall(r"\bmake ([a-z-]+)", line)}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pages
def test_every_link_within_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_names_every_setting_and_report_table() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    variables = [getattr(settings, name) for name in dir(settings) if name.endswith("_VARIABLE")]
    reports = [table.name for table in CONTRACTS.values() if table.group == "reports"]
    assert [name for name in (*variables, *reports) if f"`{name}`" not in readme] == []


def test_the_table_reference_is_up_to_date() -> None:
    assert make_tables.PAGE.read_text(encoding="utf-8") == make_tables.render(), "run `make docs`"


def test_every_column_of_the_readmes_table_of_reports_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = ""
    for row in re.findall(r"^\|(.+)\|(.+)\|(.+)\|.+\|$", readme, re.MULTILINE):
        named = re.findall(r"`(\w+)`", row[0])
        table = named[0] if named else table
        if table in CONTRACTS:
            summed = re.findall(r"`(\w+)`", row[2])
            assert set(summed) <= set(CONTRACTS[table].column_names), table
