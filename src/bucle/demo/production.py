"""The years in production: cars are scored, their consumption arrives late, windows close, a model is trained again."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2

from bucle import errors
from bucle.demo.approving import approve, doubts_told
from bucle.demo.people import People

Hop = Callable[[str, Callable[[], str]], None]
STAGE = "prod"
FIRST_YEAR, LAST_YEAR = 1975, 1982
RETRAINED_SINCE = 1980
NUMBERS = ("cylinders", "displacement_cu_in", "horsepower", "weight_lb", "acceleration_s")
SENT = ("name", *NUMBERS, "origin", "model_year")
SECONDS_TO_JUDGE = 60.0
SECONDS_TO_RETRAIN = 600.0
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """The cars that come year by year, and the people who run the model that tells what they consume."""

    people: People
    cars: Sequence[dict[str, str]]
    model: str
    answers: dict[str, float] = field(default_factory=dict)
    """Correlation id → prediction of every car that was scored."""

    def years(self) -> list[int]:
        """Return the years in which cars were measured, from the first in production on."""
        years = {int(car["model_year"]) for car in self.cars}
        return sorted(year for year in years if FIRST_YEAR <= year <= LAST_YEAR)


def tell_years(production: Production, hop: Hop) -> None:
    """Play the years; the first alert leads to one retraining, and the later years are served by what it gave."""
    retrained = False
    for year in production.years():
        finding: dict[str, Any] = {}
        hop(str(year), partial(_play, production, year, finding))
        if finding["verdict"] == "alert" and not retrained:
            hop("retrain", lambda: _retrain(production))
            retrained = True
    if retrained:
        hop("gained", lambda: _gained(production))
    hop("rollback", lambda: _rollback(production))
    hop("trace", lambda: _trace(production))


def _play(production: Production, year: int, finding: dict[str, Any]) -> str:
    """Score a year's cars, send their labels later, close the window, and say what the monitor makes of it."""
    people = production.people
    cars = [car for car in production.cars if int(car["model_year"]) == year]
    _score(production, cars)
    labels = [{"correlation_id": _id_of(production, car), "label": float(car["mpg"])} for car in cars if car["mpg"]]
    _when_known(lambda: people.data_engineer.label.create(production.model, labels, stage=STAGE))
    people.ml_engineer.monitor.watermark(production.model, f"{year + 1}-01-01T00:00:00Z", stage=STAGE)
    finding |= _await_finding(production, year, len(labels))
    bias = next(one["value"] for one in finding["details"]["overall"] if one["metric"] == "bias")
    told = f"n {finding['labelled']}  MAE {finding['value']:.4f}  bias {bias:+.2f}  {finding['verdict']}"
    if finding["verdict"] != "alert":
        return told
    return f"{told}: {finding['why']} → {finding['advice']}"


def _ask_again(production: Production) -> None:
    """Ask for ten cars that were scored before, without an event time: a canary's evidence that is in no window."""
    with _asking(production) as ask:
        for car in production.cars[:10]:
            ask([*SENT], _row(car)[:-1], None)


def _score(production: Production, cars: Sequence[dict[str, str]]) -> None:
    with _asking(production) as ask:
        for car in cars:
            request = _id_of(production, car)
            production.answers[request] = ask([*SENT, "measured_at"], _row(car), request)


@contextmanager
def _asking(
    production: Production, deployment: str | None = None
) -> Iterator[Callable[[list[str], list[Any], str | None], float]]:
    """Yield a function that asks the endpoint for one row, under a request id of ours or none, and gives its answer."""
    endpoint = production.people.ml_engineer.online_endpoint.show(production.model, stage=STAGE)
    keys = production.people.ml_engineer.online_endpoint.get_credentials(production.model, stage=STAGE)
    headers = {"Authorization": f"Bearer {keys['primaryKey']}"}
    headers |= {"azureml-model-deployment": deployment} if deployment else {}
    with httpx2.Client(headers=headers, timeout=30.0, trust_env=False) as http:

        def ask(columns: list[str], row: list[Any], request: str | None) -> float:
            body = {"input_data": {"columns": columns, "index": [0], "data": [row]}}
            named = {"x-request-id": request} if request else {}
            answer = http.post(endpoint["scoring_uri"], json=body, headers=named)
            if answer.status_code != 200:
                raise errors.WorkFailed("demo.not_scored", status=answer.status_code, said=answer.text[:300])
            return float(answer.json()[0])

        yield ask


