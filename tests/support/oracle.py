"""The original program, installed from PyPI in its own environment and run in isolation.

Everything it reads is pinned: its data folder, every transcript folder, the home folder and the
clock's zone. A run therefore depends on nothing but its arguments.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = "0.37.5"
CACHE_VARIABLE = "AGENTSVIEW_ASSETS_TEST_CACHE"
REPOSITORY = Path(__file__).resolve().parents[2]

# Folders of agents that a generated corpus may have; all others are pointed at an empty folder.
_CORPUS_FOLDERS = {
    "claude": "CLAUDE_PROJECTS_DIR",
    "codex": "CODEX_SESSIONS_DIR",
    "copilot": "COPILOT_DIR",
}
_OTHER_SOURCES = (
    *("AIDER_DIR", "AMP_DIR", "ANTIGRAVITY_CLI_DIR", "ANTIGRAVITY_DIR"),
    *("COMMANDCODE_PROJECTS_DIR", "CORTEX_DIR", "COWORK_DIR", "CURSOR_PROJECTS_DIR"),
    *("DEEPSEEK_TUI_SESSIONS_DIR", "DEVIN_DIR", "FORGE_DIR", "GEMINI_DIR", "GPTME_DIR"),
    *("HERMES_SESSIONS_DIR", "IFLOW_DIR", "KILO_DIR", "KIMI_DIR", "KIRO_IDE_DIR"),
    *("KIRO_SESSIONS_DIR", "MIMOCODE_DIR", "OMP_DIR", "OPENCLAUDE_PROJECTS_DIR"),
    *("OPENCLAW_DIR", "OPENCODE_DIR", "OPENHANDS_CONVERSATIONS_DIR", "PIEBALD_DIR", "PI_DIR"),
    *("POSITRON_DIR", "POSIT_ASSISTANT_DIR", "QCLAW_DIR", "QODER_PROJECTS_DIR", "QWENPAW_DIR"),
    *("QWEN_PROJECTS_DIR", "REASONIX_DIR", "SHELLEY_DIR", "VIBE_SESSIONS_DIR"),
    *("VISUALSTUDIO_COPILOT_DIR", "VSCODE_COPILOT_DIR", "WARP_DIR", "WINDSURF_DIR"),
    *("WORKBUDDY_PROJECTS_DIR", "ZCODE_DIR", "ZED_DIR", "ZENCODER_DIR"),
)


class OracleError(RuntimeError):
    """The original program could not be installed, or a sync by it failed."""


@dataclass(frozen=True)
class Oracle:
    """The original program.

    Attributes:
        program: Path of its executable.
        scratch: Folder for its home and for the empty source folder.
    """

    program: Path
    scratch: Path

    def environment(
        self, archive: Path, transcripts: Path | None = None, zone: str = "UTC"
    ) -> dict[str, str]:
        """Return the whole environment of a run; nothing of ours leaks into it."""
        home, empty = self.scratch / "home", self.scratch / "empty"
        home.mkdir(parents=True, exist_ok=True)
        empty.mkdir(exist_ok=True)
        pinned = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "TZ": zone,
            "AGENTSVIEW_NO_DAEMON": "1",
            "AGENTSVIEW_TELEMETRY_ENABLED": "0",
            "AGENTSVIEW_DATA_DIR": str(archive),
        }
        pinned |= dict.fromkeys(_OTHER_SOURCES, str(empty))
        for name, variable in _CORPUS_FOLDERS.items():
            folder = transcripts / name if transcripts else empty
            pinned[variable] = str(folder if folder.is_dir() else empty)
        return pinned

    def sync(self, archive: Path, transcripts: Path | None = None) -> None:
        """Bring an archive up to date with transcripts; without any, make an empty one.

        Raises:
            OracleError: If the program fails.
        """
        archive.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [self.program, "sync"],
            env=self.environment(archive, transcripts),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
        if done.returncode:
            message = f"sync of {archive} failed: {done.stderr[-2000:]}"
            raise OracleError(message)

    def run(
        self,
        archive: Path,
        *arguments: str,
        zone: str = "UTC",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command over an archive, with `env` on top of the pinned environment."""
        return subprocess.run(
            [self.program, *arguments],
            env={**self.environment(archive, zone=zone), **(env or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock file, so that of several processes only one builds a thing."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def cache_folder() -> Path:
    """Return the folder that keeps the program between runs; git ignores it."""
    folder = Path(os.environ.get(CACHE_VARIABLE) or REPOSITORY / ".cache")
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / ".gitignore"
    if not marker.exists():
        marker.write_text("*\n", encoding="utf-8")
    return folder


def install(scratch: Path | None = None, version: str = VERSION) -> Oracle:
    """Return the original program, installing it on first use.

    Args:
        scratch: Folder for its home; a fresh temporary folder if not given.
        version: Its release; the one whose documents ours equal if not given.

    Raises:
        OracleError: If it cannot be installed.
    """
    cache = cache_folder()
    home = cache / f"agentsview-{version}"
    with exclusive(cache / f"agentsview-{version}.lock"):
        if not home.exists():
            _build_environment(home, version)
    return Oracle(_binary(home), scratch or Path(tempfile.mkdtemp(prefix="agentsview-")))


def _binary(home: Path) -> Path:
    # Not the wheel's script, which would add an interpreter's start to every run.
    found = sorted(home.glob("lib/python*/site-packages/agentsview/bin/agentsview"))
    if not found:
        message = f"no agentsview program below {home}; remove that folder and try again"
        raise OracleError(message)
    return found[0]


def _build_environment(home: Path, version: str) -> None:
    # Made aside and moved last: an interrupted install must not look like a finished one.
    requirement = f"agentsview=={version}"
    with tempfile.TemporaryDirectory(dir=home.parent) as aside:
        made = Path(aside) / "environment"
        uv = shutil.which("uv")
        if uv:
            _must(uv, "venv", "--quiet", "--python", sys.executable, str(made))
            python = str(made / "bin" / "python")
            _must(uv, "pip", "install", "--quiet", "--python", python, requirement)
        else:
            _must(sys.executable, "-m", "venv", str(made))
            _must(str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement)
        _binary(made).chmod(0o755)  # wheels do not always keep the executable bit
        made.rename(home)


def _must(*command: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode:
        message = f"{' '.join(command)} failed:\n{done.stderr[-2000:]}"
        raise OracleError(message)
