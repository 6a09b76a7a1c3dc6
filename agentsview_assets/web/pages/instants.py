"""Days of a window as the instants that they begin and end with, as warehouses write these."""

from __future__ import annotations

from datetime import date, datetime

from agentsview_assets.documents.activity.calendar import Calendar
from agentsview_assets.documents.common.window import Zone
from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.rules.timestamps import Instant, format_utc_seconds
from agentsview_assets.web.pages.page import Ask

_EPOCH = date(1970, 1, 1).toordinal()


def midnight(zone: Zone, day: str, later: int = 0) -> int:
    """The epoch second that a day begins with, or one some days later."""
    return Calendar(zone).midnight(date.fromisoformat(day).toordinal() - _EPOCH + later)


def bounds_of(ask: Ask) -> tuple[str, str]:
    """The first instant of a window and the first one after it, as text; empty for open ends.

    Texts compare as the instants do, with those of columns cast to text.
    """
    first, last = ask.scope.window
    zone = ask.scope.zone
    return (
        _text(ask.reader, midnight(zone, first)) if first else "",
        _text(ask.reader, midnight(zone, last, 1)) if last else "",
    )


def local_minute(ask: Ask, text: str) -> str:
    """An instant as a warehouse writes it, by the clock of the page's zone."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(ask.scope.zone.tzinfo):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return text


def _text(reader: Reader, epoch: int) -> str:
    text = format_utc_seconds(Instant(epoch, 0)).removesuffix("Z")
    # SQLite has instants as texts of its own.
    return text if reader.kind == "sqlite" else text.replace("T", " ")
