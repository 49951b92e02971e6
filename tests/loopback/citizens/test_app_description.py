"""The app interface's own description, held against the interface by Schemathesis."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from aiohttp import ClientSession

from channels.web.terms import Terms
from gateway.http_api.routes import MOST_FILES
from tests.fakes.citizens import APP_KEY, Street, street

EXAMPLES = 10
"""For each operation and phase."""
LIMIT = 240.0


async def test_the_description_needs_no_key_and_has_every_operation(place: Street, visitor: ClientSession) -> None:
    async with visitor.get(f"{place.url}/app/openapi.json") as answer:
        description = await answer.json()

    matter = description["paths"]["/app/v1/matters"]["post"]
    assert matter["security"] == [{"partner": []}]
    assert set(matter["requestBody"]["content"]) == {"application/json", "multipart/form-data"}
    assert [(given["name"], given["in"], given["required"]) for given in matter["parameters"]] == [
        ("Idempotency-Key", "header", True)
    ]
    assert sum(len(path) for path in description["paths"].values()) == 8


async def test_the_interface_does_as_its_description_says(tmp_path: Path) -> None:
    """What Schemathesis sends, right and wrong, is answered as described, and never with a failure of ours."""
    async with street(Street(terms=Terms(files=MOST_FILES))) as place:
        status, told = await _checked(f"{place.url}/app/openapi.json", tmp_path)

    assert status == 0, told[-6000:]


async def _checked(description: str, folder: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        description,
        f"--header=Authorization: Bearer {APP_KEY}",
        f"--max-examples={EXAMPLES}",
        "--phases=examples,coverage,fuzzing",
        "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
        "negative_data_rejection,positive_data_acceptance,unsupported_method,ignored_auth",
        "--no-color",
        "--generation-database=none",
        "--seed=7",
        "--request-timeout=20",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
    )
    async with asyncio.timeout(LIMIT):
        told, _ = await process.communicate()
    return process.returncode, told.decode(errors="replace")
