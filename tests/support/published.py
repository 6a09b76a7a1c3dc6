"""The published JSON Schemas, made strict: a member that they do not name is a defect of ours."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.oracle import REPOSITORY

FOLDER = REPOSITORY / "schemas" / "v1"


def assert_published(name: str, document: object) -> None:
    """Fail unless a document is what its schema says, and nothing more."""
    errors = [
        f"{error.json_path}: {error.message[:200]}" for error in _strict(name).iter_errors(document)
    ]
    assert not errors, (name, errors[:10])


def load(name: str) -> dict[str, Any]:
    """Return a schema as it is published."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return schema


@cache
def _strict(name: str) -> Draft202012Validator:
    return Draft202012Validator(_closed(load(name)))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed
