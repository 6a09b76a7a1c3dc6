"""The tools of the comparison: what they call equal, and that they give the same twice."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.data.sample import make_sample
from tests.support.documents import differences
from tests.support.odd_archives import THEMES, make_archive, make_scrambled
from tests.support.transcripts import Settings, write_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oracle import Oracle


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ('{"a": 0.30000000000000004}', '{"a": 0.3}'),
        ('{"a": 5}', '{"a": 5.000000001}'),
        ('{"a": 0}', '{"a": 1e-17}'),
        ('{"a": [1, "x", null, true]}', '{"a": [1, "x", null, true]}'),
    ],
)
def test_documents_that_count_as_equal(ours: str, theirs: str) -> None:
    assert differences(ours, theirs) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ('{"a": 1}', '{"a": 2}', ["a: 1 vs 2"]),
        ('{"a": 1}', '{"a": true}', ["a: 1 vs true"]),
        ('{"a": 1.5}', '{"a": 1.50001}', ["a: 1.5 vs 1.50001"]),
        ('{"a": 1e-07}', '{"a": 1e-7}', ["a: 1e-07 vs 1e-07"]),
        ('{"a": {"b": [1]}}', '{"a": {"b": [1, 2]}}', ["a.b[1]: absent vs 2"]),
        ('{"a": null}', "{}", ["a: null vs absent"]),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', ["document: keys in order"]),
        ('{"a": "<"}', '{"a": "\\u003c"}', ["line 1"]),
        ('{"a": 1}', '{"a":1}', ["line 1"]),
    ],
)
def test_documents_that_differ(ours: str, theirs: str, told: list[str]) -> None:
    found = differences(ours, theirs)
    assert len(found) == len(told)
    for line, start in zip(found, told, strict=True):
        assert line.startswith(start)


def test_one_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    settings = Settings(sessions=25, days=8, seed=3)
    digests = []
    for _ in range(2):
        write_corpus(tmp_path / "corpus", settings)
        files = sorted((tmp_path / "corpus").rglob("*.jsonl"))
        digests.append(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    assert digests[0] == digests[1]


def test_one_seed_scrambles_the_same_way(oracle: Oracle, tmp_path: Path) -> None:
    report = ("usage", "daily", "--json", "--all", "--offline", "--no-sync", "--breakdown")
    texts = []
    for place in ("first", "second"):
        # The same corpus on the same path, so that only the scrambling could differ.
        archive = make_scrambled(oracle, tmp_path.resolve() / "archive", seed=4)
        texts.append(oracle.run(archive, *report).stdout)
        archive.rename(tmp_path / place)
    assert differences(*texts) == []


def test_every_edit_says_which_rule_it_provokes() -> None:
    for edits in THEMES.values():
        assert all(edit.__doc__ for edit in edits)


def test_edited_archives_are_sound(oracle: Oracle, tmp_path: Path) -> None:
    archive = make_archive(oracle, tmp_path / "odd", edits=THEMES["duplicates"])
    with closing(sqlite3.connect(archive / "sessions.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_sample_is_fit_to_be_shipped() -> None:
    make_sample.check(make_sample.SAMPLE, "/tmp/")  # noqa: S108 - the text to look for
