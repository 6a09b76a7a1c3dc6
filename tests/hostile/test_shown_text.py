"""What comes from an archive is text: nothing of it acts on a terminal, in a page, in a picture."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import select
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree  # noqa: ICN001 - its usual short name says nothing

import pytest

from agentsview_assets.rules.charts import bar_chart
from agentsview_assets.rules.shown_text import json_text, markdown, unlinked, visible
from tests.support.command import OurCommand
from tests.support.hostile_names import ADDRESS, NUMBERED, hostile_names
from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMES = hostile_names()
ACTING = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def acting(text: str) -> list[str]:
    """Characters of a text that do something to a terminal, rather than show."""
    return [char for char in text if unicodedata.category(char) in ACTING]


class TestCharacters:
    """One text at a time."""

    def test_nothing_acts_and_everything_else_can_be_read(self) -> None:
        for name in NAMES:
            shown = visible(name)
            assert acting(shown) == [], name
            assert all(char in shown for char in name if char.isprintable()), name

    def test_json_of_ours_is_the_same_value_in_plain_characters(self) -> None:
        for name in NAMES:
            text = json_text({"name": name})
            assert json.loads(text) == {"name": name}
            assert acting(text) == [], name

    def test_no_page_takes_it_for_an_address(self) -> None:
        for name in NAMES:
            for shown in (unlinked(name), markdown(name)):
                found = re.search(r"(?i)https?:\\?//|www\\?\.|\w\\?@\w", shown)
                assert found is None, name

    def test_a_picture_of_it_is_well_formed(self) -> None:
        for name in NAMES:
            drawn = ElementTree.fromstring(bar_chart(name, [(name, 1.0), ("b", 2.0)]))  # noqa: S314
            tags = {element.tag.rpartition("}")[2] for element in drawn.iter()}
            assert tags == {"svg", "text", "line", "rect", "title"}, name

    def test_every_character_alone(self) -> None:
        for code in (*range(0x3000), *range(0xD800, 0xE000), *range(0xFDD0, 0x10010), 0xE0001):
            assert acting(visible(chr(code))) == [], hex(code)

    def test_plain_text_stays_as_it_is(self) -> None:
        for text in ("claude-opus-4-6", "Größe 日本語 🦑", "a  b", "\u00a0x", "\\x1b"):
            assert visible(text) == text
        assert markdown("claude-opus-4.6, gpt") == "claude\\-opus\\-4.6, gpt"


OUR_OWN = {"LINE", "code", "part.name", "part.starts"}
"""Values of our own that are written where the terminal's module is not loaded."""


def _unsafe(call: ast.Call) -> bool:
    """Whether a call writes to a terminal what was not made visible."""
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "print"
    if not isinstance(function, ast.Attribute):
        return False
    if function.attr in {"echo", "secho"}:
        return True
    if function.attr != "write" or ast.unparse(function.value) not in {"sys.stdout", "sys.stderr"}:
        return False
    values = [node.value for node in ast.walk(call) if isinstance(node, ast.FormattedValue)]
    shown = (ast.unparse(value) for value in values)
    is_text = isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    return not is_text or any(not v.startswith("visible") and v not in OUR_OWN for v in shown)


def test_only_one_module_writes_to_the_terminal() -> None:
    """Whoever writes past it has to make words visible again, and would forget."""
    packages = [REPOSITORY / "agentsview_assets", REPOSITORY / "resources"]
    offenders = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for package in packages
        for path in sorted(package.rglob("*.py"))
        if path.name != "words.py" and "data" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _unsafe(node)
    ]
    assert offenders == []


# --- whole commands ------------------------------------------------------------------------------


