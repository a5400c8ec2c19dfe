"""Approving: what the approver and the ML engineer of the demo do with every promotion."""

import time
from collections.abc import Callable
from typing import Any

from bucle.demo.people import People

SECONDS_TO_PROMOTE = 300.0
LOOK_S = 0.2
ENDED = frozenset({"completed", "refused", "rejected", "returned", "canceled"})


def approve(people: People, begun: dict[str, Any], ask: Callable[[], None] | None = None) -> dict[str, Any]:
    """Have a promotion approved and executed, and wait for its end; `ask` sends the requests that a canary needs."""
    people.approver.promotion.approve(begun["name"], acknowledge=doubts(begun), comment="seen")
    waiting = [one["name"] for one in people.ml_engineer.promotion.inbox() if "execute" in one["you_may"]]
    if begun["name"] in waiting:
        people.ml_engineer.promotion.execute(begun["name"])
    while ask is not None and (now := people.ml_engineer.promotion.show(begun["name"]))["state"] not in ENDED:
        if now["state"] == "rolling":
            ask()
        time.sleep(LOOK_S)
    return people.ml_engineer.promotion.wait(begun["name"], timeout_s=SECONDS_TO_PROMOTE)


def doubts(found: dict[str, Any]) -> list[str]:
    """Return the names of the inconclusive checks of a promotion."""
    return [check["name"] for check in found["entry_gate"] if check["verdict"] == "inconclusive"]


def doubts_told(found: dict[str, Any]) -> str:
    """Return the inconclusive checks in words."""
    open_checks = [check for check in found["entry_gate"] if check["verdict"] == "inconclusive"]
    told = "; ".join(f"{check['name']}: {check['measured']}" for check in open_checks)
    return f"{len(open_checks)} inconclusive ({told}), acknowledged by approver" if open_checks else "none inconclusive"
