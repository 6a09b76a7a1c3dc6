"""Token counters out of the usage text that a message carries.

The text is meant to be a JSON object but archives hold truncated and malformed ones, and the totals
have to agree with agentsview on those too. `parse_token_usage` is therefore its lenient
single pass, rule by rule, not a JSON parser. The `*_sql` functions give DuckDB expressions that
answer the same for well-formed texts, so that only the odd rows need Python.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from agentsview_assets.rules.text import trim

MAX_TOKENS: Final = 2_000_000
"""Upper limit of each counter of a message."""

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_INT64_DIGITS: Final = 19

_SPACE = re.compile(r"[ \n\r\t]*")
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SIMPLE_STRING = re.compile(r'"[^"\\\x00-\x1f]*"')
_INTEGER_PREFIX = re.compile(r"-?[0-9]+")
_QUOTED_INTEGER = re.compile(r"[+-]?[0-9]+")
# The groups catch a point or exponent marker that no digit follows: then it is no number.
_NUMBER = re.compile(r"-?[0-9]+(?:\.(?:[0-9]+|()))?(?:[eE](?:[+-]?[0-9]+|()))?")
_STRUCTURE = re.compile(r'[\[\]{}"]')
_CLOSER_OF: Final = {"{": "}", "[": "]"}
_LITERALS: Final = {"t": "true", "f": "false", "n": "null"}


class TokenCounts(NamedTuple):
    """The five counters of one row, in tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0


JSON_KEYS: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_creation_tokens": "cache_creation_input_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "reasoning_tokens": "reasoning_tokens",
}
"""The key of the usage text behind each field of `TokenCounts`."""

_FIELD_OF_KEY: Final = {key: field for field, key in JSON_KEYS.items()}


def parse_token_usage(text: str) -> TokenCounts:
    """Read the counters of a message's usage text, however broken it is.

    Args:
        text: The stored text; anything but an object gives zeros.

    Returns:
        The counters, not clamped: within signed 64 bits, possibly negative.
    """
    return _Scanner(text).counts()


def clamp_message_tokens(counts: TokenCounts) -> TokenCounts:
    """Bring every counter of a message into 0..MAX_TOKENS."""
    return TokenCounts(*(min(max(count, 0), MAX_TOKENS) for count in counts))


