"""Repricing and checks say the same whatever backend holds the warehouse."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.checks import OBSERVED, REPORTED
from agentsview_assets.resources.warehouses.reader import open_reader
from tests.support.in_process import SAMPLE, Finished, run_here

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "kelp-coder-preview-3"


def _run(archive: Path, warehouse: str, home: Path, *arguments: str) -> Finished:
    environ = {
        "AGENTSVIEW_ASSETS_ARCHIVE": str(archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": warehouse,
        "XDG_DATA_HOME": str(home),
        "DAGSTER_HOME": "",
    }
    return run_here(arguments, environ)


def test_a_price_is_corrected_and_every_check_passes(warehouse, tmp_path):
    archive = tmp_path / "archive"
    archive.mkdir()
    shutil.copy(SAMPLE, archive / "sessions.db")
    first = _run(archive, warehouse, tmp_path, "materialize")
    assert first.code == 0, first.err
    assert "WRONG" not in first.err
    (archive / "config.toml").write_text(
        f"[custom_model_pricing.{MODEL}]\ninput = 3.0\noutput = 9.0\n"
    )
    told = _run(archive, warehouse, tmp_path, "reprice", "--dry-run", "--json").json
    assert [model["model"] for model in told["models"]] == [MODEL]
    assert _run(archive, warehouse, tmp_path, "reprice").code == 0
    with open_reader(warehouse) as reader:
        verdicts = {(c.asset, c.name): c.ask(reader) for c in (*OBSERVED, *REPORTED)}
        [(old, new)] = reader.rows("SELECT SUM(old_cost_usd), SUM(new_cost_usd) FROM restatements")
        rates = reader.rows("SELECT COUNT(*), COUNT(valid_to) FROM price_changes WHERE model = ?",
                            [MODEL])  # fmt: skip
    assert {name: v.words for name, v in verdicts.items() if not v.passed} == {}
    assert (old, new) == pytest.approx((told["old_cost_usd"], told["new_cost_usd"]))
    assert rates == [(2, 1)]
    assert _run(archive, warehouse, tmp_path, "materialize", "--json").json["up_to_date"] is True
