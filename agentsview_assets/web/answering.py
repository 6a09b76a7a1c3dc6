"""From a request to an answer: parameters, question, state of the warehouse, body.

What belongs here: the way that every endpoint goes, and what is said where it ends early.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from agentsview_assets.errors import AssetsError, TimedOutError, UsageError, WarehouseError
from agentsview_assets.resources.warehouses.states.state import State, States
from agentsview_assets.rules.shown_text import visible
from agentsview_assets.settings import Settings
from agentsview_assets.web.answers import Answers, entity_tag, is_known
from agentsview_assets.web.asking.parameters import read_parameters
from agentsview_assets.web.asking.query import Query
from agentsview_assets.web.endpoints import Asked, Endpoint, MissingError, Question, json_body
from agentsview_assets.web.serving import Serving
from agentsview_assets.web.wire import error, json_answer, not_modified

LOG = logging.getLogger("agentsview_assets.web")
_UNAVAILABLE = "the warehouse cannot be read now; the server's log says why"


@dataclass(frozen=True)
class Service:
    """What all answers of a server are made with.

    Attributes:
        serving: What it is asked for.
        settings: Where things are.
        states: Where states of the warehouse come from.
        answers: Bodies that were made already.
        clock: Tells the present.
    """

    serving: Serving
    settings: Settings
    states: States
    answers: Answers = field(default_factory=Answers)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def answer(self, endpoint: Endpoint, request: Request) -> Response:
        """Answers a request to an endpoint."""
        try:
            question = self.question(endpoint, request)
        except UsageError as refusal:
            return error(request, 400, str(refusal))
        return self.guarded(request, lambda state: self._body(endpoint, question, request, state))

    def question(self, endpoint: Endpoint, request: Request) -> Question:
        """What a request asks.

        Raises:
            UsageError: Its parameters cannot be used.
        """
        values = read_parameters(Query(request.scope["query_string"]), endpoint.parameters)
        asked = Asked(values, path_values(endpoint.path, request), self.clock(), self.settings)
        return endpoint.question(asked)

    def guarded(self, request: Request, answer: Callable[[State], Response]) -> Response:
        """Opens a state and answers from it; what goes wrong is logged, and told without detail."""
        is_open = False
        try:
            with self.states.reading(self.serving.seconds) as state:
                is_open = True
                return answer(state)
        except UsageError as refusal:
            return error(request, 400, str(refusal))
        except MissingError as missing:
            return json_answer(request, json_body(missing.body), 404)
        except TimedOutError as late:
            LOG.warning("%s: %s", visible(request.url.path), late)
            return error(request, 503, "request timed out")
        except AssetsError as failure:
            LOG.error("%s: %s", visible(request.url.path), visible(str(failure)))  # noqa: TRY400
            if isinstance(failure, WarehouseError) and not is_open:
                return error(request, 503, _UNAVAILABLE)
            return error(request, 500, "internal error")

    def _body(
        self, endpoint: Endpoint, question: Question, request: Request, state: State
    ) -> Response:
        if question.key is None:
            return json_answer(request, question.answer(state.reader))
        key = (state.name, endpoint.path, *question.key)
        tag = entity_tag(key)
        if is_known(request.headers.get("if-none-match", ""), tag):
            return not_modified(tag)
        body = self.answers.get(key, lambda: question.answer(state.reader))
        return json_answer(request, body, tag=tag)


def path_values(pattern: str, request: Request) -> dict[str, str]:
    """The names in a path, from its undecoded form: an id may hold an escaped slash.

    Raises:
        UsageError: A name has a slash in it that is not escaped.
    """
    raw = request.scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0]
    raw = raw.removeprefix(request.scope.get("root_path", ""))
    found, parts = {}, raw.split("/")
    for place, part in enumerate(pattern.split("/")):
        if part.startswith("{"):
            found[part.strip("{}").partition(":")[0]] = unquote(
                parts[place], errors="surrogateescape"
            )
    return found


def has_shape(pattern: str, request: Request) -> bool:
    """Whether a request's undecoded path has as many parts as an endpoint's."""
    raw = request.scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0]
    raw = raw.removeprefix(request.scope.get("root_path", ""))
    is_alike: bool = raw.count("/") == pattern.count("/")
    return is_alike
