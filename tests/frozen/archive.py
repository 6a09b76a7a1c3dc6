"""The archive that frozen warehouses were made of: a little of all that tables tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = "00000000-0000-4000-8000-00000000f0f0"
START_DATE = "2026-11-02"
OWN_PRICE = "[custom_model_pricing.house-model]\ninput = 3.0\noutput = 9.0\n"
"""What `config.toml` says after the first run: the model had no price before."""
DOCUMENTS = {
    "usage": ("usage", "daily", "--json", "--all", "--timezone", "UTC", "--breakdown"),
    "activity": (
        *("activity", "report", "--json", "--timezone", "UTC"),
        *("--preset", "month", "--date", "2026-11-01", "--as-of", "2026-12-20T00:00:00Z"),
    ),
    "sessions": ("export", "sessions", "--all", "--include-one-shot", "--include-children"),
}
"""Command lines of the documents that are kept beside each warehouse."""


def make_archive(folder: Path) -> None:
    """Writes the archive into a data folder."""
    with TinyArchive(folder, IDENTITY) as archive:
        for number, day in enumerate(("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04")):
            session = f"session-{number}"
            archive.session(session, day, project=f"project-{number % 2}", cwd=f"/work/{number}")
            archive.message(session, 0, f"{day}T10:00:00Z", role="user", model="", token_usage="")
            archive.message(session, 1, f"{day}T10:02:00Z")
            archive.message(session, 2, f"{day}T10:04:00.5Z", model="house-model")
            archive.event(session, occurred_at=f"{day}T10:30:00Z", dedup_key=f"key-{number // 2}")
        archive.event("session-3", occurred_at="2026-11-05T00:10:00Z", cost_usd=0.25)
