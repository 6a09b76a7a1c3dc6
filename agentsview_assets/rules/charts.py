"""Small charts as SVG text: no fonts to load, no library to install."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from xml.sax.saxutils import escape as escape_markup

from agentsview_assets.rules.shown_text import visible

WIDTH, HEIGHT, MARGIN, FOOT = 460, 200, 34, 22
_BAR, _TEXT, _LINE = "#4f43dd", "#5b6373", "#c9cdd6"


def bar_chart(title: str, bars: Sequence[tuple[str, float]], unit: str = "$") -> str:
    """Draws one bar for each value, the greatest one filling the height.

    Args:
        title: Written above.
        bars: Label and value; values below 0 are drawn as 0.
        unit: Put before the greatest value.
    """
    greatest = max((value for _, value in bars), default=0.0)
    room = HEIGHT - MARGIN - FOOT
    step = (WIDTH - 2) / max(1, len(bars))
    shapes = []
    for number, (label, value) in enumerate(bars):
        tall = max(0.0, value) / greatest * room if greatest > 0 else 0.0
        place = f'x="{number * step + 1:.1f}" y="{HEIGHT - FOOT - tall:.1f}"'
        size = f'width="{max(0.5, step * 0.8):.1f}" height="{tall:.1f}"'
        name = f"<title>{escape(label)}: {unit}{value:,.2f}</title>"
        shapes.append(f'<rect {place} {size} fill="{_BAR}">{name}</rect>')
    ground = HEIGHT - FOOT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="{_TEXT}">'
        f'<text x="0" y="16">{escape(title)}</text>'
        f'<text x="{WIDTH}" y="16" text-anchor="end">up to {unit}{greatest:,.2f}</text>'
        f'<line x1="0" y1="{ground}" x2="{WIDTH}" y2="{ground}" stroke="{_LINE}"/>'
        f"{''.join(shapes)}{_foot(bars)}</svg>"
    )


def escape(text: str) -> str:
    """Text as XML holds it, which has no place for most control characters."""
    return escape_markup(visible(text))


def _foot(bars: Sequence[tuple[str, float]]) -> str:
    """The labels that there is room for: all of a few, the first and the last of many."""
    y = HEIGHT - 6
    few = 8
    if len(bars) > few:
        first, last = escape(bars[0][0]), escape(bars[-1][0])
        return (
            f'<text x="0" y="{y}">{first}</text>'
            f'<text x="{WIDTH}" y="{y}" text-anchor="end">{last}</text>'
        )
    step = (WIDTH - 2) / max(1, len(bars))
    return "".join(
        f'<text x="{number * step + 1:.1f}" y="{y}">{escape(_short(label, step))}</text>'
        for number, (label, _) in enumerate(bars)
    )


def _short(label: str, width: float) -> str:
    room = max(3, int(width / 7))
    return label if len(label) <= room else label[: room - 1] + "…"


def as_markdown(svg: str, meaning: str) -> str:
    """An image that stands in the text itself."""
    data = base64.b64encode(svg.encode()).decode()
    return f"![{meaning}](data:image/svg+xml;base64,{data})"
