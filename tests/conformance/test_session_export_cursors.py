"""Cursors that cross between the two programs, walks, forgeries, and changes in mid-walk."""

from __future__ import annotations

import base64
import hmac
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.comparison import compare
from tests.conformance.conftest import Pair
from tests.conformance.export_cases import EXPORT
from tests.support.command import OurCommand
from tests.support.odd_archives.sessions import signals
from tests.support.odd_archives.workbench import apply_edits

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.conformance.conftest import PairOf
    from tests.support.odd_archives import Workbench
    from tests.support.oracle import Oracle

WIDE = ("--include-one-shot", "--include-automated", "--include-children")
FORMER_KEY = b"agentsview-session-summary-export-v1"
GROUP = pytest.mark.xdist_group("sessions")


@pytest.fixture
def pair(pair_of: PairOf) -> Pair:
    return pair_of("sessions")


def ours(pair: Pair, *arguments: str) -> subprocess.CompletedProcess[str]:
    return pair.ours.here(*EXPORT, *arguments)


def mine(pair: Pair, *arguments: str) -> dict[str, Any]:
    done = ours(pair, *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def theirs(pair: Pair, *arguments: str) -> dict[str, Any]:
    done = pair.theirs.run(pair.archive, *EXPORT, *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def following(document: dict[str, Any]) -> str:
    return str(document["cursor"]["next"])


# --- walks ---------------------------------------------------------------------------------------


@GROUP
@pytest.mark.parametrize(
    "limit",
    [
        *(64, 100, 500),
        # Sixty pages take a while; the smallest ones are turned below, over fewer sessions.
        *(pytest.param(n, marks=pytest.mark.matrix) for n in (7, 11, 33, 250, 499)),
    ],
)
@pytest.mark.parametrize("chosen", [(), WIDE], ids=["defaults", "everything"])
def test_a_walk_of_ours_is_everything_of_theirs(
    pair: Pair, limit: int, chosen: tuple[str, ...]
) -> None:
    whole = theirs(pair, "--all", *chosen)
    document = mine(pair, *chosen, "--limit", str(limit))
    walked, projects = document["sessions"], document["projects"]
    while following(document):
        document = mine(pair, "--cursor", following(document), "--limit", str(limit))
        walked += document["sessions"]
        projects |= document["projects"]
    assert [row["id"] for row in walked] == [row["id"] for row in whole["sessions"]]
    assert projects == whole["projects"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_small_pages_yield_everything_too(pair_of: PairOf, limit: int) -> None:
    pair = pair_of("golden-export")
    document, walked = mine(pair, "--limit", str(limit)), []
    while True:
        walked += document["sessions"]
        if not following(document):
            break
        document = mine(pair, "--cursor", following(document), "--limit", str(limit))
    assert walked == mine(pair, "--all")["sessions"]


@GROUP
@pytest.mark.parametrize("chosen", [(), WIDE, ("--project", "ties")], ids=str)
def test_a_run_may_change_programs_at_every_page(pair: Pair, chosen: tuple[str, ...]) -> None:
    programs = (mine, theirs)
    documents = [run(pair, *chosen, "--limit", "3") for run in programs]
    for page in range(6):
        cursors = set(map(following, documents))
        assert len(cursors) == 1
        (cursor,) = cursors
        if not cursor:
            break
        compare(pair, (*EXPORT, "--cursor", cursor, "--limit", str(page + 2), "--format", "ndjson"))
        documents = [run(pair, "--cursor", cursor, "--limit", str(page + 2)) for run in programs]


# --- forgeries -----------------------------------------------------------------------------------


class Forger:
    """Signs payloads with the secret of an archive."""

    def __init__(self, pair: Pair) -> None:
        self.genuine = following(mine(pair, *WIDE, "--limit", "5"))
        config = tomllib.loads((pair.archive / "config.toml").read_text(encoding="utf-8"))
        self.secret = base64.b64decode(config["cursor_secret"])
        payload = self.genuine.split(".")[0]
        self.payload = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    def sign(self, payload: object, secret: bytes | None = None) -> str:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signature = hmac.digest(self.secret if secret is None else secret, data, "sha256")
        return f"{_base64url(data)}.{_base64url(signature)}"

    def variants(self) -> list[str]:
        """Return damaged, forged, foreign and genuine cursors that no program would mint."""
        start = {"database_id": self.payload["database_id"], "order": self.payload["order"]}
        encoded, signature = self.genuine.split(".")
        return [
            *(self.genuine[:-1], self.genuine[:-9], f"{self.genuine}.", f"{self.genuine}="),
            *(f"{encoded}.", f".{signature}", encoded, self.genuine[::-1]),
            f"{self.genuine[:9]}\r\n{self.genuine[9:]}",
            self.sign(self.payload, FORMER_KEY),
            *map(self.sign, ([], None, {}, b"{", b"{}x", start)),
            self.sign({**start, "order": "id"}),
            self.sign({"database_id": "x", "order": "id"}),
            *(self.sign(self.payload | change) for change in _PAYLOADS),
            *(self.sign({k: v for k, v in self.payload.items() if k != n}) for n in self.payload),
            *(self.sign({**start, "filters": filters}) for filters in _FILTERS),
        ]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_PAYLOADS: tuple[dict[str, Any], ...] = (
    {"snapshot_count": 1},
    {"snapshot_digest": "ab"},
    {"prefix_count": 1},
    {"prefix_digest": "ab"},
    {"watermark_sort": 0},
    {"last_activity_sort": 0},
    {"last_id": ""},
    {"limit": "5"},
    {"limit": 1.5},
    {"unknown": [1]},
    {"LAST_ID": "x"},
    {"filters": None},
)
_FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"exclude_automated": True},
    {"automated_scope": "automated"},
    {"automated_scope": "automated", "exclude_one_shot": True},
    {"automated_scope": " human "},
    {"automated_scope": "robots", "exclude_one_shot": True},
    {"include_children": True},
    {"include_children": True, "automated_scope": "automated"},
    {"include_children": True, "include_orphans": True},
    {"include_orphans": True},
    {"include_children": True, "include_orphans": True, "automated_scope": "human"},
    *({"termination": text} for text in ("clean", "awaiting_user", "all", "odd", " clean ,odd")),
    {"secrets_rules_versions": ["1"]},
    {"machine": " local ,b"},
    {"outcome": [" completed ", None]},
    {"min_tool_failures": None},
    {"min_tool_failures": 0},
    {"Project": "ties"},
    {"exclude_project": "a<&>\u2028\u00e9"},
    {"min_messages": 1.0},
    {"min_messages": 2**63},
    {"has_secret": 1},
    {"outcome": "x"},
)


@GROUP
def test_forged_and_odd_cursors_are_answered_alike(pair: Pair) -> None:
    for cursor in Forger(pair).variants():
        compare(pair, (*EXPORT, "--cursor", cursor, "--limit", "9"))


# --- changes in mid-walk -------------------------------------------------------------------------

_NEW = (
    "INSERT INTO sessions (id, project, started_at, ended_at, message_count, user_message_count)"
    " VALUES ('n', 'p', '2026-{0}T00:00:00Z', '2026-{0}T01:00:00Z', 2, {1})"
)
_SET = "UPDATE sessions SET {} WHERE id = 'signal:14'"
_LATE = (
    "INSERT INTO messages (session_id, ordinal, role, content, timestamp)"
    " VALUES ('signal:14', 99, 'assistant', '', '2026-08-01T00:00:00Z')"
)
_OTHER_ARCHIVE = (
    "UPDATE archive_metadata SET value = '11111111-1111-4111-8111-111111111111'"
    " WHERE key = 'database_id'"
)
# What is done to the archive, and whether it ends a run whose rows are the first page's.
CHANGES: dict[str, tuple[str, bool]] = {
    "a newer row": (_NEW.format("08-01", 2), False),
    "a row below the watermark": (_NEW.format("01-01", 2), True),
    "a row that the filters exclude": (_NEW.format("01-01", 1), False),
    "a deletion": ("DELETE FROM sessions WHERE id = 'signal:14'", True),
    "the trash": (_SET.format("deleted_at = ''"), True),
    "one-shot now": (_SET.format("user_message_count = 1"), True),
    "a move above": (_SET.format("ended_at = '2026-08-01T00:00:00Z'"), True),
    "another text of its instant": (_SET.format("ended_at = replace(ended_at, 'Z', '.0Z')"), True),
    "labels and counts": (_SET.format("project = 'q', agent = 'a', message_count = 77"), False),
    "a late message": (_LATE, False),
    "another identity": (_OTHER_ARCHIVE, True),
}


def _changes() -> list[object]:
    """A few kinds of change every day, the others with the matrix: each costs two readings."""
    everyday = {"labels and counts", "another text of its instant", "another identity"}
    return [
        pytest.param(name, marks=() if name in everyday else pytest.mark.matrix) for name in CHANGES
    ]


@pytest.mark.parametrize("change", _changes())
@pytest.mark.xdist_group("export-changes")
def test_changes_reset_where_the_original_resets(
    tmp_path: Path, make_pair: Callable[[Path], Pair], change: str
) -> None:
    pair = make_pair(tmp_path.resolve() / "archive")
    cursor = following(mine(pair, "--limit", "6"))
    assert cursor == following(theirs(pair, "--limit", "6"))
    statement, resets = CHANGES[change]

    def edit(bench: Workbench) -> None:
        bench.database.execute(statement)

    apply_edits(pair.archive, (edit,))
    made = pair.ours.materialize_here()
    assert made.returncode == 0, made.stderr
    compare(pair, (*EXPORT, "--cursor", cursor, "--limit", "6"))
    assert (ours(pair, "--cursor", cursor).returncode == 4) is resets


@pytest.fixture
def make_pair(oracle: Oracle, pair_of: PairOf) -> Callable[[Path], Pair]:
    """Return what makes an archive of a few sessions with a warehouse of its own."""

    def make(folder: Path) -> Pair:
        oracle.sync(folder)
        apply_edits(folder, (signals,))
        command = OurCommand.beside(folder, AGENTSVIEW_ASSETS_START_DATE="2026-06-25")
        done = command.materialize_here()
        assert done.returncode == 0, done.stderr
        return Pair(pair_of("empty").recipe, folder, command, oracle)

    return make


def test_without_a_secret_we_make_one_and_leave_theirs_alone(
    tmp_path: Path, make_pair: Callable[[Path], Pair]
) -> None:
    pair = make_pair(tmp_path.resolve() / "archive")
    config = pair.archive / "config.toml"
    config.unlink()
    cursor = following(mine(pair, "--limit", "6"))
    assert mine(pair, "--cursor", cursor)["sessions"]
    assert not config.exists()
    theirs(pair, "--limit", "1")  # makes its own
    compare(pair, (*EXPORT, "--cursor", cursor))
    assert ours(pair, "--cursor", cursor).returncode == 4
