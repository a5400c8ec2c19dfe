"""Each threat of the access page has its tests: the table names them, and they are there; some stand here."""

import ast
import csv
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.conftest import House, open_house
from tests.conftest import Installation

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "bucle"
TABLE = Path(__file__).parent / "threats.tsv"
SERVER = (
    "server", "api", "studio", "mlflow", "clock", "ops", "assets", "execution", "tracking", "release", "serving",
    "monitoring", "access", "store", "core", "spec", "errors", "gateway",
)  # fmt: skip
"""What runs in the server's own process, or in the gateway's."""
LOADERS = {
    "pickle",
    "cPickle",
    "joblib",
    "cloudpickle",
    "dill",
    "marshal",
    "shelve",
    "runpy",
    "mlflow",
    "skops",
    "torch",
}
EXTRACTORS = {"tarfile", "zipfile", "zipimport", "py7zr", "rarfile"}
CALLERS = {"httpx2", "httpx", "requests", "urllib.request", "urllib3", "aiohttp", "http.client", "smtplib", "ftplib"}
RUNNERS = {"exec", "eval", "compile", "__import__", "import_module", "unpack_archive", "run_path", "run_module"}


def threats() -> list[dict[str, str]]:
    """Read the table."""
    with TABLE.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.mark.parametrize("row", threats(), ids=lambda row: row["threat"])
