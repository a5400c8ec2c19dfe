"""A retraining as the demo follows it: from the alert through both gates, and what it was worth in the end."""

import math
import time
from functools import partial
from typing import Any

from bucle import errors
from bucle.demo.approving import approve, doubts_told
from bucle.demo.cars import LAST_YEAR, STAGE, Production

SECONDS_TO_RETRAIN = 600.0
LOOK_S = 0.2


def retrain(production: Production, year: int) -> str:
    """Follow the retraining that a year's alert began: data from traffic, training, comparison, the same gates twice.

    A gate may refuse the candidate: then the release that serves goes on serving, and that is told.
    """
    passed: list[str] = []
    ended = _follow(production, passed)
    serves = ended["state"] == "done"
    end = f"gates: {', '.join(passed)}" if serves else _refusal(production, ended)
    if serves and not production.promoted():
        _ask_the_former(production, year)
    production.retrainings[year] = serves
    data = f"{ended['training_data']} ({ended['training_rows']} cars as served)"
    gain = f"{ended['gain']:.4f} mpg better on {ended['holdout_rows']} newest, 95 % bound {ended['bound']:.4f}"
    return f"{ended['model']} from {data}; {gain}; {end}"


def gained(production: Production) -> str:
    """Compare what was served since the first retraining with what the first release says of the same cars."""
    first = production.promoted()[0] + 1
    later = [(production.id_of(car), float(car["mpg"])) for car in production.of(first, LAST_YEAR) if car["mpg"]]
    now = math.fsum(abs(production.answers[name] - mpg) for name, mpg in later) / len(later)
    then = math.fsum(abs(production.untouched[name] - mpg) for name, mpg in later) / len(later)
    return (
        f"{first} to {LAST_YEAR}: MAE {now:.4f} retrained, {then:.4f} had nothing been done: {1 - now / then:.0%} less"
    )


def _follow(production: Production, passed: list[str]) -> dict[str, Any]:
    """Approve what the retraining requests until it has ended; return it as the monitor shows it."""
    people = production.people
    until = time.monotonic() + SECONDS_TO_RETRAIN
    known = len(production.retrainings)
    found: dict[str, Any] = {"state": "not begun", "reason": "no incident was answered"}
    while time.monotonic() < until and found["state"] not in {"done", "failed"}:
        begun_ones = people.ml_engineer.monitor.show(production.model, stage=STAGE)["retrainings"]
        found = begun_ones[0] if len(begun_ones) > known else found
        for begun in people.approver.promotion.inbox():
            done = approve(people, begun, ask=partial(_ask_again, production))
            passed.append(f"{begun['stage']} ({doubts_told(done)})")
        time.sleep(LOOK_S)
    return found


def _refusal(production: Production, ended: dict[str, Any]) -> str:
    """Return what the gate said that refused the candidate; a retraining that ended otherwise is a fault."""
    show = production.people.ml_engineer.promotion.show
    promotion = show(ended["promotion"]) if "promotion" in ended else None
    if promotion is None or promotion["state"] != "refused":
        raise errors.WorkFailed("demo.not_retrained", state=ended["state"], reason=ended["reason"])
    checks = [*promotion["entry_gate"], *(promotion["standing_gate"] or ())]
    said = "; ".join(
        f"{one['name']}: {one['measured']}, not {one['rule']}" for one in checks if one["verdict"] == "fail"
    )
    return f"refused by the gate of {promotion['stage']} ({said}): what serves goes on"


def _ask_again(production: Production) -> None:
    """Ask for ten cars that were scored before, without an event time: a canary's evidence that is in no window."""
    with production.asking() as ask:
        for car in production.cars[:10]:
            ask(car, None)


def _ask_the_former(production: Production, year: int) -> None:
    """Ask the first release, while it is kept warm, about all cars that its successors will be asked about."""
    former = production.people.ml_engineer.model.history(production.model, stage=STAGE)[1]["deployment"]
    with production.asking(deployment=former) as ask:
        for car in production.of(year + 1, LAST_YEAR):
            production.untouched[production.id_of(car)] = ask(car, None)
