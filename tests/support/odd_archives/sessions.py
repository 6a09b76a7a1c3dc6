"""Sessions as exports see them: last activity, durations, families, worktrees, signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.odd_archives.times import TIME_TEXTS
from tests.support.odd_archives.workbench import DAY, Edit

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Workbench

# Texts that SQLite reads as times, and texts that it only seems to; the original sorts by them.
SQLITE_TEXTS = (
    *TIME_TEXTS,
    "2026-07-01 02:00",
    "2026-07-01 02:00:00.5",
    "2026-07-01 02:00:00 +05:00",
    "2026-07-01 23:59:59.9999",
    "2026-07-01T10:00:00.9996Z",
    "2026-07-01T10:00:00.9994Z",
    "2026-07-01T10:00:00.0005Z",
    "2026-07-01T23:59:59.9999999999Z",
    "2026-07-01T10:00:00.5+05:30",
    "2026-07-01T00:00:00.000-14:00",
    "2026-07-01T10:00:00z",
    "02:00",
    "2461222.75",
    "2461222",
    "2026-02-30 12:00:00",
    "2026-06-30T24:00:00Z",
    "2026-06-30T23:59:59.9999Z",
    "2026-06-30 23:59:59.9999+00:30",
    "2026-07-01T23:29:59.9999-00:30",
    "2026-06-28T24:00:00+01:00",
    "4713-01-01",
)
_EARLY, _LATE = f"{DAY}T08:00:00Z", f"{DAY}T18:00:00Z"


def last_activity(bench: Workbench) -> None:
    """End, latest message, start and creation give text and sort value independently."""
    cases: tuple[tuple[str | None, str | None, tuple[str, ...]], ...] = (
        (
            None,
            _EARLY,
            (f"{DAY}T09:30:00Z", f"{DAY}T18:31:00+09:00", f"{DAY}T09:31:00.000Z", "zzz"),
        ),
        ("garbage", _EARLY, (f"{DAY}T09:00:00Z",)),
        ("garbage", _EARLY, ()),
        ("", "", ()),
        (None, None, ()),
        (f"{DAY}T10:10:00Z", _EARLY, (f"{DAY}T10:30:00Z",)),
        (None, "garbage", ("garbage", "zzz")),
        (None, _EARLY, ("zzz",)),
        ("", _EARLY, ("", f"{DAY}T11:00:00Z")),
    )
    for number, (ended, started, messages) in enumerate(cases):
        session = bench.session(f"last:{number}", "last", started_at=started, ended_at=ended)
        for text in messages:
            bench.message(session, timestamp=text)
    bench.session("last:never", "last", started_at="x", ended_at="y", created_at="z")
    bench.session("last:created", "last", started_at="x", ended_at="y", created_at=f"{DAY} 01:00")


def time_texts(bench: Workbench) -> None:
    """Each text as a session's end, start, creation and message time."""
    for number, text in enumerate(SQLITE_TEXTS):
        name = f"text:{number:02}"
        bench.session(f"{name}:end", "texts", ended_at=text)
        bench.session(f"{name}:start", "texts", started_at=text, ended_at=None)
        bench.session(f"{name}:both", "texts", started_at=text, ended_at=f"{DAY}T20:00:00Z")
        created = text or _EARLY
        bench.session(f"{name}:made", "texts", started_at=None, ended_at=None, created_at=created)
        session = bench.session(f"{name}:said", "texts", ended_at=None)
        bench.message(session, timestamp=text)
        bench.message(session, timestamp=f"{DAY}T02:00:00Z")


