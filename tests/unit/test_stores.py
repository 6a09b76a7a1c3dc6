"""Every store: a partition is replaced whole or not at all, and comes back as it went in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from signal import SIGKILL
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from agentsview_assets.errors import ContractError, WarehouseError
from agentsview_assets.resources.warehouses.ledger import Finding
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.postgres.store import PostgresStore
from agentsview_assets.resources.warehouses.reader import META_TABLE, PARTITIONS_TABLE, open_reader
from agentsview_assets.resources.warehouses.store import Archive, Partition, Selection, Slices
from agentsview_assets.resources.warehouses.succession import Leaving
from agentsview_assets.rules.staleness import INHERITED_VERSION
from agentsview_assets.rules.text import LONGEST_NAME, storable
from agentsview_assets.schemas import CONTRACTS
from tests.support import forked
from tests.support.contract_rows import ARCHIVE, DAY, EVERY_TABLE, frame, frame_of, records
from tests.support.hardship import files_up_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentsview_assets.resources.warehouses.store import Store
    from agentsview_assets.rules.reasons import Record
    from agentsview_assets.schemas import TableContract

SESSIONS = CONTRACTS["sessions"]
USAGE = CONTRACTS["usage_rows"]
DAYS = ["2026-07-01", "2026-07-02", "2026-07-03", "2026-07-04", "2026-07-05"]
"""How long a child process may take before a test gives up on it."""


def _replace(
    store: Store,
    contract: TableContract,
    frames: Iterable[pd.DataFrame],
    days: Sequence[str] | None,
    made: Sequence[Partition],
    *,
    owns_earlier: bool = False,
) -> None:
    """Replaces slices of the one archive that there is."""
    store.replace(contract, frames, Slices((ARCHIVE,), days, owns_earlier), made)


def _noted(days: Sequence[str], version: str = "v1", run_id: str = "run-1") -> list[Partition]:
    return [Partition(ARCHIVE, day, 1, version, "", run_id) for day in days]


def _fill(store: Store, days: Sequence[str] = DAYS, size: int = 3, version: str = "v1") -> None:
    """Writes `size` sessions of each day, in one range."""
    frames = [frame(SESSIONS, size, day, title=version) for day in days]
    _replace(store, SESSIONS, frames, days, _noted(days, version))


def _rows(warehouse: str, sql: str) -> list[tuple[Any, ...]]:
    with open_reader(warehouse) as reader:
        return reader.rows(sql)


def _titles(warehouse: str) -> dict[tuple[str, str], int]:
    """Sessions by day and title: who wrote the rows of which day."""
    found = _rows(
        warehouse,
        "SELECT partition_date, title, count(*) FROM sessions GROUP BY 1, 2",
    )
    return {(str(day), title): count for day, title, count in found}


def _versions(warehouse: str) -> dict[str, str]:
    with open_store(warehouse) as store:
        return {day: version for (_, day), (version, _) in store.partitions("sessions").items()}


class TestRoundTrip:
    @pytest.mark.parametrize("name", EVERY_TABLE)
    def test_rows_of_every_table_come_back_equal(self, warehouse, name):
        contract = CONTRACTS[name]
        nulls = {c.name: None for c in contract.columns if c.nullable}
        rows = records(contract, 4)
        rows[1].update(nulls)
        written = frame_of(contract, rows)
        days = [DAY] if contract.partition_column else None
        with open_store(warehouse) as store:
            _replace(store, contract, [written], days, _noted([DAY if days else ""]))
            found = contract.frame(store.read(contract, Selection()))
        keys = list(contract.key)
        pd.testing.assert_frame_equal(
            found.sort_values(keys, ignore_index=True), written.sort_values(keys, ignore_index=True)
        )

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            ("epoch_seconds", [-(2**63), 2**63 - 1, 2**53 + 1, -1, 0, None]),
            ("reasoning_tokens", [-(2**63), 2**63 - 1, 2**53 + 1, -1, 0]),
            ("reported_cost_usd", [5e-324, -0.0, 1.7976931348623157e308, 0.1 + 0.2, None]),
            (
                "occurred_at",
                [
                    datetime(1, 1, 1, tzinfo=UTC),
                    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
                    datetime(2026, 7, 1, 12, 0, 0, 1, tzinfo=UTC),
                    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
                    None,
                ],
            ),
            (
                "timestamp_text",
                [
                    "",
                    "naïve 日本語 🦦",
                    "a'b\"c;--",
                    "line\nfeed\ttab",
                    "an\n\\.\nend",
                    "\\N",
                    "NULL",
                    "\r",
                    " \u200b",
                    "x" * 100_000,
                    None,
                ],
            ),
            ("session_date", ["0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31", None]),
        ],
    )
    def test_extreme_values_come_back_exactly(self, warehouse, column, values):
        rows = records(USAGE, len(values))
        for row, value in zip(rows, values, strict=True):
            row[column] = value
        with open_store(warehouse) as store:
            _replace(store, USAGE, [frame_of(USAGE, rows)], [DAY], _noted([DAY]))
            found = store.read(USAGE, Selection(columns=("row_id", column))).to_pylist()
        by_row = {row["row_id"]: row[column] for row in found}
        if warehouse.startswith("postgresql") and column == "timestamp_text":
            # It is in an index, which holds the start of a long text and a digest of it.
            values = [value and storable(value) for value in values]
            assert len(values[9]) <= LONGEST_NAME
        assert [by_row[row["row_id"]] for row in rows] == values

    def test_a_nul_character_within_a_text_is_kept_where_it_can_be(self, warehouse):
        rows = frame(USAGE, 1, timestamp_text="before\0after")
        with open_store(warehouse) as store:
            _replace(store, USAGE, [rows], [DAY], _noted([DAY]))
            found = store.read(USAGE, Selection(columns=("timestamp_text",))).to_pylist()
        kept = "\u2400" if warehouse.startswith("postgresql") else "\0"
        assert found == [{"timestamp_text": f"before{kept}after"}]

    def test_columns_are_matched_by_name(self, warehouse):
        rows = frame(SESSIONS, 2)
        with open_store(warehouse) as store:
            _replace(store, SESSIONS, [rows[list(reversed(rows.columns))]], [DAY], _noted([DAY]))
        assert _rows(warehouse, "SELECT project, machine FROM sessions ORDER BY session_id") == [
            (f"project {DAY} 0", f"machine {DAY} 0"),
            (f"project {DAY} 1", f"machine {DAY} 1"),
        ]

    def test_a_selection_of_columns_and_days_reads_no_more(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
            found = store.read(
                SESSIONS, Selection(columns=("session_id", "partition_date"), days=DAYS[1:3])
            )
        assert found.column_names == ["partition_date", "session_id"]
        assert sorted(set(found.column("partition_date").to_pylist())) == DAYS[1:3]
        assert found.num_rows == 6

    def test_another_day_column_selects_by_that_day(self, warehouse):
        rows = [
            *records(USAGE, 2, session_date="2026-06-30"),
            *records(USAGE, 1, DAYS[1], session_date="2026-06-30"),
            *records(USAGE, 4, DAYS[2], session_date=DAYS[2]),
        ]
        with open_store(warehouse) as store:
            _replace(store, USAGE, [frame_of(USAGE, rows)], DAYS[:3], _noted(DAYS[:3]))
            days = ("2026-06-29", "2026-06-30")
            found = store.read(USAGE, Selection(("row_id",), days, "session_date"))
        assert found.num_rows == 3

    def test_counting_gives_distinct_values_and_their_rows(self, warehouse):
        rows = [*records(USAGE, 3, model="m1"), *records(USAGE, 2, DAYS[1], model="m2")]
        with open_store(warehouse) as store:
            _replace(store, USAGE, [frame_of(USAGE, rows)], DAYS[:2], _noted(DAYS[:2]))
            found = store.read(USAGE, Selection(count_by=("archive_id", "model"))).to_pylist()
        assert sorted(found, key=lambda row: str(row["model"])) == [
            {"archive_id": "archive-1", "model": "m1", "row_count": 3},
            {"archive_id": "archive-1", "model": "m2", "row_count": 2},
        ]


class TestReplacing:
    def test_a_range_replaces_its_days_and_no_other(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
            _fill(store, DAYS[1:3], size=2, version="v2")
        assert _titles(warehouse) == {
            (DAYS[0], "v1"): 3,
            (DAYS[1], "v2"): 2,
            (DAYS[2], "v2"): 2,
            (DAYS[3], "v1"): 3,
            (DAYS[4], "v1"): 3,
        }
        assert list(dict(sorted(_versions(warehouse).items())).values()) == [
            "v1",
            "v2",
            "v2",
            "v1",
            "v1",
        ]

    def test_running_twice_changes_nothing(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
        before = _rows(warehouse, "SELECT * FROM sessions ORDER BY session_id")
        with open_store(warehouse) as store:
            _fill(store)
        assert _rows(warehouse, "SELECT * FROM sessions ORDER BY session_id") == before
        assert _rows(warehouse, f"SELECT count(*) FROM {PARTITIONS_TABLE}") == [(len(DAYS),)]

    @pytest.mark.parametrize("frames", [[], [SESSIONS.empty()], [SESSIONS.empty()] * 3])
    def test_an_empty_result_clears_its_day_and_is_noted(self, warehouse, frames):
        with open_store(warehouse) as store:
            _fill(store)
            _replace(
                store,
                SESSIONS,
                frames,
                [DAYS[2]],
                [Partition(ARCHIVE, DAYS[2], 0, "v2", "r2", "run-2")],
            )
        assert {day for day, _ in _titles(warehouse)} == {*DAYS} - {DAYS[2]}
        noted = (
            "SELECT asset, partition_date, row_count, input_version, rates_version, run_id "
            f"FROM {PARTITIONS_TABLE} WHERE row_count = 0"
        )
        assert _rows(warehouse, noted) == [("sessions", DAYS[2], 0, "v2", "r2", "run-2")]

    def test_a_table_without_days_is_replaced_whole(self, warehouse):
        contract = CONTRACTS["model_rates"]
        with open_store(warehouse) as store:
            _replace(store, contract, [frame(contract, 5)], None, _noted([""]))
            _replace(store, contract, [frame(contract, 2)], None, _noted([""], "v2"))
            assert store.partitions("model_rates") == {(ARCHIVE, ""): ("v2", "")}
        assert _rows(warehouse, "SELECT count(*) FROM model_rates") == [(2,)]

    def test_one_table_is_replaced_and_the_others_stay(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
            _replace(store, USAGE, [frame(USAGE, 2)], [DAY], _noted([DAY]))
            _replace(store, USAGE, [], [DAY], _noted([DAY]))
        assert _rows(warehouse, "SELECT count(*) FROM sessions") == [(15,)]
        assert set(_versions(warehouse)) == {*DAYS}

    def test_frames_are_written_part_by_part(self, warehouse):
        parts = [frame_of(SESSIONS, rows) for rows in _split(records(SESSIONS, 9), 4)]
        with open_store(warehouse) as store:
            _replace(store, SESSIONS, iter(parts), [DAY], _noted([DAY]))
        assert _titles(warehouse) == {(DAY, f"title {DAY} {n}"): 1 for n in range(9)}

    def test_the_first_days_of_the_window_own_what_an_earlier_window_left(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
            _replace(
                store,
                SESSIONS,
                [frame(SESSIONS, 1, DAYS[3], title="v2")],
                [DAYS[3]],
                _noted([DAYS[3]], "v2"),
                owns_earlier=True,
            )
        assert _titles(warehouse) == {(DAYS[3], "v2"): 1, (DAYS[4], "v1"): 3}
        assert _versions(warehouse) == {DAYS[3]: "v2", DAYS[4]: "v1"}

    def test_other_days_own_nothing_but_themselves(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
            _replace(store, SESSIONS, [], [DAYS[3]], _noted([DAYS[3]], "v2"))
        assert set(_versions(warehouse)) == {*DAYS}
        assert {day for day, _ in _titles(warehouse)} == {*DAYS} - {DAYS[3]}

    def test_slices_of_another_archive_stay_with_their_records(self, warehouse):
        other = frame(SESSIONS, 2, DAYS[1], archive_id="archive-2", title="theirs")
        with open_store(warehouse) as store:
            _fill(store)
            made = [Partition("archive-2", DAYS[1], 2, "t1", "", "run-t")]
            store.replace(SESSIONS, [other], Slices(("archive-2",), [DAYS[1]]), made)
            _fill(store, size=1, version="v2")
            found = store.partitions("sessions")
        assert _titles(warehouse) == {**{(d, "v2"): 1 for d in DAYS}, (DAYS[1], "theirs"): 2}
        assert found["archive-2", DAYS[1]] == ("t1", "")
        assert {place: v for place, v in found.items() if place[0] == ARCHIVE} == {
            (ARCHIVE, day): ("v2", "") for day in DAYS
        }

    def test_each_writing_transaction_raises_the_revision_and_a_failed_one_does_not(
        self, warehouse
    ):
        def revision() -> int:
            return int(_rows(warehouse, f"SELECT revision FROM {META_TABLE}")[0][0])

        with open_store(warehouse):
            pass
        seen = [revision()]
        with open_store(warehouse) as store:
            _fill(store)
        seen.append(revision())
        with open_store(warehouse) as store, pytest.raises(ContractError):
            _replace(store, SESSIONS, _refusing(), [DAY], _noted([DAY]))
        assert revision() == seen[1]
        with open_store(warehouse) as store:
            store.remove_archive(ARCHIVE)
        assert seen[0] < seen[1] < revision()


class TestPassingOn:
    def test_rows_take_their_new_name_and_slices_count_what_is_left(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store, DAYS[:2])
            moved, *_ = sorted(name for (name,) in store.ask("SELECT session_id FROM sessions"))
            # The slices are of a version that is not the expected one, and stay so.
            leaving = Leaving(ARCHIVE, "successor", [moved], [], None, [], [], [])
            store.pass_on(leaving)
            left, passed = (
                {day: (record.content, count) for day, record, count in _recorded(store, name)}
                for name in (ARCHIVE, "successor")
            )
        held = _rows(
            warehouse,
            "SELECT archive_id, CAST(partition_date AS VARCHAR(10)), count(*) FROM sessions "
            "GROUP BY 1, 2",
        )
        assert {(name, day): count for name, day, count in held} == {
            **{(ARCHIVE, day): count for day, (_, count) in left.items()},
            **{("successor", day): count for day, (_, count) in passed.items()},
        }
        assert {content for content, _ in left.values()} == {"v1"}
        assert {content for content, _ in passed.values()} == {INHERITED_VERSION}
        assert sum(count for _, count in (*left.values(), *passed.values())) == 6

    def test_all_of_an_archive(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store, DAYS[:2])
            store.pass_on_all(ARCHIVE, "successor")
            assert {place[0] for place in store.partitions("sessions")} == {"successor"}
        assert _rows(warehouse, "SELECT DISTINCT archive_id FROM sessions") == [("successor",)]


class TestSharedRows:
    """A price table is stored once, by digest, with a row for each archive that uses it."""

    PRICES = CONTRACTS["model_pricing"]

    def _write(self, store: Store, archive_id: str, **stored: float) -> None:
        """Prices of an archive: the embedded ones, as everyone has them, and stored ones."""
        rates = {"input_usd_per_mtok": 1.0, "table_version": "v"}
        rows = [
            *(("embedded", f"model-{n}", rates) for n in range(3)),
            *(
                ("stored", name, rates | {"input_usd_per_mtok": rate})
                for name, rate in stored.items()
            ),
        ]
        written = frame_of(
            self.PRICES,
            [
                records(self.PRICES, 1)[0]
                | {"archive_id": archive_id, "layer": layer, "model_pattern": name, **more}
                for layer, name, more in rows
            ],
        )
        made = [Partition(archive_id, "", len(rows), "v1", "", "run")]
        store.replace(self.PRICES, [written], Slices((archive_id,), None), made)

    def _held(self, warehouse: str) -> tuple[int, list[tuple[str, int]]]:
        """How many rows are stored, and how many layers each archive uses."""
        uses = _rows(
            warehouse,
            "SELECT archive_id, count(*) FROM model_pricing_archives GROUP BY 1 ORDER BY 1",
        )
        return _rows(warehouse, "SELECT count(*) FROM model_pricing")[0][0], uses

    def _prices(self, store: Store, archive_id: str) -> set[tuple[str, str, float]]:
        found = store.read(self.PRICES, Selection(archives=(archive_id,))).to_pylist()
        assert {row["archive_id"] for row in found} <= {archive_id}
        return {(row["layer"], row["model_pattern"], row["input_usd_per_mtok"]) for row in found}

    def test_are_stored_once_and_read_as_each_archives_own(self, warehouse):
        embedded = {("embedded", f"model-{n}", 1.0) for n in range(3)}
        with open_store(warehouse) as store:
            for n in range(5):
                self._write(store, f"like-{n}", own=2.0)
            self._write(store, "other", own=3.0)
            self._write(store, "none")
            assert self._prices(store, "like-3") == {*embedded, ("stored", "own", 2.0)}
            assert self._prices(store, "other") == {*embedded, ("stored", "own", 3.0)}
            assert self._prices(store, "none") == embedded
        uses = [*((f"like-{n}", 2) for n in range(5)), ("none", 1), ("other", 2)]
        assert self._held(warehouse) == (3 + 1 + 1, uses)

    def test_go_with_the_last_archive_that_uses_them(self, warehouse):
        with open_store(warehouse) as store:
            self._write(store, "one", own=2.0)
            self._write(store, "two", own=2.0)
            self._write(store, "one", own=4.0)
            assert self._prices(store, "two") >= {("stored", "own", 2.0)}
        assert self._held(warehouse) == (3 + 2, [("one", 2), ("two", 2)])
        with open_store(warehouse) as store:
            store.remove_archive("two")
        assert self._held(warehouse) == (3 + 1, [("one", 2)])
        with open_store(warehouse) as store:
            store.remove_archive("one")
        assert self._held(warehouse) == (0, [])

    def test_pass_to_an_archives_successor(self, warehouse):
        with open_store(warehouse) as store:
            self._write(store, "one", own=2.0)
            self._write(store, "two")
            store.pass_on_all("one", "later")
            assert ("stored", "own", 2.0) in self._prices(store, "later")
            [(place, record, count)] = _recorded(store, "later", self.PRICES.name)
        assert (place, record.content, count) == ("", INHERITED_VERSION, 4)
        assert self._held(warehouse) == (3 + 1, [("later", 2), ("two", 1)])

    def test_stay_where_the_successor_has_its_own(self, warehouse):
        with open_store(warehouse) as store:
            self._write(store, "one", own=2.0)
            self._write(store, "later", own=5.0)
            store.pass_on_all("one", "later")
            assert ("stored", "own", 5.0) in self._prices(store, "later")
        assert self._held(warehouse) == (3 + 1, [("later", 2)])


def _recorded(
    store: Store, archive_id: str, table: str = "sessions"
) -> list[tuple[str, Record, int]]:
    counts = store.row_counts(table, [archive_id])
    return [
        (day, record, counts[day])
        for (archive, day), record in store.records(table).items()
        if archive == archive_id
    ]


def _refusing() -> Iterator[pd.DataFrame]:
    yield frame(SESSIONS, 1)
    message = "refused"
    raise ContractError(message)


def _spend(
    store: Store, archive: str, *rows: tuple[str, str | None], day: str = DAY, **columns: Any
) -> None:
    """Replaces a day of an archive's usage by rows of these ids and keys, all of one moment."""
    found = [
        record | {"row_id": row_id, "dedup_key": key}
        for (row_id, key), record in zip(
            rows,
            records(
                USAGE,
                len(rows),
                day,
                archive_id=archive,
                row_kind="message",
                session_id="s",
                session_date=day,
                timestamp_text=f"{day}T12:00:00Z",
                ordinal=None,
                **columns,
            ),
            strict=True,
        )
    ]
    made = [Partition(archive, day, len(rows), "v", "", "run")]
    store.replace(USAGE, [frame_of(USAGE, found)], Slices((archive,), [day]), made)


