"""Whether of the rows that share a key exactly one counts, asked of a warehouse.

What belongs here: the question and its answer in numbers and words. What does not: deciding
(`deduplicating`), and what becomes of a wrong answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.resources.warehouses.reader import PENDING_TABLE

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.reader import Reader

ASSET, CHECK = "duplicates", "duplicates_removed"
"""The check that this is, by the table that it is about and its name."""

_WRONG = f"""
WITH shared AS (
SELECT archive_id, dedup_key, COUNT(*) AS held FROM usage_rows
WHERE dedup_key IS NOT NULL AND dedup_key NOT IN (
    SELECT name FROM {PENDING_TABLE} WHERE kind = 'key')
GROUP BY archive_id, dedup_key HAVING COUNT(*) > 1
), verdicts AS (
SELECT d.archive_id, d.dedup_key, COUNT(*) AS judged, COUNT(u.row_id) AS there,
    SUM(CASE WHEN d.row_id = d.counting_row_id THEN 1 ELSE 0 END) AS counting,
    COUNT(DISTINCT d.counting_row_id) AS pointed_at
FROM duplicates d LEFT JOIN usage_rows u ON u.archive_id = d.archive_id AND u.row_id = d.row_id
    AND u.dedup_key = d.dedup_key
WHERE d.scope = 'archive'
    AND d.dedup_key NOT IN (SELECT name FROM {PENDING_TABLE} WHERE kind = 'key')
GROUP BY d.archive_id, d.dedup_key
)
SELECT (SELECT COUNT(*) FROM shared),
    (SELECT COUNT(*) FROM shared LEFT JOIN verdicts
        ON verdicts.archive_id = shared.archive_id AND verdicts.dedup_key = shared.dedup_key
        WHERE verdicts.judged IS NULL OR verdicts.judged <> shared.held),
    (SELECT COUNT(*) FROM verdicts
        WHERE there <> judged OR counting <> 1 OR pointed_at <> 1)
"""
"""Keys that rows share; of how many a member is missing; of how many not exactly one row counts."""
_SEEN = """
SELECT (SELECT COUNT(*) FROM usage_rows), (SELECT COUNT(*) FROM duplicates
    WHERE scope = 'archive' AND row_id <> counting_row_id)
"""
_PENDING = f"SELECT COUNT(DISTINCT name) FROM {PENDING_TABLE} WHERE kind = 'key'"


class CountedOnce(NamedTuple):
    """What was found.

    Attributes:
        rows: Usage rows.
        duplicates: Those of them that do not count, because another one does.
        keys: Keys that several rows share.
        wrong: Keys of which not exactly one row counts.
        pending: Keys of which it is not decided yet.
    """

    rows: int
    duplicates: int
    keys: int
    wrong: int
    pending: int

    @property
    def words(self) -> str:
        """The same in a sentence."""
        said = (
            f"{self.duplicates:,} of {self.rows:,} usage rows are duplicates of another, under "
            f"{self.keys:,} keys"
        )
        if self.wrong:
            return (
                f"{said}; of {self.wrong:,} keys not exactly one row counts, so that tokens are "
                "counted twice or not at all"
            )
        if self.pending:
            return (
                f"{said}; of {self.pending:,} keys it is not decided yet (run `agentsview-assets "
                "materialize`, or the job `update`)"
            )
        return f"{said}; of every key exactly one row counts"


def counted_once(reader: Reader) -> CountedOnce:
    """Looks whether of every shared key exactly one row counts."""
    keys, missing, odd = (int(n or 0) for n in reader.rows(_WRONG)[0])
    rows, duplicates = (int(n) for n in reader.rows(_SEEN)[0])
    pending = int(reader.rows(_PENDING)[0][0])
    return CountedOnce(rows, duplicates, keys, missing + odd, pending)
