"""How many tokens archives have spent, and how many of these without a price."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.rules.gojson import utf8_bytes

if TYPE_CHECKING:
    from agentsview_assets.resources.warehouses.reader import Reader

_COUNTERS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")


class ArchiveTokens(NamedTuple):
    """What an archive has spent, by the table `daily_usage`.

    Attributes:
        tokens: Tokens of all four counters.
        unpriced: Those of them that have neither a price nor a reported cost.
        unpriced_models: Their models, by the bytes of the names.
    """

    tokens: int = 0
    unpriced: int = 0
    unpriced_models: tuple[str, ...] = ()


def archive_tokens(reader: Reader) -> dict[str, ArchiveTokens]:
    """Return what each archive has spent, by archive id; one without any is left out."""
    unpriced, *counters = map(reader.whole_sum, ("unpriced_tokens", *_COUNTERS))
    models: dict[str, list[str]] = {}
    for archive, model in reader.rows(
        "SELECT DISTINCT archive_id, model FROM daily_usage WHERE unpriced_tokens > 0"
    ):
        models.setdefault(archive, []).append(model)
    return {
        archive: ArchiveTokens(
            sum(map(int, counts)),
            int(without),
            tuple(sorted(models.get(archive, ()), key=utf8_bytes)),
        )
        for archive, without, *counts in reader.rows(
            f"SELECT archive_id, {unpriced}, {', '.join(counters)} FROM daily_usage "
            "GROUP BY archive_id ORDER BY archive_id"
        )
    }
