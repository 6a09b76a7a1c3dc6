"""Invented words for prompts, answers, tools and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.transcripts.draws import Draws

_DEEDS = ("Mend", "Describe", "Extend", "Simplify", "Profile", "Rename", "Cover", "Untangle")
_THINGS = ("tide table", "ledger import", "retry queue", "cache key", "page header", "cron entry")
_CODAS = ("", ", keep it small", " and show the diff", ", tests first", " before the release")
_ANSWERS = ("It was the cache key.", "Done, all checks pass.", "Reading the caller.", "Two edits.")
_AUTOMATED = (
    "You are a code reviewer. Review the diff of commit {revision}.",
    "You are a security code reviewer. Check commit {revision}.",
    "Review the code changes introduced by commit {revision} for bugs.",
    "Warmup",
)
UNPRICED_MODEL = "kelp-coder-preview-3"
CLAUDE_MODELS = {
    "claude-opus-4-6": 35.0,
    "claude-sonnet-4-5-20250929": 40.0,
    "claude-haiku-4-5": 15.0,
    "claude-opus-4-5-20251101": 5.0,
    UNPRICED_MODEL: 5.0,
}
CODEX_MODELS = {"gpt-5.1-codex": 8.0, "gpt-5.1-codex-mini": 1.0, "gpt-5.2-codex": 1.0}
COPILOT_MODELS = {"claude-sonnet-4.5": 1.0, "gpt-5.1": 1.0}


def prompt(draws: Draws) -> str:
    """Return what a person might ask."""
    return f"{draws.one_of(_DEEDS)} the {draws.one_of(_THINGS)}{draws.one_of(_CODAS)}"


def answer(draws: Draws) -> str:
    """Return what an agent might say at the end of a turn."""
    return draws.one_of(_ANSWERS)


def automated_prompt(draws: Draws) -> str:
    """Return a first prompt that the archive classes as automated."""
    return draws.one_of(_AUTOMATED).format(revision=draws.hex_digits(7))


def tool_call(draws: Draws) -> tuple[str, dict[str, Any]]:
    """Return a tool's name and its input."""
    name = draws.one_of(("Bash", "Read", "Edit", "Grep"))
    path = f"src/{draws.one_of(_THINGS).replace(' ', '_')}.py"
    inputs: dict[str, dict[str, Any]] = {
        "Bash": {"command": "pytest -q"},
        "Read": {"file_path": path},
        "Edit": {"file_path": path, "old_string": "1", "new_string": "2"},
        "Grep": {"pattern": "tide"},
    }
    return name, inputs[name]
