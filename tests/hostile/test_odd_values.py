"""One odd byte, blob or absurd count: its row or its day is held back and named, and nothing else.

What agentsview reads all the same is read as agentsview reads it. What it fails on is left out.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from agentsview_assets.rules.integers import int64
from tests.support import oracle as original
from tests.support.command import OurCommand
from tests.support.further import further
from tests.support.tiny_archives import USAGE, TinyArchive

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.oracle import Oracle

DAILY = ("usage", "daily", "--json", "--all", "--timezone", "UTC", "--no-sync", "--offline")
ACTIVITY = (
    *("activity", "report", "--json", "--preset", "custom", "--timezone", "UTC", "--bucket", "1d"),
    *("--from", "2026-11-01T00:00:00Z", "--to", "2026-11-24T00:00:00Z", "--no-sync", "--offline"),
)
SESSIONS = (
    *("export", "sessions", "--all", "--include-one-shot", "--include-automated"),
    *("--include-children", "--format"),
)
DOCUMENTS = (DAILY, (*DAILY, "--breakdown"), ACTIVITY, (*SESSIONS, "json"), (*SESSIONS, "ndjson"))
REPORTS = ("daily_usage", "activity_buckets", "session_model_usage", "session_summaries")


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    return original.install(tmp_path_factory.mktemp("oracle"))


class Odd(TinyArchive):
    """An archive whose sessions have one odd value each, each on a day of its own."""

    count = 0

    def next(self, **more: Any) -> tuple[str, str]:
        """Adds a session with an answer and an event; returns its id and its day."""
        self.count += 1
        name, day = f"s{self.count:03}", f"2026-11-{(self.count - 1) % 20 + 1:02}"
        self.session(name, day, **{"cwd": f"/c/{self.count % 3}", **more})
        self.message(name, 0, f"{day}T10:00:00Z", role="user", model="", token_usage="")
        self.message(name, 1, f"{day}T10:01:00Z", source_uuid=f"u{self.count}")
        self.event(
            name, occurred_at=f"{day}T10:30:00Z", dedup_key="k", input_tokens=100 + self.count
        )
        return name, day

    def spoil(self, table: str, column: str, value: str, condition: str) -> None:
        """Puts a value, as SQL, where its column does not expect it."""
        self.connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {condition}")

    def spoil_next(self, table: str, column: str, value: str) -> str:
        """Does so in a session of its own."""
        name, _ = self.next()
        self.spoil(table, column, value, _of(table, name))
        return name


def _of(table: str, session: str) -> str:
    if table == "sessions":
        return f"id = '{session}'"
    return f"session_id = '{session}'" + (" AND ordinal = 1" if table == "messages" else "")


def blob(text: str) -> str:
    """A text stored as a blob."""
    return f"X'{text.encode().hex()}'"


def odd_text(text: str, odd: bytes = b"\xe9") -> str:
    """A text with bytes in it that are no UTF-8."""
    return f"CAST(X'{(text.encode() + odd).hex()}' AS TEXT)"


_TEXTS = {
    "sessions": (
        *("machine", "agent", "display_name", "session_name", "first_message", "cwd"),
        *("git_branch", "file_path", "outcome", "health_grade", "file_hash", "local_modified_at"),
    ),
    "messages": ("claude_message_id", "claude_request_id", "source_uuid"),
    "usage_events": ("source", "dedup_key"),
}
_IDS = {"sessions": "id", "messages": "session_id", "usage_events": "session_id"}
_STORED_COUNTS = ("message_count", "user_message_count", "total_output_tokens")
_COUNTS = (
    *("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    *("reasoning_tokens", "cost_usd", "message_ordinal"),
)


def odd_texts(archive: Odd) -> None:
    """Texts as blobs, and with bytes that are no UTF-8."""
    for table, columns in _TEXTS.items():
        for column in columns:
            archive.spoil_next(table, column, blob(f"{column}b"))
            archive.spoil_next(table, column, odd_text(f"{column}o"))
    usage = '{"service_tier":"st'
    for odd in (b"\xe9", b"\xe2\x82", b"\xed\xa0\x80", b"\xff\xfe", b"\xf5"):
        whole = usage.encode() + odd + b'","input_tokens":1000,"output_tokens":200}'
        archive.spoil_next("messages", "token_usage", f"CAST(X'{whole.hex()}' AS TEXT)")
    archive.spoil_next("messages", "token_usage", blob(USAGE))
    for value in (blob("claude-opus-4-6"), odd_text("claude-opus-4-6"), odd_text("zz", b"\xc3")):
        archive.spoil_next("messages", "model", value)
    name, _ = archive.next()
    for table, column in _IDS.items():
        archive.spoil(table, column, odd_text(name), f"{column} = '{name}'")


def odd_times(archive: Odd) -> None:
    """Times with bytes that are no UTF-8."""
    for table, column in (
        *(("sessions", "started_at"), ("sessions", "ended_at")),
        *(("messages", "timestamp"), ("usage_events", "occurred_at")),
    ):
        name, day = archive.next()
        archive.spoil(table, column, odd_text(f"{day}T10:01:00Z"), _of(table, name))


def odd_numbers(archive: Odd) -> None:
    """Numbers as blobs, negative ones, and what agentsview only compares."""
    for table, column, values in (
        *(("usage_events", column, (blob("12"), "-7", blob("+3"))) for column in _COUNTS),
        *(("sessions", column, (blob("12"),)) for column in _STORED_COUNTS),
        ("messages", "is_system", ("'abc'", "1.5", "9e999", "2", blob("0"))),
        *(
            ("sessions", column, ("'abc'", "1.5", "X'ff'"))
            for column in ("file_mtime", "file_size", "data_version")
        ),
    ):
        for value in values:
            archive.spoil_next(table, column, value)


def odd_small_tables(archive: Odd) -> None:
    """The same outside of sessions."""
    for number, (column, value) in enumerate(
        (
            *(("model", blob("cursor-model")), ("model", odd_text("cursor-model"))),
            ("charged_cents", "'no number'"),
        )
    ):
        archive.insert("cursor_usage_events", occurred_at="2026-11-02T12:00:00Z", model="m",
                       input_tokens=7, charged_cents=12.0, dedup_key=f"c{number}")  # fmt: skip
        archive.spoil("cursor_usage_events", column, value, f"dedup_key = 'c{number}'")
    archive.insert("worktree_project_mappings", machine="local", path_prefix="/w", project="demo")
    archive.spoil("worktree_project_mappings", "enabled", "'abc'", "1 = 1")


def answerable(archive: Odd) -> None:
    """Everything odd that agentsview has an answer for."""
    archive.next()
    for add in (odd_texts, odd_times, odd_numbers, odd_small_tables):
        add(archive)


def made(folder: Path, fill: Callable[[Odd], None], code: int) -> OurCommand:
    """An archive, and a warehouse that was made of it."""
    with Odd(folder / "archive") as archive:
        fill(archive)
    ours = OurCommand.beside(folder / "archive")
    done = ours.materialize_here()
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == code, done.stderr
    assert all("are left out" in line or "not made: 2026-11-" in line for line in said), said
    return ours


@pytest.mark.hostile
def test_what_agentsview_reads_is_read_as_agentsview_reads_it(
    tmp_path: Path, oracle: Oracle
) -> None:
    ours = made(tmp_path.resolve(), answerable, 0)
    for arguments in DOCUMENTS:
        mine, theirs = ours.here(*arguments), oracle.run(ours.archive, *arguments)
        assert mine.returncode == theirs.returncode == 0, (arguments, mine.stderr, theirs.stderr)
        _assert_same(mine, theirs, arguments)


def _assert_same(
    mine: subprocess.CompletedProcess[str],
    theirs: subprocess.CompletedProcess[str],
    arguments: tuple[str, ...],
) -> None:
    """The same values; a replaced byte is written as a character here and as an escape there."""
    lines = (
        zip(mine.stdout.splitlines(), theirs.stdout.splitlines(), strict=True)
        if "ndjson" in arguments
        else [(mine.stdout, theirs.stdout)]
    )
    for one, other in lines:
        ours, others = _rounded(json.loads(one)), _rounded(json.loads(other))
        for row, expected in zip(*(d.get("sessions", ()) for d in (ours, others)), strict=True):
            assert row == expected, arguments
        assert ours == others, arguments


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        clock = {"as_of", "generated_at"}
        return {name: _rounded(item) for name, item in value.items() if name not in clock}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


# --- what no program can read --------------------------------------------------------------------

NO_NUMBER = ("'abc'", "''", "1.5", "9e999", "X'ff'", "1e30", "'12 '")
_NUMBERS = {
    "sessions": (
        *("message_count", "user_message_count", "total_output_tokens", "peak_context_tokens"),
        *("is_automated", "has_total_output_tokens", "has_peak_context_tokens"),
        *("tool_failure_signal_count", "secret_leak_count"),
    ),
    "messages": ("ordinal",),
    "usage_events": (
        *("input_tokens", "output_tokens", "cache_creation_input_tokens", "message_ordinal"),
        *("cache_read_input_tokens", "reasoning_tokens"),
    ),
}


@pytest.mark.hostile
def test_what_nobody_can_read_holds_back_its_row_alone(tmp_path: Path) -> None:
    spoilt: list[tuple[str, str, str]] = []

    def fill(archive: Odd) -> None:
        for number, (table, column) in enumerate(
            (table, column) for table, columns in _NUMBERS.items() for column in columns
        ):
            value = NO_NUMBER[number % len(NO_NUMBER)]
            if value == "'12 '":
                value = "'12 apples'"  # a number with a space would be stored as one
            spoilt.append((table, column, archive.spoil_next(table, column, value)))
        spoilt.append(
            ("usage_events", "cost_usd", archive.spoil_next("usage_events", "cost_usd", "'abc'"))
        )
        spoilt.append(
            ("sessions", "is_automated", archive.spoil_next("sessions", "is_automated", "2"))
        )
        archive.insert("model_pricing", model_pattern="dear", input_per_mtok=1.0)
        archive.spoil("model_pricing", "input_per_mtok", "9e999", "model_pattern = 'dear'")
        archive.next()

    ours = made(tmp_path.resolve(), fill, 1)
    again = ours.materialize_here()
    status = ours.here("status", "--json")
    named = json.loads(status.stdout)["left_out"]
    assert len(named) == len(spoilt) + 1
    for table, column, session in spoilt:
        assert any(f" {table} (" in row and session in row and column in row for row in named)
    assert any("model_pricing (model_pattern='dear')" in row for row in named)
    assert again.returncode == 1  # for as long as something is left out
    assert named[0] in again.stderr
    assert f"Left out  {named[0]}" in ours.here("status").stdout
    with closing(_warehouse(ours)) as warehouse:
        held = {name for table, _, name in spoilt if table == "sessions"}
        kept = {row[0] for row in warehouse.execute("SELECT session_id FROM sessions").fetchall()}
        assert kept == {f"s{n + 1:03}" for n in range(len(spoilt) + 1)} - held
        # Rows of a session whose own row is held back are not held back with it.
        answers = "SELECT count(*) FROM usage_rows WHERE row_kind = 'message'"
        events = "SELECT count(*) FROM usage_rows WHERE row_kind = 'usage_event'"
        lost = [table for table, _, _ in spoilt]
        whole = len(spoilt) + 1
        assert warehouse.execute(answers).fetchone() == (whole - lost.count("messages"),)
        assert warehouse.execute(events).fetchone() == (whole - lost.count("usage_events"),)


@pytest.mark.hostile
def test_a_row_that_was_mended_is_there_again(tmp_path: Path) -> None:
    ours = made(
        tmp_path.resolve(),
        lambda a: a.spoil_next("usage_events", "input_tokens", "'x'") and None,
        1,
    )
    with Odd(ours.archive) as archive:
        archive.spoil("usage_events", "input_tokens", "5", "1 = 1")
    done = ours.materialize_here()
    assert done.returncode == 0, done.stderr
    assert json.loads(ours.here("status", "--json").stdout)["left_out"] == []
    assert json.loads(ours.here(*DAILY).stdout)["totals"]["inputTokens"] == 1005


# --- absurd counts -------------------------------------------------------------------------------

HUGE = 2**62


def absurd(archive: Odd, *, times: int = 3, **event: Any) -> None:
    """Four sound days, the second with events that no sum can hold."""
    for number in range(1, 5):
        day = f"2026-11-0{number}"
        archive.session(f"sound{number}", day)
        archive.message(f"sound{number}", 0, f"{day}T10:00:00Z")
    archive.session("absurd", "2026-11-02", agent="codex")
    for number in range(times):
        archive.event(
            "absurd", occurred_at=f"2026-11-02T12:0{number}:00Z", dedup_key=f"k{number}", **event
        )


@pytest.mark.parametrize(
    "event",
    [
        {"input_tokens": HUGE},
        {"output_tokens": 0, "reasoning_tokens": -HUGE},
        *further(
            {"output_tokens": HUGE},
            {"output_tokens": 0, "reasoning_tokens": HUGE},
            {"input_tokens": HUGE, "output_tokens": HUGE, "cache_read_input_tokens": HUGE},
            {"input_tokens": HUGE, "model": "a model without a price"},
        ),
    ],
    ids=str,
)
@pytest.mark.hostile
def test_absurd_counts_hold_back_their_day(
    event: dict[str, Any], tmp_path: Path, oracle: Oracle
) -> None:
    ours = made(tmp_path.resolve(), lambda archive: absurd(archive, **event), 1)
    with closing(_warehouse(ours)) as warehouse:
        for report in REPORTS:
            days = warehouse.execute(
                f"SELECT DISTINCT CAST(partition_date AS VARCHAR) FROM {report} ORDER BY 1"
            ).fetchall()
            kept = ["2026-11-01", "2026-11-03", "2026-11-04"]
            if report == "activity_buckets" and "reasoning_tokens" in event:
                kept.insert(1, "2026-11-02")  # which it does not hold
            assert [day for (day,) in days] == kept, report
    told = ours.materialize_here()
    assert told.returncode == 1
    assert "not made: 2026-11-02; everything else was" in told.stderr
    assert "session_id=absurd" in told.stderr or "partition_date=2026-11-02" in told.stderr
    # The documents read rows, and count in 64 bits as agentsview does.
    for arguments in (DAILY, ACTIVITY):
        mine, theirs = ours.here(*arguments), oracle.run(ours.archive, *arguments)
        assert mine.returncode == theirs.returncode == 0, mine.stderr
        _assert_same(mine, theirs, arguments)
    assert ours.here("status").returncode == 0


COSTS = {
    "infinite": [float("inf")],
    "opposite": [float("inf"), float("-inf")],
    "too much together": [1.7e308, 1.7e308],
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", COSTS)
def test_costs_that_are_no_number_fail_documents_in_one_line(
    kind: str, tmp_path: Path, oracle: Oracle
) -> None:
    def fill(archive: Odd) -> None:
        absurd(archive, times=0)
        for number, cost in enumerate(COSTS[kind]):
            archive.event("absurd", occurred_at="2026-11-02T12:00:00Z", dedup_key=f"c{number}",
                          cost_usd=cost)  # fmt: skip

    ours = made(tmp_path.resolve(), fill, 1 if kind == "opposite" else 0)
    for arguments in DOCUMENTS:
        theirs = oracle.run(ours.archive, *arguments)
        assert theirs.returncode == 1, arguments
        if kind == "opposite" and arguments[0] == "export":
            continue  # a sum that is no number holds back the day of the table that it reads
        mine = ours.here(*arguments)
        assert mine.returncode == 1, arguments
        assert _lines(mine) == _lines(theirs), arguments
        assert re.fullmatch(r"(error|fatal): json: unsupported value: (.Inf|NaN)\n", mine.stderr)
        said = mine.stderr.split(": ", 1)
        assert theirs.stderr.startswith(said[0])
        assert theirs.stderr.rstrip().endswith(said[1].rstrip())
    for arguments in (("usage", "daily", "--all"), ("activity", "report", *ACTIVITY[3:])):
        mine, theirs = ours.here(*arguments), oracle.run(ours.archive, *arguments)
        assert mine.returncode == theirs.returncode, mine.stderr
    assert ours.here("status").returncode == 0


def _lines(done: subprocess.CompletedProcess[str]) -> list[object]:
    """What was written before the number that cannot be, which only NDJSON lets one write."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def _warehouse(ours: OurCommand) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(ours.warehouse.removeprefix("duckdb:///"), read_only=True)


@pytest.mark.parametrize("number", [0, 1, -1, 2**63 - 1, 2**63, -(2**63) - 1, 3 * 2**62, 2**64 + 5])
def test_sums_start_anew_where_64_bits_end(number: int) -> None:
    assert int64(number) % 2**64 == number % 2**64
    assert -(2**63) <= int64(number) < 2**63
