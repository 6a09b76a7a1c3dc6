"""Archives made by hand for what only requests over HTTP can be narrowed by or tell.

They are no recipes: sessions that are active now are made when the tests run.
"""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Edit, Value, Workbench

FIRST, LAST = "2026-06-30", "2026-07-03"


def names(bench: Workbench) -> None:
    """A display name that is empty hides a session name; one that is NULL does not."""
    kinds: tuple[Value, ...] = (None, "", " ", "<shown> & named")
    for number, (display, session, first) in enumerate(product(kinds, kinds[1:], kinds[1:])):
        texts = {"display_name": display, "session_name": session, "first_message": first}
        project = ("", "named")[number % 2]
        bench.session(f"name:{number:02d}", project, **texts)
        bench.message(f"name:{number:02d}", usage={"input_tokens": 100 + number})


def absent_names(bench: Workbench) -> None:
    """Names that are NULL, and a start that is."""
    for name in ("session_name", "first_message", "started_at", "ended_at"):
        bench.session(f"null:{name}", "nulls", display_name="", **{name: None})
        bench.message(f"null:{name}")


def headless_events(bench: Workbench) -> None:
    """Cursor events without a person are left out with the sessions that programs started."""
    for number, is_headless in enumerate((0, 1, 2, "x")):
        bench.cursor(
            model=f"headless {is_headless}", is_headless=is_headless, dedup_key=f"h{number}"
        )
        bench.cursor(is_headless=is_headless)


def shared_keys(bench: Workbench) -> None:
    """A Cursor event and a session's event with one key: without a session, the other counts."""
    session = bench.session("keyed", "keyed", agent="cursor")
    bench.event(session, dedup_key="k", occurred_at="2026-07-01T11:00:00Z", input_tokens=7)
    bench.cursor(dedup_key="keyed:turn:k", occurred_at="2026-07-01T10:00:00Z", input_tokens=3)
    bench.event(session, source="cursor", input_tokens=11)


def automated_sessions(bench: Workbench) -> None:
    """Sessions that programs started, with few messages of a user; the trash; duplicates of all."""
    for automated, prompts, deleted in product((0, 1), (0, 1, 2, 5), (None, "")):
        name = f"auto:{automated}{prompts}{'' if deleted is None else '-gone'}"
        columns: dict[str, Value] = {"is_automated": automated, "user_message_count": prompts}
        bench.session(name, f"prompts-{prompts}", deleted_at=deleted, **columns)
        bench.message(name, model=f"auto-{automated}")
        bench.message(
            name, model="auto-shared", claude_message_id=f"a{prompts}", claude_request_id="r"
        )


def branches(bench: Workbench) -> None:
    """Branches with odd characters, and one of two projects."""
    for number, branch in enumerate(
        ("main", "", "feature/<x>&y", "a,b", " main", "ü\u2028", "it's")
    ):
        for project in ("branchy", "branchy,too"):
            name = f"branch:{number}:{project}"
            bench.session(
                name, project, git_branch=branch, machine=("local", "a,b", "")[number % 3]
            )
            bench.message(name)


def without_tokens(bench: Workbench) -> None:
    """Agents that record no tokens: answers in many places and forms, or none at all."""
    for agent in ("copilot", "vscode-copilot", "windsurf", "visualstudio-copilot", "zcode"):
        for number, (role, model, text) in enumerate(
            (
                ("assistant", "gpt-5.5", "2026-07-01T23:30:00Z"),
                ("assistant", "", "2026-07-02T00:00:00.5Z"),
                ("assistant", "<synthetic>", "2026-07-03T10:00:00Z"),
                ("user", "gpt-5.5", "2026-07-03T11:00:00Z"),
                ("assistant", "silent", ""),
                ("assistant", "odd", "garbage-timestamp"),
                ("assistant", "o\x01dd", "2026-06-30 10:00:00"),
            )
        ):
            name = f"silent:{agent}:{number}"
            started = (None, "", "2026-06-30T09:00:00Z")[number % 3]
            bench.session(
                name,
                f"silent-{number}",
                agent=agent,
                started_at=started,
                user_message_count=number,
                is_automated=int(number == 0 and agent == "zcode"),
            )
            bench.message(name, usage="", role=role, model=model, timestamp=text)
    gone = bench.session("silent:gone", "silent-gone", agent="copilot", deleted_at="2026-07-01")
    bench.message(gone, usage="")
    told = bench.session("silent:event", "silent-event", agent="windsurf")
    bench.event(told, input_tokens=0, output_tokens=0, occurred_at="2026-07-03T12:00:00Z")


def endings(bench: Workbench) -> None:
    """Sessions by how they ended and how long ago, told by one of three times."""
    now = dt.datetime.now(dt.UTC)
    states = (None, "clean", "awaiting_user", "tool_call_pending", "truncated", "Clean")
    for status, minutes, told_by in product(states, (3, 30, 90), range(3)):
        moment = f"{now - dt.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        texts: dict[str, Value] = {"ended_at": "", "started_at": None, "created_at": moment}
        if told_by:
            texts |= {"started_at": moment, "created_at": "2026-01-01T00:00:00.000Z"}
        if told_by > 1:
            texts |= {"ended_at": moment.replace("T", " "), "started_at": "2026-01-01T00:00:00Z"}
        name = f"ended:{status}:{minutes}:{told_by}"
        bench.session(name, f"ended-{minutes}", termination_status=status, **texts)
        bench.message(name, model=f"{status}")
    for number, text in enumerate(("soon", "9999-99-99", "12:00", "2026-07-01T09:00:00,5Z")):
        bench.session(
            f"ended:odd:{number}", "odd-ends", ended_at=text, termination_status="truncated"
        )
        bench.message(f"ended:odd:{number}")


EDITS: tuple[Edit, ...] = (
    names,
    absent_names,
    headless_events,
    shared_keys,
    automated_sessions,
    branches,
    without_tokens,
    endings,
)
