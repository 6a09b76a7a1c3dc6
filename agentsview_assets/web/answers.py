"""Bodies that were made already: equal questions to one state of a warehouse are answered once.

What belongs here: keeping and waiting. What does not: what a question is, or how it is answered.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from agentsview_assets import __version__
from agentsview_assets.rules.rule_digests import DIGESTS

MOST_BYTES = 64 * 2**20
LARGEST_BYTES = 8 * 2**20
"""Bodies that are larger are made anew."""
Key = tuple[object, ...]


@dataclass
class _Waiting:
    """A body that somebody is making; others wait for it."""

    done: threading.Event = field(default_factory=threading.Event)
    body: bytes | None = None


class Answers:
    """The bodies of one server."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keeps so much at most."""
        self._most = most_bytes
        self._held: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0
        self._making: dict[Key, _Waiting] = {}
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], bytes]) -> bytes:
        """The body of a question, made by whoever asks first.

        Args:
            key: The question and the state of the warehouse.
            make: Makes the body; where it fails for one, the next one tries again.
        """
        while True:
            with self._lock:
                if key in self._held:
                    self._held.move_to_end(key)
                    return self._held[key]
                waiting = self._making.get(key)
                if waiting is None:
                    mine = self._making[key] = _Waiting()
                    break
            waiting.done.wait()
            if waiting.body is not None:
                return waiting.body
        try:
            mine.body = make()
            self._keep(key, mine.body)
            return mine.body
        finally:
            with self._lock:
                del self._making[key]
            mine.done.set()

    def _keep(self, key: Key, body: bytes) -> None:
        if len(body) > LARGEST_BYTES:
            return
        with self._lock:
            self._held[key] = body
            self._bytes += len(body)
            while self._bytes > self._most:
                _, dropped = self._held.popitem(last=False)
                self._bytes -= len(dropped)


def entity_tag(key: Key) -> str:
    """The ETag of a question: of the state, what was asked, our release and its rules.

    Weak, because a body may come compressed or plain.
    """
    digest = hashlib.sha256(repr((__version__, _RULES, key)).encode("utf-8", "surrogatepass"))
    return f'W/"{digest.hexdigest()[:32]}"'


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether a client has what it asks for."""
    known = [part.strip() for part in if_none_match.split(",")]
    return "*" in known or tag.removeprefix("W/") in [part.removeprefix("W/") for part in known]


_RULES = hashlib.sha256(repr(sorted(DIGESTS.items())).encode()).hexdigest()
