"""The list of all spans of an activity report, which is most of its text.

Kept as numbers and written piece by piece: a year of it is larger than what a report may hold in
memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentsview_assets.transforms.gojson import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentsview_assets.documents.activity_clock import UtcClock
    from agentsview_assets.documents.activity_sweep import Spans

_SPANS_PER_CHUNK: Final = 10_000


class IntervalList:
    """The `intervals` of a document, written out only when they are asked for."""

    def __init__(self, spans: Spans, session_ids: Sequence[str], clock: UtcClock) -> None:
        """Keep what is needed.

        Args:
            spans: The spans.
            session_ids: Id of each session, by its number.
            clock: Writes the spans' moments.
        """
        self._spans = spans
        self._session_ids = session_ids
        self._clock = clock

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[dict[str, str]]:
        """Yield the entries of the list."""
        for session, start, end in self._texts(self._session_ids, 0, len(self)):
            yield {"session_id": session, "start": start, "end": end}

    def json_chunks(self) -> Iterator[str]:
        """Yield the list as JSON text, piece by piece, indented as a member of the document."""
        if not len(self):
            yield "[]"
            return
        quoted = [encode(session_id) for session_id in self._session_ids]
        before = "["
        for first in range(0, len(self), _SPANS_PER_CHUNK):
            entries = [
                f'\n    {{\n      "session_id": {session},\n      "start": "{start}",\n'
                f'      "end": "{end}"\n    }}'
                for session, start, end in self._texts(quoted, first, first + _SPANS_PER_CHUNK)
            ]
            yield before + ",".join(entries)
            before = ","
        yield "\n  ]"

    def _texts(self, names: Sequence[str], first: int, last: int) -> Iterator[tuple[str, str, str]]:
        spans, text = self._spans, self._clock.text
        for start, length, session in zip(
            spans.starts[first:last],
            spans.lengths[first:last],
            spans.sessions[first:last],
            strict=True,
        ):
            yield names[session], text(start), text(start + length)
