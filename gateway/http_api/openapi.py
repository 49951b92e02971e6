"""The interface described by itself: an OpenAPI 3.1 document made from the route table and the msgspec types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.http_api.problems import ProblemView
from gateway.http_api.routes import MOST_FILES, Route

SESSION = "session"
"""The scheme of those who signed in."""
PARTNER = "partner"
"""The scheme of other systems."""
_REFERENCES = "#/components/schemas/{name}"
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": MOST_FILES}


def document(
    routes: Iterable[Route], *, title: str, version: str, schemes: Mapping[str, Any], messages: Any = None
) -> dict[str, Any]:
    """Return the description of *routes*, and of the *messages* (a union of Structs) that a WebSocket tells.

    *schemes* are how one proves oneself: `SESSION`, `PARTNER`, whichever the routes need.
    """
    routes = list(routes)
    types: list[Any] = [ProblemView] if messages is None else [ProblemView, messages]
    for route in routes:
        shapes = (route.body, route.query, route.headers, None if route.answers_itself else route.answer)
        types += [shape for shape in shapes if shape is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCES)
    schema_of = {_name(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, components)
    description: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": dict(schemes)},
    }
    if SESSION in schemes:
        description["security"] = [{SESSION: []}]
    if messages is not None:
        description["x-live-messages"] = schema_of[_name(messages)]
    return description


def _operation(route: Route, schema_of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.placeholders
    ]
    parameters += _parameters("query", route.query, components) + _parameters("header", route.headers, components)
    problem = {"description": "问题", "content": {"application/json": {"schema": schema_of[_name(ProblemView)]}}}
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "responses": {**_success(route, schema_of), "default": problem},
    }
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(route, schema_of[_name(route.body)])}
    if route.for_partners:
        operation["security"] = [{PARTNER: []}]
    elif route.is_open:
        operation["security"] = []
    else:
        operation["x-roles"] = sorted(role.value for role in route.roles)
    return operation


def _parameters(place: str, kind: type[msgspec.Struct] | None, components: dict[str, Any]) -> list[dict[str, Any]]:
    if kind is None:
        return []
    shape = components[_name(kind)]
    required = shape.get("required", [])
    return [
        {
            "name": name.replace("_", "-").title() if place == "header" else name,
            "in": place,
            "required": name in required,
            "schema": schema,
        }
        for name, schema in shape["properties"].items()
    ]


def _content(route: Route, schema: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if route.takes_files:
        content["multipart/form-data"] = {
            "schema": {
                "type": "object",
                "properties": {"body": schema, "files": _FILES},
                "required": ["body"],
                "additionalProperties": False,
            },
            "encoding": {"body": {"contentType": "application/json"}},
        }
    return content


def _success(route: Route, schema_of: dict[str, Any]) -> dict[str, Any]:
    if route.answers_itself:
        return {"200": {"description": route.summary}}
    if route.answer is None:
        return {"204": {"description": route.summary}}
    content = {"application/json": {"schema": schema_of[_name(route.answer)]}}
    return {"200": {"description": route.summary, "content": content}}


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
