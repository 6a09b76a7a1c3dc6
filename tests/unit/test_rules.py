"""A version says by which rules a slice was made: what a changed rule makes anew, and what not."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.rules.staleness import DAILY_TABLES, TABLES
from agentsview_assets.rules.versions import rules
from docs import make_rules
from tests.support.machines import Machine, archive, everything
from tests.support.oracle import REPOSITORY
from tests.support.pythons import pythons

if TYPE_CHECKING:
    from pathlib import Path

COSTS = {"daily_usage", "activity_buckets", "session_model_usage"}
IDENTITIES = {"project_identities", "project_observations"}
LEDGER = {"archive_sessions"}
CHANGES = [
    # a clamp, an interval rule, a duration, the cost formula, an order, a day's bounds
    ("token_usage", "MAX_TOKENS: Final = ", "MAX_TOKENS: Final = 1 + ", {"usage_rows"}),
    ("durations", "GAP_SECONDS = 300", "GAP_SECONDS = 301", {"activity_intervals"}),
    ("landing", "WHERE e.model <> ''", "WHERE e.model <> 'x'", {"usage_rows"}),
    ("landing", "nullif(s.session_name, '')", "nullif(s.session_name, 'x')", {"sessions"}),
    ("durations", "def duration_seconds(", "def duration_seconds(*, ", {"session_summaries"}),
    ("rates", "{count} * {rates}", "2 * {count} * {rates}", COSTS),
    ("machines", 'LOCAL = "local"', 'LOCAL = "here"', {"machines"}),
    ("duplicates", 'RULE = "v1"', 'RULE = "v2"', {"duplicates"}),
    ("entries", "HUGEINT", "BIGINT", LEDGER),
    ("identity_rows", "def identity_rows(", "def identity_rows(*, ", IDENTITIES),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the folder of rules."""
    source = make_rules.PACKAGE / "rules"
    return shutil.copytree(source, tmp_path / "rules", ignore=lambda *_: ["__pycache__"])


def changed(folder: Path, module: str, old: str, new: str) -> set[str]:
    """The tables whose digests move when a text in a module is replaced by another."""
    path = folder / f"{module}.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    before, after = (
        make_rules.digests(make_rules.Rules()),
        make_rules.digests(make_rules.Rules(folder)),
    )
    return {name for name in before if before[name] != after[name]} & set(make_rules.ROOTS)


