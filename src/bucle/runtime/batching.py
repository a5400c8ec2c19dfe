"""Micro-batching without a timer: a batch is whatever queued while the last prediction ran."""

import json
import math
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bucle.runtime.served_model import Rows

BATCH_ROWS = 64
MOST_QUEUED = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request gets: an HTTP status, a JSON body, and the microseconds that its prediction took."""

    status: int
    body: bytes
    took_us: int = 0


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request in the queue; `answer` is called once, in the runner's thread, unless it was cancelled."""

    request: str
    rows: Rows
    answer: Callable[[Answer], None]
    cancelled: bool = False


class Runner:
    """One thread that predicts, so that the loop stays free for pings and refusals."""

    def __init__(self, predict: Callable[[Rows], list[Any]], *, batch_rows: int) -> None:
        self._predict = predict
        self._batch_rows = batch_rows
        self._queue: deque[Asked] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="predict", daemon=True)

    def start(self) -> None:
        """Begin to predict."""
        self._thread.start()

    def ask(self, asked: Asked) -> bool:
        """Queue a request; False when the queue is full."""
        with self._changed:
            if len(self._queue) >= MOST_QUEUED:
                return False
            self._queue.append(asked)
            self._changed.notify_all()
        return True

    def drain(self) -> None:
        """Wait until nothing is queued and nothing runs."""
        with self._changed:
            while self._queue or self._busy:
                self._changed.wait()

    def _run(self) -> None:
        while True:
            self._answer(self._take())
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _take(self) -> list[Asked]:
        with self._changed:
            while not self._queue:
                self._changed.wait()
            self._busy = True
            batch = [self._queue.popleft()]
            count = len(batch[0].rows)
            while self._queue and count + len(self._queue[0].rows) <= self._batch_rows:
                batch.append(self._queue.popleft())
                count += len(batch[-1].rows)
        return [asked for asked in batch if not asked.cancelled]

    def _answer(self, batch: Sequence[Asked]) -> None:
        """Answer a batch; when it fails, each request alone, so that one poisoned row spoils no neighbour."""
        if not batch:
            return
        began = time.perf_counter_ns()
        try:
            answers = self._predict([row for asked in batch for row in asked.rows])
        except Exception as fault:  # noqa: BLE001  the model is the user's: whatever it raises is its answer
            if len(batch) == 1:
                batch[0].answer(_raised(batch[0], fault))
                return
            for asked in batch:
                self._answer([asked])
            return
        took_us = (time.perf_counter_ns() - began) // 1000
        at = 0
        for asked in batch:
            asked.answer(answer_of(answers[at : at + len(asked.rows)], took_us))
            at += len(asked.rows)


def answer_of(predictions: list[Any], took_us: int) -> Answer:
    """Return the answer that holds `predictions`; a number that is not finite is null, as JSON has no word for it."""
    try:
        body = json.dumps(predictions, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError:
        body = json.dumps(_finite(predictions), ensure_ascii=False, separators=(",", ":"), default=_plain)
    except TypeError as fault:
        return _error(500, "NotJson", f"the model's answer is no JSON: {fault}")
    return Answer(status=200, body=body.encode(), took_us=took_us)


def refusal(status: int, code: str, message: str) -> Answer:
    """Return the answer that refuses a request."""
    return _error(status, code, message)


def _raised(asked: Asked, fault: Exception) -> Answer:
    sys.stderr.write(f"request {asked.request}: the model raised\n{traceback.format_exc()}")
    return _error(424, "ModelError", f"{type(fault).__name__}: {fault}"[:1000])


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status=status, body=json.dumps({"error": {"code": code, "message": message}}).encode())


def _plain(value: Any) -> Any:
    """Return what JSON has no type for as text or a number."""
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} {value!r}"[:200])


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value
