"""A retraining from the posted label to the model: real jobs and real requests, held against plain scikit-learn."""

import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bucle import errors
from bucle.client import Client
from tests.conftest import Installation

pytestmark = pytest.mark.slow

LINE, STAGE = "line", "prod"
PEOPLE = ("scientist", "engineer", "keeper", "approver")
PASSWORD = "correct horse battery staple"
PATIENCE_S, LOOK_S = 300.0, 0.2
POINTS = 24
X = [0.4 * number for number in range(POINTS)]
TRUE = [2.2 * x + 1 + 0.1 * (number % 5) for number, x in enumerate(X)]
"""The labels of a good year; a bad year's lie nine above them."""
Labels = list[tuple[str, float]]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """What one retraining made: what the monitor shows, its job, its data, its model's lineage, slope and intercept."""

    shown: dict[str, Any]
    job: dict[str, Any]
    data: dict[str, Any]
    lineage: dict[str, Any]
    line: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint of prod, the sessions of the people around it, and what they do with it."""

    address: str
    sessions: dict[str, str]

    def of(self, name: str) -> Client:
        """Return the client of somebody, in his own session."""
        return Client(self.address, self.sessions[name])

    def score(self, year: int) -> None:
        """Ask for the points of a year, one a day of July, in an order of no meaning."""
        with self.of("engineer") as engineer:
            key = engineer.online_endpoint.get_credentials(LINE, stage=STAGE)["primaryKey"]
            address = engineer.online_endpoint.show(LINE, stage=STAGE)["scoring_uri"]
        with httpx2.Client(headers={"Authorization": f"Bearer {key}"}, timeout=30.0, trust_env=False) as http:
            for number in random.Random(year).sample(range(POINTS), POINTS):
                row = [X[number], f"{year}-07-{number + 1:02}T00:00:00Z"]
                table = {"columns": ["x", "at"], "index": [0], "data": [row]}
                named = {"x-request-id": f"{year}-{number:02}"}
                http.post(address, json={"input_data": table}, headers=named).raise_for_status()

    def label(self, labels: Labels) -> None:
        """Post labels until each has found its request: those arrive in the records a moment after their answer."""
        posted = [{"correlation_id": name, "label": value} for name, value in labels]

        def take() -> bool:
            try:
                with self.of("keeper") as keeper:
                    return not keeper.label.create(LINE, posted, stage=STAGE)["unknown"]
            except errors.NotFound:
                return False

        wait_for(take)

    def close(self, year: int) -> None:
        """State that a year is over."""
        with self.of("engineer") as engineer:
            engineer.monitor.watermark(LINE, f"{year + 1}-01-01T00:00:00Z", stage=STAGE)

    def retrain(self, year: int, *deliveries: Labels) -> Retrained:
        """Play a year with these deliveries of labels, all but the first after it is over; then one that alerts."""
        self.score(year)
        self.label(deliveries[0])
        self.close(year)
        for late in deliveries[1:]:
            self.label(late)
        self.score(year + 1)
        self.label([(f"{year + 1}-{number:02}", value + 9) for number, value in enumerate(TRUE)])
        self.close(year + 1)
        return self.rejected()

    def rejected(self) -> Retrained:
        """Wait until the candidate waits for approval, reject it, and return what the retraining made."""
        with self.of("approver") as approver, self.of("engineer") as engineer:
            wait_for(lambda: bool(approver.promotion.inbox()))
            (begun,) = approver.promotion.inbox()
            approver.promotion.reject(begun["name"], comment="one more is wanted from the same champion")
            shown = wait_for(lambda: self.ended(engineer))
            name, _, version = shown["model"].partition(":")
            data, _, data_version = shown["training_data"].partition(":")
            log = engineer.job.log(shown["job"], stage=STAGE, step="main").decode().splitlines()
            slope, intercept = json.loads(log[-1])
            return Retrained(
                shown=shown,
                job=engineer.job.show(shown["job"], stage=STAGE),
                data=engineer.data.show(data, data_version, stage=STAGE),
                lineage=engineer.model.lineage(name, version, stage=STAGE),
                line=(slope, intercept),
            )

    @staticmethod
    def ended(engineer: Client) -> dict[str, Any]:
        """Return the newest retraining once it has ended, else nothing."""
        shown: dict[str, Any] = engineer.monitor.show(LINE, stage=STAGE)["retrainings"][0]
        return shown if shown["state"] == "failed" and "rejected" in shown["reason"] else {}


def wait_for(look: Callable[[], Found]) -> Found:
    """Return what a look finds as soon as it finds something."""
    until = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < until, "waited too long"
        time.sleep(LOOK_S)
    return found


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Give a line in production, trained on y = 2x + 1, with its monitor and its policy."""
    root = tmp_path_factory.mktemp("line")
    folder = root / "work"
    shutil.copytree(Path(__file__).parent / "line", folder)
    (folder / "points.csv").write_text("x,y\n" + "".join(f"{x},{2 * x + 1}\n" for x in X))
    (folder / "data.yml").write_text(json.dumps({"name": "points", "type": "uri_file", "path": "./points.csv"}))
    installation = Installation(home=root / "home")
    installation.up()
    try:
        with installation.client() as administrator:
            administrator.platform.apply(folder / "platform.yml")
            administrator.gate.set(folder / "gate.yml")
            sessions = {name: sign_in(administrator, name) for name in PEOPLE}
        made = Endpoint(address=installation.address, sessions=sessions)
        serve(made, folder)
        yield made
    finally:
        installation.bucle("down")


