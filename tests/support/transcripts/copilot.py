"""Copilot CLI sessions: token totals of the whole session, reported when it shuts down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.transcripts import phrases
from tests.support.transcripts.draws import Draws, rfc3339
from tests.support.transcripts.lines import Recording, Workplace

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path


def events_path(root: Path, recording: Recording) -> Path:
    """Return where Copilot CLI would keep a session's events below `root`."""
    return root / "copilot" / "session-state" / recording.session_id / "events.jsonl"


def session(draws: Draws, place: Workplace, start: dt.datetime) -> Recording:
    """Return a session of a few turns that ends with its totals."""
    recording = Recording(draws.uuid4(), place, start, start)
    model = draws.weighted(phrases.COPILOT_MODELS)
    context = {"cwd": place.folder, "branch": place.branch}
    opening = {
        "sessionId": recording.session_id,
        "version": 1,
        "producer": "copilot-agent",
        "copilotVersion": "0.0.400",
        "startTime": rfc3339(start),
        "context": context,
    }
    _add(draws, recording, "session.start", opening)
    _add(draws, recording, "session.model_change", {"newModel": model})
    output = sum(_turn(draws, recording) for _ in range(draws.randrange(1, 6)))
    usage = {
        "inputTokens": draws.randrange(9_000, 200_000),
        "outputTokens": output,
        "cacheReadTokens": draws.randrange(2_000, 9_000),
        "cacheWriteTokens": 0,
    }
    metrics = {model: {"requests": {"count": 3, "cost": 3}, "usage": usage}}
    closing = {"shutdownType": "routine", "modelMetrics": metrics}
    _add(draws, recording, "session.shutdown", closing)
    recording.priced = 1
    return recording


def _turn(draws: Draws, recording: Recording) -> int:
    _add(draws, recording, "user.message", {"content": phrases.prompt(draws)})
    recording.end += draws.pause(2, 60)
    output = draws.randrange(20, 900)
    said = {
        "messageId": draws.uuid4(),
        "content": phrases.answer(draws),
        "toolRequests": [],
        "outputTokens": output,
    }
    _add(draws, recording, "assistant.message", said)
    recording.end += draws.pause(5, 400)
    return output


def _add(draws: Draws, recording: Recording, kind: str, data: dict[str, Any]) -> None:
    stamp = rfc3339(recording.end)
    line = {"type": kind, "data": data, "id": draws.uuid4(), "timestamp": stamp, "parentId": None}
    recording.lines.append(line)
