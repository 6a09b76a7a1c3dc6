"""What a server is asked for: where it listens, for whom, and what it shows.

What belongs here: settings of one server, checked. What does not: opening anything but the file
that holds the token.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agentsview_assets.errors import ConfigError
from agentsview_assets.files import look
from agentsview_assets.settings import SERVE_TOKEN_VARIABLE
from agentsview_assets.ui.addresses import EVERYWHERE, is_of_this_machine, parse_authority

DEFAULT_PORT = 8080
SHORTEST_TOKEN = 16
_MOST_BYTES = 4096
_BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)
_LOCAL_NAMES = ("127.0.0.1", "localhost")
_WEB_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Serving:
    """One server.

    Attributes:
        warehouse: URL of the warehouse that it reads.
        host: Address that it listens on.
        port: Port, 0 for a free one.
        token: What clients have to show; empty where none is asked for.
        base_path: Path before all others, such as `/agents`; empty for none.
        public_urls: Origins under which a proxy serves it, such as `https://agents.example.com`.
        dagster_url: Where the Dagster UI is; empty where nobody says.
        key_prefix: What the keys of its assets begin with.
        cursor_secret_file: File with the key of cursors; None for the archive's or our own.
        seconds: How long a request may take.
    """

    warehouse: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str = ""
    base_path: str = ""
    public_urls: tuple[str, ...] = ()
    dagster_url: str = ""
    key_prefix: tuple[str, ...] = ()
    cursor_secret_file: str | None = None
    seconds: float = 30.0

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by https alone."""
        return bool(self.public_urls) and all(url.startswith("https:") for url in self.public_urls)

    def hosts(self, port: int) -> frozenset[str]:
        """The Host headers, in lower case, that name this server.

        Args:
            port: Where it really listens.
        """
        shown = f"[{self.host}]" if ":" in self.host else self.host.lower()
        own = {shown} if shown not in _LOCAL_NAMES else set(_LOCAL_NAMES)
        if shown in EVERYWHERE:
            own |= set(_LOCAL_NAMES)
        served = {f"{name}:{port}" for name in own}
        if port == _WEB_PORTS["http"]:
            served |= own
        for url in self.public_urls:
            parts = urlsplit(url)
            served.add(parts.netloc)
            if parts.port is None:
                served |= {f"{parts.netloc}:{web}" for web in _WEB_PORTS.values()}
        return frozenset(served)

    def origins(self, port: int) -> frozenset[str]:
        """The Origin headers, in lower case, of pages of this server."""
        own = {f"http://{host}" for host in self.hosts(port)}
        return frozenset({*own, *self.public_urls})


def checked(serving: Serving) -> Serving:
    """The same server, once it is known to be safe to start.

    Raises:
        ConfigError: Others could reach it without a token, or an option cannot be used.
    """
    if not serving.token and not is_of_this_machine(serving.host):
        raise ConfigError(
            f"--host {serving.host}: others reach it, and no token is asked for; name a file that "
            f"holds one with --token-file, or give one in {SERVE_TOKEN_VARIABLE}"
        )
    if not _BASE_PATH.fullmatch(serving.base_path):
        raise ConfigError(
            f"--base-path {serving.base_path!r}: expected a path such as /agents, without a / at "
            "its end"
        )
    for url in (*serving.public_urls, *filter(None, [serving.dagster_url])):
        if not _is_web_address(url):
            raise ConfigError(
                f"{url!r}: expected an address such as https://agents.example.com, as it stands in "
                "the browser's address line"
            )
    return serving


def public_origin(url: str) -> str:
    """An address as browsers say it in an Origin: lower case, without a path."""
    parts = urlsplit(url.lower())
    return f"{parts.scheme}://{parts.netloc}"


def read_token(file: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The token that clients have to show, from a file or the environment.

    Raises:
        ConfigError: The file cannot be read, or what it holds can be guessed or not be sent.
    """
    if file is None:
        return _usable(environ.get(SERVE_TOKEN_VARIABLE, ""), SERVE_TOKEN_VARIABLE)
    path = Path(file)
    if look(path, f"--token-file {path}", ConfigError) != "file":
        raise ConfigError(f"--token-file {path}: no such file; name one that holds the token")
    try:
        with path.open("rb") as opened:
            held = opened.read(_MOST_BYTES).decode("ascii", "replace").strip()
    except OSError as error:
        raise ConfigError(f"--token-file {path}: cannot be read: {error.strerror}") from None
    if not held:
        raise ConfigError(f"--token-file {path}: is empty")
    return _usable(held, f"--token-file {path}")


def _usable(token: str, where: str) -> str:
    if token and (len(token) < SHORTEST_TOKEN or not _TOKEN.fullmatch(token)):
        raise ConfigError(
            f"{where}: a token has at least {SHORTEST_TOKEN} characters, all of them letters, "
            "digits or signs without blanks; `openssl rand -base64 32` makes one"
        )
    return token


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _WEB_PORTS and parse_authority(parts.netloc) is not None
