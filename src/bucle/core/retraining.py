"""Retraining: whether a policy answers an incident, and the job that trains again on other data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bucle import errors
from bucle.core.windows import Window, read_duration
from bucle.spec.retrain import Retrain


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The rows to train on, and the newest ones behind them, on which champion and candidate are compared."""

    training: Window
    holdout: Window


def answers(policy: Retrain, monitor: str, signal: str) -> bool:
    """Say whether a policy is triggered by a signal of a monitor."""
    trigger = policy.trigger
    return trigger is not None and trigger.monitor == monitor and trigger.signal == signal


def cooled_down(policy: Retrain, last_end: datetime | None, now: datetime) -> bool:
    """Say whether the cooldown since the last retraining is over, in event time."""
    return last_end is None or read_duration(policy.cooldown).after(last_end) <= now


def windows_of(policy: Retrain, alerted: Window) -> Windows:
    """Return what to train on: the policy's window up to the alerted one, which is the hold-out.

    With `holdout` in the policy, the hold-out is that long and ends with the alerted window.
    """
    start = alerted.start if policy.holdout is None else read_duration(policy.holdout).before(alerted.end)
    training = Window(start=read_duration(policy.window).before(start), end=start)
    return Windows(training=training, holdout=Window(start=start, end=alerted.end))


def rebound(document: Mapping[str, Any], bind: Mapping[str, str], references: Mapping[str, str]) -> dict[str, Any]:
    """Return a job's document with the inputs that the policy names pointing at other data; all else as it was.

    `references` says what `window` and `newest` are now.
    """
    inputs = dict(document.get("inputs") or {})
    for name, what in bind.items():
        if not isinstance(inputs.get(name), Mapping):
            raise errors.BadRequest("retrain.no_such_input", name=name)
        inputs[name] = {**inputs[name], "path": references[what]}
    return {**{name: value for name, value in document.items() if name != "name"}, "inputs": inputs}
