"""Rebuild the sample archive: `python -m agentsview_assets.data.sample.make_sample`.

Needs a source checkout (it uses `tests.support`), git, and once the network, to install the
original agentsview. See README.md beside this file for what is changed after the sync, and why.
"""

# ruff: noqa: INP001 - a folder of data with its recipe, not a package

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.support import oracle
from tests.support.documents import assert_same_document
from tests.support.transcripts import Settings, write_corpus

SAMPLE = Path(__file__).resolve().parent / "sessions.db"
CORPUS = Settings(sessions=34, days=14, seed=21, mean_turns=5.0)
MOST_BYTES = 1_000_000
_HOME = "home/dev"
_REPORT = ("usage", "daily", "--json", "--all", "--offline", "--no-sync", "--breakdown")

# What a first look at the warehouse should have to show: a query that must find something.
_TRAITS = {
    "three agents": "SELECT COUNT(DISTINCT agent) >= 3 FROM sessions",
    "eight projects": "SELECT COUNT(DISTINCT project) >= 8 FROM sessions",
    "ten days": "SELECT COUNT(DISTINCT substr(started_at, 1, 10)) >= 10 FROM sessions",
    "a subagent": "SELECT 1 FROM sessions WHERE relationship_type = 'subagent'",
    "a fork": "SELECT 1 FROM sessions WHERE relationship_type = 'fork'",
    "an automated session": "SELECT 1 FROM sessions WHERE is_automated = 1",
    "usage of a whole session": "SELECT 1 FROM usage_events",
    "an unpriced model": "SELECT 1 FROM messages WHERE model LIKE 'kelp-%' AND token_usage <> ''",
    "a synthetic message": "SELECT 1 FROM messages WHERE model = '<synthetic>'",
    "duplicates over sessions": "SELECT 1 FROM messages WHERE claude_message_id <> ''"
    " GROUP BY claude_message_id, claude_request_id HAVING COUNT(DISTINCT session_id) > 1",
    "duplicates over days": "SELECT 1 FROM messages WHERE claude_message_id <> ''"
    " GROUP BY claude_message_id, claude_request_id"
    " HAVING COUNT(DISTINCT substr(timestamp, 1, 10)) > 1",
    "a scrubbed remote": "SELECT 1 FROM project_identity_observations"
    " WHERE project = 'tidepool' AND git_remote = 'https://github.com/saltmarsh/tidepool.git'",
    "a session over midnight": "SELECT 1 FROM sessions"
    " WHERE substr(started_at, 1, 10) <> substr(ended_at, 1, 10)",
}


def main() -> None:
    """Write `sessions.db` beside this file, after checking that it is fit to be shipped."""
    with tempfile.TemporaryDirectory(prefix="sample-") as made:
        work = Path(made).resolve()
        program = oracle.install(work / "scratch")
        corpus, archive = work / _HOME, work / "archive"
        manifest = write_corpus(corpus, CORPUS)
        program.sync(archive, corpus)
        before = _report(program, archive)
        move_home(archive / "sessions.db", str(work))
        assert_same_document(_report(program, archive), before, "the report changed with the paths")
        settle(archive / "sessions.db")
        check(archive / "sessions.db", str(work))
        shutil.copyfile(archive / "sessions.db", SAMPLE)
    json.dump({**manifest.as_dict(), "bytes": SAMPLE.stat().st_size}, sys.stdout, indent=1)
    sys.stdout.write("\n")


def move_home(database: Path, prefix: str) -> None:
    """Take the temporary folder out of every path, so that they begin with `/home/dev`."""
    encoded = re.sub(r"[/._]", "-", prefix)
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in _text_columns(connection):
            for part in (prefix, encoded):
                connection.execute(
                    f"UPDATE {table} SET {column} = replace({column}, ?, '')"
                    f" WHERE instr({column}, ?) > 0",
                    (part, part),
                )
        connection.execute("UPDATE sessions SET file_inode = NULL, file_device = NULL")
        _renew_path_keys(connection)


def _text_columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'messages_fts%' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return [
        (table, name)
        for (table,) in tables
        for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
        if kind == "TEXT"
    ]


def _renew_path_keys(connection: sqlite3.Connection) -> None:
    # No report reads these keys, but they should still be the keys of the paths beside them.
    rows = connection.execute(
        "SELECT rowid, root_path FROM project_identity_observations WHERE key_source = 'root_path'"
    ).fetchall()
    for row, path in rows:
        digest = hashlib.sha256(f"root_path\n{path}".encode()).hexdigest()
        connection.execute(
            "UPDATE project_identity_observations SET key = ? WHERE rowid = ?",
            (f"sha256:{digest}", row),
        )


def settle(database: Path) -> None:
    """Make one compact file that can be opened in a folder nobody may write to."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("INSERT INTO messages_fts(messages_fts) VALUES ('rebuild')")
        connection.execute("INSERT INTO messages_fts(messages_fts) VALUES ('optimize')")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")


def check(database: Path, prefix: str) -> None:
    """Refuse an archive that is too large, names this machine, or lacks something to show."""
    content = database.read_bytes()
    faults = [f"names {part}" for part in (prefix, "not-a-real-secret") if part.encode() in content]
    if len(content) > MOST_BYTES:
        faults.append(f"has {len(content)} bytes")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        for trait, query in _TRAITS.items():
            found = connection.execute(query).fetchone()
            if not found or not found[0]:
                faults.append(f"lacks {trait}")
    if faults:
        message = "not fit to be shipped: " + ", ".join(faults)
        raise SystemExit(message)


def _report(program: oracle.Oracle, archive: Path) -> str:
    document: dict[str, object] = json.loads(program.run(archive, *_REPORT).stdout)
    # The keys of projects without a remote change with their paths, as they should.
    del document["projects"]
    return json.dumps(document)


if __name__ == "__main__":
    main()
