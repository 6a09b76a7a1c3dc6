"""What the files of a deployment name is there, and has the shape that their programs expect.

Compose and a cluster cannot be run here: the same processes are, by `tests/live`.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from celery.bin.worker import worker as celery_worker
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config
from dagster._core.run_coordinator import QueuedRunCoordinator

from agentsview_assets import settings
from agentsview_assets.queues import ANY_WORKER, QUEUE_TAG
from agentsview_assets.settings import load_settings
from agentsview_assets.worker.launcher import WatchedCeleryRunLauncher
from tests.unit.test_docs import check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "deploy" / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy/kubernetes/values.yaml").read_text())
INSTANCE_FILE = ROOT / "deploy" / "celery" / "dagster.yaml"
INSTANCE: dict[str, Any] = yaml.safe_load(INSTANCE_FILE.read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
MANIFESTS: list[dict[str, Any]] = VALUES["extraManifests"]
OURS = {getattr(settings, name) for name in dir(settings) if name.endswith("VARIABLE")}
LIBPQ = {"PGPASSFILE", "PGPASSWORD"}
"""What PostgreSQL's own library reads passwords from."""
_ADDRESS = re.compile(r"[a-z0-9+]+://[^\s@/]*@[^\s]+")
_OPTIONS = {name for param in celery_worker.params for name in param.opts}


def _pods() -> list[dict[str, Any]]:
    return [m["spec"]["template"]["spec"] for m in MANIFESTS if m["kind"] == "StatefulSet"]


def _containers() -> list[dict[str, Any]]:
    return [container for pod in _pods() for container in pod["containers"]]


def _config_map() -> dict[str, str]:
    [found] = [manifest["data"] for manifest in MANIFESTS if manifest["kind"] == "ConfigMap"]
    return dict(found)


def _environments() -> list[Mapping[str, str]]:
    """What the parts have in their environment, of each deployment."""
    return [COMPOSE["x-part"]["environment"], _config_map()]


def _worker_commands() -> list[list[str]]:
    compose = [s["command"] for name, s in SERVICES.items() if name.startswith("worker")]
    return compose + [[*c["command"], *c["args"]] for c in _containers()]


environments = pytest.mark.parametrize("environ", _environments(), ids=["compose", "kubernetes"])


class TestShape:
    def test_compose_has_the_shape_that_its_specification_says(self):
        text = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json")
        schema = json.loads(text.read_text())
        jsonschema.validate(COMPOSE, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**COMPOSE, "services": {"ui": {"comand": ["x"]}}}, schema)

    @pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: m["metadata"]["name"])
    def test_each_manifest_has_the_shape_that_kubernetes_asks_for(self, manifest):
        version = kubernetes_validate.latest_version()
        kubernetes_validate.validate(manifest, version, strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**manifest, "metdata": {}}, version, strict=True)

    @pytest.mark.parametrize("folder", ["deploy", "deploy/celery"])
    def test_dagster_reads_its_instance(self, folder):
        config, _ = dagster_instance_config(str(ROOT / folder))
        assert "run_launcher" in config or folder == "deploy"

    def test_the_launcher_takes_what_the_instance_and_the_chart_give_it(self, monkeypatch):
        custom = VALUES["runLauncher"]["config"]["customRunLauncher"]
        assert custom == INSTANCE["run_launcher"]
        launcher = WatchedCeleryRunLauncher
        assert (custom["module"], custom["class"]) == (launcher.__module__, launcher.__name__)
        for variable in ("AGENTSVIEW_ASSETS_BROKER", "AGENTSVIEW_ASSETS_BACKEND"):
            monkeypatch.setenv(variable, _config_map()[variable])
        assert process_config(launcher.config_type(), custom["config"]).success

    def test_the_chart_queues_and_watches_runs_as_the_instance_does(self):
        daemon = VALUES["dagsterDaemon"]
        queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
        runs = INSTANCE["concurrency"]["runs"]
        assert queue["maxConcurrentRuns"] == runs["max_concurrent_runs"]
        assert queue["tagConcurrencyLimits"] == runs["tag_concurrency_limits"]
        assert queue["tagConcurrencyLimits"][0]["key"] == QUEUE_TAG
        config = {
            "max_concurrent_runs": queue["maxConcurrentRuns"],
            "tag_concurrency_limits": queue["tagConcurrencyLimits"],
        }
        assert process_config(QueuedRunCoordinator.config_type(), config).success
        watched = {_snake(name): value for name, value in daemon["runMonitoring"].items()}
        assert watched == INSTANCE["run_monitoring"]
        assert {_snake(n): v for n, v in daemon["runRetries"].items()} == INSTANCE["run_retries"]


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)


