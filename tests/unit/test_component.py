"""The component and the example project: what docs/in-your-project.md says, as Dagster loads it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from agentsview_assets.component import AgentsviewAssets
from agentsview_assets.errors import ConfigError
from agentsview_assets.settings import ARCHIVE_VARIABLE, WAREHOUSE_VARIABLE
from tests.support.in_process import SAMPLE
from tests.support.oracle import REPOSITORY
from tests.support.reconciling import reconcile

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = REPOSITORY / "examples" / "project"
PAGE = REPOSITORY / "docs" / "in-your-project.md"
COMPONENT = "agentsview_assets.component.AgentsviewAssets"
DAY = "2026-11-03"
PATIENCE_SECONDS = 120
# Dagster's own use of what pydantic has deprecated, where YAML is read outside of a project.
pytestmark = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's home with an archive where agentsview keeps it."""
    folder = tmp_path / "home"
    (folder / ".agentsview").mkdir(parents=True)
    shutil.copy(SAMPLE, folder / ".agentsview" / "sessions.db")
    monkeypatch.setenv("HOME", str(folder))
    # Settings of the process are nobody's in a project of others.
    monkeypatch.setenv(ARCHIVE_VARIABLE, "/nowhere")
    monkeypatch.setenv(WAREHOUSE_VARIABLE, "/nowhere.duckdb")
    return folder


