"""Archives full of overlapping activity within two days, and the contract's golden fixture."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from agentsview_assets.rules.timestamps import Instant, format_utc_nanos, format_utc_seconds

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Edit, Value, Workbench

START = 1_782_864_000  # 2026-07-01T00:00:00Z
_SPAN = 2 * 86_400
_MODELS = (
    "claude-opus-4-6",
    "gpt-5.5",
    "mystery",
    "",
    "<synthetic>",
    "unknown",
    "Claude_Haiku-4.5",
)
_PROJECTS = ("alpha", "beta", "", "gamma<&>")
_AGENTS = ("claude", "codex", "copilot")
_STEPS = (0, 1, 20, 60, 60, 60, 299, 300, 301, 4_000)


def busy(seed: int, sessions: int) -> Edit:
    """Return an edit that adds so many sessions, drawn with a seed."""

    def fill(bench: Workbench) -> None:
        """Spans that overlap, touch, repeat, run backwards and tie; rows that share their keys."""
        draw = random.Random(seed)
        for number in range(sessions):
            _session(bench, draw, f"{draw.randrange(1000):03d}-{number}")

    return fill


def _session(bench: Workbench, draw: random.Random, session: str) -> None:
    start = START + draw.randrange(_SPAN)
    long = draw.random() < 0.6
    bench.session(
        session,
        draw.choice(_PROJECTS),
        agent=draw.choice(_AGENTS),
        machine=draw.choice(("local", "laptop")),
        started_at=draw.choice([_text(draw, start), _text(draw, start), None, ""]),
        ended_at=draw.choice([_text(draw, start + draw.randrange(_SPAN)), None, None, ""]),
        created_at=_text(draw, start),
        message_count=draw.choice((0, 1, 2, 2, 2, 7)),
        is_automated=draw.randrange(2),
        deleted_at=draw.choice((None, None, None, None, None, None, None, _text(draw, start))),
        display_name=draw.choice((None, "", "A <title> & more", "  ")),
        first_message=draw.choice((None, "", "line one\nline two\ttab", "\u2028 ünïcode")),
    )
    moment = float(start)
    for _ in range(draw.randrange(1, 9) if long else draw.randrange(3)):
        moment += draw.choice(_STEPS) - 90 * (draw.random() < 0.1)
        _message(bench, draw, session, moment)
    for number in range(draw.choice((0, 0, 0, 1, 2))):
        _event(bench, draw, session, moment, f"k{number}")


def _text(draw: random.Random, moment: float) -> str:
    """Write a moment in one of the ways that are read, and a few that are not."""
    second = int(moment)
    fraction = draw.choice((0, 0, 0, 500_000_000, 123_000_000, 999_999_999, 1))
    utc = format_utc_nanos(Instant(second, fraction))
    shifted = format_utc_seconds(Instant(second + 7_200, 0)).replace("Z", "+02:00")
    odd = (shifted, utc.replace(".", ","), utc.replace("T", " "), "", utc[:10])
    return draw.choice((utc,) * 30 + odd)


def _message(bench: Workbench, draw: random.Random, session: str, moment: float) -> None:
    keys: dict[str, Value] = {}
    kind = draw.random()
    if kind < 0.3:
        keys = {"claude_message_id": f"m{draw.randrange(9)}", "claude_request_id": "r"}
    elif kind < 0.4:
        keys = {"source_uuid": f"u{draw.randrange(5)}"}
    usage: dict[str, Value] = {
        "input_tokens": draw.randrange(5_000),
        "output_tokens": draw.choice((0, 7, draw.randrange(900))),
        "reasoning_tokens": draw.randrange(50),
        "cache_read_input_tokens": draw.randrange(90_000),
    }
    bench.message(
        session,
        usage=draw.choice(("", usage, usage, usage)),
        role=draw.choice(("user", "assistant", "assistant", "system")),
        model=draw.choice(_MODELS),
        timestamp=_text(draw, moment),
        **keys,
    )


def _event(bench: Workbench, draw: random.Random, session: str, moment: float, key: str) -> None:
    bench.event(
        session,
        model=draw.choice(_MODELS),
        message_ordinal=draw.choice((None, 0, 1)),
        source=draw.choice(("turn", "session", "provider")),
        cost_usd=draw.choice((None, 0, 0.25, 0.1)),
        occurred_at=draw.choice((_text(draw, moment), None)),
        dedup_key=draw.choice(("", "", key)),
    )


def negative_costs(bench: Workbench) -> None:
    """Costs that cancel out, or seem to: a row of a break-down comes and goes with the last bit."""
    for project, costs in (
        ("cancels", (2.0, -2.0)),
        ("nearly", (0.1, 0.2, -0.3)),
        ("in-order", (0.3, -0.1, -0.2)),
        ("below", (-0.5,)),
    ):
        session = bench.session(f"negative:{project}", project)
        for number, cost in enumerate(costs):
            bench.event(session, cost_usd=cost, message_ordinal=number, model=f"model of {project}")


def activity_golden(bench: Workbench) -> None:
    """The published example of the activity report."""
    stamp = "2026-07-03T12:00:00Z"
    bench.price("fixture-model-computed", (2, 8, 3, 0.5), stamp)
    bench.price("fixture-model-reported", (1, 4, 2, 0.25), stamp)
    usage = {
        "input_tokens": 1_200,
        "output_tokens": 240,
        "cache_creation_input_tokens": 80,
        "cache_read_input_tokens": 400,
    }
    for project, agent, times, model in (
        ("path", "claude", ("11:00", "11:10"), "fixture-model-reported"),
        ("remote", "codex", ("10:00", "10:30"), "fixture-model-computed"),
    ):
        start, end = (f"2026-07-03T{time}:00Z" for time in times)
        session = bench.session(
            f"{project}-current",
            f"{project}-project",
            agent=agent,
            machine="golden-host",
            started_at=start,
            ended_at=end,
            message_count=4,
        )
        for ordinal, clock in enumerate(("00:00", "00:30", "02:00", "03:00")):
            bench.message(
                session,
                usage=usage if (project, ordinal) == ("remote", 1) else "",
                role="assistant" if ordinal % 2 else "user",
                model=model if ordinal % 2 else "",
                timestamp=f"{start[:14]}{clock}Z",
            )
    bench.event(
        "path-current",
        source="provider",
        message_ordinal=1,
        model="fixture-model-reported",
        input_tokens=300,
        output_tokens=60,
        cost_usd=0.0125,
        occurred_at="2026-07-03T11:01:00Z",
    )
    remote = "https://github.com/acme/remote-project.git"
    bench.observe("remote-project", machine="golden-host", git_remote=remote)
    bench.observe("path-project", machine="golden-host", root_path="/fixtures/path-project")
