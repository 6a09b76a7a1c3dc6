"""Claude Code conversations: turns of tool use with the provider's token counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.transcripts import phrases
from tests.support.transcripts.draws import Draws, rfc3339
from tests.support.transcripts.lines import Line, Recording, Workplace

if TYPE_CHECKING:
    import datetime as dt

_CONTEXT_LIMIT = 185_000
_VERSION = "2.0.44"
_SYNTHETIC = "<synthetic>"
_NO_TOKENS = {
    "input_tokens": 0,
    "output_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}


@dataclass(frozen=True)
class Manner:
    """How a conversation goes.

    Attributes:
        model: Model that answers.
        first_prompt: First user text; drawn when empty.
        request_ids: Whether answers carry a request id (old versions did not).
        split_messages: Whether one message may span several lines.
        turn_length: Answers per prompt; drawn when None.
        milliseconds: Whether times have a fraction.
        agent_id: Id of the subagent that talks, if one does.
    """

    model: str
    first_prompt: str = ""
    request_ids: bool = True
    split_messages: bool = True
    turn_length: int | None = None
    milliseconds: bool = True
    agent_id: str | None = None


@dataclass(frozen=True)
class _Reply:
    """One answer of the model: the same ids and model on every line it is written in."""

    message_id: str
    request_id: str
    usage: dict[str, Any]


@dataclass
class Conversation:
    """A Claude Code transcript in the making.

    Attributes:
        recording: What is written so far; `recording.end` is the clock.
        prompts: uuids of the prompts, in order, for forks to branch at.
        subagents: Ids that coming Task calls will report as theirs.
    """

    draws: Draws
    recording: Recording
    manner: Manner
    last_uuid: str | None = None
    prompts: list[str] = field(default_factory=list)
    subagents: list[str] = field(default_factory=list)
    _context: int = 15_000

    def converse(self, priced: int) -> None:
        """Add turns until `priced` more token-bearing messages are written."""
        goal = self.recording.priced + priced
        self._context = self.draws.randrange(9_000, 26_000)
        while self.recording.priced < goal:
            self._turn(goal - self.recording.priced)
            self._wait_for_the_person()

    def interrupted_prompts(self, count: int) -> None:
        """Add prompts that the program itself, not a model, answers."""
        for _ in range(count):
            self._user(phrases.prompt(self.draws))
            self._pass(2, 90)
            self._synthetic_error()

    def _turn(self, at_most: int) -> None:
        first = self.manner.first_prompt if not self.prompts else ""
        self._user(first or phrases.prompt(self.draws))
        self.prompts.append(self.last_uuid or "")
        self._pass(1, 9)
        drawn = self.manner.turn_length or self.draws.long_tail(4)
        for left in reversed(range(min(drawn, at_most))):
            if left == 0:
                self._final_answer()
            else:
                self._tool_step(may_split=left > 1)
            self._pass(1.5, 40)
        if self.draws.chance(0.01):
            self._synthetic_error()

    def _wait_for_the_person(self) -> None:
        self._pass(5, 900)
        if self.draws.chance(0.02):  # left open over lunch, or over midnight
            self._pass(7_200, 50_000)

    def _tool_step(self, *, may_split: bool) -> None:
        reply = self._reply()
        name, given = phrases.tool_call(self.draws)
        if self.subagents:
            task = {
                "description": "survey",
                "prompt": "Survey the code",
                "subagent_type": "Explore",
            }
            name, given = "Task", task
        # Two parallel tool calls of one message stand on lines apart: an in-file duplicate.
        parallel = may_split and self.manner.split_messages and self.draws.chance(0.04)
        if self.manner.split_messages and self.draws.chance(0.08):
            thought = [{"type": "thinking", "thinking": "Weighing it.", "signature": "none"}]
            self._assistant(thought, reply, output_share=9)
            self._pass(0.1, 0.9)
        self._call_tool(name, given, reply, output_share=7 if parallel else 1)
        if parallel:
            self._pass(0.1, 3)
            self._call_tool("Read", {"file_path": "src/second.py"}, reply)

    def _call_tool(
        self, name: str, given: dict[str, Any], reply: _Reply, *, output_share: int = 1
    ) -> None:
        call_id = self.draws.token("toolu_01", 22)
        content = [{"type": "tool_use", "id": call_id, "name": name, "input": given}]
        self._assistant(content, reply, output_share=output_share, stop="tool_use")
        self.recording.priced += 1
        self._pass(0.2, 20)
        result: dict[str, Any] = {"stdout": "ok", "stderr": "", "interrupted": False}
        if name == "Task":
            result = {"status": "completed", "agentId": self.subagents.pop(), "totalTokens": 900}
        answer = [{"tool_use_id": call_id, "type": "tool_result", "content": "ok"}]
        self._user(answer, toolUseResult=result)

    def _final_answer(self) -> None:
        text = [{"type": "text", "text": phrases.answer(self.draws)}]
        self._assistant(text, self._reply(), stop="end_turn")
        self.recording.priced += 1

    def _synthetic_error(self) -> None:
        reply = _Reply(self.draws.uuid4(), "", _NO_TOKENS)
        text = [{"type": "text", "text": "API Error: 529 overloaded"}]
        self._assistant(text, reply, stop="stop_sequence", model=_SYNTHETIC)

    def _reply(self) -> _Reply:
        draws = self.draws
        grown = draws.long_tail(500, most=60_000)
        if self._context + grown > _CONTEXT_LIMIT:
            self._context = 20_000
        cached, written = self._context, grown
        self._context += grown
        if draws.chance(0.04):  # the cache had expired: all of it is written again
            cached, written = 0, cached + written
        usage: dict[str, Any] = {
            "input_tokens": draws.randrange(1, 13) if draws.chance(0.8) else draws.randrange(4_000),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": cached,
            "cache_creation": {"ephemeral_5m_input_tokens": written},
            "output_tokens": draws.long_tail(180, spread=1.2, most=16_000),
            "service_tier": "standard",
        }
        request_id = draws.token("req_011C", 20) if self.manner.request_ids else ""
        return _Reply(draws.token("msg_01", 22), request_id, usage)

    def _pass(self, shortest: float, longest: float) -> None:
        self.recording.end += self.draws.pause(shortest, longest)

    def _envelope(self) -> Line:
        agent = self.manner.agent_id
        envelope: Line = {
            "parentUuid": self.last_uuid,
            "isSidechain": agent is not None,
            "userType": "external",
            "cwd": self.recording.place.folder,
            "sessionId": self.recording.session_id,
            "version": _VERSION,
            "gitBranch": self.recording.place.branch,
            "uuid": self.draws.uuid4(),
            "timestamp": rfc3339(self.recording.end, milliseconds=self.manner.milliseconds),
        }
        return envelope if agent is None else {**envelope, "agentId": agent}

    def _add(self, line: Line) -> None:
        self.recording.lines.append(line)
        self.last_uuid = line["uuid"]

    def _user(self, content: str | list[dict[str, Any]], **more: object) -> None:
        message = {"role": "user", "content": content}
        self._add({**self._envelope(), "type": "user", "message": message, **more})

    def _assistant(
        self,
        content: list[dict[str, Any]],
        reply: _Reply,
        *,
        output_share: int = 1,
        stop: str | None = None,
        model: str = "",
    ) -> None:
        output = max(1, reply.usage["output_tokens"] // output_share)
        message = {
            "model": model or self.manner.model,
            "id": reply.message_id,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop,
            "usage": {**reply.usage, "output_tokens": output if model == "" else 0},
        }
        request = {"requestId": reply.request_id} if reply.request_id else {}
        self._add({**self._envelope(), **request, "type": "assistant", "message": message})


def begin(
    draws: Draws, session_id: str, place: Workplace, start: dt.datetime, manner: Manner
) -> Conversation:
    """Return an empty conversation that starts at `start` (UTC)."""
    return Conversation(draws, Recording(session_id, place, start, start), manner)
