"""Freezes the warehouses that a checkout of this program writes; see the README beside."""

from __future__ import annotations

import argparse
import json
import lzma
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.frozen.archive import DOCUMENTS, OWN_PRICE, START_DATE, make_archive
from tests.support.command import OurCommand
from tests.support.postgres import Database, running_server


def main() -> None:
    """Makes a warehouse of each kind that the checkout knows, and packs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="checkout to run")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--kind", action="append", help="duckdb, sqlite, postgresql; all if none")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, running_server() as server:
        for kind in chosen.kind or ("duckdb", "sqlite", "postgresql"):
            folder = Path(scratch) / kind
            folder.mkdir()
            database = server.database()
            path = folder / f"warehouse.{kind}"
            url = database.url() if kind == "postgresql" else f"{kind}:///{path}"
            expected = freeze(chosen.program.resolve(), folder, url)
            require_same(expected, chosen.out.parent / "expected.json")
            packed = dumped(database) if kind == "postgresql" else path.read_bytes()
            suffix = ".sql" if kind == "postgresql" else ""
            with lzma.open(chosen.out / f"warehouse.{kind}{suffix}.xz", "wb", preset=9) as file:
                file.write(packed)


def freeze(checkout: Path, folder: Path, warehouse: str) -> dict[str, Any]:
    """Makes one warehouse; returns the documents that are expected of it ever after."""
    archive = folder / "archive"
    make_archive(archive)
    settings = {"AGENTSVIEW_ASSETS_START_DATE": START_DATE, "PYTHONPATH": str(checkout)}
    program = OurCommand(archive, folder / "home", warehouse, settings)

    def run(*arguments: str) -> str:
        done = program.run(*arguments)
        done.check_returncode()
        return done.stdout

    run("materialize")
    (archive / "config.toml").write_text(OWN_PRICE, encoding="utf-8")
    run("materialize")
    return {name: json.loads(run(*command)) for name, command in DOCUMENTS.items()}


def require_same(documents: dict[str, Any], kept: Path) -> None:
    """Keeps the documents of the first program; all later ones have to tell the same."""
    text = json.dumps(documents, indent=1, sort_keys=True) + "\n"
    if not kept.exists():
        kept.write_text(text, encoding="utf-8")
    if kept.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{kept}: this program tells another document of the same archive")


def dumped(database: Database) -> bytes:
    """The schema of a PostgreSQL warehouse, as SQL that any server runs."""
    pg_dump = shutil.which("pg_dump") or max(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    command = [str(pg_dump), "--inserts", "--rows-per-insert=200", "--no-owner", "--no-privileges"]
    address = ["--host=127.0.0.1", f"--port={database.port}", "--username=owner", database.name]
    found = subprocess.run(
        [*command, "--schema=warehouse", *address], check=True, capture_output=True
    )
    # Lines of psql's own are none of the server's.
    lines = [line for line in found.stdout.splitlines() if not line.startswith(b"\\")]
    return b"\n".join(lines) + b"\n"


if __name__ == "__main__":
    main()
