"""Another archive where one was: what both hold moves over, and all else of the first stays."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest
from agentsview_assets.resources.observations import ObservationStore

from agentsview_assets.archive_urls import parse_archives
from agentsview_assets.resources.observing_all import Options, observe_all
from tests.support.further import further
from tests.support.machines import Machine, archive, everything
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

    from agentsview_assets.resources.observing import Observed

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
    """A store and what its archives hold by it."""

    def __init__(self, folder: Path, *places: Path) -> None:
        self.place = folder / "store.duckdb"
        self.places = places

    def observe(self, *places: Path) -> Observed:
        """Observes the archives at some places, or at all."""
        urls = parse_archives([str(place) for place in places or self.places])
        with ObservationStore(self.place) as store:
            return observe_all(urls, store, Options())

    def held(self) -> dict[str, tuple[set[Session], set[Event]]]:
        """The sessions and events of each archive; every row of them is of the right session."""
        found: dict[str, tuple[set[Session], set[Event]]] = {}
        with ObservationStore(self.place) as store:
            sessions = store.rows(
                "SELECT s.archive_id, s.session_id, CAST(s.day AS TEXT), "
                "(SELECT count(*) FROM usage u WHERE u.archive_id = s.archive_id "
                "AND u.session_id = s.session_id), "
                "(SELECT count(*) FROM interval i WHERE i.archive_id = s.archive_id "
                "AND i.session_id = s.session_id) FROM session s"
            )
            for archive_id, name, day, spent, active in sessions:
                assert (spent, active) == (2, 1)
                found.setdefault(str(archive_id), (set(), set()))[0].add((str(name), str(day)))
            events = store.rows(
                "SELECT archive_id, dedup_key, timestamp_text FROM usage "
                "WHERE row_kind = 'cursor_event'"
            )
            for archive_id, key, when in events:
                event = (str(key).removeprefix("usage:"), str(when)[11:13])
                found.setdefault(str(archive_id), (set(), set()))[1].add(event)
            orphans = store.rows(
                "SELECT count(*) FROM usage WHERE row_kind <> 'cursor_event' AND "
                "(archive_id, session_id) NOT IN (SELECT (archive_id, session_id) FROM session)"
            )
            assert orphans == [(0,)]
            priced = {
                str(a) for (a,) in store.rows("SELECT DISTINCT archive_id FROM model_pricing")
            }
            assert priced - store.leaving().keys() == {str(a.archive_id) for a in store.archives()}
            assert priced >= found.keys()
            assert store.may_replace() >= found.keys()
        return found


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
        with ObservationStore(watched.place) as store:
            assert [known.archive_id for known in store.archives()] == ["two"]
            assert store.leaving() == {"one": "taken over"}
            assert [found[::2] for found in store.successions()] == [("one", "two")]

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
@pytest.mark.parametrize("seed", range(12))
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

    @pytest.mark.parametrize("is_lost", [*further(False), True])
    def test_a_part_of_the_days_can_be_made_after_an_upgrade(
        self, *, is_lost: bool, machine: Machine
    ) -> None:
        """The rows of the old identity that are left meanwhile are priced as they were."""
        [place] = machine.archives
        disk(place, "one", {("a", DAYS[0]), ("b", DAYS[1]), ("c", DAYS[2])}, set())
        assert machine.run("materialize").code == 0
        if is_lost:
            machine.lose_state()
        disk(place, "two", {("a", DAYS[0]), ("b", DAYS[1]), ("c", DAYS[2])}, set())
        assert machine.start(day=DAYS[1]).err == ""
        assert self.sessions(machine) == {"one": 4, "two": 2}
        done = machine.run("materialize", "--since", DAYS[2])
        assert done.code == 0
        assert self.sessions(machine) == {"one": 2, "two": 4}
        assert "rows of archive one (taken over) are left" in done.err
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
    def test_without_the_state_what_would_be_lost_is_refused(
        self, lacks: str, machine: Machine
    ) -> None:
        [place] = machine.archives
        disk(place, "one", {("a", DAYS[0]), ("b", DAYS[1])}, {("k", "10")})
        assert machine.run("materialize").code == 0
        before = everything(machine.warehouse)
        machine.lose_state()
        sessions = {("a", DAYS[0]), ("b", DAYS[1]), ("c", DAYS[2])}
        if lacks != "event":
            sessions.discard(("b", DAYS[1]))
        if lacks == "start":
            sessions.add(("b", DAYS[0]))
        disk(place, "two", sessions, set() if lacks == "event" else {("k", "10")})
        for done in (machine.run("materialize"), machine.start(day=DAYS[1])):
            assert done.code == 1
            assert "(one)" in done.err
            assert "--forget" in done.err
            assert everything(machine.warehouse) == before
        assert machine.run("materialize", "--forget", "one").code == 0
        assert set(everything(machine.warehouse)) == {"two"}
