"""The guard before the UI: who may ask, and what may change anything; one request after another.

The light part asks the guard itself, over an application that remembers what reached it. The heavy
one starts the real server and talks to it by plain sockets.
"""

from __future__ import annotations

import itertools
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.errors import ConfigError
from agentsview_assets.ui.addresses import EVERYWHERE, Addresses
from agentsview_assets.ui.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PORT = 3000
OURS = f"127.0.0.1:{PORT}"
HERE = ("127.0.0.1", PORT)
QUERY = "{ version }"
MUTATION = "mutation { reloadWorkspace { __typename } }"
JSON = [("content-type", "application/json")]
WATCHED = ("/", "/graphql", "/runs", "/logs/a/b.out", "/report_asset_materialization/x")

GOOD_HOSTS = [
    *(f"{name}:{PORT}" for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]", "[0:0::1]")),
]
BAD_HOSTS = [
    *("evil.example", f"evil.example:{PORT}", f"127.0.0.1.evil.example:{PORT}"),
    *(f"localhost.evil.example:{PORT}", f"localhost.:{PORT}", f"evil-localhost:{PORT}"),
    *("127.0.0.1", "localhost", "127.0.0.1:80", f"127.0.0.1:{PORT + 1}", f"127.0.0.1:0{PORT}1"),
    *(f"192.168.1.5:{PORT}", f"10.0.0.1:{PORT}", f"[::2]:{PORT}", f"[::ffff:127.0.0.1]:{PORT}"),
    *("", " ", ":", f":{PORT}", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:99999"),
    *(f"user@127.0.0.1:{PORT}", f"user:pw@{OURS}", f"evil.example@{OURS}", f"{OURS}@evil.example"),
    *(f"{OURS},evil.example", f"{OURS} evil.example", f"{OURS}\tx", f" {OURS}", f"{OURS} "),
    *(f"http://{OURS}", f"{OURS}/", f"{OURS}/graphql", f"{OURS}#x", f"{OURS}?x", f"{OURS}\\x"),
    *(f"::1:{PORT}", f"[::1:{PORT}", f"::1]:{PORT}", f"[127.0.0.1]:{PORT}", f"[::1%lo]:{PORT}"),
    *(f"127.1:{PORT}", f"2130706433:{PORT}", f"0x7f000001:{PORT}", f"0177.0.0.1:{PORT}"),
    *(f"127.0.0.1\x00:{PORT}", f"loc\u00e4lhost:{PORT}", f"\uff4cocalhost:{PORT}"),
    *("null", "*", f"*:{PORT}", f"%3127.0.0.1:{PORT}", "a" * 5000),
]
GOOD_ORIGINS = [f"http://{host}" for host in GOOD_HOSTS]
BAD_ORIGINS = [
    *("null", "", " ", "*", "file://", "about:blank", "chrome-extension://abc", "data:", "http://"),
    *(f"http://{host}" for host in BAD_HOSTS),
    *(f"https://{host}" for host in BAD_HOSTS),
    *(f"ftp://{OURS}", f"ws://{OURS}", f"HTTP//{OURS}", f"//{OURS}", OURS, f"http:/{OURS}"),
    *(
        f"http://{OURS}/",
        f"http://{OURS} http://evil.example",
        f"http://evil.example http://{OURS}",
    ),
    *(f"http://{OURS}, http://evil.example", f"blob:http://{OURS}", f"http://{OURS}#evil"),
]


KINDS = [
    *("text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"),
    *("multipart/form-data; boundary=x", "application/graphql", "application/octet-stream"),
    *("text/plain; application/json", "text/plain;x=application/json", "application/jsonx"),
    *("application/json; boundary=x", "application/json, text/plain", "", "x", "/", ";"),
    *("multipart/form-data; application/json", "application/json;charset=utf-7"),
]
HEADERS = {
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _drive(answering: Any) -> None:
    """Runs to its end what waits for nothing."""
    with pytest.raises(StopIteration):
        answering.send(None)


class World:
    """An application behind a guard, and what reached it."""

    def __init__(self, addresses: Addresses) -> None:
        self.reached: list[dict[str, Any]] = []
        self.guard = Guard(self._application, addresses)

    async def _application(self, scope: Any, _receive: Any, send: Any) -> None:
        self.reached.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        headers = [(b"access-control-allow-origin", b"*"), (b"x-frame-options", b"ALLOWALL")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"here"})

    def ask(
        self,
        method: str = "GET",
        path: str = "/",
        headers: Iterable[tuple[str, str]] = (),
        *,
        host: str | None = OURS,
        kind: str = "http",
        **more: Any,
    ) -> list[dict[str, Any]]:
        """Asks, and returns what was answered."""
        sent: list[dict[str, Any]] = []
        path, _, query = path.partition("?")
        named = [] if host is None else [("host", host)]
        scope = {
            "type": kind,
            "method": method,
            "path": urllib.parse.unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "server": HERE,
            "headers": [(_latin(name), _latin(value)) for name, value in [*named, *headers]],
            **({"extensions": {}} if kind == "websocket" else {}),
            **more,
        }
        if kind == "websocket":
            del scope["method"]

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        _drive(self.guard(scope, receive, send))
        return sent

    def allows(self, *arguments: Any, **more: Any) -> bool:
        """Whether a request reaches the application; if not, it is told why."""
        before = len(self.reached)
        sent = self.ask(*arguments, **more)
        if len(self.reached) > before:
            return True
        if sent[0]["type"] == "http.response.start":
            assert 400 <= sent[0]["status"] < 500
            assert sent[1]["body"].startswith(b"refused: ") or arguments[:1] == ("HEAD",)
            assert b"\n" not in sent[1]["body"][:-1]
        else:
            assert sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]
        return False


