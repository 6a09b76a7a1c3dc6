"""Pages as answers of the server: where they are, who gets them, what they say of what fails."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.web.pages.answering import Pages
from agentsview_assets.web.pages.login import safe_next
from agentsview_assets.web.pages.routes import PAGES
from agentsview_assets.web.pages.statics import static_path
from agentsview_assets.web.tokens import COOKIE
from tests.support.asgi import ask
from tests.support.in_process import Desk
from tests.support.site import DAYS, Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.served import Answer

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - it opens nothing


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.finished(tmp_path_factory.mktemp("answers"), "2026-10-29")


@pytest.fixture(scope="module")
def site(desk: Desk) -> Site:
    return Site(desk.warehouse, dagster_url="https://dagster.example.com")


def text(answer: Answer) -> str:
    return re.sub(r"\s+", " ", answer.body.decode())


def header(answer: Answer, name: str) -> str:
    return dict(answer.headers).get(name, "")


@pytest.mark.parametrize(
    "path", ["/", "/projects", "/projects/tidepool", "/models", "/models/gpt-5.1", "/rows"]
)
def test_a_page_is_html_that_nobody_else_keeps(site: Site, path: str):
    answer = site.get(f"{path}?{DAYS}")
    assert answer.status == 200
    assert header(answer, "content-type") == "text/html; charset=utf-8"
    assert header(answer, "cache-control") == "private, no-cache"
    assert "unsafe-eval" not in header(answer, "content-security-policy")
    assert "<script>" not in text(answer)
    assert " on" not in "".join(re.findall(r"<[a-z][^>]*?( on[a-z]+=)", answer.body.decode()))


def test_every_address_on_a_page_is_below_the_base_path(desk: Desk):
    site = Site(desk.warehouse, base_path="/agents")
    page = site.get(f"/agents/?{DAYS}").body.decode()
    found = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    assert len(found) > 50
    assert all(address.startswith("/agents/") for address in found)
    assert site.get("/projects").status == 404


def test_every_link_of_a_page_leads_somewhere(site: Site):
    page = site.get(f"/?{DAYS}&by=model").body.decode()
    found = {link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)', page)}
    assert len(found) > 100
    for link in sorted(found)[:: len(found) // 40]:
        assert site.get(link).status == 200, link


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("span=year", "span: expected one of 7d, 30d, 90d, month, all"),
        ("from=2026-13-01", "from: expected a day"),
        ("from=2026-11-02&to=2026-11-01", "from must not be after to"),
        ("timezone=Mars/Olympus", "invalid timezone: Mars/Olympus"),
        ("by=colour", "by: expected one of"),
        ("automation=some", "automation: expected one of all, interactive"),
        ("archive_id=none", "the warehouse has no archive none"),
        ("format=xlsx&table=by_project", "format: expected one of csv, json, parquet"),
        ("format=csv&table=x", "table: this page has cost_by_day, tokens_by_day, by_project"),
        ("timezone=%3Cscript%3E", "invalid timezone: &lt;script&gt;"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained(site: Site, query: str, words: str):
    answer = site.get(f"/?{query}")
    assert answer.status == 400
    assert words in text(answer)
    assert "This page without days and filters" in text(answer)


def test_what_is_not_there_has_a_page_and_the_api_has_its_own_words(site: Site):
    assert (site.get("/x").status, site.get("/projects/none-such").status) == (404, 404)
    assert "No usage is of a project none-such" in text(site.get("/projects/none-such"))
    assert site.get("/projects/a/b").status == 404
    for path in ("/projects/%ff", "/models/%ed%a0%80", "/sessions/%ff"):
        assert site.get(path).status == 404, path
    assert site.get("/api/v1/completeness?archive_id=%ff").status == 400
    assert site.get("/api/v1/x").json == {"error": "not found"}
    assert ask(site.app, "/", method="PUT").status == 405


def test_files_come_from_the_address_of_the_page(site: Site):
    answer = site.get(f"/?{DAYS}&by=agent&format=csv&table=by_agent")
    assert header(answer, "content-disposition") == 'attachment; filename="by_agent.csv"'
    lines = answer.body.decode().splitlines()
    assert lines[0].startswith("agent,cost,share,tokens,")
    document = site.get(f"/api/v1/usage/summary?{DAYS}&include_automated=true").json
    assert [line.split(",")[:2] for line in lines[1:]] == [
        [entry["agent"], repr(entry["cost"])] for entry in document["agentTotals"]
    ]


def test_numbers_lead_to_rows_and_assets_to_dagster(site: Site):
    page = text(site.get(f"/?{DAYS}"))
    assert 'href="https://dagster.example.com/assets/usage_rows"' in page
    assert 'href="/rows?from=2026-10-29&amp;to=2026-11-10&amp;in_project=tidepool"' in page


def test_assets_have_the_keys_that_their_prefix_gives_them(desk: Desk):
    site = Site(desk.warehouse, dagster_url="https://d", key_prefix=("team a", "agents"))
    assert 'href="https://d/assets/team%20a/agents/usage_rows"' in text(site.get(f"/?{DAYS}"))
    checks = 'href="https://d/assets/team%20a/agents/sessions?view=checks"'
    assert checks in text(site.get("/trust"))


def test_the_form_keeps_what_it_has_no_field_for(site: Site):
    page = text(site.get(f"/activity?{DAYS}&bucket=1d&sort_by_project=-cost&page=2&agent=claude"))
    form = page[page.index("<form") : page.index("</form>")]
    kept = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    assert kept == [("bucket", "1d"), ("sort_by_project", "-cost")]


def test_a_page_with_a_defect_says_so_as_a_page(site: Site, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def served(scope: Any, receive: Any, send: Any) -> None:
        with suppress(ZeroDivisionError):  # the server's log has it
            await site.app(scope, receive, send)

    monkeypatch.setattr("agentsview_assets.web.pages.answering.remarks", fail)
    answer = ask(served, f"/?{DAYS}")
    assert (answer.status, header(answer, "content-type")) == (500, "text/html; charset=utf-8")
    assert "This is a defect of the server" in text(answer)


def test_the_first_page_is_made_before_anybody_asks(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    site = Site(desk.warehouse)
    asked = "agentsview_assets.web.pages.figures._beside"
    monkeypatch.setattr(asked, lambda *_: pytest.fail("worked out again"))
    with pytest.raises(pytest.fail.Exception):
        site.get("/")
    monkeypatch.undo()
    Pages(site.service, PAGES).prepare()
    monkeypatch.setattr(asked, lambda *_: pytest.fail("worked out again"))
    assert site.get("/").status == 200


def test_a_warehouse_that_is_missing_at_first_is_shown_once_it_is_there(desk: Desk, tmp_path: Path):
    site = Site(tmp_path / "later.duckdb")
    Pages(site.service, PAGES).prepare()
    assert site.get("/").status == 503
    shutil.copy(desk.warehouse, tmp_path / "later.duckdb")
    assert site.get("/").status == 200


def test_an_empty_window_says_so(site: Site):
    page = text(site.get("/?from=2020-01-01&to=2020-01-02&project=tidepool"))
    assert "Nothing was used in these days, as far as the filters go." in page
    assert "$0.00" in page
    assert 'href="/?project=tidepool&amp;from=2026-10-29&amp;to=2026-11-10"' in page
    assert 'href="/?from=2020-01-01&amp;to=2020-01-02">The same days' in page


def test_an_empty_warehouse_has_pages(tmp_path: Path):
    desk = Desk.with_sample(tmp_path).starting("2026-10-29")
    desk.edit("DELETE FROM messages", "DELETE FROM usage_events", "DELETE FROM sessions")
    desk.materialize()
    site = Site(desk.warehouse)
    for path in ("/", "/?span=all", "/projects", "/models", "/rows", "/rows?in_day=2026-11-01"):
        answer = site.get(path)
        assert answer.status == 200, path
        if not path.startswith("/rows"):
            assert "<code>agentsview-assets materialize</code> fills it" in text(answer)


def test_a_warehouse_that_is_not_there_is_told_with_what_helps(tmp_path: Path):
    site = Site(tmp_path / "none.duckdb")
    answer = site.get("/")
    assert answer.status == 503
    assert "run `agentsview-assets materialize` first" in text(answer)


def test_strangers_are_not_told_what_is_wrong(tmp_path: Path):
    site = Site(tmp_path / "none.duckdb", token=TOKEN)
    answer = site.get("/", Authorization=f"Bearer {TOKEN}")
    assert answer.status == 503
    assert str(tmp_path) not in text(answer)


def test_while_a_run_writes_the_page_says_of_when_it_is(desk: Desk, tmp_path: Path):
    site = Site(desk.copied(tmp_path / "copy").warehouse)
    assert "the warehouse is being written" not in text(site.get("/"))
    warehouse = tmp_path / "copy" / "warehouse.duckdb"
    warehouse.write_bytes(warehouse.read_bytes()[:4096])  # torn, as a run that died leaves it
    answer = site.get("/")
    assert answer.status == 200
    assert "As of 20" in text(answer)


def test_whoever_has_no_token_is_asked_for_it_and_led_back(desk: Desk):
    site = Site(desk.warehouse, token=TOKEN)
    assert header(site.get("/projects"), "location") == "/login?next=/projects"
    asked = header(site.get("/projects/a%2Fb?span=7d&by=model"), "location")
    assert asked == "/login?next=/projects/a%252Fb%3Fspan%3D7d%26by%3Dmodel"
    assert 'name="next" value="/projects/a%2Fb?span=7d&amp;by=model"' in text(site.get(asked))
    wrong = site.post("/login", token=TOKEN[:-1], next="/projects")
    assert wrong.status == 401
    assert "not the token" in text(wrong)
    assert not header(wrong, "set-cookie")
    right = site.post("/login", token=f" {TOKEN}\n", next="/projects")
    assert (right.status, header(right, "location")) == (303, "/projects")
    cookie = SimpleCookie(header(right, "set-cookie"))[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert not cookie["secure"]
    held = f"{COOKIE}={cookie.value}"
    assert "Log out" in text(site.get("/projects", Cookie=held))
    left = site.post("/logout", cookie=held)
    assert (left.status, header(left, "location")) == (303, "/login")
    assert f'{COOKIE}=""' in header(left, "set-cookie")


def test_a_cookie_is_of_its_path_and_of_https_where_that_is_all_there_is(desk: Desk):
    site = Site(
        desk.warehouse, token=TOKEN, base_path="/a", public_urls=("https://agents.example.com",)
    )
    answer = site.post("/a/login", token=TOKEN, next="/models?span=7d")
    assert header(answer, "location") == "/a/models?span=7d"
    cookie = SimpleCookie(header(answer, "set-cookie"))[COOKIE]
    assert (cookie["path"], cookie["secure"]) == ("/a", True)


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\\b", "/a\nb"],
)
def test_nobody_is_led_elsewhere(target: str):
    assert safe_next(target) == "/"


def test_the_form_is_not_read_without_end(desk: Desk):
    site = Site(desk.warehouse, token=TOKEN)
    assert site.post("/login", token="x" * 10_000).status == 413


def test_without_a_token_there_is_no_form(site: Site):
    assert header(site.get("/login"), "location") == "/"


def test_files_that_never_change_are_kept_for_good(site: Site):
    path = static_path("page.css")
    answer = site.get(path, **{"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert header(answer, "cache-control") == "public, max-age=31536000, immutable"
    assert header(answer, "content-encoding") == "gzip"
    assert site.get(path.replace("/static/", "/static/0")).status == 404
    assert site.get("/static/0123456789abcdef/README.md").status == 404
    assert site.get("/static/..%2f..%2fpages%2fpage.py").status == 404
