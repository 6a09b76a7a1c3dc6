"""Aligned text tables in the manner of Go's tabwriter, which agentsview prints its tables with.

A cell ends in a tab; a column is a run of neighbouring lines that have a cell in it, as wide as its
widest cell and a gap. Names may hold tabs and line breaks themselves, and then move the columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

GAP = 2
_CELL_END = re.compile("[\t\v]")


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """The rows as lines, each ending in a line feed; the last cell of a line is not padded."""
    text = "".join("\t".join(row) + "\n" for row in rows)
    # A form feed ends a line and lets the columns begin anew.
    return "".join(_align(part) for part in re.split("(?<=\f)", text) if part)


def _align(text: str) -> str:
    lines = [_CELL_END.split(line) for line in re.sub("[\n\f]$", "", text).split("\n")]
    out: list[str] = []
    _format(lines, [], out)
    return "".join(out)


def _format(lines: Sequence[list[str]], widths: list[int], out: list[str]) -> None:
    """Writes the lines, finding the blocks of the column after those of the known widths."""
    column, written, this = len(widths), 0, 0
    while this < len(lines):
        if not _has_cell(lines[this], column):
            this += 1
            continue
        _write(lines[written:this], widths, out)
        end = this
        while end < len(lines) and _has_cell(lines[end], column):
            end += 1
        width = max(len(line[column]) for line in lines[this:end]) + GAP
        _format(lines[this:end], [*widths, width], out)
        written = this = end
    _write(lines[written:], widths, out)


def _has_cell(line: Sequence[str], column: int) -> bool:
    """Text after the last tab is no cell of a column."""
    return column < len(line) - 1


def _write(lines: Iterable[Sequence[str]], widths: Sequence[int], out: list[str]) -> None:
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False))
        out.append("".join(padded) + line[-1] + "\n")