@pytest.fixture
def world() -> World:
    return World(Addresses.of("127.0.0.1", PORT))


class TestTheHost:
    @pytest.mark.parametrize("host", GOOD_HOSTS)
    def test_this_machine_by_its_own_names_is_served(self, world, host):
        for path in WATCHED:
            assert world.allows("GET", path, host=host), path
        assert world.allows("POST", "/graphql", JSON, host=host)
        assert world.allows(path="/graphql", host=host, kind="websocket")

    @pytest.mark.parametrize("host", BAD_HOSTS)
    def test_any_other_name_is_refused_whatever_is_asked(self, world, host):
        for method, path in itertools.product(("GET", "HEAD", "POST", "OPTIONS"), WATCHED):
            assert not world.allows(method, path, JSON, host=host), (method, path)
            own = [*JSON, ("origin", f"http://{host}"), ("sec-fetch-site", "same-origin")]
            assert not world.allows(method, path, own, host=host), (method, path)
        assert not world.allows(path="/graphql", host=host, kind="websocket")

    def test_it_is_named_exactly_once(self, world):
        assert not world.allows(host=None)
        for first, second in [(OURS, OURS), (OURS, "evil.example"), ("evil.example", OURS)]:
            assert not world.allows(headers=[("host", second)], host=first)
            assert not world.allows(headers=[("Host", second)], host=first)

    def test_the_message_says_what_to_do(self, world):
        answer = world.ask(host=f"agents.example.com:{PORT}")
        assert answer[0]["status"] == 421
        text = answer[1]["body"].decode()
        assert f"http://127.0.0.1:{PORT}" in text
        assert f"--allow-host agents.example.com:{PORT}" in text

    def test_an_address_by_number_is_served_where_the_request_arrived(self):
        world = World(Addresses.of(EVERYWHERE[0], PORT))
        here = ("192.168.1.5", PORT)
        assert world.allows(host=f"192.168.1.5:{PORT}", server=here)
        assert not world.allows(host=f"192.168.1.6:{PORT}", server=here)
        assert not world.allows(host=f"my-machine:{PORT}", server=here)
        origin = [("origin", f"http://192.168.1.6:{PORT}")]
        assert not world.allows("POST", "/graphql", [*JSON, *origin], server=here)
        here = ("fd00::5", PORT)
        assert world.allows(host=f"[fd00::5]:{PORT}", server=here)

    def test_a_proxy_is_served_under_the_names_that_were_allowed(self):
        world = World(Addresses.of("127.0.0.1", PORT, ["agents.example.com", "other.example:8443"]))
        for host in ("agents.example.com", "AGENTS.example.com:443", "other.example:8443"):
            own = [*JSON, ("origin", f"https://{host}")]
            assert world.allows("POST", "/graphql", own, host=host), host
        for host in ("agents.example.com:3000", "other.example", "x.agents.example.com"):
            assert not world.allows(host=host), host
        foreign = [*JSON, ("origin", "https://evil.example")]
        assert not world.allows("POST", "/graphql", foreign, host="agents.example.com")

    @pytest.mark.parametrize("name", ["", "https://a.example", "a b", "a.example/x", "*", "a:b"])
    def test_a_name_that_cannot_be_one_is_a_mistake(self, name):
        with pytest.raises(ConfigError, match="--allow-host"):
            Addresses.of("127.0.0.1", PORT, [name])


