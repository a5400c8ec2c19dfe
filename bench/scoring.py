"""One row scored through the gateway, in turns with the same model's own `predict` in a process without any server."""

import json
import secrets
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
from measuring import bucle, seconds_of

from bucle.client import Client

MODEL, STAGE = "fuel-consumption", "prod"
PAIRS, WARM_UP = 500, 50
SECONDS_TO_LOAD = 60.0
ROW = {
    "columns": ["cylinders", "displacement_cu_in", "horsepower", "weight_lb", "acceleration_s", "origin"],
    "index": [0],
    "data": [[4.0, 97.0, 88.0, 2130.0, 14.5, "Japan"]],
}


def scored(home: Path) -> dict[str, str]:
    """Start the demo's platform again, and measure the model that it left in production."""
    subprocess.run(bucle(home, "up", "--port", "0"), check=True, capture_output=True)
    try:
        address = json.loads((home / "server.json").read_bytes())["address"]
        with engineer(address, (home / "admin-token").read_text().strip()) as client:
            endpoint = client.online_endpoint.show(MODEL, stage=STAGE)
            key = client.online_endpoint.get_credentials(MODEL, stage=STAGE)["primaryKey"]
            version = client.model.history(MODEL, stage=STAGE)[0]["model"].partition(":")[2]
            digest = client.model.show(MODEL, version, stage=STAGE)["digest"]
        model = home / "models" / STAGE / digest.partition(":")[2]
        return told(*in_turns(endpoint["scoring_uri"], key, model, python_of(home)))
    finally:
        subprocess.run(bucle(home, "down"), check=False, capture_output=True)


def engineer(address: str, token: str) -> Client:
    """Return the session of a new person who may ask the endpoint."""
    with Client(address, token) as administrator, Client(address) as nobody:
        code = administrator.principal.invite("bench", kind="person")["code"]
        administrator.binding.create("bench", "MLEngineer", f"/stages/{STAGE}")
        return Client(address, nobody.sign_in.redeem(code, secrets.token_urlsafe(24))["session"])


def python_of(home: Path) -> Path:
    """Return the interpreter of the one environment that serves the stage."""
    return next((home / "environments" / STAGE).glob("*/venv/bin/python"))


def in_turns(address: str, key: str, model: Path, python: Path) -> tuple[Sequence[float], Sequence[float]]:
    """Return the seconds of each request over one connection, and of each plain prediction, taken in turns."""
    command = [str(python), str(Path(__file__).parent / "predicting.py"), str(model), json.dumps(ROW)]
    pipe = subprocess.PIPE
    headers = {"Authorization": f"Bearer {key}"}
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as plain,
        httpx2.Client(headers=headers, timeout=60.0, trust_env=False) as http,
    ):
        assert plain.stdin is not None
        assert plain.stdout is not None
        await_worker(http, address)
        asked, predicted = [], []
        for _ in range(WARM_UP + PAIRS):
            asked.append(seconds_of(lambda: http.post(address, json={"input_data": ROW}).raise_for_status()))
            plain.stdin.write("again\n")
            plain.stdin.flush()
            predicted.append(float(plain.stdout.readline()))
        plain.stdin.close()
    return asked[WARM_UP:], predicted[WARM_UP:]


def await_worker(http: httpx2.Client, address: str) -> None:
    """Wait until the model answers: the server has only just started."""
    until = time.monotonic() + SECONDS_TO_LOAD
    while http.post(address, json={"input_data": ROW}).status_code != 200:
        if time.monotonic() > until:
            raise TimeoutError(address)
        time.sleep(0.2)


def told(asked: Sequence[float], predicted: Sequence[float]) -> dict[str, str]:
    """Return the median and the 95 % quantile of both, and the ratio of each."""
    figures = {}
    for name, part in (("median", 50), ("p95", 95)):
        slow, fast = (statistics.quantiles(taken, n=100)[part - 1] * 1000 for taken in (asked, predicted))
        figures[f"/score, one row, {name}"] = f"{slow:.2f} ms; model.predict {fast:.2f} ms; ratio {slow / fast:.2f}"
    return figures
