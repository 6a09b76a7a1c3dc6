"""Codex rollouts: cumulative token counts, repeated reports, copied history in forks."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from tests.support.transcripts import phrases
from tests.support.transcripts.draws import Draws, rfc3339
from tests.support.transcripts.lines import Line, Recording, Workplace

if TYPE_CHECKING:
    from pathlib import Path

_COUNTERS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
_WINDOW = 258_400


def rollout_path(root: Path, recording: Recording) -> Path:
    """Return where Codex would keep a rollout below `root`."""
    stamp = recording.start.strftime("%Y-%m-%dT%H-%M-%S")
    day = recording.start.strftime("%Y/%m/%d")
    return root / "codex" / day / f"rollout-{stamp}-{recording.session_id}.jsonl"


class Rollout:
    """A Codex rollout in the making; `recording.end` is the clock."""

    def __init__(
        self, draws: Draws, place: Workplace, start: dt.datetime, *, scripted: bool
    ) -> None:
        """Start a rollout typed by a person, or `scripted` by another program."""
        self._draws = draws
        self._model = draws.weighted(phrases.CODEX_MODELS)
        self._scripted = scripted
        self._totals = dict.fromkeys(_COUNTERS, 0)
        self._context = draws.randrange(6_000, 14_000)
        self.recording = Recording(draws.uuid7(start), place, start, start)

    def open(self, forked_from: Recording | None = None) -> None:
        """Write the head of the file; a fork copies the history that it grew from."""
        place = self.recording.place
        meta: dict[str, Any] = {
            "id": self.recording.session_id,
            "timestamp": rfc3339(self.recording.start),
            "cwd": place.folder,
            "originator": "codex_exec" if self._scripted else "codex_cli_rs",
            "cli_version": "0.77.0",
            "source": "exec" if self._scripted else "cli",
            "model_provider": "openai",
            "git": {"commit_hash": self._draws.hex_digits(40), "branch": place.branch},
        }
        if forked_from is None:
            self._add("session_meta", meta)
            return
        self._add("session_meta", {**meta, "forked_from_id": forked_from.session_id})
        kept = self._draws.randrange(2, len(forked_from.lines))
        for line in forked_from.lines[:kept]:
            if isinstance(line, dict):
                stamped: Line = {**line, "timestamp": rfc3339(self.recording.end)}
                self.recording.lines.append(stamped)
        self.recording.end += dt.timedelta(seconds=4)

    def converse(self, priced: int) -> None:
        """Add turns until `priced` token reports are written."""
        while priced > 0:
            steps = min(priced, self._draws.long_tail(5))
            self._prompt()
            for step in reversed(range(steps)):
                self._step(last=step == 0)
            self._add("event_msg", {"type": "task_complete", "last_agent_message": "ok"})
            self.recording.end += self._draws.pause(8, 900)
            priced -= steps

    def _prompt(self) -> None:
        turn, asked = self._draws.uuid7(self.recording.end), phrases.prompt(self._draws)
        spoken = [{"type": "input_text", "text": asked}]
        folder = self.recording.place.folder
        started = {"type": "task_started", "turn_id": turn, "model_context_window": _WINDOW}
        self._add("event_msg", started)
        self._add("turn_context", {"turn_id": turn, "cwd": folder, "model": self._model})
        self._add("response_item", {"type": "message", "role": "user", "content": spoken})
        self._add("event_msg", {"type": "user_message", "message": asked, "images": []})

    def _step(self, *, last: bool) -> None:
        self.recording.end += self._draws.pause(0.8, 30)
        if last:
            said = phrases.answer(self._draws)
            content = [{"type": "output_text", "text": said}]
            self._add("response_item", {"type": "message", "role": "assistant", "content": content})
            self._add("event_msg", {"type": "agent_message", "message": said})
        else:
            self._shell_call()
        report = self._token_report()
        self._add("event_msg", report)
        if self._draws.chance(0.2):  # Codex repeats an unchanged report
            self._add("event_msg", report)
        self.recording.priced += 1

    def _shell_call(self) -> None:
        call = self._draws.token("call_", 22)
        given = json.dumps({"command": "pytest -q", "workdir": self.recording.place.folder})
        shell = {"type": "function_call", "name": "shell_command", "arguments": given}
        self._add("response_item", {**shell, "call_id": call})
        output = {"type": "function_call_output", "call_id": call, "output": "ok"}
        self._add("response_item", output)

    def _token_report(self) -> dict[str, Any]:
        draws = self._draws
        cached = 0 if draws.chance(0.15) else self._context
        self._context = min(self._context + draws.long_tail(600, most=50_000), 200_000)
        output = draws.long_tail(150, most=9_000)
        last = dict(zip(_COUNTERS, (self._context, cached, output, output // 3), strict=True))
        for counter in _COUNTERS:
            self._totals[counter] += last[counter]
        info = {
            "total_token_usage": _with_total(self._totals),
            "last_token_usage": _with_total(last),
            "model_context_window": _WINDOW,
        }
        return {"type": "token_count", "info": info}

    def _add(self, kind: str, payload: dict[str, Any]) -> None:
        stamp = rfc3339(self.recording.end)
        self.recording.lines.append({"timestamp": stamp, "type": kind, "payload": payload})


def _with_total(counts: dict[str, int]) -> dict[str, int]:
    return {**counts, "total_tokens": counts["input_tokens"] + counts["output_tokens"]}
