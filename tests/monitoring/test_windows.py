"""Windows in event time, judged by the labels that came, and judged again when more come."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bucle import errors
from bucle.monitoring import traffic
from bucle.runtime.segment import MAGIC, Collected, encode
from tests.monitoring.conftest import DIGEST, ENDPOINT, STAGE, Watched, car, cars, labels


def findings(told: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Return the year, verdict and number of labels of every finding."""
    return [(one["window_start_at"][:4], one["verdict"], one["labelled"]) for one in told["findings"]]


def test_a_window_closes_on_event_time(watched: Watched) -> None:
    """Everything was accepted in one minute of today; the windows are the years in which it happened."""
    watched.score([*cars(1975), *cars(1976)])
    assert findings(watched.judged()) == [("1975", "insufficient data", 0)]
    watched.label(labels(1975, 1.0))
    assert findings(watched.judged()) == [("1975", "ok", 30)]
    assert findings(watched.close(1976))[1] == ("1976", "insufficient data", 0)


def test_an_alert_tells_everything_and_opens_one_incident(watched: Watched) -> None:
    """The bound, the groups, the window, the advice; a second bad year adds to the open incident."""
    watched.score([*cars(1975), *cars(1976)])
    watched.label([*labels(1975, 5.0), *labels(1976, 6.0)])
    told = watched.close(1975)
    (incident,) = told["incidents"]
    assert (incident["verdict"], incident["value"], incident["low"], incident["threshold"]) == ("alert", 5.0, 5.0, 3.0)
    assert (incident["window_start_at"][:4], incident["rows"], incident["advice"]) == ("1975", 30, "retrain")
    assert {(one["part"], one["n"]) for one in incident["details"]["groups"]} == {("usa", 15), ("japan", 15)}
    (incident,) = watched.close(1976)["incidents"]
    assert (incident["window_start_at"][:4], incident["value"]) == ("1976", 6.0)


def test_late_labels_judge_a_window_again(watched: Watched) -> None:
    """Ten labels say nothing, thirty do; a window that nothing came for is not judged again."""
    watched.score(cars(1975))
    watched.label(labels(1975, 5.0, count=10))
    assert findings(watched.close(1975)) == [("1975", "insufficient data", 10)]
    watched.label(labels(1975, 5.0)[::-1])
    assert findings(watched.judged()) == [("1975", "alert", 30)]
    assert findings(watched.judged()) == [("1975", "alert", 30)]


def test_two_silent_windows_are_an_alert(watched: Watched) -> None:
    """One year without a row is no data; the second one opens an incident."""
    watched.score(cars(1975))
    watched.label(labels(1975, 1.0))
    told = watched.close(1976)
    assert findings(told)[1:] == [("1976", "no data", 0)]
    assert told["incidents"] == []
    (incident,) = watched.close(1977)["incidents"]
    assert incident["verdict"] == "no data"


def test_the_first_label_wins(watched: Watched) -> None:
    """Known again, contradicting, unknown: each is counted, and none changes what was said first."""
    watched.score(cars(1975, 2))
    assert watched.label([("car-1975-0", 18.0)])["accepted"] == 1
    said = watched.label([("car-1975-0", 18.0), ("car-1975-0", 3.0), ("nobody", 1.0), ("car-1975-1", 19.0)])
    counts = {name: said[name] for name in ("accepted", "known", "contradiction", "unknown")}
    assert counts == {"accepted": 1, "known": 1, "contradiction": 1, "unknown": 1}
    assert said["unknown_ids"] == ["nobody"]
    with watched.house.world.read() as rows:
        kept = traffic.find(rows, STAGE, ENDPOINT, "car-1975-0")
    assert kept is not None
    assert kept.label == 18.0
    with pytest.raises(errors.NotFound, match="nobody"):
        watched.label([("nobody", 1.0)])


def test_a_label_of_another_kind_fails_its_window_only(watched: Watched) -> None:
    """A word where a number is due: the verdict is `failed` with the reason, and the other windows are judged."""
    watched.score([*cars(1975), *cars(1976)])
    watched.label([*labels(1975, 1.0)[1:], ("car-1975-0", "thirsty"), *labels(1976, 1.0)])
    told = watched.close(1976)
    assert findings(told) == [("1975", "failed", 30), ("1976", "ok", 30)]
    assert "thirsty" in told["findings"][0]["why"]


def test_a_fault_of_event_time_is_in_no_window(watched: Watched) -> None:
    """A row without a usable event time is kept, and moves no watermark."""
    watched.score([*cars(1975), car(99, 1975, event_at=None)])
    watched.label(labels(1975, 1.0))
    (finding,) = watched.close(1975)["findings"]
    assert finding["rows"] == 30


def test_a_request_is_kept_once(watched: Watched) -> None:
    """The same segment, and the same correlation id in another one, change nothing."""
    watched.score(cars(1975))
    watched.score(cars(1975), "live-2")
    watched.label(labels(1975, 1.0))
    (finding,) = watched.close(1975)["findings"]
    assert (finding["rows"], finding["labelled"]) == (30, 30)


def test_replayed_requests_are_never_in_windows(watched: Watched) -> None:
    """Of two segments that differ in whose requests they hold, only the live one is folded."""
    body = {"input_data": {"columns": ["weight", "at"], "index": [0], "data": [[1500.0, "1975-07-01T00:00:00Z"]]}}
    live = Collected(
        request_id="live", accepted_us=1_772_000_000_000_000, stage=STAGE, endpoint=ENDPOINT, deployment="quiet-heron",
        release=DIGEST, model="sha256:m", replayed=False, status=200, latency_us=9, took_us=5,
        request=json.dumps(body).encode(), response=b"[20.0]",
    )  # fmt: skip
    folder = watched.house.world.home.gateway / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "live-1.sealed").write_bytes(MAGIC + encode(live))
    replayed = replace(live, request_id="replayed", replayed=True)
    (folder / "replayed-1.sealed").write_bytes(MAGIC + encode(replayed))
    (finding,) = watched.close(1975)["findings"]
    assert finding["rows"] == 1
    assert watched.label([("live", 18.0)])["accepted"] == 1
    with pytest.raises(errors.NotFound, match="replayed"):
        watched.label([("replayed", 18.0)])
