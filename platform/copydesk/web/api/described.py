"""Describes the API in OpenAPI, out of its table. Source: OpenAPI Specification 3.1.0."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from copydesk.web.api.schemas import SCHEMAS
from copydesk.web.api.table import ENDPOINTS, Endpoint, Given
from copydesk.web.problems import API_PREFIX, CONTENT_TYPE

VERSION = "1.0.0"
_SESSION = "session"


def description(brand: str) -> dict[str, Any]:
    """Return the whole description, as a brand has it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{brand} API", "version": VERSION},
        "servers": [{"url": API_PREFIX}],
        "paths": {open_path(one.path): {"get": _operation(one)} for one in ENDPOINTS},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {_SESSION: {"type": "apiKey", "in": "cookie", "name": _SESSION}},
        },
    }


def open_path(path: str) -> str:
    """Write an address as OpenAPI has it: "/strategies/{slug}"."""
    return path.replace("<", "{").replace(">", "}")


def _operation(one: Endpoint) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": [_parameter(given) for given in one.given],
        "responses": {
            str(int(HTTPStatus.OK)): {
                "description": "What was asked for.",
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{one.shape}"}}},
            },
            "default": {
                "description": "Why not.",
                "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    return told | ({"security": [{_SESSION: []}]} if one.own else {})


def _parameter(given: Given) -> dict[str, Any]:
    return {
        "name": given.name,
        "in": given.where,
        "required": given.required,
        "description": given.meaning,
        "schema": given.schema,
    }
