"""From a request to an answer: parameters, question, state of the warehouse, body.

What belongs here: the way that every endpoint goes, and what is said where it ends early.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from agentsview_assets.documents.sessions.cursor import CursorConflict, CursorReset
from agentsview_assets.errors import (
    AssetsError,
    ChoiceError,
    TimedOutError,
    UsageError,
    WarehouseError,
)
from agentsview_assets.resources.warehouses.states.state import State, States
from agentsview_assets.rules.shown_text import visible
from agentsview_assets.settings import Settings
from agentsview_assets.web.answers import Answers, entity_tag, is_known
from agentsview_assets.web.asking.parameters import read_parameters
from agentsview_assets.web.asking.query import Query
from agentsview_assets.web.endpoints import Asked, Endpoint, MissingError, Question, json_body
from agentsview_assets.web.paths import path_values
from agentsview_assets.web.serving import Serving
from agentsview_assets.web.wire import error, json_answer, not_modified

LOG = logging.getLogger("agentsview_assets.web")
"""Where operators learn what clients are not told."""
_UNAVAILABLE = "the warehouse cannot be read now; the server's log says why"


class _UnavailableError(WarehouseError):
    """No state of the warehouse can be read."""


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
        asked = Asked(values, path_values(endpoint.path, request.scope), self.clock())
        return endpoint.question(asked)

    def guarded(self, request: Request, answer: Callable[[State], Response]) -> Response:
        """Opens a state and answers from it, or says what is wrong."""

        def make() -> Response:
            with self.reading(self.serving.seconds) as state:
                return answer(state)

        return self.refused(request, make)

    @contextlib.contextmanager
    def reading(self, seconds: float) -> Iterator[State]:
        """Opens the latest state of the warehouse.

        Raises:
            _UnavailableError: There is none that can be read.
        """
        with contextlib.ExitStack() as opened:
            try:
                state = opened.enter_context(self.states.reading(seconds))
            except WarehouseError as error:
                raise _UnavailableError(str(error)) from error
            yield state

    def refused(self, request: Request, make: Callable[[], Response]) -> Response:
        """Makes an answer; what goes wrong is logged, and told without detail."""
        try:
            return make()
        except (UsageError, ChoiceError) as refusal:
            return error(request, 400, str(refusal).replace("--archive-id", "archive_id"))
        except MissingError as missing:
            return json_answer(request, json_body(missing.body), 404)
        except CursorReset as reset:
            return json_answer(request, json_body(reset.members()), 410)
        except CursorConflict as conflict:
            return error(request, 409, str(conflict))
        except AssetsError as failure:
            status, words = _told(failure)
            LOG.error("%s: %s", visible(request.url.path), visible(str(failure)))  # noqa: TRY400
            return error(request, status, words)

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


def _told(failure: AssetsError) -> tuple[int, str]:
    """What a client learns of a failure that it can do nothing about."""
    if isinstance(failure, TimedOutError):
        return 503, "request timed out"
    if isinstance(failure, _UnavailableError):
        return 503, _UNAVAILABLE
    return 500, "internal error"
