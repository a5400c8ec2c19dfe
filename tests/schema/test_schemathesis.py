"""Whatever a schema can say, and what it forbids, is answered with a documented status and never with a fault."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Installation
from tests.schema.schemas import gateway_schema, mlflow_schema, studio_schema, with_deep_bodies

ALL = os.environ.get("BUCLE_TEST_ALL") == "1"
SEED = "20260101"
SHALLOW = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance"
DOCUMENTED = (
    f"{SHALLOW},response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,"
    "allow_header_conformance,ignored_auth"
)
"""All checks but those that want every body of the right shape to be accepted, or ask what requests do together."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give a server that may be filled with anything."""
    made = Installation(home=tmp_path_factory.mktemp("schema") / "home")
    made.up()
    yield made
    made.bucle("down")


@pytest.fixture(scope="module")
def openapi(server: Installation) -> dict[str, Any]:
    """Give the document that the server publishes."""
    found: dict[str, Any] = httpx2.get(f"{server.address}/api/v1/openapi.json").json()
    return found


def bearer(server: Installation) -> str:
    """Return the administrator's credential as a header."""
    return f"Authorization: Bearer {server.token}"


def throw(schema: dict[str, Any], url: str, header: str | None, folder: Path, *, checks: str, most: int) -> str:
    """Let schemathesis ask every operation; return its report where something was found, else nothing."""
    path = folder / "schema.json"
    path.write_text(json.dumps(schema))
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", str(path), "--url", url, "--checks", checks,
        "--phases", "coverage,fuzzing" if ALL else "fuzzing", "--max-examples", str(most * (20 if ALL else 1)),
        "--seed", SEED,
        "--workers", "2", "--continue-on-failure", "--suppress-health-check", "all", "--generation-database", "none",
        "--warnings", "off", "--no-color", "--exclude-operation-id", "sign_in.logout", "--request-timeout", "30",
    ]  # fmt: skip
    command += [] if header is None else ["--header", header]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1800)
    return "" if done.returncode == 0 else f"{done.stdout[-6000:]}{done.stderr[-2000:]}"


def test_the_published_schema_holds(server: Installation, openapi: dict[str, Any], tmp_path: Path) -> None:
    """Every operation answers what it documents, refuses what its schema forbids, and asks who calls."""
    assert throw(openapi, server.address, bearer(server), tmp_path, checks=DOCUMENTED, most=3) == ""


def test_documents_made_up_are_refused_in_words(server: Installation, openapi: dict[str, Any], tmp_path: Path) -> None:
    """Bodies of the shape of jobs, endpoints, gates, platform files …, at stages that are there, meet no fault."""
    deep = with_deep_bodies(openapi)
    assert throw(deep, server.address, bearer(server), tmp_path, checks=SHALLOW, most=4) == ""


def test_nobody_meets_no_fault(server: Installation, openapi: dict[str, Any], tmp_path: Path) -> None:
    """Without a credential every operation but the open ones answers 401, whatever else is said."""
    assert throw(openapi, server.address, None, tmp_path, checks=SHALLOW, most=1) == ""


def test_the_door_of_mlflow_meets_no_fault(server: Installation, tmp_path: Path) -> None:
    """The calls of MLflow's protocol, with fields of every kind, are answered as its clients read answers."""
    checks = "not_a_server_error,status_code_conformance"
    assert throw(mlflow_schema(), server.address, bearer(server), tmp_path, checks=checks, most=4) == ""


def test_the_pages_meet_no_fault(server: Installation, tmp_path: Path) -> None:
    """Every page and form, with the cookie of somebody who is signed in."""
    with server.client() as admin:
        body = {"code": admin.principal.invite("reader", kind="person")["code"], "password": "correct horse battery"}
        admin.binding.create("reader", "Reader", "/stages/prod")
    session = httpx2.post(f"{server.address}/api/v1/sign-in:redeem", json=body).json()["session"]
    assert httpx2.get(f"{server.address}/studio/loop.json", headers={"Cookie": f"bucle_session={session}"}).is_success
    checks, cookie = "not_a_server_error,status_code_conformance", f"Cookie: bucle_session={session}"
    assert throw(studio_schema(), server.address, cookie, tmp_path, checks=checks, most=4) == ""


def test_the_gateway_meets_no_fault(server: Installation, tmp_path: Path) -> None:
    """Where nothing is served, every request for a score is refused in words."""
    gateway = json.loads((server.home / "gateway" / "gateway.json").read_bytes())["address"]
    checks = "not_a_server_error,status_code_conformance,unsupported_method"
    assert throw(gateway_schema(), gateway, None, tmp_path, checks=checks, most=15) == ""


def test_the_thrower_sees_a_fault(server: Installation, openapi: dict[str, Any], tmp_path: Path) -> None:
    """A schema that promises what the server does not keep is found out: the checks above can fail."""
    wrong = {**openapi, "paths": {"/api/v1/whoami": {"get": {"responses": {"204": {"description": "never"}}}}}}
    assert "Undocumented" in throw(wrong, server.address, bearer(server), tmp_path, checks=SHALLOW, most=1)
