"""How long a session lasted, and how long of it somebody was at work.

The export and the table `session_summaries` tell the same number, so the rule stands here once.
"""

from __future__ import annotations

from datetime import UTC, datetime

from agentsview_assets.rules.timestamps import SECONDS_PER_DAY, parse_rfc3339

GAP_SECONDS = 300
"""How long after a message somebody still counts as active, at most."""
_NANOSECONDS = 1_000_000_000
_LONGEST_NANOSECONDS = 2**63 - 1
"""Where differences of times saturate: 292 years."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = len("2026-07-01T08:00:00Z")
_WITH_MILLISECONDS = len("2026-07-01T08:00:00.123Z")


def duration_seconds(started: str | None, ended: str) -> int | None:
    """Return the whole seconds between two times; None if one cannot be read or they are swapped.

    The difference passes through a float and saturates, as in agentsview.
    """
    start, end = _nanoseconds(started or ""), _nanoseconds(ended)
    if start is None or end is None or end < start:
        return None
    seconds, nanosecond = divmod(min(end - start, _LONGEST_NANOSECONDS), _NANOSECONDS)
    return int(seconds + nanosecond / 1e9)


def _nanoseconds(text: str) -> int | None:
    """Return an instant in nanoseconds since 1970, None if the text is none."""
    if _is_common(text):
        try:
            since = datetime.fromisoformat(text) - _EPOCH
        except ValueError:
            pass  # such as the year 0000, which only the exact reading knows
        else:
            seconds = since.days * SECONDS_PER_DAY + since.seconds
            return seconds * _NANOSECONDS + since.microseconds * 1_000
    instant = parse_rfc3339(text)
    return instant and instant.epoch_seconds * _NANOSECONDS + instant.nanosecond


def _is_common(text: str) -> bool:
    """Whether the text, if it is a time, is `YYYY-MM-DDTHH:MM:SSZ` or that with milliseconds.

    The library then reads it as agentsview does, and much faster than the exact reading.
    """
    return (
        (len(text) == _PLAIN or (len(text) == _WITH_MILLISECONDS and text[19] == "."))
        and text[4] == text[7] == "-"
        and text[10] == "T"
        and text[13] == text[16] == ":"
        and text[-1] == "Z"
        and text[11:13] != "24"
    )
