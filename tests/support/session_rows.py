"""Rows that only the usage of a single session shows: ties, labels, rows of nothing, credits."""

from __future__ import annotations

from tests.support.odd_archives.workbench import DAY, NOON, Edit, Value, Workbench


def ties(bench: Workbench) -> None:
    """At one time and ordinal the source decides, then the event's key; `id:` and a number else."""
    bench.session("one:ties", "one")
    tokens = 0
    sources = (("b", "z"), ("b", "a"), ("a", "q"), ("c", ""), ("b", ""), ("a", ""), ("zz", "k"))
    for source, key in (*sources, ("b", "hz"), ("b", "idz"), ("message", "k"), ("b", "é")):
        for ordinal in (3, None):
            tokens += 1
            own = f"{key}{ordinal or ''}" if key else ""
            bench.event("one:ties", source=source, dedup_key=own, message_ordinal=ordinal,
                        input_tokens=tokens)  # fmt: skip
    bench.message("one:ties", ordinal=3)
    bench.session("one:messages", "one")
    for key, usd, at in (("", 0.5, 1), ("A", 0.6, 1), ("", 0.7, 1), ("B", 0.8, None)):
        bench.event("one:messages", source="message", dedup_key=key, cost_usd=usd,
                    message_ordinal=at)  # fmt: skip
    bench.message("one:messages", ordinal=1, claude_message_id="q", claude_request_id="r")


def before_the_first(bench: Workbench) -> None:
    """No ordinal stands where -1 does; then source and key decide."""
    bench.session("one:before", "one")
    bench.message("one:before", ordinal=-1)
    bench.message("one:before", ordinal=-4)
    for source, at in (("message", -1), ("message", None), ("a", None), ("a", -1), ("z", -1)):
        bench.event("one:before", source=source, message_ordinal=at, cost_usd=0.5)


def labels(bench: Workbench) -> None:
    """A message is a prompt, an event with an ordinal a step, one without is called by source."""
    bench.session("one:labels", "one")
    for at, source in enumerate(("session", "Session", "turn", "cursor", "", "x <&>", "prompt")):
        for ordinal in (None, 0):
            bench.event("one:labels", source=source, message_ordinal=ordinal,
                        occurred_at=f"{DAY}T12:00:{at:02d}Z")  # fmt: skip
    for name, ordinal in (("great", 2**63 - 1), ("small", -(2**63))):
        bench.session(f"one:{name}", "one")
        bench.event(f"one:{name}", message_ordinal=ordinal)


def nothing(bench: Workbench) -> None:
    """Rows of nothing do not count, not even their models; a reported cost of 0 is something."""
    none: dict[str, Value] = {"input_tokens": 0, "output_tokens": 0}
    bench.session("one:nothing", "one")
    bench.message("one:nothing", "{}", model="unknown-a")
    bench.event("one:nothing", model="unknown-b", **none)
    bench.event("one:nothing", model="unknown-c", **{**none, "input_tokens": -5})
    bench.event("one:nothing", source="message", reasoning_tokens=9, model="unknown-d", **none)
    bench.session("one:reasoning", "one")
    bench.message("one:reasoning", {"reasoning_tokens": 5})
    bench.event("one:reasoning", reasoning_tokens=-5, **none)
    bench.session("one:free", "one")
    bench.event("one:free", cost_usd=0.0, model="unknown-a", **none)


def empty_first(bench: Workbench) -> None:
    """A row of nothing takes its key all the same, so that a later one does not count either."""
    ids: dict[str, Value] = {"claude_message_id": "empty", "claude_request_id": "first"}
    bench.session("one:empty-first", "one")
    bench.message("one:empty-first", "{}", timestamp=f"{DAY}T11:00:00Z", **ids)
    bench.message("one:empty-first", **ids)


def shared_keys(bench: Workbench) -> None:
    """Keys hold within a session alone: what another one repeats counts here as well."""
    ids: dict[str, Value] = {"claude_message_id": "both", "claude_request_id": "have"}
    for name in ("one:first", "one:second"):
        bench.session(name, "one")
        bench.message(name, **ids)
        bench.message(name, {"input_tokens": 5}, **ids)
        bench.message(name, source_uuid="u")
        bench.message(name, {"input_tokens": 7}, source_uuid="u")


def times(bench: Workbench) -> None:
    """Times are shown as stored; without one of its own a row has the session's."""
    for name, started in (("null", None), ("empty", ""), ("garbage", "noon")):
        session = bench.session(f"one:time-{name}", "one", started_at=started)
        bench.event(session, occurred_at=None)
        bench.event(session, occurred_at="", message_ordinal=7)
        bench.message(session, timestamp=None)
        bench.message(session, timestamp="2026-07-01T12:00:06+02:00")
        bench.message(session, timestamp=f"{DAY}T10:00:00.123456789Z")


