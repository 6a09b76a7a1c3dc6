"""From a request to a page: the address read, the page filled, written as HTML or as a file.

What belongs here: the way that every page goes, and the pages that say what is wrong.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from agentsview_assets.documents.common.window import Window
from agentsview_assets.errors import AssetsError, ChoiceError, TimedOutError, UsageError
from agentsview_assets.rules.shown_text import visible
from agentsview_assets.web.answering import LOG, Service
from agentsview_assets.web.pages.address import Address
from agentsview_assets.web.pages.dagster_links import asset_url
from agentsview_assets.web.pages.downloads import chosen, downloaded
from agentsview_assets.web.pages.names import options
from agentsview_assets.web.pages.page import Ask, Content, NotThereError, Page
from agentsview_assets.web.pages.rendering import HTML, rendered
from agentsview_assets.web.pages.scope import Scope
from agentsview_assets.web.pages.standing import footing, remarks
from agentsview_assets.web.paths import path_values, sent_path
from agentsview_assets.web.wire import json_answer

_POLITE = {"cache-control": "private, no-cache"}


@dataclass(frozen=True)
class Pages:
    """The pages of a server.

    Attributes:
        service: What all its answers are made with.
        pages: All of them, in the order of the navigation.
    """

    service: Service
    pages: Sequence[Page]

    def prepare(self) -> None:
        """Makes the first page before anybody asks for it.

        That takes a state of the warehouse, and reads prices and templates, which all pages need.
        What is wrong is told to whoever asks for a page.
        """
        page = self.pages[0]
        address = Address(self.service.serving.base_path, page.path)
        with contextlib.suppress(AssetsError), self._asking(address, {}) as ask:
            self._rendered(ask, page.make(ask), has_logout=False)

    def answer(self, page: Page, request: Request) -> Response:
        """Answers a request for a page."""
        started = time.perf_counter()
        address = self._address(request)
        try:
            with self._asking(address, path_values(page.path, request.scope)) as ask:
                answer = self._answered(page, ask, request)
        except (UsageError, ChoiceError) as refusal:
            return self.problem(request, 400, "This address cannot be used", str(refusal))
        except NotThereError as missing:
            return self.problem(request, 404, "Not in this warehouse", str(missing))
        except AssetsError as failure:
            return self._failed(request, failure)
        milliseconds = 1000 * (time.perf_counter() - started)
        answer.headers["server-timing"] = f"page;dur={milliseconds:.1f}"
        return answer

    @contextlib.contextmanager
    def _asking(self, address: Address, path: Mapping[str, str]) -> Iterator[Ask]:
        """Opens a state of the warehouse for what an address asks.

        Raises:
            UsageError: The address cannot be used.
            WarehouseError: The warehouse cannot be read.
        """
        scope = Scope.read(address, self.service.clock())
        with self.service.reading(self.service.serving.seconds) as state:
            yield Ask(
                reader=state.reader,
                state=state,
                scope=scope,
                address=address,
                path=path,
                serving=self.service.serving,
                answers=self.service.answers,
            )

    def broken(self, request: Request) -> Response:
        """What a page answers that met a defect of ours."""
        words = "This is a defect of the server, whose log has the details. Please report it."
        return self.problem(request, 500, "That did not work", words)

    def missing(self, request: Request) -> Response:
        """What a path that is no page answers."""
        return self.problem(request, 404, "No such page", "")

    def problem(self, request: Request, status: int, title: str, words: str) -> Response:
        """A page that says what is wrong, and what helps."""
        address = self._address(request)
        body = rendered(
            "problem.html",
            **self._frame(address, has_logout=_needs_token(request)),
            status=status,
            title=title,
            words=visible(words),
            warehouse=self.service.settings.warehouse if self._is_own(request) else "",
        )
        answer = json_answer(request, body, status, media_type=HTML)
        answer.headers.update(_POLITE)
        return answer

    def _answered(self, page: Page, ask: Ask, request: Request) -> Response:
        content = page.make(ask)
        format_ = ask.address.value("format")
        if format_:
            name = ask.address.value("table")
            rows = chosen(content.all_tables, name).sorted_rows(ask.address)
            return downloaded(content.all_tables, name, format_, rows)
        body = self._rendered(ask, content, has_logout=_needs_token(request))
        answer = json_answer(request, body, media_type=HTML)
        answer.headers.update(_POLITE)
        return answer

    def _rendered(self, ask: Ask, content: Content, *, has_logout: bool) -> bytes:
        return rendered(
            content.template,
            **self._frame(ask.address, has_logout=has_logout),
            **self._written(ask, content),
        )

    def _written(self, ask: Ask, content: Content) -> dict[str, Any]:
        return {
            "content": content,
            "title": content.title,
            "scope": ask.scope,
            "remarks": remarks(ask) if content.has_window else [],
            "options": options(ask) if content.has_window else {},
            "foot": footing(ask),
            "is_open_ended": ask.scope.window == Window(None, None),
            "dagster_url": ask.serving.dagster_url,
            "asset_url": partial(asset_url, ask.serving),
            **content.values,
        }

    def _frame(self, address: Address, *, has_logout: bool) -> dict[str, Any]:
        """What the shell of every page is made of."""
        here = address.path
        return {
            "base": address.base,
            "address": address,
            "nav": [
                (page.nav, address.there(page.path), _is_below(here, page.path))
                for page in self.pages
                if page.nav
            ],
            "paths": {page.path for page in self.pages},
            "has_logout": has_logout,
        }

    def _failed(self, request: Request, failure: AssetsError) -> Response:
        LOG.error("%s: %s", visible(request.url.path), visible(str(failure)))
        if isinstance(failure, TimedOutError):
            words = "Choose fewer days or fewer names: this took longer than the server allows."
            return self.problem(request, 503, "That took too long", words)
        told = str(failure) if self._is_own(request) else "The server's log says why."
        return self.problem(request, 503, "The warehouse cannot be read now", told)

    def _is_own(self, request: Request) -> bool:
        """Whether only people of this machine see the page: they may read what the log says."""
        return not _needs_token(request)

    def _address(self, request: Request) -> Address:
        base = request.scope.get("root_path", "")
        return Address.read(base, sent_path(request.scope), request.scope["query_string"])


def _needs_token(request: Request) -> bool:
    return bool(request.scope["agentsview_assets.tokens"].is_required)


def _is_below(here: str, path: str) -> bool:
    return here == path or (path != "/" and here.startswith(f"{path}/"))
