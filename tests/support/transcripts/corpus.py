"""A whole corpus: which sessions of which kinds happen where and when, written to disk."""

from __future__ import annotations

import collections
import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.support.transcripts import claude_sessions, copilot
from tests.support.transcripts.checkouts import Project, make_projects
from tests.support.transcripts.claude_sessions import transcript_path
from tests.support.transcripts.codex import Rollout, rollout_path
from tests.support.transcripts.draws import Calendar, Draws
from tests.support.transcripts.lines import Recording, Workplace, write_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SHARES = {
    "plain": 44.0,
    "one_shot": 11.0,
    "automated": 10.0,
    "silent": 4.0,
    "forked": 4.0,
    "resumed_same_times": 5.0,
    "resumed_later_times": 4.0,
    "codex": 9.0,
    "codex_scripted": 3.0,
    "codex_forked": 2.0,
    "copilot": 4.0,
}
# Every kind once, before the shares decide; the plain ones give the resumed ones a past.
_OPENING = ("plain", "plain", "codex", *_SHARES)
_MOST_SUBAGENTS = 3


@dataclass(frozen=True)
class Settings:
    """What a corpus is to hold.

    Attributes:
        sessions: Sessions in the archive it becomes, subagents and forks included (about).
        days: Days that the sessions start on, up to and including `last_day`.
        seed: Same seed and same output folder give the same bytes.
        last_day: Last day (UTC) on which a session may start.
        mean_turns: Average of token-bearing messages in a session.
        checkouts: Folder for the repositories, below the output folder.
    """

    sessions: int = 60
    days: int = 30
    seed: int = 1
    last_day: dt.date = dt.date(2026, 11, 10)
    mean_turns: float = 12.0
    checkouts: str = "src"


@dataclass(frozen=True)
class Manifest:
    """What was written: files, sessions by kind, token-bearing messages, projects by kind."""

    files: int
    sessions: dict[str, int]
    priced: int
    projects: dict[str, str]

    def as_dict(self) -> dict[str, object]:
        """Return the manifest as plain values."""
        return asdict(self)


def write_corpus(out: Path, settings: Settings) -> Manifest:
    """Write transcripts (`claude/`, `codex/`, `copilot/`) and checkouts below `out`."""
    return _Writer(out.absolute(), settings).write()


class _Writer:
    def __init__(self, out: Path, settings: Settings) -> None:
        self._out = out
        self._settings = settings
        self._draws = Draws(settings.seed)
        self._calendar = Calendar(self._draws, settings.last_day, settings.days)
        self._projects = make_projects(out / settings.checkouts)
        self._weights = {project: (1 + rank) ** -0.6 for rank, project in enumerate(self._projects)}
        self._pasts: list[tuple[Project, Recording]] = []
        self._rollouts: list[Recording] = []
        self._counts: collections.Counter[str] = collections.Counter()
        self._files = 0
        self._priced = 0

    def write(self) -> Manifest:
        kinds: dict[str, Callable[[], None]] = {
            "plain": self._plain,
            "one_shot": lambda: self._short(automated=False),
            "automated": lambda: self._short(automated=True),
            "silent": self._silent,
            "forked": self._forked,
            "resumed_same_times": lambda: self._resumed(later_times=False),
            "resumed_later_times": lambda: self._resumed(later_times=True),
            "codex": self._codex,
            "codex_scripted": lambda: self._codex(scripted=True),
            "codex_forked": lambda: self._codex(forked=True),
            "copilot": self._copilot,
        }
        opening = list(_OPENING)
        while self._counts.total() < self._settings.sessions:
            kind = opening.pop(0) if opening else self._draws.weighted(_SHARES)
            kinds[kind]()
            self._counts[kind] += 1
        return Manifest(
            files=self._files,
            sessions=dict(self._counts),
            priced=self._priced,
            projects={
                folder: project.kind for project in self._projects for folder in project.folders
            },
        )

    def _project(self) -> tuple[Project, Workplace]:
        project = self._draws.weighted(self._weights)
        folder, branch = self._draws.one_of(project.folders), self._draws.one_of(project.branches)
        return project, Workplace(folder, branch)

    def _size(self) -> int:
        return self._draws.long_tail(self._settings.mean_turns * 1.3)

    def _save(self, path: Path, recording: Recording) -> None:
        write_lines(path, recording.lines, recording.end)
        self._files += 1
        self._priced += recording.priced

    def _save_claude(self, recording: Recording) -> None:
        self._save(transcript_path(self._out, recording), recording)

    def _plain(self) -> None:
        draws, (project, place) = self._draws, self._project()
        start = self._calendar.moment()
        if draws.chance(0.12) or not self._pasts:
            start = self._calendar.before_midnight()
        wanted = draws.randrange(1, _MOST_SUBAGENTS + 1) if draws.chance(0.2) else 0
        agents = [draws.hex_digits(7) for _ in range(wanted)]
        # Each subagent needs a tool step, and a turn ends with a step that is none.
        priced = self._size() + 4 * wanted
        recording = claude_sessions.plain(draws, place, start, priced, agents)
        self._save_claude(recording)
        self._pasts.append((project, recording))
        for agent in agents:
            inner = claude_sessions.subagent(draws, recording, agent, draws.long_tail(5))
            self._save(transcript_path(self._out, recording, agent), inner)
            self._counts["subagent"] += 1

    def _short(self, *, automated: bool) -> None:
        _, place = self._project()
        start = self._calendar.moment()
        self._save_claude(claude_sessions.short(self._draws, place, start, automated=automated))

    def _silent(self) -> None:
        _, place = self._project()
        self._save_claude(claude_sessions.silent(self._draws, place, self._calendar.moment()))

    def _forked(self) -> None:
        _, place = self._project()
        start = self._calendar.moment()
        self._save_claude(claude_sessions.forked(self._draws, place, start, self._size()))

    def _resumed(self, *, later_times: bool) -> None:
        project, past = self._draws.one_of(self._pasts)
        folder = self._draws.one_of(project.folders)
        recording = claude_sessions.resumed(
            self._draws, past, folder, self._size(), later_times=later_times
        )
        self._save_claude(recording)
        self._pasts.append((project, recording))

    def _codex(self, *, scripted: bool = False, forked: bool = False) -> None:
        _, place = self._project()
        rollout = Rollout(self._draws, place, self._calendar.moment(), scripted=scripted)
        rollout.open(self._draws.one_of(self._rollouts) if forked and self._rollouts else None)
        rollout.converse(self._draws.one_of((1, 2, 4)) if scripted else self._size())
        self._save(rollout_path(self._out, rollout.recording), rollout.recording)
        if not scripted and not forked:
            self._rollouts.append(rollout.recording)

    def _copilot(self) -> None:
        _, place = self._project()
        recording = copilot.session(self._draws, place, self._calendar.moment())
        self._save(copilot.events_path(self._out, recording), recording)
