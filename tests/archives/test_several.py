"""Several archives in one warehouse: reported together as one, and each for itself."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.archive_urls import split_archives
from agentsview_assets.errors import ConfigError
from agentsview_assets.settings import load_settings
from tests.support.documents import assert_same_document
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.archives.conftest import Bench, Machines

# In one worker, which makes the warehouses once that several tests look at or copy.
pytestmark = pytest.mark.xdist_group("several")

DAILY = ("usage", "daily", "--json", "--offline", "--no-sync", "--breakdown", "--timezone", "UTC")
ACTIVITY = (
    *("activity", "report", "--json", "--offline", "--preset", "custom", "--timezone", "UTC"),
    *("--from", "2026-10-29T00:00:00Z", "--to", "2026-11-12T00:00:00Z"),
)
REPORTS = {
    "everything": (*DAILY, "--all"),
    "some days": (*DAILY, "--since", "2026-11-03", "--until", "2026-11-06"),
    "from a day on": (*DAILY, "--since", "2026-11-05"),
    "one agent": (*DAILY, "--all", "--agent", "codex"),
    "activity": ACTIVITY,
    "activity of one agent": (*ACTIVITY, "--agent", "claude"),
}


@pytest.mark.parametrize("report", REPORTS)
def test_together_they_report_as_one_archive_with_all_sessions(
    report: str, made: Bench, machines: Machines
) -> None:
    ours = made.run(*REPORTS[report])
    theirs = machines.oracle.run(machines.both, *REPORTS[report])
    assert ours.code == theirs.returncode == 0, ours.err
    assert_same_document(ours.out, theirs.stdout, report)


@pytest.mark.parametrize("report", ["everything", "some days", "activity"])
@pytest.mark.parametrize("place", [0, 1])
def test_each_reports_as_if_it_were_alone(
    report: str, place: int, made: Bench, machines: Machines
) -> None:
    ours = made.run(*REPORTS[report], "--archive-id", made.ids()[place])
    archive = (machines.one, machines.other)[place]
    theirs = machines.oracle.run(archive, *REPORTS[report])
    assert_same_document(ours.out, theirs.stdout, report)


def test_rows_add_up_as_the_documentation_says(made: Bench) -> None:
    page = (REPOSITORY / "docs/sources.md").read_text(encoding="utf-8")
    [query] = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    document = json.loads(made.run(*REPORTS["everything"]).out)
    assert sum(row[2] for row in made.rows(query)) == document["totals"]["inputTokens"]
    [(twice,)] = made.rows("SELECT SUM(input_tokens) FROM daily_usage")
    assert twice > document["totals"]["inputTokens"]


def test_what_counts_elsewhere_says_where(made: Bench) -> None:
    first, second = sorted(made.ids())
    shared = made.shared()
    assert shared
    # The archives are equal in what they share, so that the one of the least id counts.
    assert {(here, there) for here, _, there, _ in shared} >= {(second, first)}
    dangling = made.rows(
        "SELECT d.row_id FROM duplicates d LEFT JOIN duplicates w ON w.scope = d.scope "
        "AND w.archive_id = d.counting_archive_id AND w.row_id = d.counting_row_id "
        "AND w.counting_archive_id = w.archive_id AND w.counting_row_id = w.row_id "
        "AND w.dedup_key = d.dedup_key "
        "LEFT JOIN usage_rows u ON u.archive_id = w.archive_id AND u.row_id = w.row_id "
        "WHERE d.scope = 'all' AND u.row_id IS NULL"
    )
    assert dangling == []


def test_sessions_of_both_are_told(made: Bench) -> None:
    first, second = sorted(made.ids())
    both = made.rows(
        "SELECT session_id FROM sessions GROUP BY session_id HAVING count(*) = 2 ORDER BY 1"
    )
    marked = made.rows(
        "SELECT session_id, archive_id, canonical_archive_id FROM session_copies "
        "WHERE canonical_archive_id <> archive_id ORDER BY 1"
    )
    assert marked == [(session, second, first) for (session,) in both]
    told = made.run("status", "--json").json["shared"]
    assert told["sessions"] == len(both)
    assert told["usage_rows"] == len(made.shared())
    assert f"{len(both)} sessions are in several archives" in made.run("status").out


def test_an_export_is_of_one_archive(made: Bench, machines: Machines) -> None:
    refused = made.run("export", "sessions", "--format", "json")
    assert refused.code == 1
    for archive_id in made.ids():
        assert archive_id in refused.err
    assert "--archive-id" in refused.err
    found = made.run("export", "sessions", "--format", "json", "--archive-id", made.ids()[1]).json
    theirs = machines.oracle.run(machines.other, "export", "sessions", "--format", "json")
    expected = [session["id"] for session in json.loads(theirs.stdout)["sessions"]]
    assert [session["id"] for session in found["sessions"]] == expected


def test_projects_join_by_their_remotes(made: Bench) -> None:
    keys = made.rows(
        "SELECT key, count(DISTINCT archive_id) FROM project_identities "
        "WHERE key_source = 'git_remote' GROUP BY key HAVING count(DISTINCT archive_id) = 2"
    )
    assert keys


def test_the_order_in_which_archives_come_decides_nothing(bench: Bench, machines: Machines) -> None:
    """Of equal rows those of the least archive id count, whichever was named or seen first."""
    bench.over(machines.other).materialize()
    joined = bench.over(machines.other, machines.one)
    joined.materialize()
    least, other = sorted(joined.ids())
    equal = [(here, there) for here, _, there, _ in joined.shared()]
    assert (other, least) in equal
    shared = joined.shared()
    turned = bench.over(machines.one, machines.other)
    assert turned.materialize()["up_to_date"]
    assert turned.shared() == shared


def test_an_archive_that_is_not_named_keeps_its_rows(both: Bench, machines: Machines) -> None:
    before = both.shared()
    assert both.over(machines.one).materialize()["up_to_date"]
    assert both.shared() == before
    held = both.over(machines.one).run("status", "--json").json["held"]
    assert sorted(archive["state"] for archive in held) == ["kept", "observed"]


class TestUnreadable:
    """One archive that cannot be read does not hold back the others."""

    @staticmethod
    def ruin(path: Path) -> bytes:
        """Cuts an archive off, and returns what it was."""
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        return whole

    def test_the_others_go_on_and_its_rows_stay(self, spoilt: Bench, machines: Machines) -> None:
        one, other = spoilt.ids()
        usage = f"SELECT * FROM usage_rows WHERE archive_id = '{other}' ORDER BY ALL"
        before = spoilt.rows(usage)
        whole = self.ruin(spoilt.folder / "other" / "sessions.db")
        machines.oracle.sync(spoilt.folder / "one", machines.both.parent / "corpus")
        done = spoilt.run("materialize", "--json")
        assert done.code == 0, done.err
        assert "cut off" in done.err
        assert len(done.json["unread"]) == 1
        assert spoilt.rows(usage) == before
        assert spoilt.rows(f"SELECT count(*) FROM sessions WHERE archive_id = '{one}'") == [
            (len(self.sessions(machines.both)),)
        ]
        found = spoilt.run("status", "--json").json["sources"]
        assert [source["state"] for source in found] == ["observed", "unreadable"]
        assert "stale" in found[1]["note"]
        (spoilt.folder / "other" / "sessions.db").write_bytes(whole)
        assert spoilt.run("materialize", "--json").json["unread"] == []
        found = spoilt.run("status", "--json").json["sources"]
        assert [source["state"] for source in found] == ["observed", "observed"]

    @staticmethod
    def sessions(archive: Path) -> list[str]:
        """The sessions of an archive."""
        import sqlite3  # noqa: PLC0415
        from contextlib import closing  # noqa: PLC0415

        with closing(sqlite3.connect(f"file:{archive}/sessions.db?mode=ro", uri=True)) as database:
            return [row[0] for row in database.execute("SELECT id FROM sessions")]

    def test_it_is_told_when_none_can_be_read(self, spoilt: Bench) -> None:
        for name in ("one", "other"):
            self.ruin(spoilt.folder / name / "sessions.db")
        done = spoilt.run("materialize")
        assert done.code == 1
        assert "cut off" in done.err

    def test_one_that_is_gone_is_told(self, spoilt: Bench) -> None:
        shutil.rmtree(spoilt.folder / "other")
        done = spoilt.run("materialize", "--json")
        assert done.code == 0
        assert "no such file" in done.err
        found = spoilt.run("status", "--json").json["sources"]
        assert [source["state"] for source in found] == ["observed", "missing"]


class TestALostState:
    """The state folder is Dagster's history: without it, the warehouse knows what it holds."""

    @pytest.fixture
    def bereft(self, both: Bench) -> Bench:
        """A warehouse of both machines whose state folder is gone."""
        shutil.rmtree(both.folder / "warehouse.duckdb.state")
        return both

    def test_every_day_is_as_it_was_made(self, bereft: Bench, machines: Machines) -> None:
        records = "SELECT * FROM warehouse_partitions ORDER BY ALL"
        before = bereft.rows(records)
        assert bereft.materialize()["up_to_date"]
        assert bereft.over(machines.one).materialize()["up_to_date"]
        assert bereft.rows(records) == before

    def test_rows_of_an_archive_that_is_not_named_are_not_touched(
        self, bereft: Bench, machines: Machines
    ) -> None:
        _, other = bereft.ids()
        usage = f"SELECT * FROM usage_rows WHERE archive_id = '{other}' ORDER BY ALL"
        before = bereft.rows(usage)
        bereft.over(machines.one).materialize("--force")
        assert before
        assert bereft.rows(usage) == before
        assert bereft.materialize()["up_to_date"]

    def test_it_can_be_given_up(self, bereft: Bench, machines: Machines) -> None:
        one = bereft.over(machines.one)
        kept, other = bereft.ids()
        done = one.run("materialize", "--forget", other)
        assert done.code == 0, done.err
        assert f"{other} is forgotten" in done.err
        assert one.rows("SELECT DISTINCT archive_id FROM usage_rows") == [(kept,)]
        assert one.shared() == []
        assert one.rows("SELECT * FROM session_copies") == []
        assert one.materialize()["up_to_date"]

    def test_what_is_observed_can_be_given_up_too(self, both: Bench, machines: Machines) -> None:
        one, other = both.ids()
        both.over(machines.one).materialize("--forget", other)
        assert both.rows("SELECT DISTINCT archive_id FROM sessions") == [(one,)]
        assert both.rows("SELECT DISTINCT archive_id FROM model_pricing_archives") == [(one,)]