def sign_in(administrator: Client, name: str) -> str:
    """Return a session of somebody who has just been invited."""
    code = administrator.principal.invite(name)["code"]
    with Client(administrator.address) as nobody:
        return str(nobody.sign_in.redeem(code, PASSWORD)["session"])


def serve(endpoint: Endpoint, folder: Path) -> None:
    """Train, package and promote the first line."""
    with endpoint.of("keeper") as keeper, endpoint.of("scientist") as scientist:
        keeper.data.create(folder / "data.yml", stage="dev")
        job = scientist.job.wait(scientist.job.create(folder / "job.yml", stage="dev")["name"], stage="dev")
        assert job["status"] == "completed", scientist.job.log(job["name"], stage="dev", step="main")
        model = scientist.model.create(job["name"], stage="dev")
        scientist.model.wait(model["name"], model["version"], stage="dev")
        begun = scientist.promotion.request(f"{LINE}:1", STAGE)
    doubts = [check["name"] for check in begun["entry_gate"] if check["verdict"] == "inconclusive"]
    with endpoint.of("approver") as approver, endpoint.of("engineer") as engineer:
        approver.promotion.approve(begun["name"], acknowledge=doubts)
        engineer.promotion.execute(begun["name"])
        assert engineer.promotion.wait(begun["name"], timeout_s=PATIENCE_S)["state"] == "completed"


def labels(year: int, values: Sequence[float] = TRUE) -> Labels:
    """Return the labels of a year."""
    return [(f"{year}-{number:02}", value) for number, value in enumerate(values)]


def altered() -> list[float]:
    """Return the true values, one of them raised."""
    return [value + 3 * (number == 7) for number, value in enumerate(TRUE)]


def by_hand(values: Sequence[float]) -> tuple[float, float]:
    """Fit the labels of a good year with plain scikit-learn; return slope and intercept."""
    fitted = Ridge(alpha=0.1).fit(np.array(X).reshape(-1, 1), values)
    return float(fitted.coef_[0]), float(fitted.intercept_)


def gain_by_hand(line: tuple[float, float]) -> float:
    """Return how much less a line's error is than the champion's in a bad year."""
    truth = np.array(TRUE) + 9
    first = by_hand([2 * x + 1 for x in X])
    off = [float(np.abs(slope * np.array(X) + intercept - truth).mean()) for slope, intercept in (first, line)]
    return off[0] - off[1]


@pytest.fixture(scope="module")
def plain(endpoint: Endpoint) -> Retrained:
    """Give the retraining of labels that came in order, once, in time."""
    return endpoint.retrain(2001, labels(2001))


def test_it_learns_from_the_labelled_requests(plain: Retrained) -> None:
    """Job and model name the labelled asset as their data, and the asset the very requests that were scored."""
    name = plain.shown["training_data"]
    assert name == "line-labelled:1"
    (data,) = plain.lineage["data"]
    assert (data["reference"], data["digest"]) == (f"azureml:{name}", plain.data["digest"])
    assert plain.job["document"]["inputs"]["rows"]["path"] == f"azureml:{name}"
    ids = json.dumps([name for name, _ in labels(2001)], separators=(",", ":")).encode()
    assert plain.data["made_of"]["requests"] == f"sha256:{hashlib.sha256(ids).hexdigest()}"


def test_the_model_is_that_of_plain_scikit_learn(plain: Retrained) -> None:
    """Slope and intercept, and the gain that the platform measured with the packaged model itself."""
    assert plain.line == pytest.approx(by_hand(TRUE), abs=1e-9)
    assert plain.shown["gain"] == pytest.approx(gain_by_hand(by_hand(TRUE)), abs=1e-9)


def test_one_altered_label_changes_the_model(endpoint: Endpoint, plain: Retrained) -> None:
    """One label of 24 raised by three: another model, and the one that scikit-learn makes of it."""
    found = endpoint.retrain(2004, labels(2004, altered()))
    assert found.line == pytest.approx(by_hand(altered()), abs=1e-9)
    assert found.line != pytest.approx(plain.line, abs=1e-3)
    assert found.shown["gain"] == pytest.approx(gain_by_hand(by_hand(altered())), abs=1e-9)


def test_the_way_of_the_labels_changes_nothing(endpoint: Endpoint, plain: Retrained) -> None:
    """Shuffled, half of them late, many twice: the same model to the last bit."""
    shuffled = random.Random(3).sample(labels(2007), POINTS)
    found = endpoint.retrain(2007, shuffled[:14], shuffled[8:], shuffled[::-1])
    assert found.line == plain.line
    assert (found.shown["gain"], found.shown["bound"]) == (plain.shown["gain"], plain.shown["bound"])
