"""The server's log is JSON, line by line, without credentials, and of bounded size; doctor reads why nothing starts."""

import json
import logging
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bucle.server.log import as_line
from tests.conftest import Installation, in_a_file


def doctor(installation: Installation) -> dict[str, Any]:
    """Return what doctor says of the server, by check."""
    rows: Any = installation.bucle("doctor").json()
    return {row["check"]: (row["verdict"], row["detail"]) for row in rows}


@pytest.fixture
def line() -> logging.LogRecord:
    """Give a record of a request that failed."""
    token = "bcl" + "_api_" + "a" * 12 + "_" + "b" * 43
    return logging.LogRecord("bucle.x", logging.ERROR, "x.py", 1, 'said "%s"\n%s', ("no", token), None)


def test_a_line_is_json(line: logging.LogRecord) -> None:
    """Quotes and line ends within a message leave one line that any JSON reader reads, its fields in order."""
    line.request_id = "r-1"
    assert as_line(line)
    told = json.loads(line.getMessage())
    assert (list(told), told["level"], told["logger"]) == (
        ["at", "level", "logger", "message", "request_id"], "ERROR", "bucle.x",
    )  # fmt: skip
    assert (told["message"].startswith('said "no"\n'), "\n" in line.getMessage()) == (True, False)


def test_the_whole_log_of_a_server(installation: Installation) -> None:
    """Every line of a server that started, answered and stopped is JSON; `status` says where the log is."""
    installation.up()
    status: Any = installation.bucle("status").json()
    assert status["log"] == str(installation.home / "log" / "server.log")
    installation.bucle("down")
    lines = [json.loads(text) for text in Path(status["log"]).read_text().splitlines()]
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)
    assert lines[-1]["message"] == "stopped"
    assert doctor(installation)["server"][0] == "ok"


def test_rotation(tmp_path: Path) -> None:
    """A full log is put aside, and no more than so many files are kept."""
    words = "import logging, sys\nfrom pathlib import Path\nfrom bucle.server.log import write_to\n"
    words += "write_to(Path(sys.argv[1]), 2000)\nfor n in range(200):\n    logging.info('line %s', n)\n"
    subprocess.run([sys.executable, "-c", words, str(tmp_path / "server.log")], check=True)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["server.log", *(f"server.log.{n}" for n in range(1, 5))]
    assert all(file.stat().st_size <= 2000 for file in files)
    assert json.loads((tmp_path / "server.log").read_text().splitlines()[-1])["message"] == "line 199"


def test_why_the_last_start_failed(installation: Installation) -> None:
    """A taken port is the cause that doctor names, with the way out; after a start that succeeds it is forgotten."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert installation.bucle("up", "--port", port).code == 5
        verdict, detail = doctor(installation)["last start"]
    assert (verdict, f"port {port} of 127.0.0.1 is taken" in detail, "--port 0" in detail) == ("fail", True, True)
    installation.up()
    assert "last start" not in doctor(installation)


@in_a_file
def test_records_that_nothing_can_open(installation: Installation) -> None:
    """Records of a newer bucle, and a file that is no database: each is named before anybody starts."""
    installation.up()
    installation.bucle("down")
    assert doctor(installation)["records"][0] == "ok"
    with closing(sqlite3.connect(installation.home / "records.db")) as rows:
        rows.execute("UPDATE alembic_version SET version_num = '8888'")
        rows.commit()
    verdict, detail = doctor(installation)["records"]
    assert (verdict, "written by a newer bucle" in detail) == ("fail", True)
    for file in installation.home.glob("records.db*"):
        file.write_bytes(b"no database" * 100)
    assert doctor(installation)["records"][0] == "fail"