class _Scanner:
    """One pass over one text; positions are character indexes.

    Skipping a value returns the position behind it, or None when there is none. All syntax is ASCII
    so stepping over a character equals the reference's stepping over its bytes.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        # Brackets known to have no partner: keeps a text of n open brackets from costing n².
        self._unclosed: set[int] = set()

    def counts(self) -> TokenCounts:
        found: dict[str, int] = {}
        text = self._text
        position = self._after_space(0)
        if text[position : position + 1] != "{":
            return TokenCounts()
        next_position: int | None = position + 1
        while next_position is not None:
            position = self._after_space(next_position)
            character = text[position : position + 1]
            if character in ("", "}"):
                break
            if character == '"':
                next_position = self._member(position, found)
            elif character == ",":
                next_position = position + 1
            else:
                next_position = self._skip_value(position) or position + 1
        return TokenCounts(**found)

    def _member(self, position: int, found: dict[str, int]) -> int | None:
        """Read `"key": value`; None ends the scan."""
        end, key = self._string(position)
        if key is None:
            return None
        end = self._after_space(end)
        if self._text[end : end + 1] != ":":
            return end
        start = self._after_space(end + 1)
        field = _FIELD_OF_KEY.get(key)
        if field is None:
            return self._skip_value(start)
        end, value = self._integer(start)
        if value is not None:
            found[field] = value
        return end

    def _integer(self, position: int) -> tuple[int, int | None]:
        text = self._text
        if text[position : position + 1] == '"':
            end, content = self._string(position)
            digits = trim(content or "")
            return end, _saturated(digits) if _QUOTED_INTEGER.fullmatch(digits) else None
        match = _INTEGER_PREFIX.match(text, position)
        if match is not None:
            return match.end(), _saturated(match.group())
        return self._skip_value(position) or position + 1, None

    def _string(self, position: int) -> tuple[int, str | None]:
        """Return the position behind the string that starts here, and its content if valid."""
        simple = _SIMPLE_STRING.match(self._text, position)
        if simple is not None:
            return simple.end(), simple.group()[1:-1]
        match = _QUOTED.match(self._text, position)
        if match is None:
            return len(self._text), None
        try:
            content: str = json.loads(match.group())
        except ValueError:
            return match.end(), None
        return match.end(), content

    def _skip_value(self, position: int) -> int | None:
        position = self._after_space(position)
        character = self._text[position : position + 1]
        if character == '"':
            end, content = self._string(position)
            return None if content is None else end
        if character in _CLOSER_OF:
            return self._skip_container(position)
        literal = _LITERALS.get(character)
        if literal is not None:
            matches = self._text.startswith(literal, position)
            return position + len(literal) if matches else None
        match = _NUMBER.match(self._text, position)
        return None if match is None or match.lastindex else match.end()

    def _skip_container(self, position: int) -> int | None:
        if position in self._unclosed:
            return None
        open_brackets: list[int] = []
        while match := _STRUCTURE.search(self._text, position):
            character = match.group()
            position = match.end()
            if character == '"':
                position, content = self._string(match.start())
                if content is None:
                    break
            elif character in _CLOSER_OF:
                open_brackets.append(match.start())
            elif _CLOSER_OF[self._text[open_brackets[-1]]] != character:
                break
            else:
                open_brackets.pop()
                if not open_brackets:
                    return position
        self._unclosed.update(open_brackets)
        return None

    def _after_space(self, position: int) -> int:
        match = _SPACE.match(self._text, position)
        return position if match is None else match.end()


def _saturated(digits: str) -> int:
    negative = digits.startswith("-")
    magnitude = digits.lstrip("+-").lstrip("0")
    if len(magnitude) > _INT64_DIGITS:  # int() refuses texts of thousands of digits
        return _INT64_MIN if negative else _INT64_MAX
    value = int(magnitude or "0")
    return max(-value, _INT64_MIN) if negative else min(value, _INT64_MAX)


def plain_usage_predicate_sql(column: str) -> str:
    r"""Return a DuckDB BOOLEAN expression: does `counter_sql` equal the lenient scanner here?

    True only for a valid JSON object without backslashes that names each counter at most once, with
    canonical 64-bit integers (bare or quoted), nulls or nothing as values. False for NULL; never
    raises. Where the predicate and the counters stand in one SELECT list, outside any CASE, DuckDB
    extracts the JSON once for all of them.

    Args:
        column: A VARCHAR column or parenthesised expression, put into the SQL as it is.
    """
    twice = "|".join(f'"{key}".*"{key}"' for key in JSON_KEYS.values())
    # DuckDB's parser takes NaN and Infinity, in any case, where the scanner gives up. It also takes
    # a comma before a closing bracket, as the scanner does.
    odd_number = r":[ \n\r\t]*[+-]?[nNiI][aAnN]"
    texts = _counter_texts_sql(column)
    return (
        f"COALESCE(starts_with({column}, '{{') AND NOT contains({column}, '\\')"
        f" AND NOT regexp_matches({column}, '(?s){twice}|{odd_number}')"
        f" AND CAST({_counter_values_sql(column)} AS VARCHAR[]) = {texts}, FALSE)"
    )


def counter_sql(column: str, name: str) -> str:
    """Return a DuckDB BIGINT expression for one counter of a plain text, clamped as messages are.

    Args:
        column: As for `plain_usage_predicate_sql`, whose truth the value depends on.
        name: A field of `TokenCounts`.

    Raises:
        ValueError: `name` is no field of `TokenCounts`.
    """
    if name not in TokenCounts._fields:
        message = f"{name!r} is no token counter; use one of {', '.join(TokenCounts._fields)}"
        raise ValueError(message)
    index = TokenCounts._fields.index(name) + 1
    value = f"{_counter_values_sql(column)}[{index}]"
    return f"COALESCE(LEAST(GREATEST({value}, 0), {MAX_TOKENS}), 0)"


def _counter_values_sql(column: str) -> str:
    return f"TRY_CAST({_counter_texts_sql(column)} AS BIGINT[])"


def _counter_texts_sql(column: str) -> str:
    # The guard keeps malformed text away from the extraction, which raises on it.
    paths = ", ".join(f"'$.{key}'" for key in JSON_KEYS.values())
    return f"json_extract_string(CASE WHEN json_valid({column}) THEN {column} END, [{paths}])"