class TestTheOrigin:
    @pytest.mark.parametrize("origin", GOOD_ORIGINS)
    def test_our_own_pages_may_do_everything(self, world, origin):
        own = [("origin", origin), ("sec-fetch-site", "same-origin")]
        assert world.allows("GET", "/", own)
        assert world.allows("POST", "/graphql", [*JSON, *own])
        assert world.allows(path="/graphql", headers=own, kind="websocket")

    @pytest.mark.parametrize("origin", BAD_ORIGINS)
    def test_a_page_of_another_origin_may_do_nothing(self, world, origin):
        foreign = [("origin", origin)]
        for method, path in itertools.product(("GET", "POST", "OPTIONS"), WATCHED):
            assert not world.allows(method, path, [*JSON, *foreign]), (method, path)
        assert not world.allows(path="/graphql", headers=foreign, kind="websocket")

    def test_it_is_named_at_most_once(self, world):
        own = ("origin", f"http://{OURS}")
        for two in ([own, own], [own, ("Origin", "http://evil.example")]):
            assert not world.allows("POST", "/graphql", [*JSON, *two])
            assert not world.allows(path="/graphql", headers=two, kind="websocket")

    def test_a_program_of_the_users_names_none(self, world):
        assert world.allows("POST", "/graphql", JSON)
        assert world.allows(path="/graphql", kind="websocket")

    def test_what_a_browser_says_of_the_page_counts_even_without_an_origin(self, world):
        for site, mode, dest in itertools.product(
            ("cross-site", "same-site", "nonsense", ""),
            ("navigate", "no-cors", "cors", "websocket", ""),
            ("document", "iframe", "image", "script", "embed", "empty", ""),
        ):
            said = [
                *(("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)),
            ]
            follows = (mode, dest) == ("navigate", "document")
            assert world.allows("GET", "/runs", said) == follows, said
            for path in ("/graphql", "/logs/a.out", "/download_debug/x"):
                assert not world.allows("GET", path, said), (path, said)
            assert not world.allows("POST", "/graphql", [*JSON, *said]), said
            assert not world.allows(path="/graphql", headers=said, kind="websocket"), said


class TestChanging:
    @pytest.mark.parametrize("kind", KINDS)
    def test_what_a_page_can_post_without_being_asked_is_refused(self, world, kind):
        for path in WATCHED:
            for origin in ([], [("origin", f"http://{OURS}")]):
                assert not world.allows("POST", path, [("content-type", kind), *origin]), path

    def test_neither_is_a_body_without_a_kind_or_with_two(self, world):
        assert not world.allows("POST", "/graphql")
        assert not world.allows("POST", "/graphql", [*JSON, *JSON])
        assert not world.allows("POST", "/graphql", [("content-type", "text/plain"), *JSON])

    @pytest.mark.parametrize(
        "kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"]
    )
    def test_json_is_taken(self, world, kind):
        assert world.allows("POST", "/graphql", [("content-type", kind)])

    def _texts(self) -> Iterator[str]:
        """Texts of GraphQL that change something, or might."""
        yield MUTATION
        yield f"\ufeff  # a comment: query\n{MUTATION}"
        yield "mutation Q { reloadWorkspace { __typename } } query R { version }"
        yield "query R { version } mutation Q { reloadWorkspace { __typename } }"
        yield "fragment F on Mutation { __typename } mutation { ...F }"
        yield 'mutation($x: String = "query") { a(x: $x) }'
        yield "subscription { a }"
        yield "query { version } subscription S { a }"
        yield from ("", "{", "}", "query", "nonsense {", "{ version", "\x00", "[]", "{" * 20_000)

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/%67raphql", "/GraphQL"])
    def test_nothing_is_changed_by_get(self, world, method, path):
        for text, name in itertools.product(self._texts(), ("", "R", "Q")):
            query = urllib.parse.urlencode({"query": text, "operationName": name})
            assert not world.allows(method, f"{path}?{query}"), text
            assert not world.allows(method, f"{path}?{query}", [("accept", "text/html")]), text

    def test_nor_is_it_hidden_behind_a_question(self, world):
        asked, changing = (urllib.parse.quote(text) for text in (QUERY, MUTATION))
        for query in (
            f"query={asked}&query={changing}",
            f"query={changing}&query={asked}",
            f"query={asked}&Query={changing}",
            f"query={asked}&%71uery={changing}",
            f"Query={changing}",
            f"query={changing}&variables=%7B%7D",
            "operationName=Q",
            "extensions=%7B%22persistedQuery%22%3A1%7D",
        ):
            assert not world.allows("GET", f"/graphql?{query}"), query

    def test_a_question_may_be_asked_by_get(self, world):
        for text in (
            QUERY,
            "query A { version } query B { version }",
            "query { ...F } fragment F on Q { a }",
        ):
            assert world.allows("GET", "/graphql?" + urllib.parse.urlencode({"query": text}))
        assert world.allows("GET", "/graphql")

    @pytest.mark.parametrize(
        "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "QUERY"]
    )
    def test_other_methods_are_not_served(self, world, method):
        for path in WATCHED:
            assert not world.allows(method, path, JSON), path


class TestThePath:
    @pytest.mark.parametrize(
        "path",
        [
            *(f"http://{OURS}/graphql", "http://evil.example/", "https://evil.example", "graphql"),
            *(
                "*",
                "",
                f"{OURS}",
                "/logs/../../etc/passwd",
                "/logs/%2e%2e/x.out",
                "/logs/..%2f..%2fx",
            ),
            *("/logs/..\\x", "/logs/%00", "/a%0d%0ab"),
        ],
    )
    def test_addresses_and_ways_out_are_refused(self, world, path):
        assert not world.allows("GET", path)
        assert not world.allows("POST", path, JSON)

    @pytest.mark.parametrize("path", ["/notebook?path=/etc/x.ipynb", "/dagit/notebook"])
    def test_no_notebook_of_the_machine_is_shown(self, world, path):
        assert not world.allows("GET", path)

    def test_websockets_are_taken_in_one_place(self, world):
        for path in ("/", "/graphql/", "/runs"):
            assert not world.allows(path=path, kind="websocket")


class TestTheAnswer:
    @pytest.mark.parametrize("host", [OURS, "evil.example"])
    def test_no_other_page_may_show_or_read_it(self, world, host):
        for method, path in itertools.product(("GET", "HEAD", "POST", "OPTIONS"), WATCHED):
            headers = world.ask(method, path, JSON, host=host)[0]["headers"]
            assert len(headers) == len({name for name, _ in headers})
            assert HEADERS.items() <= dict(headers).items()
            assert not [name for name, _ in headers if name.startswith(b"access-control")]

    def test_a_stranger_puts_nothing_into_it(self, world):
        for text in ("<script>alert(1)</script>", "\x1b[31mred", "a\nb", "x" * 9000):
            for headers in ([("origin", text)], [("host", text)]):
                named = None if headers[0][0] == "host" else OURS
                start, body = world.ask(headers=headers, host=named)
                assert dict(start["headers"])[b"content-type"] == b"text/plain; charset=utf-8"
                assert len(body["body"]) < 500
                assert body["body"].rstrip(b"\n").decode().isprintable()

    def test_the_servers_own_messages_pass(self, world):
        _drive(world.guard({"type": "lifespan"}, None, _ignore))
        assert world.reached == [{"type": "lifespan"}]


async def _ignore(_message: Any) -> None:
    """Takes what is sent."""