class TestDigests:
    def test_the_generated_file_is_that_of_the_code(self) -> None:
        page = make_rules.PAGE.read_text(encoding="utf-8")
        assert make_rules.render(page) == page, "run `make docs`"

    @pytest.mark.parametrize("version", sorted(pythons()))
    def test_every_python_of_this_machine_finds_the_same(self, version):
        program = (
            "from docs import make_rules as made; import sys; "
            "page = made.PAGE.read_text(encoding='utf-8'); "
            "print(sys.version_info[:2], made.render(page) == page)"
        )
        # Without packages: what the digests are of is standard Python.
        done = subprocess.run(
            [
                pythons()[version],
                "-B",
                "-I",
                "-c",
                f"import sys; sys.path.insert(0, '.'); {program}",
            ],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        major, minor = version.split(".")
        assert done.stdout == f"({major}, {minor}) True\n"

    def test_every_rule_that_is_named_is_there(self, folder: Path) -> None:
        (folder / "durations.py").write_text("", encoding="utf-8")
        (folder / "machines.py").write_text("", encoding="utf-8")
        with pytest.raises(KeyError):
            make_rules.digests(make_rules.Rules(folder))

    @pytest.mark.parametrize(("module", "old", "new", "tables"), CHANGES)
    def test_a_changed_rule_moves_the_tables_that_it_makes(
        self, folder: Path, module: str, old: str, new: str, tables: set[str]
    ) -> None:
        assert changed(folder, module, old, new) == tables

    @pytest.mark.parametrize(
        ("module", "old", "new"),
        [
            ("durations", "GAP_SECONDS = 300", "GAP_SECONDS = 300  # five minutes"),
            ("durations", "GAP_SECONDS = 300", "GAP_SECONDS = (\n    300\n)"),
            ("entries", "    -- Tokens count on", "    -- All tokens count on"),
            ("entries", "GROUP BY 1, 2, 3", "  GROUP BY\n    1, 2, 3"),
            ("durations", "def duration_seconds(", "UNUSED = 1\n\n\ndef duration_seconds("),
            ("rates", "_sql(usage: str, rates: str) -> str", "_sql(usage, rates)"),
        ],
    )  # fmt: skip
    def test_words_and_layout_do_not_count(
        self, folder: Path, module: str, old: str, new: str
    ) -> None:
        assert changed(folder, module, old, new) == set()

    def test_the_generation_rises_with_every_change(self) -> None:
        page = make_rules.PAGE.read_text(encoding="utf-8")
        other = page.replace(rules().digests["sessions"], "other")
        assert other != page
        assert f"GENERATION = {rules().generation + 1}\n" in make_rules.render(other)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A finished warehouse of three days."""
    folder = tmp_path_factory.mktemp("finished")
    days = ("2026-11-01", "2026-11-02", "2026-11-03")
    place = archive(folder / "data", "one", list(zip("abc", days, strict=True)))
    made = Machine(folder, f"duckdb:///{folder}/warehouse.duckdb", (place,))
    assert made.run("materialize").code == 0
    return made


@pytest.fixture
def machine(finished: Machine, tmp_path: Path) -> Machine:
    """Another machine that has been given the warehouse."""
    copy = shutil.copy(finished.folder / "warehouse.duckdb", tmp_path)
    return Machine(tmp_path, f"duckdb:///{copy}", finished.archives)


def runs(machine: Machine) -> dict[str, dict[str, str]]:
    """The run that made each slice, by table and day."""
    found: dict[str, dict[str, str]] = {}
    with open_reader(machine.warehouse) as reader:
        for table, day, run in reader.rows(
            "SELECT asset, partition_date, run_id FROM warehouse_partitions"
        ):
            found.setdefault(table, {})[day] = run
    return found


@pytest.mark.parametrize("table", TABLES)
def test_a_changed_rule_makes_all_days_of_its_table_anew_and_nothing_below(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    before, rows = runs(machine), everything(machine.warehouse)
    monkeypatch.setitem(rules().digests, table, "another")
    monkeypatch.setitem(rules().digests, "landing", f"another {table}")
    status = machine.run("status", "--json").json
    assert status["tables"][table]["stale"] == len(before[table])
    summary = machine.run("materialize", "--json").json
    assert table in summary["assets"]
    after = runs(machine)
    made = {name for name in before if before[name] != after[name]}
    # Tables that are made together with others are made by the same run.
    observed = {"sessions", "usage_rows", "activity_intervals"}
    together = {"session_model_usage": {"session_summaries"}}
    reports = {*DAILY_TABLES, "model_rates"} - observed
    allowed = {table} | together.get(table, set()) | (reports if table in observed else set())
    assert table in made <= allowed
    assert all(after[table][day] != before[table][day] for day in before[table])
    assert machine.run("materialize", "--json").json["up_to_date"]
    assert [r for r in everything(machine.warehouse)["one"] if " archive_sessions " not in r] == [
        r for r in rows["one"] if " archive_sessions " not in r
    ]


def test_what_counts_is_decided_anew_by_other_rules(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(machine.warehouse)
    monkeypatch.setitem(rules().digests, "duplicates", "another")
    with open_store(machine.warehouse) as store:
        assert not store.is_deduplicated()
        assert store.deduplicate().keys > 0
        assert store.is_deduplicated()
    assert everything(machine.warehouse) == before
    assert machine.run("materialize", "--json").json["up_to_date"]


def test_an_archive_out_of_reach_keeps_its_slices_and_is_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = archive(tmp_path / "other", "two", [("z", "2026-11-02")])
    both = Machine(tmp_path, machine.warehouse, (*machine.archives, other))
    assert both.run("materialize").code == 0
    kept = everything(machine.warehouse)["two"]
    other.rename(tmp_path / "away")
    monkeypatch.setitem(rules().digests, "usage_rows", "another")
    monkeypatch.setitem(rules().digests, "landing", "another")
    done = both.run("materialize")
    assert done.code == 0
    assert str(other) in done.err
    assert everything(machine.warehouse)["two"] == kept
    assert both.run("status", "--json").json["tables"]["usage_rows"]["stale"] == 1


@pytest.mark.parametrize("how", ["command", "observation", "report"])
def test_an_older_release_does_not_replace_rows_of_newer_rules(machine: Machine, how: str) -> None:
    with open_store(machine.warehouse) as store:
        store.record_rules({"rules_generation": str(rules().generation + 1)})
    before = everything(machine.warehouse)
    if how == "command":
        refused = machine.run("materialize", "--force")
    else:
        asset = {"observation": "usage_rows", "report": "daily_usage"}[how]
        refused = machine.start(asset, day="2026-11-02")
    assert refused.code == 1
    assert "a newer release" in refused.err
    assert everything(machine.warehouse) == before
