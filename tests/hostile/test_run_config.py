"""A run may choose its days; what it reads and writes was settled when the process started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._config import ConfigTypeKind

from agentsview_assets.build import build_definitions
from agentsview_assets.settings import load_settings
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = "2026-11-03"
JOBS = [
    *("__ASSET_JOB", "alert", "check", "materialize", "observe", "reprice", "retention", "upkeep")
]
# All that a run can say, beside its days; none of it names a place.
HARMLESS = {
    "loggers.console.config.log_level",
    "loggers.console.config.name",
    "ops.price_anew.config.dry_run",
    # What an alert says, and the run that it tells of: words, which are shown as text.
    "ops.raise_alert.config.last_run",
    "ops.raise_alert.config.words",
}
# Dagster leaves the look at a source no schema; nobody reads what is given here.
UNREAD = {"ops.archive.config"}


def _settings(desk: Desk) -> Any:
    return load_settings(
        {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
            "AGENTSVIEW_ASSETS_START_DATE": "2026-10-29",
        }
    )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.with_sample(tmp_path / "desk")


@pytest.fixture
def repository(desk: Desk) -> dg.RepositoryDefinition:
    return build_definitions(_settings(desk)).get_repository_def()


@pytest.fixture
def one_table(repository: dg.RepositoryDefinition) -> dg.JobDefinition:
    """The least that a person can start in the UI and that uses archive and warehouse."""
    job = repository.get_job("__ASSET_JOB")
    return job.get_subset(asset_selection={dg.AssetKey("sessions")})


def _fields(kind: Any, path: str = "") -> Iterator[str]:
    """Every value that a configuration may hold, by its path."""
    if ConfigTypeKind.has_fields(kind.kind):
        for name, field in kind.fields.items():
            yield from _fields(field.config_type, f"{path}.{name}".strip("."))
    elif kind.kind in (ConfigTypeKind.NONEABLE, ConfigTypeKind.ARRAY):
        yield from _fields(kind.inner_type, path)
    else:
        yield path


@pytest.mark.parametrize("job", JOBS)
def test_there_is_no_field_for_a_path_an_address_or_a_file(repository, job):
    assert {known.name for known in repository.get_all_jobs()} == set(JOBS)
    found = set(_fields(repository.get_job(job).run_config_schema.config_type))
    assert found <= HARMLESS | UNREAD


@pytest.mark.parametrize("asset", ["daily_usage", "sessions", "model_rates", "project_identities"])
def test_neither_is_there_one_when_only_some_tables_are_made(repository, asset):
    chosen = repository.get_job("__ASSET_JOB").get_subset(asset_selection={dg.AssetKey(asset)})
    assert set(_fields(chosen.run_config_schema.config_type)) <= HARMLESS | UNREAD


def _hostile(victim: str) -> Iterator[dict[str, Any]]:
    """What a page might put into a run: a place in every corner that Dagster knows."""
    for key, field in [
        ("archive_source", "store_path"),
        ("archive_source", "archive"),
        ("archive_source", "with_titles"),
        ("warehouse", "url"),
        ("io_manager", "base_dir"),
    ]:
        for value in (victim, {"env": "HOME"}, f"postgresql://{victim}", None):
            yield {"resources": {key: {"config": {field: value}}}}
    yield {"execution": {"config": {"multiprocess": {"start_method": {"spawn": {}}}}}}
    yield {"execution": {"config": {"marker_to_close": victim}}}
    yield {"ops": {"daily_usage": {"config": {"warehouse": victim}}}}
    yield {"ops": {"daily_usage": {"inputs": {"usage_rows": {"pickle": {"path": victim}}}}}}
    yield {"ops": {"daily_usage": {"outputs": {"result": {"pickle": {"path": victim}}}}}}
    yield {"ops": {"price_anew": {"config": {"dry_run": False, "warehouse": victim}}}}
    yield {"ops": {"mend": {"config": {"archive": victim}}}}


def test_a_place_in_a_runs_configuration_is_an_error_in_words(repository, tmp_path):
    for config in _hostile(str(tmp_path / "victim")):
        refused = 0
        for name in JOBS:
            try:
                dg.validate_run_config(repository.get_job(name), config)
            except dg.DagsterInvalidConfigError:
                refused += 1
            else:  # the job has no such step, and nothing reads what was said of it
                assert name == "__ASSET_JOB"
                assert "ops" in config
        assert refused >= len(JOBS) - 1, config


@pytest.mark.hostile
def test_a_run_that_names_places_touches_none_of_them(one_table, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    with dg.DagsterInstance.ephemeral() as instance:
        for config in _hostile(str(victim)):
            if "resources" in config:
                with pytest.raises(dg.DagsterInvalidConfigError):
                    one_table.execute_in_process(config, instance=instance, partition_key=DAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk", "victim"]
    assert victim.read_text() == "mine"


def test_a_run_names_no_place_in_the_history_and_closes_what_it_opened(desk, one_table):
    with dg.DagsterInstance.ephemeral() as instance:
        assert one_table.execute_in_process(instance=instance, partition_key=DAY).success
        # DuckDB refuses a reader while a writer of this process is open.
        assert desk.rows("SELECT count(*) FROM sessions WHERE partition_date = '2026-11-03'")
        [run] = instance.get_runs()
        kept = instance.get_job_snapshot(run.job_snapshot_id)
        for told in (run.run_config, dg.serialize_value(run), dg.serialize_value(kept)):
            assert str(desk.folder) not in str(told)
        (desk.archive / "sessions.db").rename(desk.archive / "elsewhere.db")
        failed = one_table.execute_in_process(
            instance=instance, partition_key=DAY, raise_on_error=False
        )
        assert not failed.success
        desk.rows("SELECT 1")