def fill(folder: Path, names: Sequence[str]) -> None:
    """An archive in which everything that has a name has a hostile one."""
    with TinyArchive(folder) as archive:
        for number, name in enumerate(names):
            day = f"2026-11-{number % 9 + 1:02}"
            session = f"{name} id"
            labels = {"project": name, "machine": name, "git_branch": name, "cwd": f"/c/{name}"}
            labels |= {"agent": f"{name} agent", "display_name": f"{name} title"}
            archive.session(session, day, **labels)
            archive.message(session, 0, f"{day}T10:00:00Z", model=f"{name} model")
        archive.session("odd " + names[0])
        archive.event("odd " + names[0], model=names[1])
        archive.connection.execute("UPDATE usage_events SET input_tokens = 'no \x1b[31m number'")
        absurd = "absurd \x1b[31m\nerror: " + names[0]
        archive.session(absurd, "2026-11-20")
        for number in range(3):
            archive.event(absurd, model=names[0], dedup_key=f"n{number}", input_tokens=2**62,
                          occurred_at="2026-11-20T10:30:00Z")  # fmt: skip


def on_a_terminal(ours: OurCommand, *arguments: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own; returns its exit code and all that it wrote."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agentsview_assets", *arguments],
        env={**ours.environment(), "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    written = b""
    while True:
        ready, _, _ = select.select([leader], [], [], 300)
        assert ready, written
        try:
            found = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not found:
            break
        written += found
    os.close(leader)
    return process.wait(), written.decode()


def own(written: str) -> str:
    """What was written, without our own line ends and rewritten lines."""
    return written.replace("\r\n", "\n").replace("\r\x1b[K  ", "\n").replace("\n", " ")


MOST = ("status", "status --json", "reprice --dry-run", "reprice --dry-run --json", "reprice")


@pytest.mark.hostile
def test_no_command_lets_anything_act_on_the_terminal(tmp_path: Path) -> None:
    archive = tmp_path.resolve() / "archive \x1b[31m \u202e"
    fill(archive, NAMES)
    ours = OurCommand(archive, tmp_path / "home", f"duckdb:///{tmp_path}/w\u200b.duckdb")
    code, written = on_a_terminal(ours, "materialize")
    assert code == 1
    assert acting(own(written)) == []
    assert "no \\x1b[31m number" in written
    assert len(re.findall(r"(?m)^error: ", written.replace("\r", ""))) == 1  # our own
    (archive / "config.toml").write_text(
        "".join(f"[custom_model_pricing.{json.dumps(n + ' model')}]\ninput = 3.0\n" for n in NAMES),
        encoding="utf-8",
    )
    for command in MOST:
        code, written = on_a_terminal(ours, *command.split())
        assert acting(own(written)) == [], command
    for option in ("--select", "--forget"):
        code, written = on_a_terminal(ours, "materialize", option, NAMES[70])
        assert acting(own(written)) == [], option
    for name in [name for name in NAMES if acting(name)][::9]:
        for arguments in _mistakes(name):
            done = ours.here(*arguments)
            assert done.returncode != 0
            assert acting(done.stderr.replace("\n", " ")) == [], arguments


def _mistakes(name: str) -> Iterator[tuple[str, ...]]:
    """Command lines that cannot be understood, and are quoted in what is said of them."""
    yield (name,)
    yield ("usage", "daily", f"--{name}")
    yield ("usage", "daily", "--archive-id", name)
    yield ("export", "sessions", "--format", name)
    yield ("status", name)
    yield ("materialize", f"--{name}")
    yield ("materialize", "--since", name)


@pytest.mark.hostile
def test_names_are_shown_as_text_by_our_commands(tmp_path: Path) -> None:
    names = [name for name in NAMES[:104] if acting(name)][:12]
    desk = Desk(tmp_path)
    fill(desk.archive, names)
    done = desk.run("materialize")
    assert done.code == 1
    assert "Traceback" not in done.err
    for text in (done.err, desk.run("status").out, desk.run("reprice", "--dry-run").out):
        assert acting(text.replace("\n", " ")) == []
    told = [line for line in done.err.splitlines() if not line.startswith("  ")]
    assert len(told) == 1, told  # no name made a line of its own
    for name in names:
        assert any(f"{visible(name)} model" in line for line in done.err.splitlines()), name


def test_every_name_has_a_number_and_an_address_to_look_for() -> None:
    assert all(NUMBERED.search(name) for name in NAMES)
    assert len(set(NAMES)) == len(NAMES) >= 300
    assert sum(ADDRESS in name for name in NAMES) > 60
