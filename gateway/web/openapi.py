"""The interface described by itself: an OpenAPI 3.1 document made from the route table and the msgspec types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.web.problems import ProblemView
from gateway.web.routes import Route
from gateway.web.sessions import COOKIE

_REFERENCES = "#/components/schemas/{name}"


def document(routes: Iterable[Route], *, version: str, messages: Any) -> dict[str, Any]:
    """Return the description of *routes*, and of the *messages* (a union of Structs) that the WebSocket tells."""
    routes = list(routes)
    types: list[Any] = [ProblemView, messages]
    for route in routes:
        types += [t for t in (route.body, route.query, None if route.answers_itself else route.answer) if t is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCES)
    schema_of = {_name(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jiesu 接诉", "version": version, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "partner": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"session": []}],
        "x-live-messages": schema_of[_name(messages)],
    }


def _operation(route: Route, schema_of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.placeholders
    ]
    if route.query is not None:
        shape = components[_name(route.query)]
        required = shape.get("required", [])
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in shape["properties"].items()
        ]
    problem = {"description": "问题", "content": {"application/json": {"schema": schema_of[_name(ProblemView)]}}}
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "responses": {**_success(route, schema_of), "default": problem},
    }
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": schema_of[_name(route.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.for_partners:
        operation["security"] = [{"partner": []}]
    elif route.is_open:
        operation["security"] = []
    else:
        operation["x-roles"] = sorted(role.value for role in route.roles)
    return operation


def _success(route: Route, schema_of: dict[str, Any]) -> dict[str, Any]:
    if route.answers_itself:
        return {"200": {"description": route.summary}}
    if route.answer is None:
        return {"204": {"description": route.summary}}
    content = {"application/json": {"schema": schema_of[_name(route.answer)]}}
    return {"200": {"description": route.summary, "content": content}}


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
