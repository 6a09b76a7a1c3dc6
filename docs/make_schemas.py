"""Write schemas/v1/*.json from the document models: `make docs`.

What belongs here: Python types laid out as JSON Schema 2020-12. What does not: any text about a
member, which stands in the models of `agentsview_assets/documents/`.
"""

# ruff: noqa: INP001 - a folder of documents with the recipes of some of them, not a package

from __future__ import annotations

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from agentsview_assets.documents.common.models import DOCUMENTS

FOLDER = Path(__file__).parents[1] / "schemas" / "v1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: dict[object, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


class _Writer:
    """Lays types out and keeps each object's definition once.

    Attributes:
        definitions: Name of a model -> its schema.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}

    def schema(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a type."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Annotated, NotRequired):
            return self._described(kind)
        if origin in (Union, UnionType):
            return self._union(arguments)
        if origin is Literal:
            return {"enum": list(arguments)} if len(arguments) > 1 else {"const": arguments[0]}
        if origin is list:
            return {"type": "array", "items": self.schema(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.schema(arguments[1])}
        return self._reference(kind) if is_typeddict(kind) else {"type": _PLAIN[kind]}

    def members(self, model: Any) -> dict[str, Any]:
        """Return the schema of an object; members that it does not name may come with any value."""
        hints = get_type_hints(model, include_extras=True)
        required = [name for name, kind in hints.items() if get_origin(kind) is not NotRequired]
        return {
            "description": model.__doc__.strip(),
            "type": "object",
            "properties": {name: self.schema(kind) for name, kind in hints.items()},
            **({"required": required} if required else {"maxProperties": 0}),
        }

    def _described(self, kind: Any) -> dict[str, Any]:
        inner, *notes = get_args(kind)
        texts = [note.text for note in notes]
        return {**({"description": texts[0]} if texts else {}), **self.schema(inner)}

    def _union(self, kinds: tuple[Any, ...]) -> dict[str, Any]:
        schemas = [self.schema(kind) for kind in kinds if kind is not NoneType]
        nullable = NoneType in kinds
        if nullable and len(schemas) == 1 and isinstance(schemas[0].get("type"), str):
            return {**schemas[0], "type": [schemas[0]["type"], "null"]}
        return {"anyOf": [*schemas, *([{"type": "null"}] if nullable else [])]}

    def _reference(self, model: Any) -> dict[str, Any]:
        if model.__name__ not in self.definitions:
            self.definitions[model.__name__] = {}  # its place, before those of its members
            self.definitions[model.__name__] = self.members(model)
        return {"$ref": f"#/$defs/{model.__name__}"}


def document_schema(name: str) -> dict[str, Any]:
    """Return the schema of a published document."""
    model = DOCUMENTS[name]
    writer = _Writer()
    body = writer.members(model) if is_typeddict(model) else writer.schema(model)
    found = {"$schema": DIALECT, "$id": f"urn:agentsview-assets:v1:{name}", "title": name, **body}
    return {**found, "$defs": writer.definitions} if writer.definitions else found


def render(name: str) -> str:
    """Return the text of a schema's file."""
    return json.dumps(document_schema(name), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for document in DOCUMENTS:
        (FOLDER / f"{document}.json").write_text(render(document), encoding="utf-8")
