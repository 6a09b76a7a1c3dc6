"""Token texts that are not quite JSON, and counts beyond what a row may hold."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Edit, Workbench

_KEYS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "reasoning_tokens",
)
_BIG = "99999999999999999999"
TOKEN_TEXTS = (
    '{"input_tokens":"5"}',
    '{"input_tokens":" 5 "}',
    '{"input_tokens":"\u00a05\u2003"}',
    '{"input_tokens":"+5"}',
    '{"input_tokens":"5.9"}',
    '{"input_tokens":"0x10"}',
    '{"input_tokens":"1_000"}',
    '{"input_tokens":""}',
    '{"input_tokens":5.9}',
    '{"input_tokens":1e3}',
    '{"input_tokens":1.5e3}',
    '{"input_tokens":+5}',
    '{"input_tokens":null}',
    '{"input_tokens":true}',
    '{"input_tokens":[5]}',
    '{"input_tokens":{"input_tokens":5},"output_tokens":6}',
    '{"input_tokens":007}',
    '{"input_tokens":-5}',
    '{"input_tokens":5,"input_tokens":9}',
    '{"input_tokens":5,"input_tokens":null}',
    '{"input_tokens":5,"input_tokens":"x"}',
    '{"input_tokens":5,"output_tokens":6',
    '{"input_tokens":5 "output_tokens":6}',
    '{"input_tokens" 5,"output_tokens":6}',
    '{"x":bad,"output_tokens":6}',
    '{"x":{bad},"output_tokens":6}',
    '{"input_tokens":bad,"output_tokens":6}',
    '{"x":{"a":1],"output_tokens":6}',
    '{"x":{"input_tokens":5}}',
    '{"input_tokens":5}{"input_tokens":6}',
    '{bad:1,"output_tokens":6}',
    '{,,,"input_tokens":5,,"output_tokens":6,}',
    '{"input\\u005ftokens":5}',
    '{"Input_tokens":5}',
    '{"input_tokens":5,"bad\\qescape":1,"output_tokens":6}',
    '{"input_tokens":5,"unclosed',
    '{"input_tokens":"unclosed',
    '{"input_tokens":"bad\\qescape","output_tokens":6}',
    '{"x":1.,"output_tokens":6}',
    '{"x":1.5e,"output_tokens":6}',
    '{"x":-,"output_tokens":6}',
    '{"x":nul,"output_tokens":6}',
    '{"x":nullish,"output_tokens":6}',
    '{"x":"}","output_tokens":6}',
    '{"x":["]",{"y":"\\""}],"output_tokens":6}',
    '\n\t {"input_tokens":5}',
    '\ufeff{"input_tokens":5}',
    '[{"input_tokens":5}]',
    '"input_tokens"',
    'x{"input_tokens":5}',
    '{"input_tokens":' + _BIG + "}",
    '{"input_tokens":-' + _BIG + "}",
    '{"input_tokens":"' + _BIG + '"}',
    '{"input_tokens":5,"output_tokens":0,"reasoning_tokens":100}',
    '{"cache_creation":{"ephemeral_1h_input_tokens":9},"cache_creation_input_tokens":9}',
)
_JUNK = (
    *('"', "{", "}", "[", "]", ",", ":", " ", "\n", "\\", "-", "+", ".", "e", "7", "12", "null"),
    *("true", "fals", "1.5", "1e3", '"x"', '"5"', '"a\\u0041"', '"\\q"', "\u00a0", "\x01", "é"),
    *(f'"{key}"' for key in _KEYS),
    *(f'"{key}":{value}' for key in _KEYS for value in (3, '"4"', "null", _BIG)),
)
_EDGES = (-1, 0, 1, 1_999_999, 2_000_000, 2_000_001, 3_000_000, -3_000_000)


def token_texts(bench: Workbench) -> None:
    """Each text of the scanner's rules; a model of its own shows what it was read as."""
    session = bench.session("token-texts", "token-texts")
    for number, text in enumerate(TOKEN_TEXTS):
        bench.message(session, usage=text, model=f"text {number:02}")


def random_token_texts(bench: Workbench) -> None:
    """Texts put together at random from pieces that mean something to the scanner."""
    draws = random.Random(90210)
    session = bench.session("token-soup", "token-soup")
    for number in range(600):
        pieces = draws.choices(_JUNK, k=draws.randrange(1, 12))
        text = ("{" if draws.random() < 0.9 else "") + draws.choice(("", ",")).join(pieces)
        bench.message(session, usage=text, model=f"soup {number:03}")


def message_clamps(bench: Workbench) -> None:
    """Each counter of a message stays within 0 and two million."""
    session = bench.session("message-clamps", "message-clamps")
    for key in _KEYS:
        for count in _EDGES:
            bench.message(session, usage={key: count}, model=f"{key} {count}")


def event_clamps(bench: Workbench) -> None:
    """Source `session` has no upper limit; every other source and Cursor rows have one."""
    for source in ("session", "Session", "turn", "shutdown", ""):
        session = bench.session(f"event-clamps:{source}", f"event-clamps-{source}")
        for column in _KEYS:
            for count in _EDGES:
                model = f"{source} {column} {count}"
                given = {"input_tokens": 0, "output_tokens": 0, column: count}
                bench.event(session, source=source, model=model, **given)
    columns = ("input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens")
    for column in columns:
        for count in _EDGES:
            bench.cursor(model=f"cursor {column} {count}", **{column: count})


def raw_reasoning(bench: Workbench) -> None:
    """Reasoning of an event is never clamped, so that a negative one costs less than nothing."""
    session = bench.session("reasoning", "raw-reasoning")
    for reasoning in (-1_000_000, 5_000_000, 0):
        for output in (0, -4, 3):
            bench.event(
                session,
                model="claude-opus-4-6",
                input_tokens=0,
                output_tokens=output,
                reasoning_tokens=reasoning,
            )


EDITS: tuple[Edit, ...] = (
    token_texts,
    random_token_texts,
    message_clamps,
    event_clamps,
    raw_reasoning,
)
