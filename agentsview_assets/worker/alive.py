"""What workers say of themselves in the instance: which run they are at, and when they said so.

What belongs here: saying and reading it. What does not: what follows from silence
(`worker.launcher`).
"""

from __future__ import annotations

import json
import time
from typing import NamedTuple

import dagster as dg

WORKER_TAG = "agentsview_assets/worker"
"""Tag of a run: the worker that carries it out."""


class Spoken(NamedTuple):
    """What a worker said last: its run, and when, in seconds since 1970."""

    run_id: str
    at: float


def speak(instance: dg.DagsterInstance, worker: str, run_id: str) -> None:
    """Says that a worker is at a run."""
    text = json.dumps(Spoken(run_id, time.time()))
    instance.daemon_cursor_storage.set_cursor_values({_key(worker): text})


def last_spoken(instance: dg.DagsterInstance, worker: str) -> Spoken | None:
    """What a worker said last; None where it never did."""
    text = instance.daemon_cursor_storage.get_cursor_values({_key(worker)}).get(_key(worker))
    return Spoken(*json.loads(text)) if text else None


def _key(worker: str) -> str:
    return f"agentsview_assets/worker/{worker}"
