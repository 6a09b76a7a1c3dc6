"""Who may ask the server: tokens, hosts, origins, and what everybody else is told."""

from __future__ import annotations

import threading
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import PlainTextResponse

from agentsview_assets.errors import ConfigError
from agentsview_assets.web import tokens
from agentsview_assets.web.answers import Answers, entity_tag, is_known
from agentsview_assets.web.application import based
from agentsview_assets.web.guard import Guard
from agentsview_assets.web.serving import Serving, checked, public_origin, read_token
from agentsview_assets.web.tokens import COOKIE, Tokens
from tests.support.asgi import ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.served import Answer

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - it opens nothing
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nobody listens there
HERE = "http://127.0.0.1:8080"
EVIL = "http://evil.example"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Client:
    """Asks a server that says `served` to whoever gets past its guard."""

    def __init__(self, **options: Any) -> None:
        serving = Serving("duckdb:///w", **options)
        guard = Guard(PlainTextResponse("served"), serving)
        self._app = based(guard, serving.base_path)

    def get(self, target: str, **headers: str | bytes) -> Answer:
        return self.ask("GET", target, headers)

    def ask(self, method: str, target: str, headers: Mapping[str, str | bytes]) -> Answer:
        return ask(self._app, target, method=method, headers=headers)


def test_without_a_token_this_machine_is_served():
    assert Client().get("/api/ping").body.decode() == "served"
    assert Client().get("/").body.decode() == "served"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:80", "localhost.:8080", "[::1]:8080", ""]
)
def test_another_host_is_refused_for_all_paths(host):
    for path in ("/api/ping", "/", "/static/page.css"):
        answer = Client().ask("GET", path, {"Host": host})
        assert answer.status == 403
        assert "is not in the allowed set [127.0.0.1:8080 localhost:8080]" in answer.body.decode()


def test_hosts_are_the_same_in_any_case():
    assert Client().ask("GET", "/api/ping", {"Host": "LOCALHOST:8080"}).status == 200


def test_what_a_host_says_acts_on_nothing():
    answer = Client().ask("GET", "/api/ping", {"Host": "\x1b[31mred" * 50})
    assert "\x1b" not in answer.body.decode()
    assert len(answer.body.decode()) < 700


@pytest.mark.parametrize("origin", [EVIL, "null", "https://127.0.0.1:8080", "http://127.0.0.1:9"])
def test_foreign_origins_are_refused(origin):
    for method in ("GET", "POST", "OPTIONS", "HEAD"):
        answer = Client().ask(method, "/api/ping", {"Origin": origin})
        assert answer.status == 403, method
        assert answer.header("access-control-allow-origin") is None


def test_pages_of_the_server_itself_are_answered_as_their_origin():
    answer = Client().ask("GET", "/api/ping", {"Origin": HERE})
    assert answer.header("access-control-allow-origin") == HERE
    assert answer.header("vary") == "Origin"


def test_a_proxys_address_is_served():
    served = Client(public_urls=("https://agents.example.com",))
    for host in ("agents.example.com", "agents.example.com:443", "Agents.Example.com:80"):
        assert served.ask("GET", "/api/ping", {"Host": host}).status == 200
    for host in ("agents.example.com:8443", "x.agents.example.com"):
        assert served.ask("GET", "/api/ping", {"Host": host}).status == 403
    own = {"Host": "agents.example.com", "Origin": "https://agents.example.com"}
    assert served.ask("GET", "/api/ping", own).status == 200
    assert served.ask("GET", "/api/ping", own | {"Origin": "http://x"}).status == 403


@pytest.mark.parametrize(
    "authorization",
    [
        *("", "Bearer", "Bearer ", f"bearer {TOKEN}", f"Bearer  {TOKEN}", f"Basic {TOKEN}"),
        *(TOKEN, f"Bearer {TOKEN} ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xff"),
    ],
)
def test_only_the_token_itself_lets_anybody_in(authorization):
    asked = {"Authorization": authorization.encode("latin-1")}
    answer = Client(token=TOKEN).ask("GET", "/api/ping", asked)
    assert (answer.status, answer.body) == (401, b"Unauthorized\n")
    assert answer.header("www-authenticate") is None


def test_the_token_in_an_address_lets_nobody_in():
    assert Client(token=TOKEN).get(f"/api/ping?token={TOKEN}").status == 401


def test_whoever_bears_the_token_may_come_from_anywhere():
    asked = {**BEARER, "Host": "evil.example", "Origin": EVIL}
    answer = Client(token=TOKEN).ask("GET", "/api/ping", asked)
    assert (answer.status, answer.body.decode()) == (200, "served")
    assert answer.header("access-control-allow-origin") == EVIL


def test_a_page_without_the_token_leads_to_the_form_that_asks_for_it():
    answer = Client(token=TOKEN, base_path="/av").get("/av/models/x?from=2026-11-01")
    assert answer.status == 303
    assert answer.header("location").startswith("/av/login?next=")


@pytest.mark.parametrize("path", ["/login", "/static/x.css", "/health"])
def test_the_form_and_the_health_are_open(path):
    assert Client(token=TOKEN).get(path).body.decode() == "served"


@pytest.mark.parametrize("path", ["/metrics", "/", "/api/nope", "/API/ping", "/static"])
def test_all_else_is_closed(path):
    assert Client(token=TOKEN).get(path).status in (303, 401)