def _row(car: dict[str, str]) -> list[Any]:
    sent = [float(car[name]) if name in NUMBERS and car[name] else car[name] or None for name in SENT]
    return [*sent, f"{car['model_year']}-07-01T00:00:00Z"]


def _id_of(production: Production, car: dict[str, str]) -> str:
    return f"car-{production.cars.index(car)}"


def _when_known(act: Callable[[], object]) -> None:
    """Do something that needs the newest requests in the records; they arrive there a moment after their answer."""
    until = time.monotonic() + SECONDS_TO_JUDGE
    while True:
        try:
            act()
        except errors.NotFound:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_S)
        else:
            return


def _await_finding(production: Production, year: int, labelled: int) -> dict[str, Any]:
    until = time.monotonic() + SECONDS_TO_JUDGE
    while time.monotonic() < until:
        told = production.people.ml_engineer.monitor.show(production.model, stage=STAGE)
        for finding in told["findings"]:
            here = finding["window_start_at"].startswith(f"{year}-") and finding["signal"] == "performance"
            if here and finding["labelled"] == labelled:
                return dict(finding)
        time.sleep(LOOK_S)
    raise errors.PlatformFault("demo.no_finding", year=year)


def _retrain(production: Production) -> str:
    """Follow the retraining that the alert began: data from traffic, training, comparison, the same gates twice."""
    people = production.people
    told = []
    until = time.monotonic() + SECONDS_TO_RETRAIN
    state: dict[str, Any] = {"state": "not begun", "reason": "no incident was answered"}
    while time.monotonic() < until and state["state"] not in {"done", "failed"}:
        begun_ones = people.ml_engineer.monitor.show(production.model, stage=STAGE)["retrainings"]
        state = begun_ones[0] if begun_ones else state
        for begun in people.approver.promotion.inbox():
            done = approve(people, begun, ask=partial(_ask_again, production))
            told.append(f"{begun['stage']} ({doubts_told(done)})")
        time.sleep(LOOK_S)
    if state["state"] != "done":
        raise errors.WorkFailed("demo.not_retrained", state=state["state"], reason=state["reason"])
    data = f"{state['training_data']} ({state['training_rows']} cars as served)"
    gain = f"{state['gain']:.4f} mpg better on {state['holdout_rows']} newest, 95 % bound {state['bound']:.4f}"
    return f"{state['model']} from {data}; {gain}; gates: {', '.join(told)}"


def _gained(production: Production) -> str:
    """Compare the years since the retraining with what the former release, still warm, says of the same cars."""
    later = [car for car in production.cars if int(car["model_year"]) >= RETRAINED_SINCE and car["mpg"]]
    former = production.people.ml_engineer.model.history(production.model, stage=STAGE)[1]["deployment"]
    with _asking(production, deployment=former) as ask:
        before = [abs(ask([*SENT], _row(car)[:-1], None) - float(car["mpg"])) for car in later]
    after = [abs(production.answers[_id_of(production, car)] - float(car["mpg"])) for car in later]
    now, then = math.fsum(after) / len(after), math.fsum(before) / len(before)
    years = f"{RETRAINED_SINCE} to {LAST_YEAR}"
    return f"{years}: MAE {now:.4f} retrained, {then:.4f} had nothing been done: {1 - now / then:.0%} less"


def _rollback(production: Production) -> str:
    """Go back to the release before and forth again: both by one command."""
    client = production.people.ml_engineer
    before = client.model.history(production.model, stage=STAGE)[0]
    started = time.monotonic()
    back = client.promotion.rollback(production.model, stage=STAGE)
    seconds = time.monotonic() - started
    client.promotion.rollback(production.model, stage=STAGE)
    return f"{before['release']} → {back['release']} ({back['digest'][:19]}…) in {seconds:.1f} s, and forth again"


def _trace(production: Production) -> str:
    request = next(reversed(production.answers))
    found = production.people.ml_engineer.platform.trace(request)
    people = found["promotion"]
    commit = found["code"].get("commit", "no commit")[:10]
    data = ", ".join(one["reference"] for one in found["data"])
    again = production.people.ml_engineer.replay
    again.create(request)
    same = "equal" if again.wait(request)["equal"] else "DIFFERENT"
    return (
        f"{request} → {found['deployment']} → {found['release']['model']} → approved by {people['approved_by'][0]} → "
        f"{found['job']['name']} → {commit} → {data}; computed again: {same}"
    )
