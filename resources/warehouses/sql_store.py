"""What every store does alike, whatever its backend: ledger, successions, verdicts and rules.

What belongs here: which steps make a transaction, and what it locks. What does not: rows
(`row_store`), and what a backend does its own way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agentsview_assets.resources.warehouses import deduplicating, inheriting, ledger
from agentsview_assets.resources.warehouses.deduplicating import Deduplicated
from agentsview_assets.resources.warehouses.ledger import Entry, Finding
from agentsview_assets.resources.warehouses.row_store import RowStore, locks_of
from agentsview_assets.resources.warehouses.run_records import RunRecords
from agentsview_assets.resources.warehouses.store import Succession
from agentsview_assets.rules.staleness import ExpectedRow
from agentsview_assets.schemas import CONTRACTS

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.succession import Leaving


class SqlStore(RowStore, RunRecords):
    """The write side of one backend; see `warehouses.store.Store`."""

    def record_finding(self, finding: Finding) -> None:
        """Writes to the ledger; see `warehouses.store.Store.record_finding`."""
        with self.transaction(f"ledger {finding.archive.archive_id}"):
            ledger.write(self, finding)

    def record_expected(self, archive_id: str, rows: Sequence[ExpectedRow]) -> None:
        """Replaces what is expected of parts of an archive that have no days."""
        with self.transaction(f"ledger {archive_id}"):
            ledger.write_expected(self, archive_id, rows, ())

    def ledger(self, archive_id: str) -> list[Entry]:
        """The ledger's entries of an archive."""
        return ledger.entries(self, archive_id)

    def remove_archive(self, archive_id: str) -> None:
        """Removes an archive; see `warehouses.store.Store.remove_archive`."""
        with self.transaction(*_locks_of(archive_id)):
            ledger.list_removed(self, archive_id)
            ledger.remove(self, archive_id)

    def shared_sessions(self, new: str, old: str) -> list[str]:
        """The sessions of an archive that its successor holds too."""
        return inheriting.shared_sessions(self, new, old)

    def pass_on(self, leaving: Leaving) -> None:
        """Passes rows on to an archive's successor; see `warehouses.store.Store.pass_on`."""
        with self.transaction(*_locks_of(leaving.archive_id, leaving.successor)):
            inheriting.pass_on(self, leaving)

    def pass_on_all(self, old: str, new: str) -> None:
        """Passes all rows on to an archive's successor; see `warehouses.store.Store`."""
        with self.transaction(*_locks_of(old, new)):
            inheriting.pass_on_all(self, old, new)

    def record_succession(self, found: Succession) -> None:
        """Records that one archive was found in another one's place."""
        with self.transaction("successions"):
            inheriting.record_succession(self, found)

    def deduplicate(self) -> Deduplicated:
        """Decides what counts; see `warehouses.store.Store.deduplicate`."""
        return deduplicating.deduplicate(self)

    def is_deduplicated(self) -> bool:
        """Whether nothing is pending."""
        return deduplicating.is_deduplicated(self)

    def record_rules(self, rules: Mapping[str, str | None]) -> None:
        """Records rules, or forgets those that are None; see `warehouses.store.Store`."""
        known = self.rules()
        changed = {name: value for name, value in rules.items() if known.get(name) != value}
        if not changed:
            return
        with self.transaction("rules"):
            for name, value in changed.items():
                self.keep_rule(name, value)


def _locks_of(*archives: str) -> list[str]:
    """All that is locked where every row of some archives may go."""
    tables = {lock for contract in CONTRACTS.values() for lock in locks_of(contract, archives)}
    return [*(f"ledger {name}" for name in archives), *sorted(tables)]