class TestWhatIsNamed:
    @environments
    def test_every_setting_is_one_of_ours_or_of_a_program_that_reads_it(self, environ):
        known = OURS | LIBPQ | set(re.findall(r"env: (\w+)", INSTANCE_FILE.read_text()))
        assert set(environ) <= known
        assert OURS & set(environ) >= {
            "AGENTSVIEW_ASSETS_ARCHIVE", "AGENTSVIEW_ASSETS_WAREHOUSE", "AGENTSVIEW_ASSETS_QUEUES",
            "AGENTSVIEW_ASSETS_BROKER", "AGENTSVIEW_ASSETS_BACKEND"
        }  # fmt: skip

    @environments
    def test_the_settings_can_be_read_where_no_archive_is_seen(self, environ):
        found = load_settings(environ)
        assert found.archives == ()
        assert [url.kind for url in found.warehouses] == ["postgresql"]
        assert all(found.queues.of(listing) for listing in found.listings)

    @environments
    def test_each_queue_has_a_worker_that_sees_its_archives(self, environ):
        queues = load_settings(environ).queues
        taken = {queue for command in _worker_commands() for queue in _queues(command)}
        assert taken == {*queues.names, ANY_WORKER}
        for name, service in SERVICES.items():
            if name.startswith("worker"):
                places = [volume.split(":")[-2] for volume in service["volumes"]]
                assert {queues.of(place) for place in places} == {
                    queue for queue in _queues(service["command"]) if queue != ANY_WORKER
                }
        for container in _containers():
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert {queues.of(place) for place in mounts} - {""} == {
                queue for queue in _queues(container["args"]) if queue != ANY_WORKER
            }

    def test_every_command_can_be_typed(self):
        [ui] = [
            s["command"] for s in SERVICES.values() if "agentsview-assets" in s.get("command", [])
        ]
        check(shlex.join(ui).replace("'", "").replace("$", ""))  # one name is to be filled in
        [run] = re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)
        check(shlex.join(json.loads(run)))
        for program, *words in _worker_commands():
            assert (program, words[:3]) == (
                "celery",
                ["-A", "agentsview_assets.worker.app", "worker"],
            )
            assert {word for word in words[3:] if word.startswith("-")} <= _OPTIONS
        [code] = VALUES["dagster-user-deployments"]["deployments"]
        assert code["dagsterApiGrpcArgs"] == ["-m", "agentsview_assets.definitions"]
        assert (ROOT / "agentsview_assets/definitions.py").exists()

    def test_every_file_is_there(self):
        copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", DOCKERFILE, re.MULTILINE)
        names = [name for line in copied for name in line.split()]
        assert {"uv.lock", "pyproject.toml", "agentsview_assets"} <= set(names)
        assert [name for name in names if not (ROOT / name).exists()] == []
        let = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
        assert {line[1:] for line in let if line.startswith("!")} == set(names)
        build = COMPOSE["x-part"]["build"]
        assert (DOCKER / build["context"]).resolve() == ROOT
        assert (ROOT / build["dockerfile"]).read_text() == DOCKERFILE
        for volume in SERVICES["postgres"]["volumes"]:
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DOCKER / source).exists()

    def test_the_databases_that_are_named_are_made(self):
        made = set(re.findall(r"CREATE DATABASE (\w+)", (DOCKER / "databases.sql").read_text()))
        made.add(SERVICES["postgres"]["environment"]["POSTGRES_DB"])
        values = " ".join(map(str, COMPOSE["x-part"]["environment"].values()))
        assert set(re.findall(r"@postgres/(\w+)", values)) == made


