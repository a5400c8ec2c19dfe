"""The load of a campaign: clients that ask for things one after another, and ask again when they were told nothing."""

import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.faults.history import Act, History, Outcome

API = "/api/v1"
DEV = f"{API}/stages/dev"
STORE = f"{DEV}/datastores/workspaceblobstore/files"
MLFLOW = "/mlflow/dev/api/2.0/mlflow"
ENDPOINT = "car"
TIMEOUT_S = 20.0
GIVE_UP = 0.15
"""The share of unknown outcomes that a client leaves unknown, instead of asking again under the same key."""
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout)


@dataclass(slots=True, kw_only=True)
class Person:
    """A client with a connection, a seed and a pace; `surprises` are answers that no fault excuses."""

    address: str
    token: str
    history: History
    chance: random.Random
    stop: threading.Event
    surprises: Counter[str]
    number: int = 0
    http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx2.Client(base_url=self.address, headers=headers, timeout=TIMEOUT_S, trust_env=False)

    def send(self, method: str, path: str, **more: Any) -> httpx2.Response | None:
        """Send a request; None when nobody knows what became of it. Waits while nobody listens."""
        while True:
            try:
                answer = self.http.request(method, path, **more)
            except NOT_SENT:
                if self.stop.is_set():
                    return None
                time.sleep(0.03)
            except httpx2.TransportError:
                return None
            else:
                if answer.status_code >= 500:
                    self.surprises[f"{method} {path.rpartition('/')[0]} {answer.status_code} {answer.text[:300]}"] += 1
                    return None
                return answer

    def prepare(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request that may be sent as often as it takes."""
        while (answer := self.send(method, path, **more)) is None:
            if self.stop.is_set():
                raise StoppedError
        return answer

    def ask(self, act: Act, path: str, body: object) -> Outcome:
        """Ask for an act until the outcome is known, or for once leave it unknown; write down what was told."""
        headers = {"Idempotency-Key": f"{self.chance.getrandbits(64):016x}-{act.number}"}
        outcome: Outcome = "unknown"
        while outcome == "unknown":
            answer = self.send("POST", path, json=body, headers=headers)
            if answer is not None:
                outcome = "ok" if answer.is_success else "failed"
            elif self.chance.random() < GIVE_UP or self.stop.is_set():
                break
        self.history.tell(act, outcome)
        return outcome

    def name(self, kind: str) -> str:
        """Return a name that nobody has used."""
        self.number += 1
        return f"{kind}-{self.chance.getrandbits(40):010x}-{self.number}"


class StoppedError(Exception):
    """The campaign ends while a client prepares something."""


def data(person: Person) -> None:
    """Make a version of a data asset; one in six names bytes that were never sent, and is refused."""
    name = person.name("data")
    content = f"{name}\n".encode() * person.chance.randint(1, 4000)
    sha = "sha256:" + hashlib.sha256(content).hexdigest()
    sent = person.chance.random() > 1 / 6
    told = person.prepare("POST", f"{STORE}:announce", json={"files": [["rows.csv", False, len(content), sha]]}).json()
    if sent:
        person.prepare("PUT", f"{STORE}/{sha}", content=content)
    uploaded = {"digest": told["digest"], "origin": "rows.csv", "kind": "file"}
    act = person.history.invoke("data", name, {"digest": told["digest"]})
    person.ask(act, f"{DEV}/data", {"name": name, "version": "1", "path": uploaded})


def jobs(lines: str) -> Callable[[Person], None]:
    """Return the client that submits jobs of one step, or of two of which one waits for the other; each writes a line.

    One in six reads data that nobody has made, and is refused.
    """

    def submit(person: Person) -> None:
        name = person.name("job")
        span = person.chance.choice(["0", "0", "0.1", "0.4"])
        command = 'echo "{name} {step} $BUCLE_ATTEMPT" >> {lines}; sleep {span}'
        act = person.history.invoke("job", name, {})
        names = ("a", "b") if person.chance.random() < 0.3 else ("main",)
        steps: dict[str, dict[str, Any]] = {
            step: {
                "type": "command",
                "command": command.format(name=name, step=step, lines=lines, span=span),
                "environment": {"image": "python"},
            }
            for step in names
        }
        if len(names) > 1:
            steps["a"]["outputs"] = {"made": {"type": "uri_folder"}}
            steps["b"]["inputs"] = {"made": "${{parent.jobs.a.outputs.made}}"}
        if person.chance.random() < 1 / 6:
            unknown = {"rows": {"type": "uri_file", "path": "azureml:nothing:1"}}
            steps = {step: {**words, "inputs": unknown} for step, words in steps.items()}
        document = {"type": "pipeline", "jobs": steps} if len(names) > 1 else steps["main"]
        person.ask(act, f"{DEV}/jobs", {**document, "name": name})

    return submit


def measurements(person: Person) -> None:
    """Begin a run as MLflow does, and log measurements on it."""
    body = {"experiment_id": "0", "start_time": int(time.time() * 1000)}
    run = person.prepare("POST", f"{MLFLOW}/runs/create", json=body).json()["run"]["info"]["run_id"]
    for number in range(8):
        key = f"loss-{number}"
        act = person.history.invoke("measurement", run, {"key": key})
        row = {"key": key, "value": number / 7, "timestamp": 1_700_000_000_000 + number, "step": number}
        person.ask(act, f"{MLFLOW}/runs/log-batch", {"run_id": run, "metrics": [row], "params": [], "tags": []})
        if person.stop.wait(0.02):
            return


def principals(person: Person) -> None:
    """Make a service of the administrator's; one in six has an owner that nobody knows, and is refused."""
    name = person.name("service")
    owner = "admin" if person.chance.random() > 1 / 6 else "nobody"
    act = person.history.invoke("principal", name, {})
    person.ask(act, f"{API}/principals", {"name": name, "kind": "service", "owner": owner})


def traffic(person: Person) -> None:
    """Move traffic between two deployments; every answer of the endpoint is looked at on the way."""
    blue = person.chance.randint(0, 100)
    wanted = {name: share for name, share in (("blue", blue), ("green", 100 - blue)) if share}
    act = person.history.invoke("traffic", ENDPOINT, wanted)
    person.ask(act, f"{DEV}/online-endpoints/{ENDPOINT}:update", {"name": ENDPOINT, "traffic": wanted})
    seen = person.prepare("GET", f"{DEV}/online-endpoints/{ENDPOINT}").json()["traffic"]
    if sum(seen.values()) != 100:
        person.surprises[f"traffic is {seen}"] += 1


def words(promotions: Sequence[str]) -> Callable[[Person], None]:
    """Return the client that rejects promotions, each of them once."""
    left = list(promotions)

    def reject(person: Person) -> None:
        if not left:
            person.stop.wait(1)
            return
        name = left.pop()
        act = person.history.invoke("word", name, {})
        person.ask(act, f"{API}/promotions/{name}:reject", {"comment": "not now"})
        person.stop.wait(0.5)

    return reject


def keep_asking(person: Person, act: Callable[[Person], None], pace_s: float) -> None:
    """Do an act again and again until the campaign says stop."""
    try:
        while not person.stop.wait(person.chance.uniform(0, pace_s)):
            act(person)
    except StoppedError:
        pass
    finally:
        person.http.close()


def keep_scoring(address: Callable[[], str | None], key: str, stop: threading.Event, seen: Counter[str]) -> None:
    """Ask the model for answers; nothing but the right one, or word that there is none, is ever to come."""
    body = {"input_data": {"columns": ["act"], "data": [["a"], ["bb"]]}}
    with httpx2.Client(headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S, trust_env=False) as http:
        while not stop.wait(0.05):
            where = address()
            try:
                answer = None if where is None else http.post(f"{where}/dev/{ENDPOINT}/score", json=body)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200 and answer.json() == [1.0, 2.0]:
                seen["right"] += 1
            elif answer is None or answer.status_code in {502, 503, 504}:
                seen["none"] += 1
            else:
                seen[f"wrong: {answer.status_code} {json.dumps(answer.text[:200])}"] += 1