def durations(bench: Workbench) -> None:
    """Truncated whole seconds; swapped and unreadable ends have none; long ones saturate."""
    pairs = (
        ("10:00:00Z", "10:00:00.999999999Z"),
        ("10:00:00.9Z", "10:01:00.8Z"),
        ("10:00:00+09:00", "10:00:00Z"),
        ("9:00:00Z", "11:00:00,5Z"),
        ("10:00:00.123456789Z", "10:00:07.123456788Z"),
        ("10:00:00Z", "09:59:59Z"),
        ("10:00:00Z", "10:00:00Z"),
    )
    for number, (start, end) in enumerate(pairs):
        bench.session(
            f"lasts:{number}", "durations", started_at=f"{DAY}T{start}", ended_at=f"{DAY}T{end}"
        )
    bench.session("lasts:long", "durations", started_at="0001-01-01T00:00:00Z")
    bench.session("lasts:space", "durations", started_at=f"{DAY} 08:00:00")


def order(bench: Workbench) -> None:
    """Equal instants are ordered by the bytes of the ids, fractions by the instant."""
    for name in ("Btie", "atie", "étie", "😀tie", "\uffeetie"):
        bench.session(name, "ties", ended_at=f"{DAY}T12:00:00Z")
    for number, text in enumerate(
        ("12:00:00.123Z", "12:00:00Z", "12:00:00.000Z", "14:00:00+02:00")
    ):
        bench.session(f"instant:{number}", "ties", ended_at=f"{DAY}T{text}")


def families(bench: Workbench) -> None:
    """Children of every kind: followed, orphaned, below what is left out, in a circle."""
    rows = (
        ("root", "", None, 2),
        ("continued", "continuation", "root", 2),
        ("continued-orphan", "continuation", "nobody", 2),
        ("one-shot", "", None, 1),
        ("continued-one-shot", "continuation", "one-shot", 2),
        ("helper", "subagent", "root", 1),
        ("helper-of-helper", "subagent", "helper", 1),
        ("helper-orphan", "subagent", "nobody", 2),
        ("helper-null", "subagent", None, 2),
        ("forked", "fork", "root", 2),
        ("blank-child", "", "root", 1),
        ("unknown-word", "sibling", "root", 2),
        ("circle-a", "subagent", "circle-b", 2),
        ("circle-b", "subagent", "circle-a", 2),
        ("empty-parent", "root", "", 2),
    )
    for name, kind, parent, prompts in rows:
        bench.session(
            f"family:{name}",
            "family-other" if name == "helper-of-helper" else "family",
            relationship_type=kind,
            parent_session_id=f"family:{parent}" if parent else parent,
            user_message_count=prompts,
        )
    below: tuple[tuple[str, dict[str, str | int]], ...] = (
        ("automated", {"is_automated": 1}),
        ("empty", {"message_count": 0}),
        ("trashed", {"deleted_at": f"{DAY}T21:00:00Z"}),
        ("unplaced", {"started_at": "x", "ended_at": "x", "created_at": "x"}),
    )
    for name, columns in below:
        bench.session(f"family:{name}", "family", **columns)
        bench.session(
            f"family:below-{name}",
            "family",
            relationship_type="subagent",
            parent_session_id=f"family:{name}",
        )
    for prompts in (0, 1, 2):
        bench.session(
            f"family:automated-{prompts}", "family", is_automated=1, user_message_count=prompts
        )
    bench.session(
        "family:automated-child",
        "family",
        is_automated=1,
        relationship_type="subagent",
        parent_session_id="family:root",
    )


def worktrees(bench: Workbench) -> None:
    """The longest root that holds the folder wins; only the same project and machine count."""
    feature = {"worktree_name": "feature", "worktree_root_path": "/repo/alpha"}
    bench.observe("trees", root_path="/repo/alpha/worktrees/feature", **feature)
    main = {"worktree_name": "main", "worktree_root_path": "/repo/alpha/main"}
    bench.observe("trees", root_path="/repo/alpha/main", **main)
    bench.observe("trees", root_path="/named/only", worktree_name="nm")
    bench.observe("trees", root_path="", git_remote="g", worktree_root_path="/rooted/only")
    bench.observe("trees", root_path="rel/ative", worktree_name="relative")
    bench.observe("trees", root_path="/plain")
    folders = (
        *("/repo/alpha/worktrees/feature/pkg", "/repo/alpha/other", "/repo/alpha", "/repo"),
        *("//repo//alpha/", "/repo/alpha/main/x", "/repo/alphabet", "", " /repo/alpha/x"),
        *("/named/only/x", "/rooted/only", "rel/ative/x", "/plain/x", "/repo/alpha/../alpha/main"),
        *(".", "..", "/", "/repo/alpha/\u2028<&>"),
    )
    for number, folder in enumerate(folders):
        for machine in ("local", "other"):
            bench.session(f"tree:{number:02}:{machine}", "trees", machine=machine, cwd=folder)


