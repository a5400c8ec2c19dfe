"""The years in production: cars are scored, their consumption arrives late, windows close, a model is trained again."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bucle import errors
from bucle.demo.cars import LAST_YEAR, STAGE, Production
from bucle.demo.retraining import gained, retrain

Hop = Callable[[str, Callable[[], str]], None]
SECONDS_TO_JUDGE = 60.0
LOOK_S = 0.2


def tell_years(production: Production, hop: Hop) -> None:
    """Play the years; an alert leads to a retraining when the policy's cooldown is over."""
    for year in production.years():
        finding: dict[str, Any] = {}
        hop(str(year), partial(_play, production, year, finding))
        if finding["verdict"] == "alert" and production.policy_asks(year):
            hop("retrain", partial(retrain, production, year))
    promoted = production.promoted()
    if promoted and production.of(promoted[0] + 1, LAST_YEAR):
        hop("gained", lambda: gained(production))
    if promoted:
        hop("rollback", lambda: _rollback(production))
    hop("trace", lambda: _trace(production))


def _play(production: Production, year: int, finding: dict[str, Any]) -> str:
    """Score a year's cars, send their labels later, close the window, and say what the monitor makes of it."""
    people = production.people
    cars = production.of(year, year)
    with production.asking() as ask:
        for car in cars:
            request = production.id_of(car)
            production.answers[request] = ask(car, request)
    labels = [{"correlation_id": production.id_of(car), "label": float(car["mpg"])} for car in cars if car["mpg"]]
    _label(production, labels)
    people.ml_engineer.monitor.watermark(production.model, f"{year + 1}-01-01T00:00:00Z", stage=STAGE)
    finding |= _await_finding(production, year, len(labels))
    bias = next(one["value"] for one in finding["details"]["overall"] if one["metric"] == "bias")
    told = f"n {finding['labelled']}  MAE {finding['value']:.4f}  bias {bias:+.2f}  {finding['verdict']}"
    if finding["verdict"] != "alert":
        return told
    return f"{told}: {finding['why']} → {finding['advice']}"


def _label(production: Production, labels: Sequence[dict[str, Any]]) -> None:
    """Send labels until each has found its request; requests arrive in the records a moment after their answer."""
    until = time.monotonic() + SECONDS_TO_JUDGE
    while time.monotonic() < until:
        try:
            taken = production.people.data_engineer.label.create(production.model, labels, stage=STAGE)
        except errors.NotFound:
            taken = {"unknown": len(labels)}
        if not taken["unknown"]:
            return
        time.sleep(LOOK_S)
    raise errors.PlatformFault("demo.not_labelled", count=taken["unknown"])


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