@pytest.fixture
def project(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example, as somebody has it who copied it."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "team"]:
        del sys.modules[name]


def _yaml(project: Path) -> Path:
    return project / "team" / "defs" / "agents" / "defs.yaml"


def _component(yaml: str) -> AgentsviewAssets:
    """The component as its attributes in YAML say."""
    return AgentsviewAssets.resolve_from_yaml(yaml.partition("attributes:\n")[2])


def _load(project: Path) -> dg.Definitions:
    return dg.load_from_defs_folder(path_within_project=project)


def _dg(project: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `dg` in a project, as its owner does."""
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return subprocess.run(
        [str(Path(sys.executable).with_name("dg")), *arguments],
        cwd=project,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home),
            "DAGSTER_HOME": str(home),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def _listed(project: Path, home: Path, what: str) -> dict[str, Any]:
    done = _dg(project, home, "list", what, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class TestTheProject:
    def test_dg_finds_the_component_in_the_packages_that_are_installed(self, project, home):
        found = {component["key"] for component in _listed(project, home, "components")["items"]}
        assert COMPONENT in found

    def test_dg_lists_our_assets_with_the_ones_that_depend_on_them(self, project, home):
        found = _listed(project, home, "defs")
        assets = {asset["asset_key"]: asset for asset in found["assets"]}
        assert {"agents/daily_usage", "agents/usage_rows", "cost_of_day"} <= assets.keys()
        assert assets["cost_of_day"]["dependency_keys"] == ["agents/daily_usage"]
        assert {sensor["name"] for sensor in found["sensors"]} == {"agents__reconcile"}
        assert {schedule["name"] for schedule in found["schedules"]} == {
            "agents__daily",
            "agents__weekly",
        }

    def test_ours_are_made_of_their_archive_and_theirs_of_ours(self, project, home):
        definitions = _load(project)
        settings = _component(_yaml(project).read_text()).settings()
        with dg.DagsterInstance.ephemeral() as instance:
            ran, _ = reconcile(settings, instance, definitions)
            assert all(run.succeeded for run in ran)
            job = definitions.resolve_implicit_global_asset_job_def().get_subset(
                asset_selection={dg.AssetKey("cost_of_day")}
            )
            done = job.execute_in_process(instance=instance, partition_key=DAY)
        [event] = done.asset_materializations_for_node("cost_of_day")
        [(spent,)] = _rows(
            home / "agents.duckdb",
            f"SELECT SUM(cost_usd) FROM daily_usage WHERE partition_date = '{DAY}'",
        )
        assert spent > 0
        assert event.metadata["usd"].value == pytest.approx(spent)

    def test_the_schedule_is_at_the_hour_that_the_attributes_name(self, project):
        schedule = _load(project).resolve_schedule_def("agents__daily")
        assert (schedule.cron_schedule, schedule.execution_timezone) == (
            "0 4 * * *",
            "Europe/Berlin",
        )

    def test_a_second_component_with_another_prefix_stands_beside_the_first(self, project):
        first = _yaml(project)
        second = first.parents[1] / "others" / "defs.yaml"
        second.parent.mkdir()
        second.write_text(
            first.read_text()
            .replace("key_prefix: agents", "key_prefix: others/agents")
            .replace("~/agents.duckdb", "~/others.duckdb")
        )
        graph = _load(project).resolve_asset_graph()
        ones, others = dg.AssetKey(["agents", "daily_usage"]), ["others", "agents", "daily_usage"]
        uris = [graph.get(key).metadata["dagster/uri"] for key in (ones, dg.AssetKey(others))]
        assert uris == ["duckdb:///~/agents.duckdb", "duckdb:///~/others.duckdb"]

    def test_loading_opens_nothing(self, project, home):
        before = sorted(home.iterdir())
        _load(project).resolve_asset_graph()
        assert sorted(home.iterdir()) == before


def _rows(warehouse: Path, sql: str) -> list[tuple[Any, ...]]:
    from agentsview_assets.resources.warehouses.reader import open_reader  # noqa: PLC0415

    with open_reader(str(warehouse)) as reader:
        return reader.rows(sql)


class TestAttributes:
    def test_what_is_left_out_has_the_default_of_the_settings(self, home):
        found = _component(
            "attributes:\narchive: ~/.agentsview\nwarehouse: ~/w.duckdb\n"
        ).settings()
        assert [archive.path for archive in found.archives] == [home / ".agentsview"]
        assert found.warehouses[0].path == home / "w.duckdb"
        assert (found.key_prefix, found.start_date) == (("agents",), "2025-01-01")
        assert (found.with_titles, found.schedule_hour, found.executor) == (True, 3, "in_process")

    def test_they_may_come_from_the_environment_where_they_say_so(self, monkeypatch):
        monkeypatch.setenv("AGENTS_ARCHIVE", "/archives/ada")
        yaml = 'attributes:\narchive: "{{ env.AGENTS_ARCHIVE }}"\nwarehouse: ~/w.duckdb\n'
        assert [archive.shown for archive in _component(yaml).settings().archives] == [
            "/archives/ada"
        ]

    def test_several_archives_are_a_list(self):
        found = _component("attributes:\narchive: [/a, /b]\nwarehouse: /w.duckdb\n").settings()
        assert [archive.shown for archive in found.archives] == ["/a", "/b"]

    @pytest.mark.parametrize(
        ("attribute", "text", "said"),
        [
            ("archive", "ftp://host/a", "archive ://...: not a source"),
            ("archive", "[]", "archive: is empty"),
            ("archive", "[/a, /a]", "archive /a: named twice"),
            ("warehouse", "mysql://host/db", "warehouse: the kind 'mysql' is not supported"),
            ("warehouse", '""', "warehouse: is empty"),
            ("key_prefix", '""', "key_prefix: is empty"),
            ("key_prefix", "a__b", "key_prefix: expected words such as agents"),
            ("start_date", "2026-13-01", "start_date: expected YYYY-MM-DD, got '2026-13-01'"),
            ("titles", "none", "titles: expected full or labels, got 'none'"),
            ("schedule_hour", "24", "schedule_hour: expected an hour from 0 to 23, got '24'"),
            ("schedule_timezone", "Mars", "schedule_timezone: expected the name of a zone"),
            ("executor", "celery", "executor: expected in_process or multiprocess"),
        ],
    )
    def test_a_wrong_one_is_named_with_what_is_expected(self, attribute, text, said):
        values = {"archive": "/a", "warehouse": "/w.duckdb", attribute: text}
        lines = "".join(f"{name}: {value}\n" for name, value in values.items())
        with pytest.raises(ConfigError) as raised:
            _component(f"attributes:\n{lines}").settings()
        assert str(raised.value).startswith(said)
        assert "AGENTSVIEW_ASSETS" not in str(raised.value)

    def test_the_message_names_the_folder_of_the_file(self, project, home):
        path = _yaml(project)
        path.write_text(path.read_text().replace("titles: labels", "titles: none"))
        done = _dg(project, home, "list", "defs")
        assert done.returncode != 0
        said = " ".join((done.stdout + done.stderr).split())
        assert f"{path.parent}: titles: expected full or labels, got 'none'" in said

    @pytest.mark.parametrize(
        ("more", "said"), [("colour: red", "colour"), ("schedule_hour: [4]", "schedule_hour")]
    )
    def test_one_that_there_is_not_is_named(self, project, more, said):
        path = _yaml(project)
        path.write_text(path.read_text().replace("  schedule_hour: 4\n", f"  {more}\n"))
        with pytest.raises(Exception, match="AgentsviewAssets") as raised:
            _load(project)
        assert said in "\n".join(_chain(raised.value))

    def test_a_password_in_a_warehouse_is_shown_nowhere(self):
        given = "postgresql://me:geheim@host/usage"
        component = _component(f"attributes:\narchive: /a\nwarehouse: {given}\n")
        assert "geheim" not in repr(component.settings())


def _chain(error: BaseException | None) -> list[str]:
    found = []
    while error is not None:
        found.append(str(error))
        error = error.__cause__ or error.__context__
    return found


class TestThePage:
    def test_its_yaml_is_that_of_the_example_and_its_asset_as_well(self):
        text = PAGE.read_text(encoding="utf-8")
        assert (EXAMPLE / "team/defs/agents/defs.yaml").read_text() in text
        theirs = (EXAMPLE / "team/defs/finance.py").read_text()
        assert theirs[theirs.index("@dg.asset") :] in text

    def test_it_names_every_attribute_and_no_other(self):
        text = PAGE.read_text(encoding="utf-8")
        rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| `")]
        assert rows == [f"`{name}`" for name in AgentsviewAssets.model_fields]

    def test_its_python_does_the_same_without_yaml(self):
        block = PAGE.read_text(encoding="utf-8").rpartition("```python\n")[2].partition("```")[0]
        found: dict[str, Any] = {"dg": dg, "theirs": dg.Definitions(resources={"warehouse": 1})}
        exec(block, found)  # noqa: S102 - what the page says is what is tried
        keys = found["defs"].resolve_asset_graph().get_all_asset_keys()
        assert dg.AssetKey(["agents", "daily_usage"]) in keys
