"""One command line given to both programs, and whatever they say compared.

Two freedoms, which the original takes itself: which of a session's models is the primary one among
equals, and the last digits of sums of floats.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING

from tests.support.documents import assert_same_document, assert_same_text

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from tests.conformance.conftest import Pair

# Quotes within a text are escaped, so that none of it looks like a member of ours.
_PRIMARY = re.compile(r'"primary_model":( ?)("(?:[^"\\]|\\.)*")')
# What moves with the clock of a range that is not over yet.
_PARTIAL = re.compile('"partial": ?true')
_CLOCK = re.compile(
    r'"(?:partial|as_of|effective_end|elapsed_bucket_count|idle_minutes)": ?(?:"[^"]*"|[^,}\s]+)'
)
_CLOCK_TEXT = re.compile(r"^(Partial range, data as of|Idle minutes ).*$", re.MULTILINE)


def compare(pair: Pair, arguments: Sequence[str], *, zone: str = "UTC") -> str:
    """Fail unless both programs end alike and say the same.

    Args:
        pair: The archive and both programs.
        arguments: Command line for both.
        zone: Zone of their clocks.

    Returns:
        What ours wrote to stdout.
    """
    ours, theirs = _run(pair, arguments, zone)
    assert_same_answer(ours, theirs, arguments)
    return ours.stdout


def assert_same_answer(
    ours: subprocess.CompletedProcess[str],
    theirs: subprocess.CompletedProcess[str],
    arguments: Sequence[str],
) -> None:
    """Fail unless two programs ended alike and said the same."""
    about = " ".join(arguments)
    assert ours.returncode == theirs.returncode, (about, ours.stderr, theirs.stderr)
    told = ours.stderr.replace("agentsview-assets", "agentsview")
    assert_same_text(told, theirs.stderr, f"stderr of {about}")
    mine, others = ours.stdout, theirs.stdout
    if arguments[0] == "activity":
        mine, others = without_freedom(mine, others)
    if arguments[0] == "export":
        _assert_same_lines(mine, others, about)
    elif others.startswith("{"):
        assert_same_document(mine, others, about)
    else:
        assert_same_text(mine, others, about)


def without_freedom(ours: str, theirs: str) -> tuple[str, str]:
    """Two activity reports, in any layout, without what the original is free to say."""
    return _steady(_with_their_ties(ours, theirs)), _steady(theirs)


def _run(
    pair: Pair, arguments: Sequence[str], zone: str
) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    # Default windows depend on the day: try again if it has just ended.
    while True:
        day = dt.datetime.now(dt.UTC).date()
        theirs = pair.theirs.run(pair.archive, *arguments, zone=zone)
        ours = pair.ours.here(*arguments, zone=zone)
        if day == dt.datetime.now(dt.UTC).date():
            return ours, theirs


def _assert_same_lines(ours: str, theirs: str, about: str) -> None:
    found, expected = ours.split("\n"), theirs.split("\n")
    assert len(found) == len(expected), about
    for number, (line, other) in enumerate(zip(found, expected, strict=True)):
        if line != other:
            assert_same_document(line, other, f"line {number} of {about}")


def _with_their_ties(ours: str, theirs: str) -> str:
    """Take over which of a session's models is the primary one, where theirs is one of them."""
    if not all(text.startswith("{") and '"by_session"' in text for text in (ours, theirs)):
        return ours
    mine, others = json.loads(ours)["by_session"], json.loads(theirs)["by_session"]
    if len(mine) != len(others):
        return ours
    names = iter(
        other["primary_model"]
        if other["primary_model"] in (one["models"] or ())
        else one["primary_model"]
        for one, other in zip(mine, others, strict=True)
    )
    told = [text for _, text in (*_PRIMARY.findall(theirs), *_PRIMARY.findall(ours))]
    found = {json.loads(text): text for text in told}
    return _PRIMARY.sub(lambda m: f'"primary_model":{m[1]}{found[next(names)]}', ours)


def _steady(text: str) -> str:
    """Blank out the clock, where the range is partial."""
    if _PARTIAL.search(text):
        return _CLOCK.sub('"":0', text)
    return _CLOCK_TEXT.sub(r"\1", text) if "\nPartial range, " in text else text