class TestTheImage:
    def test_it_installs_what_the_lock_names_with_the_uv_that_the_project_uses(self):
        installs = re.findall(r"^RUN uv (.*)$", DOCKERFILE, re.MULTILINE)
        assert installs
        for line in installs:
            assert line.startswith("sync --frozen --no-dev --extra celery")
        makefile = (ROOT / "Makefile").read_text()
        [version] = re.findall(r"^UV_VERSION := (.+)$", makefile, re.MULTILINE)
        assert f"astral-sh/uv:{version} " in DOCKERFILE
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert "celery" in project["optional-dependencies"]

    def test_each_base_is_named_by_a_whole_version(self):
        bases = re.findall(r"^FROM (\S+)|COPY --from=(\S+:\S+)", DOCKERFILE, re.MULTILINE)
        images = [one or other for one, other in bases] + [SERVICES["postgres"]["image"]]
        assert [i for i in images if not re.search(r":\d+\.\d+", i)] == []

    def test_it_runs_as_nobody_special_in_utc(self):
        users = re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)
        assert users[-1] == "agents"
        assert "--uid 1000" in DOCKERFILE
        assert "TZ=UTC" in DOCKERFILE
        assert all(pod["securityContext"]["runAsUser"] == 1000 for pod in _pods())
        assert all(pod["securityContext"]["runAsNonRoot"] for pod in _pods())

    def test_the_release_is_that_of_the_package(self):
        release = re.search(
            r'__version__ = "(.+)"', (ROOT / "agentsview_assets/__init__.py").read_text()
        )
        assert release is not None
        named = {COMPOSE["x-part"]["image"], *(c["image"] for c in _containers())}
        assert {name.rpartition(":")[2] for name in named} == {release[1]}
        assert VALUES["dagsterWebserver"]["image"]["tag"] == release[1]


class TestSecrets:
    @environments
    def test_no_address_holds_a_password(self, environ):
        addresses = [found for value in environ.values() for found in _ADDRESS.findall(value)]
        assert len(addresses) >= 3
        assert [a for a in addresses if ":" in a.partition("://")[2].partition("@")[0]] == []

    def test_passwords_come_from_mounted_files_or_from_a_secret(self):
        part = COMPOSE["x-part"]
        assert part["environment"]["PGPASSFILE"] == f"/run/secrets/{part['secrets'][0]}"
        postgres = SERVICES["postgres"]
        [password] = [v for n, v in postgres["environment"].items() if "PASSWORD" in n]
        assert password == f"/run/secrets/{postgres['secrets'][0]}"
        sources = [secret["file"] for secret in COMPOSE["secrets"].values()]
        ignored = (ROOT / ".gitignore").read_text().splitlines()
        for source in sources:
            path = f"deploy/docker/{source.removeprefix('./')}"
            assert any(fnmatch.fnmatch(path, f"{line}*") for line in ignored if line)
        for container in _containers():
            assert all("valueFrom" in e for e in container["env"] if "PASSWORD" in e["name"])
            assert any("secretRef" in source for source in container["envFrom"])

    def test_nothing_secret_is_built_into_the_image(self):
        assert not re.search(
            r"^(ARG|ENV).*(PASSWORD|SECRET|TOKEN|PGPASS)", DOCKERFILE, re.MULTILINE
        )


def _queues(command: Sequence[str]) -> list[str]:
    return command[command.index("-Q") + 1].split(",")
