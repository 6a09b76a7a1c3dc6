"""JSON text with the exact look of Go's `encoding/json`, and the canonical form that is hashed."""

from __future__ import annotations

import re
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from agentsview_assets.errors import UnwritableNumberError

if TYPE_CHECKING:
    from collections.abc import Callable

_HTML_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
_LINE_ESCAPES = (("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
_SURROGATE = re.compile("[\ud800-\udfff]")

# Python is plain from 1e-4 to 1e16 only; the contract is from 1e-6 to 1e21.
_PLAIN_FLOOR = 1e-6
_PLAIN_CEILING = 1e21


def utf8_bytes(text: str) -> bytes:
    """Return the bytes that `text` stands for, the order in which every contract key is sorted.

    Bytes that were no UTF-8 and were read with `surrogateescape` come back as they were.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def format_number(x: float) -> str:
    """Return the shortest decimal text that reads back as `x`.

    Plain for `1e-6 <= |x| < 1e21` and for zero, else with an unpadded exponent. Integral values
    have no fraction. A negative zero keeps its sign, as it does in reports; only the canonical
    form drops it.

    Raises:
        UnwritableNumberError: `x` is infinite or not a number.
    """
    if isinstance(x, int):
        return int.__repr__(x)
    text = float.__repr__(x)
    if text.endswith(".0"):
        return text[:-2]
    if "n" in text:
        raise UnwritableNumberError(x)
    if "e" not in text:
        return text
    return _respell_exponent(text, abs(x))


def _respell_exponent(text: str, magnitude: float) -> str:
    """Return the exponent form `text` of Python in Go's spelling."""
    mantissa, exponent = text.split("e")
    if not _PLAIN_FLOOR <= magnitude < _PLAIN_CEILING:
        return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}"
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    shift = int(exponent)
    if shift < 0:
        return f"{sign}0.{'0' * (-shift - 1)}{whole}{fraction}"
    return f"{sign}{whole}{fraction.ljust(shift, '0')}"


def _canonical_number(x: float) -> str:
    if not x:
        return "0"
    try:
        return format_number(x)
    except UnwritableNumberError:
        msg = "canonical JSON cannot encode non-finite number"
        raise ValueError(msg) from None


def _by_key(value: dict[str, object]) -> list[tuple[str, object]]:
    if "".join(value).isascii():
        return sorted(value.items())
    return sorted(value.items(), key=lambda item: utf8_bytes(item[0]))


class _Writer:
    """Turns values into JSON text; escapes beyond the JSON grammar are left to `finish`."""

    def __init__(
        self,
        *,
        step: str = "",
        colon: str = ":",
        number: Callable[[float], str] = format_number,
        sort_keys: bool = False,
    ) -> None:
        self._step = step
        self._colon = colon
        self._sort_keys = sort_keys
        self._scalars: dict[type, Callable[[Any], str]] = {
            str: encode_basestring,
            float: number,
            int: int.__repr__,
            bool: lambda value: "true" if value else "false",
            type(None): lambda _: "null",
        }

    def text(self, value: object, newline: str) -> str:
        """Return the text of `value`; `newline` is the line break and indentation around it."""
        scalar = self._scalars.get(type(value))
        if scalar is not None:
            return scalar(value)
        if isinstance(value, dict):
            return self._object(value, newline)
        if isinstance(value, list | tuple):
            return self._array(value, newline)
        for base in (str, float, int):
            if isinstance(value, base):
                return self._scalars[base](value)
        msg = f"JSON cannot encode a value of type {type(value).__name__}"
        raise TypeError(msg)

    def _object(self, value: dict[str, object], newline: str) -> str:
        if not value:
            return "{}"
        inner, colon, scalars, text = newline + self._step, self._colon, self._scalars, self.text
        members = [
            # Most values are scalars: looking them up here saves a call for each.
            f"{encode_basestring(key)}{colon}{scalars[type(item)](item)}"
            if type(item) in scalars
            else f"{encode_basestring(key)}{colon}{text(item, inner)}"
            for key, item in (_by_key(value) if self._sort_keys else value.items())
        ]
        return f"{{{inner}{(',' + inner).join(members)}{newline}}}"

    def _array(self, value: list[object] | tuple[object, ...], newline: str) -> str:
        if not value:
            return "[]"
        inner, text = newline + self._step, self.text
        return f"[{inner}{(',' + inner).join([text(item, inner) for item in value])}{newline}]"


def finish(text: str, *, escape_html: bool = True) -> str:
    """Escape what Go escapes beyond the JSON grammar in a text that follows it already.

    Outside of strings none of these characters can occur, so the finished text is searched once.
    """
    if escape_html:
        for raw, escape in _HTML_ESCAPES:
            text = text.replace(raw, escape)
    if text.isascii():
        return text
    for raw, escape in _LINE_ESCAPES:
        text = text.replace(raw, escape)
    return _SURROGATE.sub(r"\\ufffd", text)


def encode(value: object, *, indent: int | None = None, escape_html: bool = True) -> str:
    r"""Return `value` as Go's `encoding/json` writes it, without a final newline.

    Args:
        value: Dictionaries (keys in their own order), lists, tuples, strings, numbers, booleans
            and None. Bytes that are not UTF-8, decoded with `surrogateescape`, become the six
            characters `\ufffd` each.
        indent: Spaces a level; None puts everything on one line without spaces.
        escape_html: Write `<`, `>` and `&` as `\u00xx`.

    Raises:
        TypeError: A value or key of another type.
        UnwritableNumberError: A number that is not finite.
    """
    if indent is None:
        return finish(_Writer().text(value, ""), escape_html=escape_html)
    writer = _Writer(step=" " * indent, colon=": ")
    return finish(writer.text(value, "\n"), escape_html=escape_html)


def canonical_json(value: object) -> str:
    """Return the text of `value` that digests are made of: no spaces, keys sorted by bytes.

    Raises:
        TypeError: A value or key of a type that JSON does not know.
        ValueError: A number that is not finite.
    """
    writer = _Writer(number=_canonical_number, sort_keys=True)
    return finish(writer.text(value, ""), escape_html=False)