def models(bench: Workbench) -> None:
    """Models by the bytes of their names; one without a price leaves the session without a cost."""
    for session, extra in (("one:known", ()), ("one:unknown", ("Zz", "é", "aa", "\uffff", "😀"))):
        bench.session(session, "one", agent="copilot")
        for model in ("gpt-5.5", "claude-opus-4-6", *extra):
            bench.message(session, model=model)
    bench.session("one:synthetic", "one")
    bench.event("one:synthetic", model="<synthetic>")
    bench.message("one:synthetic", model="<synthetic>")


def credits_of_agents(bench: Workbench) -> None:
    """Cost as credits, of agents that have them, unless it is nothing."""
    names = ("copilot", "vscode-copilot", "windsurf", "visualstudio-copilot", "Copilot", "")
    for at, agent in enumerate(names):
        for usd in (0.07, -1.0, 0.0):
            session = bench.session(f"one:credits-{at}-{usd}", "one", agent=agent)
            bench.event(session, cost_usd=usd)
            bench.event(session, cost_usd=usd, message_ordinal=1)


def told(bench: Workbench) -> None:
    """What the source told of the session, whether or not it says that it did."""
    for output, peak in ((0, 0), (1, 0), (0, 1), (1, 1)):
        bench.session(
            f"one:told-{output}{peak}", "", total_output_tokens=-5, peak_context_tokens=77,
            has_total_output_tokens=output, has_peak_context_tokens=peak,
        )  # fmt: skip


def great_counts(bench: Workbench) -> None:
    """Counts are cut where other reports cut them."""
    bench.session("one:great-counts", "one")
    bench.event("one:great-counts", source="session", input_tokens=2**62)
    bench.event("one:great-counts", source="turn", input_tokens=3_000_000, output_tokens=-3)
    bench.message("one:great-counts", {"input_tokens": 9**18})


def odd_ids(bench: Workbench) -> None:
    """Any text is an id."""
    for name in ("a/b", "a b", 'q"<&>é', "a+b%2F", "x/usage", " ", "line\nbreak", "x" * 600, "😀"):
        bench.session(f"one:{name}", "one")
        bench.message(f"one:{name}")


def trashed(bench: Workbench) -> None:
    """What lies in the trash is no session, whatever the time says."""
    for name, at in (("trashed", NOON), ("trashed-empty", "")):
        bench.session(f"one:{name}", "one", deleted_at=at)
        bench.message(f"one:{name}")


def room_for_numbers(bench: Workbench) -> None:
    """The events so far are numbered from a million on."""
    bench.database.execute("UPDATE usage_events SET id = id + 1000000")


def numbers(bench: Workbench) -> None:
    """Events without a key go by their numbers as texts: 10 before 9, and 100 before both."""
    bench.session("one:numbers", "one")
    for number in (*range(8, 12), *range(96, 104)):
        bench.event("one:numbers", id=number, input_tokens=number)


def numbers_in_parts(bench: Workbench) -> None:
    """Time, ordinal and source come first; no time is that of the start, no ordinal is -1."""
    start = f"{DAY}T08:00:00Z"
    bench.session("one:numbers-in-parts", "one", started_at=start)
    bench.session("one:numbers-without-a-start", "one", started_at=None)
    for number in range(990, 1010):
        own: dict[str, Value] = {
            "occurred_at": (start, None, NOON)[number % 3],
            "message_ordinal": (None, -1)[number % 2],
            "source": ("turn", "session", "turn", "turn")[number % 4],
            "model": ("gpt-5.5", "", "gpt-5.5", "gpt-5.5", "gpt-5.5")[number % 5],
        }
        bench.event("one:numbers-in-parts", id=number, input_tokens=number, **own)
    for number in range(9_995, 10_005):
        bench.event("one:numbers-without-a-start", id=number, input_tokens=number,
                    occurred_at=(None, "")[number % 2])  # fmt: skip


def keys_like_numbers(bench: Workbench) -> None:
    """Keys of their own that look like numbers stand among them, before and after."""
    bench.session("one:like-numbers", "one")
    for number in (*range(198, 202), *range(1_999, 2_002)):
        bench.event("one:like-numbers", id=number, input_tokens=number)
    keys = ("id:19", "id:1990", "id:200x", "id:2000", "id:", "id", "id;", "ID:1", "id:9", "id:é")
    for at, key in enumerate(keys, 300):
        bench.event("one:like-numbers", id=at, input_tokens=at, dedup_key=key)


NUMBERS: tuple[Edit, ...] = (room_for_numbers, numbers, numbers_in_parts, keys_like_numbers)
"""What numbers decide alone."""
EDITS: tuple[Edit, ...] = (
    *(ties, before_the_first, labels, nothing, empty_first, shared_keys, times, models),
    *(credits_of_agents, told, great_counts, odd_ids, trashed, *NUMBERS),
)
