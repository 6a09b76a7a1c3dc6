"""Kinds of Claude Code sessions: plain, one-shot, automated, silent, subagent, resumed, forked."""

from __future__ import annotations

import copy
import datetime as dt
import re
from typing import TYPE_CHECKING

from tests.support.transcripts import phrases
from tests.support.transcripts.claude import Conversation, Manner, begin
from tests.support.transcripts.draws import Draws, rfc3339
from tests.support.transcripts.lines import Line, Recording, Workplace

if TYPE_CHECKING:
    from pathlib import Path


def transcript_path(root: Path, recording: Recording, agent_id: str | None = None) -> Path:
    """Return where Claude Code would keep a session, or a subagent of it, below `root`."""
    folder = root / "claude" / re.sub(r"[/._]", "-", recording.place.folder)
    if agent_id is None:
        return folder / f"{recording.session_id}.jsonl"
    return folder / recording.session_id / "subagents" / f"agent-{agent_id}.jsonl"


def manner(draws: Draws) -> Manner:
    """Return how an ordinary session goes."""
    return Manner(
        model=draws.weighted(phrases.CLAUDE_MODELS),
        request_ids=not draws.chance(0.03),
        milliseconds=not draws.chance(0.15),
    )


def plain(
    draws: Draws, place: Workplace, start: dt.datetime, priced: int, subagents: list[str]
) -> Recording:
    """Return a session of several turns, whose Task calls name the given subagents."""
    talk = begin(draws, draws.uuid4(), place, start, manner(draws))
    talk.subagents = list(subagents)
    talk.converse(priced)
    if draws.chance(0.2):
        summary = {"type": "summary", "summary": "Tide work", "leafUuid": talk.last_uuid}
        talk.recording.lines.append(summary)
    if draws.chance(0.02):
        talk.recording.lines.append('{"type":"assistant","message":{"model":"claude-op')
    return talk.recording


def short(draws: Draws, place: Workplace, start: dt.datetime, *, automated: bool) -> Recording:
    """Return a session of one prompt, typed by a person or by a program."""
    priced = draws.one_of((1, 1, 2, 3, 5))
    first = phrases.automated_prompt(draws) if automated else ""
    how = Manner(draws.weighted(phrases.CLAUDE_MODELS), first_prompt=first, turn_length=priced)
    talk = begin(draws, draws.uuid4(), place, start, how)
    talk.converse(priced)
    return talk.recording


def silent(draws: Draws, place: Workplace, start: dt.datetime) -> Recording:
    """Return a session in which only synthetic messages answer, so that it has no usage."""
    talk = begin(draws, draws.uuid4(), place, start, Manner(phrases.UNPRICED_MODEL))
    talk.interrupted_prompts(draws.randrange(1, 4))
    return talk.recording


def subagent(draws: Draws, parent: Recording, agent_id: str, priced: int) -> Recording:
    """Return the transcript of a subagent that ran while its parent did."""
    start = parent.start + (parent.end - parent.start) * draws.random()
    start = start.replace(microsecond=start.microsecond // 1000 * 1000)
    how = Manner("claude-haiku-4-5", turn_length=priced, agent_id=agent_id)
    talk = begin(draws, parent.session_id, parent.place, start, how)
    talk.converse(priced)
    return talk.recording


def forked(draws: Draws, place: Workplace, start: dt.datetime, priced: int) -> Recording:
    """Return one file that holds a second branch, grown from its second prompt.

    Without split messages: the archive loses the parent links of a split message and would
    read the file as one line of talk.
    """
    how = Manner(draws.weighted(phrases.CLAUDE_MODELS), split_messages=False, turn_length=1)
    talk = begin(draws, draws.uuid4(), place, start, how)
    talk.converse(max(priced, 5))
    second_prompt = next(
        line
        for line in talk.recording.lines
        if isinstance(line, dict) and line["uuid"] == talk.prompts[1]
    )
    talk.last_uuid = second_prompt["parentUuid"]
    talk.recording.end += dt.timedelta(minutes=3)
    talk.converse(max(2, priced // 3))
    return talk.recording


def resumed(
    draws: Draws, earlier: Recording, folder: str, priced: int, *, later_times: bool
) -> Recording:
    """Return a session that first repeats messages of an earlier one, then goes on.

    Args:
        draws: Source of everything drawn.
        earlier: The session it continues.
        folder: Working folder of the continuation.
        priced: New token-bearing messages after the repeated ones.
        later_times: Whether repeated messages get new, later times or keep their own.
    """
    place = Workplace(folder, earlier.place.branch)
    start = earlier.end + draws.pause(600, 90_000)
    if later_times:
        start = earlier.start + dt.timedelta(
            days=draws.randrange(1, 5), minutes=draws.randrange(600)
        )
    session_id = draws.uuid4()
    renamed = later_times or draws.chance(0.5)
    repeated = _repeatable(draws, earlier)
    for position, line in enumerate(repeated):
        if renamed:
            line.update(sessionId=session_id, cwd=folder)
        if later_times:
            line["timestamp"] = rfc3339(start + dt.timedelta(milliseconds=9 * position))
    talk = begin(draws, session_id, place, start + dt.timedelta(seconds=60), manner(draws))
    _prepend(draws, talk, repeated)
    talk.converse(priced)
    return talk.recording


def _repeatable(draws: Draws, earlier: Recording) -> list[Line]:
    spoken = [
        line
        for line in earlier.lines
        if isinstance(line, dict) and line["type"] in {"user", "assistant"}
    ]
    stops = [
        position + 1
        for position, line in enumerate(spoken)
        if line["message"].get("stop_reason") == "end_turn"
    ]
    return copy.deepcopy(spoken[: draws.one_of(stops[:30])])


def _prepend(draws: Draws, talk: Conversation, repeated: list[Line]) -> None:
    for line in repeated:
        usage = line["message"].get("usage")
        if usage and draws.chance(0.05):  # copied while the answer was still streaming
            usage["output_tokens"] = max(1, usage["output_tokens"] // 5)
        talk.recording.priced += usage is not None
    talk.recording.lines.extend(repeated)
    talk.last_uuid = repeated[-1]["uuid"]
    # The first repeated prompt already opened the session.
    talk.prompts.append(repeated[0]["uuid"])