def _counting(warehouse: str, scope: str) -> dict[tuple[str, str], tuple[str, str]]:
    found = _rows(
        warehouse,
        "SELECT archive_id, row_id, counting_archive_id, counting_row_id FROM duplicates "
        f"WHERE scope = '{scope}'",
    )
    return {(archive, row): (there, counts) for archive, row, there, counts in found}


def _known(store: Any, *archives: str) -> None:
    for archive in archives:
        finding = Finding(
            Archive(archive, "", 1, f"/{archive}", "host", "stamp"),
            CONTRACTS["archive_sessions"].arrow_schema.empty_table(),
            (),
            (),
            (),
            (),
        )
        store.record_finding(finding)


class TestSettling:
    """Which rows count is decided for the keys that replaced slices touched, and for no others."""

    def test_of_equal_rows_the_first_counts_and_the_tenth_is_not_before_the_second(self, warehouse):
        with open_store(warehouse) as store:
            _spend(store, "a", ("s#m10", "k"), ("s#m2", "k"), ("s#m3", None), ("s#m4", "alone"))
            assert not store.is_deduplicated()
            found = store.deduplicate()
            assert store.is_deduplicated()
        assert (found.duplicates, found.copies) == (2, 0)
        assert _counting(warehouse, "archive") == {
            ("a", "s#m10"): ("a", "s#m2"),
            ("a", "s#m2"): ("a", "s#m2"),
        }
        assert _counting(warehouse, "all") == {}

    @pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
    def test_of_equal_rows_in_two_archives_that_of_the_least_id_counts(self, warehouse, order):
        with open_store(warehouse) as store:
            _known(store, *order)
            for archive in order:
                _spend(store, archive, ("s#m1", "k"), ("s#m2", None))
                store.deduplicate()
        assert _counting(warehouse, "archive") == {}
        assert _counting(warehouse, "all") == {
            ("a", "s#m1"): ("a", "s#m1"),
            ("b", "s#m1"): ("a", "s#m1"),
        }

    def test_what_goes_is_decided_anew(self, warehouse):
        with open_store(warehouse) as store:
            _known(store, "a", "b")
            _spend(store, "a", ("s#m1", "k"), ("s#m2", "k"))
            _spend(store, "b", ("s#m1", "k"))
            store.deduplicate()
            _spend(store, "a", ("s#m2", "k"))
            store.deduplicate()
            after_a_row = _rows_of_duplicates(store)
            store.remove_archive("a")
            store.deduplicate()
            after_an_archive = _rows_of_duplicates(store)
        assert after_a_row == [("all", "a", "s#m2", "a", "s#m2"), ("all", "b", "s#m1", "a", "s#m2")]
        assert after_an_archive == []

    def test_a_slice_that_says_the_same_again_leaves_nothing_to_decide(self, warehouse):
        with open_store(warehouse) as store:
            _spend(store, "a", ("s#m1", "k"), ("s#m2", "k"))
            store.deduplicate()
            _spend(store, "a", ("s#m1", "k"), ("s#m2", "k"))
            assert store.is_deduplicated()

    def test_the_days_of_rows_and_of_their_sessions_get_another_version(self, warehouse):
        with open_store(warehouse) as store:
            _spend(store, "a", ("s#m1", "k"), ("s#m2", None))
            store.deduplicate()
            before = store.expected(["a"])
            _spend(store, "a", ("s#m9", "k"), day=DAYS[2])
            store.deduplicate()
            after = {(row.part, row.day) for row in store.expected(["a"])}
        assert before == []
        assert after == {("verdicts", DAY), ("verdicts", DAYS[2])}

    def test_keys_that_come_up_meanwhile_are_kept(self, database, monkeypatch):
        with open_store(database.url()) as one, open_store(database.url()) as other:
            _spend(one, "a", ("s#m1", "k"), ("s#m2", "k"))
            take = PostgresStore.take_pending

            def taken(store: PostgresStore, name: str) -> None:
                take(store, name)
                monkeypatch.undo()
                _spend(other, "b", ("s#m1", "late"), ("s#m2", "late"))

            monkeypatch.setattr(PostgresStore, "take_pending", taken)
            one.deduplicate()
            assert not other.is_deduplicated()
            other.deduplicate()
            assert other.is_deduplicated()
            assert {row[1] for row in _rows_of_duplicates(other)} == {"a", "b"}