def signals(bench: Workbench) -> None:
    """Counts, outcomes, grades, failures, secrets and branches to filter by."""
    grades = ("A", "B", "", None)
    for number in range(24):
        bench.session(
            f"signal:{number:02}",
            ("signals", " signals ", "signals,b")[number % 3],
            machine=("local", "b", "c")[number % 3],
            agent=("claude", "codex")[number % 2],
            git_branch=("main", "feature/x", "b<&>", "")[number % 4],
            message_count=number - 1,
            user_message_count=number % 5,
            outcome=("completed", "abandoned", "unknown", "")[number % 4],
            health_grade=grades[number % 4],
            tool_failure_signal_count=number % 4 - 1,
            secret_leak_count=number % 3,
            is_automated=number % 2,
            termination_status=("clean", "awaiting_user", None)[number % 3],
            total_output_tokens=-number,
            has_total_output_tokens=number % 2,
            peak_context_tokens=number * 1_000,
            has_peak_context_tokens=number // 2 % 2,
        )


def assistant_counts(bench: Workbench) -> None:
    """Assistant messages are counted anew, without system ones, by the exact role."""
    session = bench.session("counts", "assistants", message_count=7)
    for role, system in (
        *(("assistant", 0), ("assistant", 1), ("Assistant", 0), ("user", 0)),
        *(("assistant", 0), ("tool", 0)),
    ):
        bench.message(session, role=role, is_system=system)


def usage_of_sessions(bench: Workbench) -> None:
    """Repeats count once a session; zero rows hide later ones; some models have no price."""
    ids = {"claude_message_id": "se", "claude_request_id": "r"}
    for name in ("one", "two"):
        session = bench.session(f"spent:{name}", "spent")
        bench.message(session, **ids)
        bench.message(session, usage={"input_tokens": 7}, **ids)
    hidden = bench.session("spent:hidden", "spent")
    zero = {"claude_message_id": "zero", "claude_request_id": "r"}
    bench.message(hidden, usage="{}", **zero)
    bench.message(hidden, usage={"input_tokens": 9}, **zero)
    mixed = bench.session("spent:mixed", "spent")
    bench.message(mixed)
    bench.message(mixed, model="nobody-prices-this")
    bench.event(mixed, cost_usd=0.25, dedup_key="a")
    bench.event(mixed, dedup_key="b")
    bench.event(mixed, cost_usd=0.0, input_tokens=0, output_tokens=0, model="free", dedup_key="c")
    bench.event(
        mixed, model="gpt-5.5", input_tokens=0, output_tokens=0, reasoning_tokens=-7, dedup_key="d"
    )
    bench.event(bench.session("spent:reported", "spent"), cost_usd=-1.5, reasoning_tokens=5_000_000)


def overnight(bench: Workbench) -> None:
    """A session that runs past midnight is under way on both days."""
    bench.session(
        "night:1", "night", started_at=f"{DAY}T23:00:00Z", ended_at="2026-07-02T01:00:00Z"
    )
    bench.session("night:2", "night", started_at=f"{DAY}T23:00:00-05:00", ended_at=None)
    open_ended = bench.session("night:3", "night", ended_at=None)
    for text in ("2026-07-03T01:00:00Z", "2026-07-03T01:00:00+14:00"):
        bench.message(open_ended, timestamp=text)


EDITS: tuple[Edit, ...] = (
    last_activity,
    time_texts,
    durations,
    order,
    families,
    worktrees,
    signals,
    assistant_counts,
    usage_of_sessions,
    overnight,
)
