"""Reading rows whose values are not of the kind that their column declares.

SQLite stores anything anywhere: a blob or bytes that are no UTF-8 where text belongs, text where a
number does. agentsview reads such a text all the same, and fails on such a number. What belongs
here: what each value reads as, and which rows have to be held back. What does not: opening
archives.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.resources.archives.schema import SourceColumn, SourceTable, ValueType
from agentsview_assets.rules.text import displayable, from_bytes

ARROW_TYPES: dict[ValueType, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "real": pa.float64(),
}
TROUBLE = "odd__"
"""Prefix of the columns that hold what is no number, as bytes."""
RAW_TEXT_SENTINEL = "X'78'"

_INTEGER = re.compile(rb"[+-]?[0-9]+\Z")
_LONGEST_INTEGER = 20
_INT64 = range(-(2**63), 2**63)
# More texts are flags to some of agentsview's documents, but not to all.
_FLAGS = {b"0": 0, b"1": 1}
_SHOWN = 60


class HeldRow(NamedTuple):
    """A row that cannot be read, and is left out.

    Attributes:
        table: Table of the archive.
        session_id: Session that it belongs to, or is; empty where there is none, and for the
            repeat of a session that is kept.
        row: The row for people.
        reason: What is wrong with it.
    """

    table: str
    session_id: str
    row: str
    reason: str


class Found(NamedTuple):
    """What was read.

    Attributes:
        rows: The rows that can be read.
        held: The others.
        raw_ids: The bytes of ids whose text had to be made, by that text.
    """

    rows: pa.Table
    held: list[HeldRow]
    raw_ids: dict[str, bytes]


def arrow_schema(table: SourceTable) -> pa.Schema:
    """The schema that a table is read as."""
    return pa.schema([pa.field(column.name, ARROW_TYPES[column.type]) for column in table.columns])


def is_plain(table: SourceTable, found: pa.Table) -> bool:
    """Whether every value is what its column declares."""
    if found.schema.types != arrow_schema(table).types:
        return False
    for column in table.columns:
        values = found.column(column.name)
        if column.type == "text" and not _is_utf8(values):
            return False
        if not _are_numbers(column, values):
            return False
    return True


def lenient_columns(table: SourceTable) -> tuple[str, str]:
    """SQL lists for reading anything: a first row that settles types, and the columns.

    Texts come as bytes. Numbers come as they are, and what is none as bytes beside them.
    """
    sentinel, columns = [], []
    for column in table.columns:
        if column.type == "text":
            sentinel.append(f"{RAW_TEXT_SENTINEL} AS {column.name}")
            columns.append(f"CAST({column.sql} AS BLOB) AS {column.name}")
            continue
        source, kinds = column.required, _number_kinds(column)
        number = "0" if column.type == "integer" else "0.5"
        sentinel += [f"{number} AS {column.name}", f"{RAW_TEXT_SENTINEL} AS {TROUBLE}{column.name}"]
        known, nothing = f"CASE WHEN typeof({source}) IN ({kinds})", f"{TROUBLE}{column.name}"
        columns += [
            f"{known} THEN {column.sql} END AS {column.name}",
            f"{known} THEN NULL ELSE CAST({source} AS BLOB) END AS {nothing}",
        ]
    return ", ".join(sentinel), ", ".join(columns)


def read_odd(table: SourceTable, raw: pa.Table) -> Found:
    """Makes of rows read by `lenient_columns` what can be made of them."""
    reasons: dict[int, str] = {}
    raw_ids: dict[str, bytes] = {}
    columns: list[pa.Array | pa.ChunkedArray] = []
    for column in table.columns:
        values = raw.column(column.name)
        if column.type == "text":
            texts = _texts(values)
            if column.name == "id":
                raw_ids = _differing(values, texts)
            columns.append(texts)
        else:
            odd = raw.column(f"{TROUBLE}{column.name}")
            columns.append(_numbers(column, values, odd, reasons))
    return _sorted_out(table, pa.table(columns, schema=arrow_schema(table)), reasons, raw_ids)


def without_odd_numbers(table: SourceTable, found: pa.Table) -> Found:
    """Holds back rows of typed columns whose numbers may not stand there, such as NaN."""
    reasons: dict[int, str] = {}
    nothing = pa.nulls(found.num_rows, pa.binary())
    for column in table.columns:
        values = found.column(column.name)
        if not _are_numbers(column, values):
            read = _numbers(column, values, nothing, reasons)
            place = found.schema.get_field_index(column.name)
            found = found.set_column(place, found.schema.field(place), read)
    return _sorted_out(table, found, reasons, {}) if reasons else Found(found, [], {})


def _sorted_out(
    table: SourceTable, found: pa.Table, reasons: dict[int, str], raw_ids: dict[str, bytes]
) -> Found:
    repeats = _repeats(table, found, reasons)
    if not reasons and not repeats:
        return Found(found, [], raw_ids)
    held = [
        HeldRow(
            table.name,
            "" if index in repeats else _session_of(table, found, index),
            row_name(table, found, index),
            reason,
        )
        for index, reason in sorted((reasons | repeats).items())
    ]
    gone = repeats if table.is_kept_when_held else reasons | repeats
    kept = pa.array([index not in gone for index in range(found.num_rows)], pa.bool_())
    return Found(_filled(table, found.filter(kept)), held, raw_ids)


def _repeats(table: SourceTable, found: pa.Table, reasons: dict[int, str]) -> dict[int, str]:
    """Different bytes may read as the same key: only the first row of one is kept."""
    seen: set[tuple[object, ...]] = set()
    repeats = {}
    keys = zip(*(found.column(name).to_pylist() for name in table.key), strict=True)
    for index, key in enumerate(keys):
        if index in reasons and not table.is_kept_when_held:
            continue
        if key in seen:
            repeats[index] = "reads as the same key as another row"
        seen.add(key)
    return repeats


def row_name(table: SourceTable, found: pa.Table, row: int) -> str:
    """A row by its key, for people."""
    return ", ".join(
        f"{column.name}={found.column(column.name)[row].as_py()!r}" for column in table.key_columns
    )


def _session_of(table: SourceTable, found: pa.Table, row: int) -> str:
    column = table.session_column
    return "" if column is None else str(found.column(column)[row].as_py() or "")


def _filled(table: SourceTable, found: pa.Table) -> pa.Table:
    """The rows with something in each place that must not be empty; they reach no table."""
    for place, column in enumerate(table.columns):
        if not column.nullable and column.type != "text":
            filled = pc.fill_null(found.column(place), 0)
            found = found.set_column(place, found.schema.field(place), filled)
    return found


def _texts(values: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Bytes as text, each byte that is no UTF-8 as U+FFFD: so it stands in every document."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        texts = (None if v is None else displayable(from_bytes(v)) for v in values.to_pylist())
        return pa.array(texts, pa.string())


def _differing(values: pa.ChunkedArray, texts: pa.Array | pa.ChunkedArray) -> dict[str, bytes]:
    pairs = zip(texts.to_pylist(), values.to_pylist(), strict=True)
    return {text: value for text, value in pairs if value is not None and text.encode() != value}


def _numbers(
    column: SourceColumn,
    values: pa.ChunkedArray,
    odd: pa.ChunkedArray,
    reasons: dict[int, str],
) -> pa.Array:
    """Numbers, and in `reasons` the rows that have none where one belongs."""
    numbers: list[float | None] = values.to_pylist()
    for index, value in enumerate(odd.to_pylist()):
        number = numbers[index]
        if value is None and (number is None or _fits(column, number)):
            continue
        value = str(number).encode() if value is None else value  # noqa: PLW2901 - for people
        # What is only compared in SQL is what it is, and equal to no number.
        is_compared = column.type == "integer" and column.unreadable is not None
        number = None if is_compared else _read(column, value)
        if number is None:
            number = column.unreadable
            if number is None:
                reasons.setdefault(index, _reason(column, value))
        numbers[index] = number
    return pa.array(numbers, ARROW_TYPES[column.type])


def _fits(column: SourceColumn, number: float) -> bool:
    """Whether a number may stand in its column."""
    if column.is_flag:
        return number in (0, 1)
    if column.type == "real":
        return math.isfinite(number) if column.is_finite else not math.isnan(number)
    return True


def _read(column: SourceColumn, value: bytes) -> float | None:
    """What agentsview makes of a text or blob where a number belongs; None where it fails."""
    if column.is_flag:
        return _FLAGS.get(value)
    if column.stored_type == "integer":
        is_number = _INTEGER.match(value) and len(value.lstrip(b"+-0")) <= _LONGEST_INTEGER
        number = int(value) if is_number else None
        if number is None or number not in _INT64:
            return None
        return number if column.divisor is None else number / column.divisor
    try:
        real = float(value)
    except ValueError:
        return None
    return real if _fits(column, real) else None


def _reason(column: SourceColumn, value: bytes) -> str:
    kinds = {"integer": "whole number", "real": "number", "text": "text"}
    kind = "yes or no" if column.is_flag else kinds[column.type]
    shown = displayable(from_bytes(value[:_SHOWN]))
    return f"{column.required} holds {shown!r}, which is no {kind}"


def _number_kinds(column: SourceColumn) -> str:
    if column.stored_type == "real":
        return "'real', 'integer', 'null'"
    return "'integer', 'null'"


def _is_utf8(values: pa.ChunkedArray) -> bool:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _are_numbers(column: SourceColumn, values: pa.ChunkedArray) -> bool:
    """Whether all numbers of a column may stand there."""
    if column.is_flag:
        return bool(pc.all(pc.is_in(values, pa.array([0, 1, None], pa.int64()))).as_py())
    if column.type == "real":
        allowed = pc.is_finite(values) if column.is_finite else pc.invert(pc.is_nan(values))
        return pc.all(allowed).as_py() is not False
    return True