def test_each_threat_names_tests_that_exist(row: dict[str, str]) -> None:
    """A row names tests of this repository by file and function; a row without any says whose it is."""
    named = row["tests"].split()
    assert named or row["without"]
    for one in named:
        file, _, function = one.partition("::")
        tree = ast.parse((ROOT / file).read_text())
        found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        found |= {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        assert function in found, one


def test_every_threat_has_its_row() -> None:
    """T1 to T24, each once, in order."""
    assert [row["threat"] for row in threats()] == [f"T{number}" for number in range(1, 25)]


def imported(text: str) -> set[str]:
    """Return the modules that a text imports, and the names of what it calls."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(module)):
                names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
            case (
                ast.Call(func=ast.Name(id=name))
                | ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="importlib" | "shutil" | "runpy")))
            ):
                names.add(name)
            case _:
                pass
    return names | {name.partition(".")[0] for name in names}


def using(forbidden: set[str]) -> set[str]:
    """Return the modules of the server that use something forbidden."""
    return {
        path.relative_to(SOURCE).as_posix()
        for part in SERVER
        for path in (SOURCE / part).rglob("*.py")
        if imported(path.read_text()) & forbidden
    }


@pytest.mark.parametrize(
    "text", ["import pickle", "from joblib import load", "import urllib.request", "eval('1')", "import tarfile as t"]
)
def test_the_scan_sees_what_it_looks_for(text: str) -> None:
    """The scans below would find each of these."""
    assert imported(text) & (LOADERS | EXTRACTORS | CALLERS | RUNNERS)


def test_the_server_loads_no_model_and_runs_no_user_code() -> None:
    """Nothing that runs in the server's process can unpickle, import by name, or evaluate text (T22)."""
    assert using(LOADERS) == set()
    by_name = {"errors/catalogue.py", "gateway/__main__.py"}  # our own words, and one event loop of two
    assert using(RUNNERS) == by_name


def test_nothing_unpacks_archives() -> None:
    """There is no extractor to slip out of: files travel one by one, named by digest (T5)."""
    assert using(EXTRACTORS) == set()


def test_the_server_calls_nobody_but_its_own_gateway() -> None:
    """Nothing that a caller writes is fetched: who speaks HTTP outwards speaks to the gateway on this host (T6)."""
    assert using(CALLERS) == {"ops/endpoint.py", "ops/standing.py"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation for all."""
    with open_house(tmp_path_factory.mktemp("threats") / "home") as made:
        yield made


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/v1/bindings", "/mlflow/dev/api/2.0/mlflow/experiments/search", "/studio/loop"])
def test_no_method_answers_a_forged_host(house: House, method: str, path: str) -> None:
    """A name that was rebound to this machine is answered nothing by any door, by any method (T12)."""
    own = house.api.request(method, path, headers={"Authorization": f"Bearer {house.admin}"}, follow_redirects=False)
    assert own.status_code != 421
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "evil.example:127", ""):
        headers = {"Authorization": f"Bearer {house.admin}", "Host": host}
        assert house.api.request(method, path, headers=headers).status_code == 421, host


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_a_cookie_alone_changes_nothing(house: House, method: str, origin: str | None) -> None:
    """A form or a script of another site brings the cookie: to the API and to MLflow's door it is nobody's (T12)."""
    name = f"{method}-{origin}".replace("://", "-").replace(".", "-").lower()
    session = house.person(name)
    headers = {"cookie": f"bucle_session={session}", "content-type": "application/json", "sec-fetch-site": "cross-site"}
    headers |= {} if origin is None else {"origin": origin}
    assert house.api.get("/studio/loop.json", headers={"cookie": headers["cookie"]}).status_code == 200
    paths = {"GET": "whoami", "POST": "tokens", "PUT": f"stages/dev/code/sha256:{'0' * 64}", "DELETE": "bindings/x"}
    if method in paths:
        answer = house.api.request(method, f"/api/v1/{paths[method]}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in.nobody")
    tracked = {"GET": "experiments/get", "POST": "runs/create", "PATCH": "logged-models/m", "DELETE": "logged-models/m"}
    call = tracked.get(method)
    if call is not None:
        assert house.api.request(method, f"/mlflow/dev/api/2.0/mlflow/{call}", headers=headers).status_code == 401


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "sheet.xml", "script.js", "page.xhtml"])
def test_an_artifact_is_never_a_page(house: House, name: str) -> None:
    """What a browser would run comes as bytes of no kind, not to be sniffed, under the same origin or not (T13)."""
    headers = {"authorization": f"Bearer {house.admin}"}
    run = house.api.post("/mlflow/dev/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}, headers=headers).json()
    root = run["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    address = f"/mlflow/dev/api/2.0/mlflow-artifacts/artifacts/{root}/{name}"
    content = b"<script>parent.stolen = document.cookie</script>"
    assert house.api.put(address, content=content, headers=headers).status_code == 200
    answer = house.api.get(address, headers=headers)
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000, "(" * 50_000, "metrics.a = 1 AND " * 20_000, "'" * 100_001, "metrics." + "`" * 100_000,
        "tags.a LIKE '" + "%_" * 5_000 + "'", "params.a = '" + "\\" * 50_001 + "'",
    ],
)  # fmt: skip
def test_no_filter_takes_the_server_away(house: House, text: str) -> None:
    """A filter of any length is answered or refused within seconds; a short one before it is answered (T17)."""
    address, headers = "/mlflow/dev/api/2.0/mlflow/runs/search", {"authorization": f"Bearer {house.admin}"}
    short = {"experiment_ids": ["0"], "filter": "metrics.a > 1"}
    assert house.api.post(address, json=short, headers=headers).status_code == 200
    begun = time.monotonic()
    answer = house.api.post(address, json={"experiment_ids": ["0"], "filter": text}, headers=headers)
    assert answer.status_code in {200, 400}
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("size", [10 << 30, 1 << 62])
def test_a_body_of_ten_gigabytes_is_refused_before_it_comes(shared_address: tuple[str, int, str], size: int) -> None:
    """The length that is declared decides: nothing is waited for, nothing is kept (T17)."""
    host, port, token = shared_address
    for length, status in ((20, b"400"), (size, b"413")):
        with socket.create_connection((host, port), timeout=20) as connection:
            head = f"POST /api/v1/principals HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode() + b'{"name": 1, "k": 2 }')
            assert connection.recv(100).split()[1] == status


@pytest.fixture
def shared_address(shared_installation: Installation) -> tuple[str, int, str]:
    """Give where a real server listens, and the administrator's token."""
    host, _, port = shared_installation.address.removeprefix("http://").partition(":")
    return host, int(port), shared_installation.token


def test_a_form_of_a_hundred_thousand_parts_is_refused(house: House) -> None:
    """Multipart abuse (CVE-2024-9056 and its kin): a form of many parts, and one without an end, cost nothing (T17)."""
    boundary = "b" * 60
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    headers = {"content-type": f"multipart/form-data; boundary={boundary}", "origin": "http://127.0.0.1"}
    begun = time.monotonic()
    for content in (part * 100_000, part + "x" * 1_000_000, f"--{boundary}" + os.linesep * 100_000):
        answer = house.api.post("/studio/sign-in", content=content.encode(), headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
    assert time.monotonic() - begun < 20
