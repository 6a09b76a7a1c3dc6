"""How the text of an activity report is laid out, where it is written piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.rules.gojson import encode

if TYPE_CHECKING:
    from collections.abc import Sequence


class Layout(NamedTuple):
    """What stands between the values of a document.

    Attributes:
        indent: Spaces a level; None puts everything on one line without any.
        escape_html: Whether `<`, `>` and `&` are written as escapes.
    """

    indent: int | None
    escape_html: bool

    @property
    def colon(self) -> str:
        """What stands between a member's name and its value."""
        return ":" if self.indent is None else ": "

    def line(self, level: int) -> str:
        """Return what begins a line of a level: nothing, where there are no lines."""
        return "" if self.indent is None else "\n" + " " * (self.indent * level)

    def encode(self, value: Any) -> str:
        """Return the text of a value.

        Raises:
            UnwritableNumberError: A number that is not finite.
        """
        return encode(value, indent=self.indent, escape_html=self.escape_html)

    def items(self, values: Sequence[Any]) -> str:
        """Return the texts of the values of a list that is a member of the document."""
        text = self.encode({"": values})
        return text.removeprefix(f'{{{self.line(1)}""{self.colon}[').removesuffix(
            f"{self.line(1)}]{self.line(0)}}}"
        )
