"""The list of all spans of an activity report, which is most of its text.

Kept as numbers and written piece by piece: a year of it is larger than what a report may hold in
memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentsview_assets.documents.activity.clock import HOUR, NANOSECONDS, WITHIN_HOUR
from agentsview_assets.rules.gojson import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentsview_assets.documents.activity.clock import UtcClock
    from agentsview_assets.documents.activity.layout import Layout
    from agentsview_assets.documents.activity.sweep import Spans

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
        spans, text = self._spans, self._clock.text
        for start, length, session in zip(spans.starts, spans.lengths, spans.sessions, strict=True):
            yield {
                "session_id": self._session_ids[session],
                "start": text(start),
                "end": text(start + length),
            }

    def json_chunks(self, layout: Layout) -> Iterator[str]:
        """Yield the list as JSON text, piece by piece, as a member of the document."""
        if not len(self):
            yield "[]"
            return
        item, member, colon = layout.line(2), layout.line(3), layout.colon
        before = [
            f',{item}{{{member}"session_id"{colon}{quoted},{member}"start"{colon}"'
            for quoted in _quoted(self._session_ids, escape_html=layout.escape_html)
        ]
        between = [f'{within}",{member}"end"{colon}"' for within in WITHIN_HOUR]
        after = [f'{within}"{item}}}' for within in WITHIN_HOUR]
        yield "["
        comma = 1
        for first in range(0, len(self), _SPANS_PER_CHUNK):
            yield self._chunk(first, (before, between, after))[comma:]
            comma = 0
        yield f"{layout.line(1)}]"

    def _chunk(self, first: int, parts: tuple[Sequence[str], Sequence[str], Sequence[str]]) -> str:
        """Return the text of some entries, each after a comma; the loop that costs the most."""
        (before, between, after), spans, clock = parts, self._spans, self._clock
        hours, origin = clock.hours, clock.origin
        last = first + _SPANS_PER_CHUNK
        pieces = []
        for start, length, session in zip(
            spans.starts[first:last],
            spans.lengths[first:last],
            spans.sessions[first:last],
            strict=True,
        ):
            begun = origin + start // NANOSECONDS
            over = origin + (start + length) // NANOSECONDS
            pieces.append(
                f"{before[session]}{hours[begun // HOUR]}{between[begun % HOUR]}"
                f"{hours[over // HOUR]}{after[over % HOUR]}"
            )
        return "".join(pieces)


def _quoted(texts: Sequence[str], *, escape_html: bool) -> list[str]:
    """Return texts as JSON strings; line feeds stand between them only."""
    return encode(list(texts), indent=0, escape_html=escape_html)[2:-2].split(",\n")
