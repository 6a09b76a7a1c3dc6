"""Another archive where one was: what both hold moves over, and all else of the first stays."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.archives.resource import ArchiveResource
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.rules.outdated import unread_archives
from agentsview_assets.rules.staleness import DAILY_TABLES
from agentsview_assets.rules.versions import rules
from agentsview_assets.rules.windows import DayWindow
from agentsview_assets.schemas import CONTRACTS
from tests.support.further import further
from tests.support.machines import Machine, archive, everything
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agentsview_assets.resources.archives.observing_all import Seen
    from agentsview_assets.resources.warehouses.outputs import Frames
    from agentsview_assets.resources.warehouses.store import Store

WINDOW = DayWindow("2026-10-29", "2026-11-20")
WHOLE_WINDOW = (WINDOW.first, WINDOW.last)
DAILY = ("sessions", "usage_rows", "activity_intervals")
WHOLE = ("project_observations", "machines", "model_pricing")
DAYS = ("2026-11-01", "2026-11-02", "2026-11-03")
Session = tuple[str, str]
Event = tuple[str, str]


def disk(folder: Path, identity: str, sessions: set[Session], events: set[Event]) -> Path:
    """An archive of sessions (id, day) and Cursor events (key, hour)."""
    archive(folder, identity, sorted(sessions))
    with TinyArchive(folder) as made:
        for key, hour in sorted(events):
            made.insert(
                "cursor_usage_events", occurred_at=f"2026-11-03T{hour}:00:00Z", model="gpt-5.5",
                kind="usage", input_tokens=5, output_tokens=6, cache_write_tokens=0,
                cache_read_tokens=0, charged_cents=1.5, dedup_key=key,
            )  # fmt: skip
    return folder


class Watched:
    """A warehouse and the archives that are observed into it."""

    def __init__(self, folder: Path, *places: Path) -> None:
        self.url = f"duckdb:///{folder}/warehouse.duckdb"
        self.places = places

    def observe(self, *places: Path, days: Sequence[str] = WHOLE_WINDOW) -> Seen:
        """Observes the archives at some places, or at all, and makes what they say on some days."""
        source = ArchiveResource("\n".join(map(str, places or self.places)))
        with open_store(self.url) as store, closing(source):
            seen = source.refresh(store, WINDOW)
            for name in DAILY:
                made = source.frames(name, tuple(seen.origins), days, WINDOW, store)
                _replace(store, name, made, days)
            for name in WHOLE:
                _replace(store, name, source.frame(name, tuple(seen.origins), WINDOW, store), None)
            store.deduplicate()
        return seen

    def held(self) -> dict[str, tuple[set[Session], set[Event]]]:
        """The sessions and events of each archive; every row of them is of the right session."""
        found: dict[str, tuple[set[Session], set[Event]]] = {}
        with open_store(self.url) as store, store.reading() as warehouse:
            sessions = warehouse.rows(
                "SELECT s.archive_id, s.session_id, CAST(s.partition_date AS TEXT), "
                "(SELECT count(*) FROM usage_rows u WHERE u.archive_id = s.archive_id "
                "AND u.session_id = s.session_id), "
                "(SELECT count(*) FROM activity_intervals i WHERE i.archive_id = s.archive_id "
                "AND i.session_id = s.session_id) FROM sessions s"
            )
            for archive_id, name, day, spent, active in sessions:
                assert (spent, active) == (2, 1)
                session = (str(name), str(day))
                mine = found.setdefault(str(archive_id), (set(), set()))[0]
                assert session not in mine
                mine.add(session)
            events = warehouse.rows(
                "SELECT archive_id, dedup_key, timestamp_text FROM usage_rows "
                "WHERE row_kind = 'cursor_event'"
            )
            for archive_id, key, when in events:
                event = (str(key).removeprefix("usage:"), str(when)[11:13])
                found.setdefault(str(archive_id), (set(), set()))[1].add(event)
            for table in ("usage_rows", "activity_intervals"):
                orphans = warehouse.rows(
                    f"SELECT count(*) FROM {table} u WHERE u.session_id <> '' AND NOT EXISTS "
                    "(SELECT 1 FROM sessions s WHERE s.archive_id = u.archive_id "
                    "AND s.session_id = u.session_id)"
                )
                assert orphans == [(0,)]
            for table in DAILY:
                assert dict(
                    warehouse.rows(
                        f"SELECT archive_id || ' ' || CAST(partition_date AS TEXT), count(*) "
                        f"FROM {table} GROUP BY 1"
                    )
                ) == dict(
                    warehouse.rows(
                        "SELECT archive_id || ' ' || partition_date, row_count "
                        f"FROM warehouse_partitions WHERE asset = '{table}' AND row_count > 0"
                    )
                )
            priced = {
                str(a) for (a,) in warehouse.rows("SELECT archive_id FROM model_pricing_archives")
            }
            assert priced == {a.archive_id for a in store.archives()} >= found.keys()
            # What stays without its archive is up to date: nothing asks to have it made again.
            assert not unread_archives(store.expected(), store.all_partitions(), WINDOW, {})
        return found


def _replace(store: Store, name: str, made: Frames, days: Sequence[str] | None) -> None:
    contract = CONTRACTS[name]
    frames = [contract.validate(frame, made.span) for frame in made.frames]
    counts = Counter(
        (row.archive_id, row.partition_date if days else "")
        for frame in frames
        for row in frame.itertuples()
    )
    records = [
        Partition(
            archive,
            day,
            counts[archive, str(day)],
            version,
            "",
            "run",
            rules().digests[name],
        )
        for (archive, day), version in made.input_versions.items()
        if days is None or (made.span and made.span.first <= day <= made.span.last)
    ]
    slices = Slices(made.archives, made.span, owns_earlier=bool(days and days[0] == WINDOW.first))
    store.replace(contract, frames, slices, records)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path, tmp_path / "data")


class TestOneAfterTheOther:
    """What becomes of rows when archives follow each other at one path."""

    def test_what_both_hold_moves_and_the_rest_stays(self, watched: Watched) -> None:
        [place] = watched.places
        disk(
            place,
            "one",
            {("a", DAYS[0]), ("b", DAYS[1]), ("t", DAYS[2])},
            {("k", "10"), ("l", "11")},
        )
        watched.observe()
        # The id of `b` is another session's by chance: it started at another time.
        new = ({("a", DAYS[0]), ("b", DAYS[2])}, {("l", "11"), ("k", "12")})
        disk(place, "two", *new)
        [taken] = watched.observe().taken
        assert (taken.old, taken.new, taken.moved, taken.kept) == ("one", "two", 2, 3)
        for word in ("found archive two where one was", "2 of its", "3 stay", "--forget one"):
            assert word in taken.told()
        assert watched.held() == {
            "one": ({("b", DAYS[1]), ("t", DAYS[2])}, {("k", "10")}),
            "two": new,
        }
        assert watched.observe().is_unchanged

    def test_one_that_holds_it_all_takes_its_place(self, watched: Watched) -> None:
        [place] = watched.places
        old = ({("a", DAYS[0])}, {("k", "10")})
        disk(place, "one", *old)
        watched.observe()
        new = (old[0] | {("b", DAYS[1])}, old[1])
        disk(place, "two", *new)
        [taken] = watched.observe().taken
        assert taken.kept == 0
        assert watched.held() == {"two": new}
        with open_store(watched.url) as store:
            assert [known.archive_id for known in store.archives()] == ["two"]
            assert [found[::2] for found in store.successions()] == [("one", "two")]
            assert {entry.session_id for entry in store.ledger("one")} == set()

    def test_keys_that_an_upgrade_gave_anew_are_the_same_events(self, watched: Watched) -> None:
        [place] = watched.places
        disk(place, "one", {("a", DAYS[0])}, {("k", "10"), ("l", "11")})
        watched.observe()
        upgraded = ({("a", DAYS[0])}, {("ab" * 32, "10"), ("cd" * 32, "11")})
        disk(place, "two", *upgraded)
        watched.observe()
        assert watched.held() == {"two": upgraded}

    def test_what_arrives_later_is_taken_over_later(self, watched: Watched) -> None:
        """A data folder begun anew is filled bit by bit."""
        [place] = watched.places
        disk(place, "one", {("a", DAYS[0]), ("b", DAYS[1])}, set())
        watched.observe()
        disk(place, "two", {("a", DAYS[0])}, set())
        watched.observe()
        whole = {("a", DAYS[0]), ("b", DAYS[1])}
        disk(place, "two", whole, set())
        [taken] = watched.observe().taken
        assert (taken.moved, taken.kept) == (1, 0)
        assert watched.held() == {"two": (whole, set())}

    @pytest.mark.hostile
    def test_an_archive_that_is_read_elsewhere_keeps_its_rows(
        self, watched: Watched, tmp_path: Path
    ) -> None:
        [place] = watched.places
        old = ({("a", DAYS[0]), ("b", DAYS[1])}, {("k", "10")})
        disk(place, "one", *old)
        watched.observe()
        shutil.copytree(place, tmp_path / "copy")
        disk(place, "two", *old)
        for order in ((place, tmp_path / "copy"), (tmp_path / "copy", place)):
            watched.observe(*order)
            assert watched.held() == {"one": old, "two": old}
        disk(place, "two", {*old[0], ("c", DAYS[2])}, old[1])
        watched.observe(place)
        assert watched.held()["one"] == old


@pytest.mark.hostile
@pytest.mark.parametrize("seed", [*range(4), *further(*range(4, 12))])
def test_whatever_disks_come_and_go_every_row_is_there_once(seed: int, tmp_path: Path) -> None:
    """Of all that was ever seen at a path, the archive seen last that held it has it."""
    rng = random.Random(seed)
    watched = Watched(tmp_path, tmp_path / "data")
    [place] = watched.places
    pool: list[Session] = [(name, day) for name in "abcd" for day in rng.sample(DAYS, 2)]
    events: list[Event] = [(key, hour) for key in "kl" for hour in ("10", "11")]
    disks: dict[str, tuple[set[Session], set[Event]]] = {}
    owner: dict[tuple[str, Session], str] = {}
    current = ""
    for _ in range(6):
        name = rng.choice([f"disk{number}" for number in range(4)])
        if name not in disks or rng.random() < 0.3:
            chosen = dict(rng.sample(pool, rng.randint(0, 4)))  # one of each id
            keyed = dict(rng.sample(events, rng.randint(0, 3)))
            fresh = (set(chosen.items()), set(keyed.items()))
            if name == current or name in disks:
                # What its own agentsview removed is gone.
                for thing in [t for t, who in owner.items() if who == name]:
                    del owner[thing]
            disks[name] = fresh
        disk(place, name, *disks[name])
        watched.observe()
        for kind, things in zip(("session", "event"), disks[name], strict=True):
            for thing in things:
                owner[kind, thing] = name
        current = name
        expected: dict[str, tuple[set[Session], set[Event]]] = {}
        for (kind, thing), who in owner.items():
            expected.setdefault(who, (set(), set()))[kind == "event"].add(thing)
        assert watched.held() == expected
    assert not watched.observe().taken


@pytest.mark.hostile
class TestInTheWarehouse:
    """The same, up to the tables, and told."""

    @pytest.fixture
    def machine(self, tmp_path: Path) -> Machine:
        url = f"duckdb:///{tmp_path}/warehouse.duckdb"
        return Machine(tmp_path, url, (tmp_path / "data",))

    def sessions(self, machine: Machine) -> dict[str, int]:
        """Rows of each archive in tables that have a row for a session."""
        names = (" sessions ", " session_summaries ")
        return {
            archive_id: sum(any(name in row for name in names) for row in rows)
            for archive_id, rows in everything(machine.warehouse).items()
        }

    def test_rows_move_and_stay_and_the_first_disk_comes_back(
        self, machine: Machine, tmp_path: Path
    ) -> None:
        [place] = machine.archives
        disk(place, "one", {("a", DAYS[0]), ("b", DAYS[1])}, {("k", "10")})
        assert machine.run("materialize").code == 0
        before = everything(machine.warehouse)["one"]
        place.rename(tmp_path / "first")
        disk(place, "two", {("b", DAYS[1]), ("c", DAYS[2])}, set())
        done = machine.run("materialize")
        assert done.code == 0
        assert "note: " in done.err
        assert "found archive two where one was" in done.err
        found = everything(machine.warehouse)
        of_a = [row for row in before if "'a'" in row and "usage_rows" in row]
        assert of_a
        assert set(of_a) <= set(found["one"])
        assert self.sessions(machine) == {"one": 2, "two": 4}
        status = machine.run("status")
        assert "one was there before two" in status.out
        assert "--forget one" in status.out
        shown = machine.run("status", "--json").json["held"]
        assert {held["archive_id"]: held.get("succeeded_by") for held in shown} == {
            "one": "two",
            "two": None,
        }
        shutil.rmtree(place)
        (tmp_path / "first").rename(place)
        assert machine.run("materialize").code == 0
        assert self.sessions(machine) == {"one": 4, "two": 2}
        assert everything(machine.warehouse)["one"] == before
        assert machine.run("materialize", "--json").json["up_to_date"]
        assert machine.run("materialize", "--forget", "two").code == 0
        assert everything(machine.warehouse) == {"one": before}

    def days(self, machine: Machine, archive_id: str, day: str) -> set[str]:
        """The rows of a day of all daily tables, without the archive's name."""
        return {
            row.replace(f"'{archive_id}'", "")
            for row in everything(machine.warehouse)[archive_id]
            for table in DAILY_TABLES
            if f" {table} " in row and repr(dt.date.fromisoformat(day)) in row
        }

    @pytest.mark.parametrize("is_lost", [*further(False), True])
    def test_a_part_of_the_days_can_be_made_after_an_upgrade(
        self, *, is_lost: bool, machine: Machine
    ) -> None:
        """The rows of the old identity stay meanwhile, priced as they were, under the new one."""
        [place] = machine.archives
        disk(place, "one", {("a", DAYS[0]), ("b", DAYS[1]), ("c", DAYS[2])}, set())
        assert machine.run("materialize").code == 0
        first, last = (self.days(machine, "one", day) for day in (DAYS[0], DAYS[2]))
        assert first
        if is_lost:
            machine.lose_state()
        disk(place, "two", {("a", DAYS[0]), ("b", DAYS[1]), ("c", DAYS[2])}, set())
        assert machine.start(day=DAYS[1]).err == ""
        assert self.sessions(machine) == {"two": 6}
        assert self.days(machine, "two", DAYS[0]) == first
        assert self.days(machine, "two", DAYS[2]) == last
        done = machine.run("materialize", "--since", DAYS[2])
        assert done.code == 0
        assert self.sessions(machine) == {"two": 6}
        assert self.days(machine, "two", DAYS[0]) == first
        assert machine.run("materialize").code == 0
        assert set(everything(machine.warehouse)) == {"two"}
        assert machine.run("materialize", "--json").json["up_to_date"]

    def test_without_the_state_what_an_upgrade_left_is_recognised(self, machine: Machine) -> None:
        [place] = machine.archives
        disk(place, "one", {("a", DAYS[0]), ("b", DAYS[1])}, {("k", "10")})
        assert machine.run("materialize").code == 0
        machine.lose_state()
        disk(place, "two", {("a", DAYS[0]), ("b", DAYS[1])}, {("ab" * 32, "10")})
        done = machine.run("materialize")
        assert done.code == 0
        assert "takes its place" in done.err
        assert set(everything(machine.warehouse)) == {"two"}
        assert machine.run("materialize", "--json").json["up_to_date"]

    @pytest.mark.parametrize("lacks", ["session", *further("event", "start")])
    def test_without_the_state_what_the_other_disk_lacks_stays(
        self, lacks: str, machine: Machine
    ) -> None:
        [place] = machine.archives
        disk(place, "one", {("a", DAYS[0]), ("b", DAYS[1])}, {("k", "10")})
        assert machine.run("materialize").code == 0
        before = everything(machine.warehouse)["one"]
        machine.lose_state()
        sessions = {("a", DAYS[0]), ("b", DAYS[1]), ("c", DAYS[2])}
        if lacks != "event":
            sessions.discard(("b", DAYS[1]))
        if lacks == "start":
            sessions.add(("b", DAYS[0]))
        disk(place, "two", sessions, set() if lacks == "event" else {("k", "10")})
        done = machine.run("materialize")
        assert done.code == 0
        assert "1 stay" in done.err
        assert "--forget one" in done.err
        facts = [row for row in before if " usage_rows " in row or " sessions " in row]
        kept = [row for row in facts if ("'b'" if lacks != "event" else "'cursor_event'") in row]
        found = everything(machine.warehouse)
        assert kept
        assert [r for r in found["one"] if " usage_rows " in r or " sessions " in r] == kept
        assert self.sessions(machine)["two"] == 2 * len(sessions)
        assert machine.run("materialize", "--forget", "one").code == 0
        assert set(everything(machine.warehouse)) == {"two"}
