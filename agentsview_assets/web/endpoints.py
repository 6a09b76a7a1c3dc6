"""What an endpoint is: its parameters, and the question that they make.

What belongs here: the shape of both. What does not: any endpoint, or how answers travel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agentsview_assets.errors import AssetsError
from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.rules.gojson import encode
from agentsview_assets.web.answers import Key
from agentsview_assets.web.asking.parameters import Parameter


class MissingError(AssetsError):
    """What a path names is not there.

    Attributes:
        body: The JSON value that says so.
    """

    def __init__(self, body: object) -> None:
        """Takes the whole body of the answer."""
        super().__init__(str(body))
        self.body = body


@dataclass(frozen=True)
class Question:
    """What a request asks a warehouse, checked as far as can be without one.

    Attributes:
        key: What tells it from other questions to its endpoint; None where the answer depends on
            the present moment.
        answer: Makes the body.
    """

    key: Key | None
    answer: Callable[[Reader], bytes]


@dataclass(frozen=True)
class Asked:
    """A request, its parameters read.

    Attributes:
        values: Parameter -> value.
        path: Names in the path -> what stands there, decoded.
        now: The present.
    """

    values: Mapping[str, Any]
    path: Mapping[str, str]
    now: datetime


@dataclass(frozen=True)
class Endpoint:
    """A path that answers with a document.

    Attributes:
        path: As the router has it.
        parameters: In the order in which messages name them.
        question: Makes the question, or refuses in words.
        about: What it answers, for the published description.
        document: The published schema of the answer.
    """

    path: str
    parameters: tuple[Parameter, ...]
    question: Callable[[Asked], Question]
    about: str
    document: str


def json_body(value: object) -> bytes:
    """A value as agentsview's server sends it: on one line, with a line end."""
    return f"{encode(value, escape_html=False)}\n".encode()
