"""Command line of the transcript generator: `python -m tests.support.transcripts --out DIR`."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from pathlib import Path

from tests.support.transcripts.corpus import Settings, write_corpus


def main(arguments: list[str] | None = None) -> int:
    """Write a corpus as the arguments say and print what it holds as one JSON object."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.transcripts", description=__doc__
    )
    parser.add_argument("--sessions", type=int, default=60, help="sessions to write")
    parser.add_argument("--days", type=int, default=30, help="days that they spread over")
    parser.add_argument("--seed", type=int, default=1, help="same seed and folder, same bytes")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for transcripts and checkouts"
    )
    parser.add_argument(
        "--end", type=dt.date.fromisoformat, default=Settings.last_day, help="last day (UTC)"
    )
    parser.add_argument(
        "--turns", type=float, default=Settings.mean_turns, help="priced messages per session"
    )
    options = parser.parse_args(arguments)
    manifest = write_corpus(
        options.out,
        Settings(
            sessions=options.sessions,
            days=options.days,
            seed=options.seed,
            last_day=options.end,
            mean_turns=options.turns,
        ),
    )
    json.dump(manifest.as_dict(), sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
