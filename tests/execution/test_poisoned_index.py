"""A second index, better stocked than the one of this host, gives nothing to an environment; nor do altered bytes."""

import base64
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from uv import find_uv_bin

from bucle.runtime import environment_build
from tests.conftest import Installation, write

UV = find_uv_bin()
PACKAGE = "a_house_package"
CONDA = "dependencies: [pip, {pip: [a-house-package]}]\n"


def publish(index: Path, version: str, says: str) -> Path:
    """Put a wheel of the package on an index (PEP 503), whose module has `says`."""
    shelf = index / "simple" / PACKAGE.replace("_", "-")
    shelf.mkdir(parents=True, exist_ok=True)
    wheel = shelf / f"{PACKAGE}-{version}-py3-none-any.whl"
    about = f"{PACKAGE}-{version}.dist-info"
    files = {
        f"{PACKAGE}.py": f"SAYS = {says!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{name},sha256={_record(text)},{len(text)}" for name, text in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,", ""])
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    links = "".join(f'<a href="{one.name}">{one.name}</a>' for one in sorted(shelf.glob("*.whl")))
    (shelf / "index.html").write_text(f"<html><body>{links}</body></html>")
    return wheel


def _record(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that writes no log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Give the address of this host's index, which has version 1, and of another, which has version 9."""
    addresses, servers = {}, []
    for name, version in (("ours", "1.0"), ("poisoned", "9.0")):
        publish(tmp_path / name, version, f"{name} {version}")
        serve = partial(Quiet, directory=str(tmp_path / name))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        addresses[name] = f"http://127.0.0.1:{server.server_address[1]}/simple/"
    yield addresses
    for server in servers:
        server.shutdown()
        server.server_close()


def settings(indexes: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a host with a second index everywhere that uv would look for one."""
    ours, poisoned = indexes["ours"], indexes["poisoned"]
    return {
        "UV_DEFAULT_INDEX": ours, "UV_INDEX_URL": ours, "PIP_INDEX_URL": ours, "NO_PROXY": "127.0.0.1",
        "UV_INDEX": poisoned, "UV_EXTRA_INDEX_URL": poisoned, "UV_FIND_LINKS": poisoned,
    }  # fmt: skip


def test_the_second_index_would_be_taken(indexes: Mapping[str, str], tmp_path: Path) -> None:
    """The control: uv with the variables of that host resolves to the poisoned version."""
    asked = write(tmp_path / "requirements.in", "a-house-package\n")
    command = [UV, "pip", "compile", "--quiet", "--no-header", "--no-config", "--no-cache", str(asked)]
    done = subprocess.run(command, env={**os.environ, **settings(indexes)}, capture_output=True, text=True, check=True)
    assert "a-house-package==9.0" in done.stdout


def test_a_build_knows_one_index(installation: Installation, indexes: Mapping[str, str], tmp_path: Path) -> None:
    """On such a host, and with `uv.toml` and `pip.conf` in the code, a job has the version of the host's one index."""
    folder = tmp_path / "work"
    for name in ("uv.toml", "src/uv.toml"):
        write(folder / name, f'[[index]]\nname = "other"\nurl = "{indexes["poisoned"]}"\n')
    write(folder / "src/pip.conf", f"[global]\nextra-index-url = {indexes['poisoned']}\n")
    write(folder / "conda.yml", CONDA)
    job = {
        "command": f'python -c "import {PACKAGE}; print({PACKAGE}.SAYS)"',
        "code": "./src",
        "environment": {"image": "python", "conda_file": "./conda.yml"},
    }
    write(folder / "job.yml", json.dumps(job))
    ran = installation.bucle("up", "--port", "0", env=settings(indexes))
    assert ran.code == 0, ran.err
    with installation.client() as client:
        name = client.job.create(folder / "job.yml", stage="dev")["name"]
        assert client.job.wait(name, stage="dev")["status"] == "completed", client.job.log(name, stage="dev")
        assert b"ours 1.0" in client.job.log(name, stage="dev").splitlines()


def build(folder: Path, index: str) -> int:
    """Build the environment of a folder from an index, with a package cache of its own; return the exit code."""
    shutil.rmtree(folder / "cache", ignore_errors=True)
    variables = {**os.environ, "UV_DEFAULT_INDEX": index, "UV_INDEX_URL": index, "UV_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, environment_build.__file__, UV, str(folder), sys.executable]
    return subprocess.run(command, env=variables, check=False, capture_output=True).returncode


def test_altered_bytes_of_a_locked_version_are_refused(indexes: Mapping[str, str], tmp_path: Path) -> None:
    """What is locked is built again from the same bytes; other bytes of that version are not installed."""
    folder = tmp_path / "environment"
    write(folder / "ask.json", json.dumps({"requirements": ["a-house-package"]}))
    built = folder / "environment.json"
    assert build(folder, indexes["ours"]) == 0
    built.unlink()
    assert build(folder, indexes["ours"]) == 0
    assert built.exists()

    built.unlink()
    publish(tmp_path / "ours", "1.0", "altered")
    assert build(folder, indexes["ours"]) != 0
    assert not built.exists()
    assert not list((folder / "venv").rglob(f"{PACKAGE}.py"))