def _rows_of_duplicates(store: Any) -> list[tuple[Any, ...]]:
    return sorted(
        store.ask(
            "SELECT scope, archive_id, row_id, counting_archive_id, counting_row_id FROM duplicates"
        )
    )


def _split(rows: list[Any], size: int) -> list[list[Any]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


class TestFailing:
    @pytest.mark.parametrize("error", [ContractError("refused"), RuntimeError, KeyboardInterrupt])
    def test_an_error_between_two_frames_leaves_the_old_partitions(self, warehouse, error):
        def frames() -> Iterator[pd.DataFrame]:
            yield frame(SESSIONS, 2, DAYS[0], title="v2")
            raise error

        with open_store(warehouse) as store:
            _fill(store)
            with pytest.raises(type(error) if isinstance(error, Exception) else error):
                _replace(store, SESSIONS, frames(), DAYS[:2], _noted(DAYS[:2], "v2"))
            _fill(store, [DAYS[4]], size=1, version="v3")
        assert _titles(warehouse) == {
            **{(day, "v1"): 3 for day in DAYS[:4]},
            (DAYS[4], "v3"): 1,
        }
        assert _versions(warehouse) == {**dict.fromkeys(DAYS[:4], "v1"), DAYS[4]: "v3"}

    def test_a_null_that_was_never_validated_is_refused_all_the_same(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
            with pytest.raises(ValueError, match="non-nullable"):
                _replace(
                    store, SESSIONS, [frame(SESSIONS, 2, project=None)], [DAY], _noted([DAY], "v2")
                )
        assert _titles(warehouse) == {(day, "v1"): 3 for day in DAYS}

    def test_an_error_while_noting_takes_the_rows_back(self, warehouse):
        with open_store(warehouse) as store:
            _fill(store)
            unusable = [Partition(ARCHIVE, DAY, None, "v2", "", "run-2")]  # type: ignore[arg-type]
            with pytest.raises(WarehouseError):
                _replace(store, SESSIONS, [frame(SESSIONS, 1)], [DAY], unusable)
        assert _titles(warehouse) == {(day, "v1"): 3 for day in DAYS}

    @pytest.mark.parametrize(
        ("moment", "survivors"),
        [
            ("before the first row", {"old": 3}),
            ("after the first frame", {"old": 3}),
            ("after the last frame", {"old": 3}),
            ("after the commit", {"new": 4}),
        ],
    )
    def test_a_killed_writer_leaves_the_old_partition_or_the_whole_new_one(
        self, warehouse, moment, survivors
    ):
        with open_store(warehouse) as store:
            _fill(store, [DAY], version="old")
        child = forked.run([warehouse, moment], os.environ, script=_KILLED_WRITER)
        assert child.returncode == -SIGKILL
        assert _titles(warehouse) == {(DAY, title): count for title, count in survivors.items()}
        assert set(_versions(warehouse).values()) == set(survivors)
        with open_store(warehouse) as store:
            _fill(store, [DAY], version="next")
        assert _titles(warehouse) == {(DAY, "next"): 3}

    @pytest.mark.parametrize("size", [0, 1, 11, 4096, 9000])
    def test_a_disk_without_room_for_a_new_file_leaves_nothing_in_the_way(self, tmp_path, size):
        for kind in ("duckdb", "sqlite"):
            url = f"{kind}:///{tmp_path / f'new.{kind}'}"
            with (
                files_up_to(size),
                pytest.raises(WarehouseError, match="disk"),
                open_store(url),
            ):
                pass
            with open_store(url) as store:
                _fill(store, [DAY], version="next")
            assert _titles(url) == {(DAY, "next"): 3}


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_an_open_store_reads_as_a_report_does_whatever_the_zone(warehouse, zone):
    with open_store(warehouse) as store:
        _fill(store, [DAY])
    told = forked.run([warehouse], {**os.environ, "TZ": zone}, script=_READ_TWICE)
    assert told.returncode == 0, told.stderr
    first, second = told.stdout.splitlines()
    assert first == second
    assert first.endswith(("+00", "Z"))


_READ_TWICE = """
import sys
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.opening import open_store

asked = "SELECT CAST(written_at AS VARCHAR(40)) FROM warehouse_partitions"
with open_reader(sys.argv[1]) as reader:
    print(reader.rows(asked)[0][0])
with open_store(sys.argv[1]) as store, store.reading() as reader:
    print(reader.rows(asked)[0][0])
"""

_KILLED_WRITER = """
import os, signal, sys
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import ARCHIVE, DAY, frame_of, records

path, moment = sys.argv[1:]
contract = CONTRACTS["sessions"]
rows = records(contract, 4, title="new")

def die_at(now):
    if now == moment:
        os.kill(os.getpid(), signal.SIGKILL)

def frames():
    die_at("before the first row")
    yield frame_of(contract, rows[:2])
    die_at("after the first frame")
    yield frame_of(contract, rows[2:])
    die_at("after the last frame")

with open_store(path) as store:
    made = [Partition(ARCHIVE, DAY, 4, "new", "", "run-2")]
    store.replace(contract, frames(), Slices((ARCHIVE,), [DAY]), made)
    die_at("after the commit")
"""