def test_a_cookie_counts_for_the_own_host_and_origin_alone():
    held = {"Cookie": f"{COOKIE}={Tokens(TOKEN).cookie()}"}
    served = Client(token=TOKEN)
    assert served.ask("GET", "/", held).status == 200
    assert served.ask("GET", "/api/ping", held).status == 200
    assert served.ask("GET", "/", {**held, "Host": "evil.example"}).status == 403
    assert served.ask("GET", "/", {**held, "Origin": EVIL}).status == 403


def test_cookies_end_and_cannot_be_made_up(monkeypatch):
    good = Tokens(TOKEN).cookie()
    until, _, signature = good.partition(".")
    for bad in (
        *("", "x", ".", f"{until}.", f".{signature}", f"{int(until) + 1}.{signature}"),
        *(f"{until}.{signature[:-1]}", Tokens(f"{TOKEN}x").cookie(), f"{until}.{signature}é"),
    ):
        assert not Tokens(TOKEN).is_held(f"{COOKIE}={bad}"), bad
    assert Tokens(TOKEN).is_held(f"other=1; {COOKIE}={good}")
    assert not Tokens("").is_held(f"{COOKIE}={Tokens('').cookie()}")
    monkeypatch.setattr(tokens.time, "time", lambda: int(until) + 1)
    assert not Tokens(TOKEN).is_held(f"{COOKIE}={good}")
    assert good in SimpleCookie(f"{COOKIE}={good}").output()


def test_websockets_are_closed():
    guard = Guard(PlainTextResponse("served"), Serving("duckdb:///w"))
    assert ask(guard, "/api/ping", kind="websocket").status == 0


def test_a_base_path_is_all_there_is():
    served = Client(base_path="/av")
    assert served.get("/av").header("location") == "/av/"
    assert served.get("/av/api/ping").body.decode() == "served"
    for path in ("/", "/api/ping", "/avx/api/ping"):
        answer = served.get(path)
        assert (answer.status, answer.body.decode()) == (404, "404 page not found\n")


def test_others_are_served_with_a_token_alone():
    with pytest.raises(ConfigError, match="name a file that holds one with --token-file"):
        checked(Serving("w", host=EVERYWHERE))
    assert checked(Serving("w", host=EVERYWHERE, token=TOKEN))
    assert checked(Serving("w", host="::1"))
    assert checked(Serving("w", host="localhost"))


@pytest.mark.parametrize(
    "options",
    [
        {"base_path": "agents"},
        {"base_path": "/a/../b c"},
        {"public_urls": ("agents.example.com",)},
        {"public_urls": ("ftp://x",)},
        {"dagster_url": "javascript:alert(1)"},
    ],
)
def test_odd_options_are_named(options):
    with pytest.raises(ConfigError, match="expected"):
        checked(Serving("w", **options))


def test_an_address_is_cut_to_what_browsers_say():
    assert public_origin("HTTPS://Agents.example.com/av/") == "https://agents.example.com"


def test_the_token_comes_from_a_file_or_the_environment(tmp_path: Path):
    file = tmp_path / "token"
    assert read_token(None, {}) == ""
    assert read_token(None, {"AGENTSVIEW_ASSETS_SERVE_TOKEN": TOKEN}) == TOKEN
    file.write_text(f"{TOKEN}\n")
    assert read_token(str(file), {}) == TOKEN
    for held, said in (("", "is empty"), ("short", "at least 16"), ("two words " * 3, "blanks")):
        file.write_text(held)
        with pytest.raises(ConfigError, match=said):
            read_token(str(file), {})
    with pytest.raises(ConfigError, match="no such file"):
        read_token(str(tmp_path / "nope"), {})
    with pytest.raises(ConfigError, match="no such file"):
        read_token(str(tmp_path), {})


def test_equal_questions_at_once_are_answered_once():
    answers, made, begun, go_on = Answers(), [], threading.Event(), threading.Event()

    def make() -> bytes:
        made.append(1)
        begun.set()
        go_on.wait(30)
        return b"body"

    found: list[bytes] = []
    askers = [
        threading.Thread(target=lambda: found.append(answers.get(("k",), make))) for _ in "12345"
    ]
    for asker in askers:
        asker.start()
    begun.wait(30)
    go_on.set()
    for asker in askers:
        asker.join()
    assert (found, made) == ([b"body"] * 5, [1])


def test_a_question_that_failed_is_tried_again():
    answers = Answers()

    def fail() -> bytes:
        raise ConfigError("no")

    with pytest.raises(ConfigError):
        answers.get(("k",), fail)
    assert answers.get(("k",), lambda: b"body") == b"body"


def test_bodies_go_that_were_not_asked_for_longest():
    answers, made = Answers(most_bytes=10), []

    def ask(key: str) -> None:
        answers.get((key,), lambda: made.append(key) or b"1234")

    for key in "abacab":
        ask(key)
    assert "".join(made) == "abcb"


def test_a_tag_tells_states_and_questions_apart():
    tags = {entity_tag(("state", "path", one)) for one in (1, "1", None, (1,))}
    assert len(tags) == 4
    tag = entity_tag(("state",))
    assert is_known(tag, tag)
    assert is_known(f'"x", {tag.removeprefix("W/")}', tag)
    assert is_known("*", tag)
    assert not is_known("", tag)
    assert not is_known('W/"x"', tag)