def test_a_copy_of_an_archive_is_not_read_as_another(bench: Bench, machines: Machines) -> None:
    copy = bench.folder / "backup"
    shutil.copytree(machines.one, copy)
    both = bench.over(machines.one, copy)
    done = both.run("materialize", "--json")
    assert done.code == 0
    assert f"is a copy of {machines.one}" in done.err
    assert both.materialize()["up_to_date"]


class TestNaming:
    """How archives are named."""

    def test_the_environment_lists_them_as_path_does(self) -> None:
        listed = (
            "/a b/one:~/two:duckdb:////srv/mirror.duckdb:"
            "postgresql://u@h:5432/db?schema=agentsview:../three"
        )
        assert split_archives(listed) == [
            "/a b/one",
            "~/two",
            "duckdb:////srv/mirror.duckdb",
            "postgresql://u@h:5432/db?schema=agentsview",
            "../three",
        ]

    def test_or_on_lines(self) -> None:
        assert split_archives("/a:/b\n\n  /c\n") == ["/a:/b", "/c"]

    def test_a_path_that_exists_is_one(self, tmp_path: Path) -> None:
        odd = tmp_path / "a:" / "b"
        odd.mkdir(parents=True)
        assert split_archives(str(odd)) == [str(odd)]

    def test_the_command_line_comes_first(self) -> None:
        found = load_settings({"AGENTSVIEW_ASSETS_ARCHIVE": "/x"}, archive=("/a", "/b"))
        assert [archive.shown for archive in found.archives] == ["/a", "/b"]

    def test_naming_one_twice_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="named twice"):
            load_settings({}, archive=("/a", "/b/../a", "/a"))

    def test_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="not a source"):
            load_settings({}, archive=("mysql://secret@host/db",))

    def test_a_password_is_not_shown(self) -> None:
        found = load_settings({}, archive=("postgresql://me:secret@host/db",))
        assert "secret" not in repr(found)
        assert found.archives[0].shown.endswith("schema=agentsview")
