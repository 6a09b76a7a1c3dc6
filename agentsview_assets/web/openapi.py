"""The OpenAPI description of the server, made from its endpoints and the published schemas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from agentsview_assets import __version__
from agentsview_assets.web.asking.parameters import Parameter
from agentsview_assets.web.endpoints import Endpoint
from agentsview_assets.web.own import export

MEDIA_TYPE = "application/openapi+json"
_JSON = "application/json"
_ABOUT = (
    "The v1 reports of agentsview 0.37.5, answered from a warehouse, and what a warehouse knows "
    "beside them. Read-only."
)
_ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "What is wrong"}},
    "required": ["error"],
}
_REFUSALS = {
    "400": "Parameters that cannot be used; all of them are named",
    "401": "No token, where one is asked for",
    "403": "A Host or an Origin that is not this server's",
    "503": "The warehouse cannot be read now, or the answer took too long",
}


def description(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole description.

    Args:
        endpoints: What answers with a document.
    """
    schemas = _Schemas()
    paths = {
        endpoint.path.replace(":path}", "}"): _operation(
            endpoint.about,
            (*_path_parameters(endpoint.path), *map(_parameter, endpoint.parameters)),
            {_JSON: {"schema": schemas.reference(endpoint.document)}},
        )
        for endpoint in endpoints
    }
    paths[export.PATH] = _operation(
        "Sessions without their content: a page with a cursor, or all as a stream",
        map(_parameter, export.PARAMETERS),
        {
            _JSON: {"schema": schemas.reference("session-export-page")},
            export.NDJSON: {
                "schema": {
                    "oneOf": [
                        schemas.reference("session-export-meta"),
                        schemas.reference("session-export-session"),
                    ]
                }
            },
        },
        {"410": ("A cursor that holds no longer", schemas.reference("cursor-reset"))},
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "agentsview-assets", "version": __version__, "description": _ABOUT},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Error": _ERROR, **dict(sorted(schemas.found.items()))},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(
    about: str,
    parameters: Iterable[dict[str, Any]],
    content: dict[str, Any],
    more: dict[str, tuple[str, dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    error = {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    refusals = {
        status: {"description": words, "content": error} for status, words in _REFUSALS.items()
    }
    other = {
        status: {"description": words, "content": {_JSON: {"schema": schema}}}
        for status, (words, schema) in (more or {}).items()
    }
    good = {"200": {"description": "The document", "content": content}}
    return {
        "get": {
            "summary": about,
            "parameters": list(parameters),
            "responses": good | dict(sorted((refusals | other).items())),
        }
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.meaning,
        **({"required": True} if parameter.is_required else {}),
        "schema": dict(parameter.schema),
    }


class _Schemas:
    """The published schemas, each definition once.

    Attributes:
        found: Name -> schema.
    """

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def reference(self, name: str) -> dict[str, str]:
        """A reference to a published document."""
        folder = files("agentsview_assets.schemas").joinpath("v1")
        schema = json.loads(folder.joinpath(f"{name}.json").read_text(encoding="utf-8"))
        self.found |= {key: _moved(part) for key, part in schema.pop("$defs", {}).items()}
        for key in ("$schema", "$id"):
            schema.pop(key)
        self.found[name] = _moved(schema)
        return {"$ref": f"#/components/schemas/{name}"}


def _moved(schema: Any) -> Any:
    """A schema whose references lead to where OpenAPI keeps definitions."""
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _moved(value)
            for key, value in schema.items()
        }
    return [_moved(part) for part in schema] if isinstance(schema, list) else schema
