"""Figures of a warehouse for those who watch it, and their text for Prometheus.

What belongs here: names, labels and the text format, version 0.0.4. What does not: any figure
(`completeness`, `cost_today`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from agentsview_assets.documents.common.completeness import completeness
from agentsview_assets.documents.common.window import UTC_ZONE
from agentsview_assets.documents.usage.today import cost_today
from agentsview_assets.rules.text import displayable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from agentsview_assets.resources.warehouses.reader import Reader

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX: Final = "agentsview_assets_"
# Name, member of an archive's entry, and what it means.
_OF_ARCHIVES: Final = (
    ("archive_age_seconds", "age_seconds", "Seconds since the archive was last read."),
    ("archive_days_out_of_date", "days_out_of_date", "Days of the archive to be made, or anew."),
    ("archive_unpriced_tokens", "unpriced_tokens", "Tokens without a price or a reported cost."),
    ("archive_rows_left_out", "rows_left_out", "Rows of the archive that cannot be read."),
    ("archive_failing", "failing_since", "1 where the archive cannot be read now, else 0."),
)


class Sample(NamedTuple):
    """A value, and the labels that tell it from others of its name."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()


class Metric(NamedTuple):
    """A gauge: its name, what it means, and its values."""

    name: str
    about: str
    samples: tuple[Sample, ...]


def metrics(reader: Reader, now: datetime, archive_id: str | None = None) -> list[Metric]:
    """Return the figures.

    Args:
        reader: The warehouse.
        now: The present, with a zone.
        archive_id: The only archive to tell of; None for all.

    Raises:
        WarehouseError: The warehouse cannot be read, or the archive asked for is absent.
    """
    found = completeness(reader, now, archive_id)
    usd = cost_today(reader, zone=UTC_ZONE, now=now, archive_id=archive_id)
    # One whose place another took is read no more: its age would only alarm.
    archives = [entry for entry in found["archives"] if entry["succeeded_by"] is None]
    of_archives = [
        Metric(
            f"{_PREFIX}{name}",
            about,
            tuple(
                Sample(_value(entry[member]), (("archive_id", entry["archive_id"]),))
                for entry in archives
            ),
        )
        for name, member, about in _OF_ARCHIVES
    ]
    return [
        *of_archives,
        _whole("cost_today_usd", "USD that the present day, in UTC, has cost so far.", usd),
        _whole("warehouse_revision", "Rises with everything written.", found["revision"]),
        _whole("undecided_keys", "Keys that rows share, not decided yet.", found["undecided_keys"]),
    ]


def metrics_text(found: Iterable[Metric]) -> str:
    """Return figures in the text format of Prometheus, for `CONTENT_TYPE`."""
    return "".join(f"{line}\n" for metric in found for line in _lines(metric))


def _value(member: object) -> float:
    """A figure as it is; of others whether there is anything."""
    return member if isinstance(member, int | float) else float(member is not None)


def _whole(name: str, about: str, value: float) -> Metric:
    return Metric(f"{_PREFIX}{name}", about, (Sample(value),))


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {_escaped(metric.about)}"
    yield f"# TYPE {metric.name} gauge"
    for value, labels in metric.samples:
        pairs = ",".join(f'{name}="{_quotable(text)}"' for name, text in labels)
        yield f"{metric.name}{f'{{{pairs}}}' if pairs else ''} {_number(value)}"


def _escaped(text: str) -> str:
    return displayable(text).replace("\\", r"\\").replace("\n", r"\n")


def _quotable(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value).removesuffix(".0")
