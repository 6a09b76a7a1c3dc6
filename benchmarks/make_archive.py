"""Make a large archive: sync generated transcripts with the original program, then multiply.

python -m benchmarks.make_archive --size large --out build/large
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.multiply import Target, multiply
from tests.support import oracle
from tests.support.transcripts import Settings, write_corpus

SIZES = {
    "small": Target(sessions=1_000, usage=14_000, days=60),
    "large": Target(sessions=22_000, usage=310_000, days=365),
    "xl": Target(sessions=70_000, usage=1_000_000, days=700),
}
_SEEDLING_DAYS = 60


def make_archive(out: Path, target: Target, *, seedling: int, seed: int) -> Target:
    """Write an archive of about the target's size into `out` and return its true size.

    Args:
        out: Data folder to make; it must not hold an archive.
        target: Wanted size.
        seedling: Sessions that are really generated and synced before multiplying.
        seed: Seed of everything drawn.
    """
    if (out / "sessions.db").exists():
        message = f"{out} already holds an archive; remove it first"
        raise SystemExit(message)
    settings = Settings(
        sessions=min(seedling, target.sessions),
        days=min(_SEEDLING_DAYS, target.days),
        seed=seed,
        mean_turns=16.0,
    )
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        corpus = Path(folder).resolve()
        write_corpus(corpus, settings)
        oracle.install(corpus / "scratch").sync(out.absolute(), corpus)
    return multiply(out, target, seed)


def main(arguments: list[str] | None = None) -> int:
    """Make an archive as the arguments say and print its size."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.make_archive",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="data folder to make")
    parser.add_argument("--size", choices=SIZES, default="large", help="size to aim at")
    parser.add_argument("--sessions", type=int, help="sessions, instead of the size's")
    parser.add_argument("--usage", type=int, help="usage rows, instead of the size's")
    parser.add_argument("--days", type=int, help="days, instead of the size's")
    parser.add_argument("--seedling", type=int, default=3_000, help="sessions to really generate")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    size = SIZES[options.size]
    target = Target(
        options.sessions or size.sessions, options.usage or size.usage, options.days or size.days
    )
    made = make_archive(options.out, target, seedling=options.seedling, seed=options.seed)
    sys.stdout.write(
        f"{options.out}: {made.sessions} sessions, {made.usage} usage rows, {made.days} days\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
