"""Several warehouses at once: written alike, read from the first, repaired by the next run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.duckdb.store import DuckDBStore
from agentsview_assets.resources.warehouses.ledger import Finding
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.postgres.store import PostgresStore
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.several import DIFFERENT
from agentsview_assets.resources.warehouses.sqlite.store import SQLiteStore
from agentsview_assets.resources.warehouses.store import Archive, Partition, Selection, Slices
from agentsview_assets.schemas import CONTRACTS
from tests.support.contract_rows import ARCHIVE, frame, frame_of, records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SESSIONS = CONTRACTS["sessions"]
DAYS = ["2026-07-01", "2026-07-02"]
STORES = {"duckdb": DuckDBStore, "sqlite": SQLiteStore, "postgresql": PostgresStore}


@pytest.fixture
def urls(warehouse_url) -> dict[str, str]:
    return {kind: warehouse_url(kind) for kind in STORES}


def _fill(text: str, version: str, days: Sequence[str] = DAYS) -> None:
    with open_store(text) as store:
        frames = [frame(SESSIONS, 2, day, title=version) for day in days]
        made = [Partition(ARCHIVE, day, 2, version, "", version) for day in days]
        store.replace(SESSIONS, frames, Slices((ARCHIVE,), days), made)


def _titles(url: str) -> set[tuple[str, str]]:
    with open_reader(url) as reader:
        found = reader.rows("SELECT DISTINCT CAST(partition_date AS VARCHAR), title FROM sessions")
    return {(str(day), title) for day, title in found}


def _all_days(version: str) -> set[tuple[str, str]]:
    return {(day, version) for day in DAYS}


def test_all_of_them_hold_the_same(urls):
    _fill(" ".join(urls.values()), "v1")
    assert [_titles(url) for url in urls.values()] == [_all_days("v1")] * 3


def test_the_first_is_read(urls):
    _fill(urls["sqlite"], "of sqlite")
    _fill(urls["duckdb"], "of duckdb")
    with open_store(f"{urls['sqlite']} {urls['duckdb']}") as store:
        found = store.read(SESSIONS, Selection(columns=("title",))).column("title").to_pylist()
    assert set(found) == {"of sqlite"}
    with open_reader(f"{urls['duckdb']} {urls['sqlite']}") as reader:
        assert reader.rows("SELECT DISTINCT title FROM sessions") == [("of duckdb",)]


def _finding(version: int, *sessions: str) -> Finding:
    ledger = CONTRACTS["archive_sessions"]
    rows = [
        record | {"session_id": name}
        for name, record in zip(sessions, records(ledger, len(sessions)), strict=True)
    ]
    table = ledger.arrow(frame_of(ledger, rows))
    return Finding(Archive(ARCHIVE, "d", version, "/at", "host", "stamp"), table, (), (), (), ())


def test_what_is_found_is_recorded_everywhere(urls):
    with open_store(" ".join(urls.values())) as store:
        store.record_finding(_finding(3, "s1"))
        store.record_finding(_finding(4, "s1", "s2"))
        assert [entry.session_id for entry in sorted(store.ledger(ARCHIVE))] == ["s1", "s2"]
        assert [archive.user_version for archive in store.archives()] == [4]
    for url in urls.values():
        with open_reader(url) as reader:
            assert reader.rows("SELECT count(*) FROM archive_sessions") == [(2,)]


def test_what_one_of_them_lacks_is_known_of_none(urls):
    with open_store(urls["duckdb"]) as store:
        store.record_finding(_finding(3, "s1"))
    with open_store(" ".join(urls.values())) as store:
        assert store.ledger(ARCHIVE) == []
        assert store.archives() == []


def test_archives_are_recorded_everywhere(urls):
    with open_store(" ".join(urls.values())) as store:
        store.record_finding(_finding(3))
        store.record_finding(_finding(4))
    for url in urls.values():
        with open_reader(url) as reader:
            found = reader.rows("SELECT archive_id, user_version FROM warehouse_archives")
        assert found == [(ARCHIVE, 4)]


def test_a_partition_that_one_of_them_lacks_is_out_of_date(urls):
    _fill(" ".join(urls.values()), "v1")
    _fill(urls["postgresql"], "v0", DAYS[:1])
    with open_store(" ".join(urls.values())) as store:
        assert store.partitions("sessions") == {
            (ARCHIVE, DAYS[0]): DIFFERENT,
            (ARCHIVE, DAYS[1]): ("v1", ""),
        }
    _fill(f"{urls['duckdb']} {urls['sqlite']}", "v2")
    with open_store(" ".join(urls.values())) as store:
        assert set(store.partitions("sessions").values()) == {DIFFERENT}
        assert {day for _, day in store.partitions("sessions")} == {*DAYS}


@pytest.mark.parametrize("failing", list(STORES))
@pytest.mark.parametrize("method", ["replacing", "insert", "record"])
def test_what_fails_in_one_while_writing_leaves_all_as_they_were(
    urls, monkeypatch, failing, method
):
    _fill(" ".join(urls.values()), "v1")
    with monkeypatch.context() as broken:
        broken.setattr(STORES[failing], method, _failing(WarehouseError(f"{failing} is broken")))
        with pytest.raises(WarehouseError, match=f"{failing} is broken"):
            _fill(" ".join(urls.values()), "v2")
    assert [_titles(url) for url in urls.values()] == [_all_days("v1")] * 3
    _fill(" ".join(urls.values()), "v3")
    assert [_titles(url) for url in urls.values()] == [_all_days("v3")] * 3


@pytest.mark.parametrize("failing", list(STORES))
def test_one_that_cannot_commit_leaves_every_partition_old_or_new_and_is_seen(
    urls, monkeypatch, failing
):
    everywhere = " ".join(urls.values())
    _fill(everywhere, "v1")
    with monkeypatch.context() as broken:
        broken.setattr(STORES[failing], "transaction", _without_commit(STORES[failing]))
        with pytest.raises(WarehouseError, match="lost at the last moment"):
            _fill(everywhere, "v2")
    found = {kind: _titles(url) for kind, url in urls.items()}
    assert found[failing] == _all_days("v1")
    assert all(titles in (_all_days("v1"), _all_days("v2")) for titles in found.values())
    with open_store(everywhere) as store:
        versions = set(store.partitions("sessions").values())
    alike = len({frozenset(titles) for titles in found.values()}) == 1
    assert versions == ({("v1", "")} if alike else {DIFFERENT})


def test_one_that_is_gone_is_named_without_its_password(urls, database):
    gone = database.url(user="with_password", password="s3cret").replace(  # noqa: S106
        str(database.port), "1"
    )
    with pytest.raises(WarehouseError) as caught, open_store(f"{urls['duckdb']} {gone}"):
        pass
    assert "postgresql://with_password@127.0.0.1:1/" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def _failing(error: Exception) -> Any:
    def fail(*_args: object, **_named: object) -> None:
        raise error

    return fail


def _without_commit(kind: Any) -> Any:
    original = kind.transaction

    @contextmanager
    def transaction(self: Any, *locks: str) -> Iterator[None]:
        with original(self, *locks):
            yield
            message = "lost at the last moment"
            raise WarehouseError(message)

    return transaction
