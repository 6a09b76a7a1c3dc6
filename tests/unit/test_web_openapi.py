"""The description of the server: the committed one is the served one, and nothing is missing."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from agentsview_assets.web.application import ENDPOINTS
from docs.make_openapi import FILE, render

DESCRIPTION = json.loads(render())


def test_the_committed_description_is_the_served_one():
    assert FILE.read_text(encoding="utf-8") == render()


def test_every_endpoint_and_parameter_is_described():
    for endpoint in ENDPOINTS:
        operation = DESCRIPTION["paths"][endpoint.path.replace(":path}", "}")]["get"]
        described = [item["name"] for item in operation["parameters"] if item["in"] == "query"]
        assert described == [parameter.name for parameter in endpoint.parameters]
        assert all(
            item.get("description") for item in operation["parameters"] if item["in"] != "path"
        )


def test_every_schema_is_one_and_every_reference_leads_to_one():
    schemas = DESCRIPTION["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    found = json.dumps(DESCRIPTION).split('"$ref": "#/components/schemas/')[1:]
    assert {part.partition('"')[0] for part in found} <= set(schemas)
