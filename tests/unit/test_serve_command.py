"""The `serve` command as people start it: who gets in, what it answers, how it ends."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.in_process import run_here
from tests.support.served_web import ServedWeb

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.in_process import Desk

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - it opens nothing
SUMMARY = "/api/v1/usage/summary?no_default_range=true"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def desk(sample_desk: Desk, tmp_path: Path) -> Desk:
    return sample_desk.copied(tmp_path / "desk")


def environ(desk: Desk, **more: str) -> dict[str, str]:
    return {**os.environ, "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse), **more}


def test_an_answer_is_kept_until_the_warehouse_changes(desk):
    with ServedWeb(environ(desk)) as web:
        first = web.ask(SUMMARY)
        tag = first.header("etag")
        assert first.status == 200
        again = web.ask(SUMMARY, headers={"If-None-Match": tag})
        assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
        desk.edit("UPDATE sessions SET project = 'renamed'")
        desk.materialize()
        changed = web.ask(SUMMARY, headers={"If-None-Match": tag})
        assert changed.status == 200
        assert changed.header("etag") != tag
        assert list(changed.json["projects"]) == ["renamed"]


def test_replicas_give_one_answer_one_tag(desk):
    with ServedWeb(environ(desk)) as one, ServedWeb(environ(desk)) as other:
        assert one.ask(SUMMARY).header("etag") == other.ask(SUMMARY).header("etag")
        assert one.ask("/health").json == other.ask("/health").json


def test_what_depends_on_the_moment_is_not_kept(desk):
    with ServedWeb(environ(desk)) as web:
        for target in (
            "/api/v1/activity/report",
            "/api/v1/completeness",
            "/api/v1/usage/summary?termination=active",
        ):
            answer = web.ask(target)
            assert (answer.status, answer.header("etag")) == (200, None), target


def test_the_export_is_the_commands_to_the_last_byte(desk):
    printed = desk.run("export", "sessions", "--all", "--format", "ndjson")
    page = desk.run("export", "sessions", "--limit", "3")
    with ServedWeb(environ(desk)) as web:
        stream = web.ask("/api/v1/export/sessions?all=true&format=ndjson")
        assert stream.header("content-type") == "application/x-ndjson"
        assert stream.body.decode() == printed.out
        found = web.ask("/api/v1/export/sessions?limit=3")
        assert found.json["sessions"] == page.json["sessions"]
        following = web.ask(f"/api/v1/export/sessions?cursor={found.json['cursor']['next']}")
        assert following.status == 200
        assert following.json["sessions"][0] not in page.json["sessions"]
        refused = web.ask(
            f"/api/v1/export/sessions?cursor={found.json['cursor']['next']}&project=x"
        )
        assert (refused.status, refused.json) == (
            400,
            {"error": "cursor cannot be combined with project"},
        )
        assert web.ask("/api/v1/export/sessions?cursor=x").status == 410
        assert web.ask("/api/v1/export/sessions?all=1", method="HEAD").status == 200


def test_a_token_in_a_file_is_asked_for(desk, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    with ServedWeb(environ(desk), "--token-file", str(file), "--base-path", "/av") as web:
        assert web.ask("/av/api/ping").status == 401
        assert web.ask("/av/api/ping", headers=BEARER).status == 200
        assert web.ask("/av/metrics").status in (303, 401)
        assert web.ask("/av/health").status == 200
        assert web.ask("/api/ping", headers=BEARER).status == 404
        answer = web.ask("/av/")
        assert (answer.status, answer.header("location")) == (303, "/av/login?next=/")
    assert not any(TOKEN in line for line in web.log)


def test_metrics_and_health_are_for_programs(desk):
    with ServedWeb(environ(desk)) as web:
        text = web.ask("/metrics").body.decode()
        assert "# TYPE agentsview_assets_cost_today_usd gauge" in text
        assert "agentsview_assets_archive_age_seconds{archive_id=" in text
        assert web.ask("/health").json["ok"] is True


def test_a_warehouse_that_is_not_there_yet_is_waited_for(tmp_path):
    place = tmp_path / "warehouse.duckdb"
    with ServedWeb({**os.environ, "AGENTSVIEW_ASSETS_WAREHOUSE": str(place)}) as web:
        answer = web.ask(SUMMARY)
        assert answer.status == 503
        assert str(tmp_path) not in answer.body.decode()
        assert web.ask("/health").status == 503
        assert web.ask("/api/ping").status == 200
    assert any("run `agentsview-assets materialize` first" in line for line in web.log)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_order_when_it_is_told_to(desk, number):
    with ServedWeb(environ(desk)) as web:
        assert web.ask("/api/ping").status == 200
        web.process.send_signal(number)
        assert web.process.wait(30) == 0


def refused(desk: Desk, *options: str) -> str:
    done = run_here(["serve", *options], environ(desk))
    assert (done.code, done.out) == (1, "")
    return done.err


def test_options_that_cannot_be_used_are_named(desk, tmp_path):
    assert "no token is asked for" in refused(desk, "--host", "192.0.2.1")
    assert "--base-path" in refused(desk, "--base-path", "x")
    assert "--token-file" in refused(desk, "--token-file", str(tmp_path / "nope"))
    assert "expected an address" in refused(desk, "--public-url", "agents.example.com")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in refused(desk, "--port", str(port))
