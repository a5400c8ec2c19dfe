"""Why no server runs: what the last start said, and what the next one would meet; a cause and a command for each."""

import json
import socket
from collections.abc import Iterator

from bucle import errors
from bucle.cli.life import running_here
from bucle.cli.operating import operate, refusal_in
from bucle.cli.session import running_address
from bucle.config import API_PORT, Home

HOST = "127.0.0.1"
TAIL_BYTES = 1 << 18


def server_rows(place: Home) -> list[dict[str, str]]:
    """Return what is known of the server of a state folder; each fault names its cause and the next command."""
    running = running_here(place)
    if running:
        pid = running[0].pid
        try:
            return [finding("server", "ok", f"runs at {running_address(place)}; its log is {place.server_log}")]
        except errors.PlatformFault:
            how = f"see {place.server_log}, or end it: kill {pid}"
            return [finding("server", "fail", f"process {pid} holds {place.lock} but does not answer; {how}")]
    rows = [*_last_start(place), *_records(place), *_port()]
    if not any(row["verdict"] == "fail" for row in rows):
        rows.append(finding("server", "ok", "does not run; `bucle up` starts it"))
    return rows


def _last_start(place: Home) -> Iterator[dict[str, str]]:
    """Yield why the last `bucle up` failed, or how the server that it started ended."""
    told = place.start_log.read_text(errors="replace").strip() if place.start_log.exists() else ""
    refusal = refusal_in(told)
    if refusal is not None:
        yield finding("last start", "fail", str(refusal))
    elif told:
        yield finding("last start", "fail", f"{told.splitlines()[-1]}; all of it is in {place.start_log}")
    elif place.server.exists():  # it is taken away at the end of every server that ended by itself
        last = _last_fault(place)
        yield finding("last start", "note", f"the server was killed{last}; `bucle up` goes on where it was")


def _last_fault(place: Home) -> str:
    """Return the last fault that the server wrote down."""
    try:
        with place.server_log.open("rb") as stream:
            stream.seek(max(0, place.server_log.stat().st_size - TAIL_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    for line in reversed(lines):
        try:
            told = json.loads(line)
        except ValueError:  # the first one read may be cut
            continue
        if told["level"] in {"ERROR", "CRITICAL"}:
            return f"; its last fault, at {told['at']}: {told['message']}"
    return ""


def _records(place: Home) -> Iterator[dict[str, str]]:
    """Yield whether the records can be opened, and by which schema."""
    if not place.records.exists() and not place.records_address.exists():
        return
    try:
        planned = operate("upgrade-plan", "--home", str(place.root))
    except errors.BucleError as error:
        yield finding("records", "fail", str(error))
        return
    if planned["revisions"]:
        what = f"schema {planned['found']}; `bucle up` brings them to {planned['known']}: see `bucle upgrade --plan`"
        yield finding("records", "ok", what)
    else:
        yield finding("records", "ok", f"{planned['rows']} rows at schema {planned['found']}")


def _port() -> Iterator[dict[str, str]]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, API_PORT))
        except OSError:
            why = f"port {API_PORT}, the default, is taken by another program"
            yield finding("port", "note", f"{why}; start with `bucle up --port 0`, or another port")


def finding(check: str, verdict: str, detail: str) -> dict[str, str]:
    """Return one line of what doctor found."""
    return {"check": check, "verdict": verdict, "detail": detail}
