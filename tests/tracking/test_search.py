"""Search: the grammar of filters and orders, and what each of them finds."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle import errors
from bucle.tracking.grammar import EXPERIMENTS, MODELS, RUNS, parse_filter, parse_order
from tests.tracking.conftest import Tracker

# name, accuracy (None: not logged), depth, colour, start in milliseconds
RUNS_THERE = [
    ("ash", 0.9, "3", "Red", 4000),
    ("birch", 0.5, "3", "blue", 3000),
    ("cedar", "NaN", "10", "red", 2000),
    ("date", None, "4", "", 1000),
]
# Filter, and the runs that pass, newest first; the judgements are those of MLflow 3.17.2's documentation and server.
FOUND = [
    ("", "ash birch cedar date"),
    ("metrics.accuracy > 0.4", "ash birch"),
    ("metric.accuracy <= .5", "birch"),
    ("metrics.accuracy != 0.9", "birch cedar"),
    ("metrics.`accuracy` = 9e-1", "ash"),
    ("params.depth = '3'", "ash birch"),
    ('parameters."depth" != "3"', "cedar date"),
    ("params.depth = '3' AND metrics.accuracy < 0.6", "birch"),
    ("tags.colour LIKE 'R%'", "ash"),
    ("tags.colour ILIKE 'R%'", "ash cedar"),
    ("tags.colour LIKE '_e_'", "ash cedar"),
    ("tags.colour LIKE '*'", ""),
    ("tags.nowhere IS NULL", "ash birch cedar date"),
    ("tags.colour IS NOT NULL", "ash birch cedar date"),
    ("attributes.run_name LIKE '%e%'", "cedar date"),
    ("run_name = 'ash'", "ash"),
    ("attr.start_time >= 2000 and attr.start_time < 4000", "birch cedar"),
    ("status = 'RUNNING'", "ash birch cedar date"),
    ("dataset.name = 'iris'", "ash"),
    ("datasets.context IN ('train', 'test')", "ash"),
]
REFUSED = [
    "params.depth = 3", "metrics.accuracy > 'x'", "params.depth IN ('1','2')", "status IN ('RUNNING')",
    "metrics.accuracy > 1 OR params.depth = '3'", "attributes.nothing = 'x'", "   ", "metrics.accuracy",
    "metrics.accuracy LIKE 1", "tags.colour > 'a'", "run_id IN ()", "run_id IN ('a' 'b')", "name ? 'x'",
    "foo.bar = 'x'", "dataset.size = '1'", "'a' = 'b'", "status = 'x' ; drop table run", "start_time > '1'",
    "metrics.accuracy IS NULL", "AND status = 'x'", "params.depth = 'unclosed",
]  # fmt: skip
ORDERED = [
    (["metrics.accuracy ASC"], "birch ash cedar date"),
    (["metrics.accuracy DESC"], "ash birch cedar date"),
    (["params.depth", "start_time"], "cedar birch ash date"),
    (["attributes.start_time ASC"], "date cedar birch ash"),
    (["tags.`colour` DESC"], "cedar birch ash date"),
    (["run_name desc"], "date cedar birch ash"),
]


@pytest.fixture(scope="module")
def forest(tracker: Tracker) -> str:
    """Give an experiment with the four runs."""
    experiment = tracker.experiment()
    for name, accuracy, depth, colour, start in RUNS_THERE:
        run = tracker.run(experiment, run_name=name, start_time=start)
        metrics = [] if accuracy is None else [{"key": "accuracy", "value": accuracy, "timestamp": 1}]
        marks = [{"key": "colour", "value": colour}]
        tracker.done(
            "runs/log-batch", run_id=run, metrics=metrics, params=[{"key": "depth", "value": depth}], tags=marks
        )
        if name == "ash":
            context = [{"key": "mlflow.data.context", "value": "train"}]
            dataset = {"name": "iris", "digest": "d", "source_type": "s", "source": "{}"}
            tracker.done("runs/log-inputs", run_id=run, datasets=[{"tags": context, "dataset": dataset}])
    return experiment


def _names(tracker: Tracker, forest: str, **asked: Any) -> str:
    found = tracker.done("runs/search", experiment_ids=[forest], **asked)["runs"]
    return " ".join(one["info"]["run_name"] for one in found)


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_filter_finds(tracker: Tracker, forest: str, text: str, expected: str) -> None:
    """Each filter finds just the runs of the table; LIKE minds case, NaN is only unequal."""
    assert _names(tracker, forest, filter=text) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_filter_is_refused(tracker: Tracker, forest: str, text: str) -> None:
    """What the grammar does not know is 400, where the same search without it succeeds."""
    assert tracker.code("runs/search", experiment_ids=[forest]) == (200, "")
    assert tracker.code("runs/search", experiment_ids=[forest], filter=text) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(("order", "expected"), ORDERED)
def test_order(tracker: Tracker, forest: str, order: list[str], expected: str) -> None:
    """Runs without a value come last, NaN just before them, ties newest first."""
    assert _names(tracker, forest, order_by=order) == expected


@pytest.mark.parametrize("order", ["bogus.x", "start_time sideways", "dataset.name", ""])
def test_order_is_refused(tracker: Tracker, forest: str, order: str) -> None:
    """An order by what is not there is 400."""
    assert tracker.code("runs/search", experiment_ids=[forest], order_by=["start_time"]) == (200, "")
    assert tracker.code("runs/search", experiment_ids=[forest], order_by=[order])[0] == 400


def test_pages(tracker: Tracker, forest: str) -> None:
    """Pages give every run once."""
    first = tracker.done("runs/search", experiment_ids=[forest], max_results=3)
    second = tracker.done("runs/search", experiment_ids=[forest], max_results=3, page_token=first["next_page_token"])
    names = [one["info"]["run_name"] for one in (*first["runs"], *second["runs"])]
    assert (names, "next_page_token" in second) == (["ash", "birch", "cedar", "date"], False)


def test_run_ids_in_a_list(tracker: Tracker, forest: str) -> None:
    """A list of run ids, with the comma of a Python tuple of one, finds those runs."""
    ash = tracker.done("runs/search", experiment_ids=[forest], filter="run_name = 'ash'")["runs"][0]["info"]["run_id"]
    assert _names(tracker, forest, filter=f"run_id IN ('{ash}',)") == "ash"
    assert _names(tracker, forest, filter=f"run_id NOT IN ('{ash}', 'x')") == "birch cedar date"


def test_deleted_runs_are_found_when_asked_for(tracker: Tracker) -> None:
    """Search looks at active runs, at deleted ones, or at all."""
    experiment = tracker.experiment()
    tracker.run(experiment, run_name="kept")
    tracker.done("runs/delete", run_id=tracker.run(experiment, run_name="gone"))
    views = {view: _names(tracker, experiment, run_view_type=view) for view in ("ACTIVE_ONLY", "DELETED_ONLY")}
    assert views == {"ACTIVE_ONLY": "kept", "DELETED_ONLY": "gone"}
    assert set(_names(tracker, experiment, run_view_type="ALL").split()) == {"kept", "gone"}


def test_experiments_are_searched(tracker: Tracker) -> None:
    """Experiments are found by name and by tag."""
    for name, colour in (("pine-1", "red"), ("pine-2", "blue"), ("oak", "red")):
        tracker.done("experiments/create", name=name, tags=[{"key": "wood", "value": colour}])
    asked: dict[str, Any] = {"filter": "name LIKE 'pine%' AND tags.wood = 'red'", "order_by": ["name ASC"]}
    assert [one["name"] for one in tracker.done("experiments/search", **asked)["experiments"]] == ["pine-1"]
    assert tracker.code("experiments/search", filter="bogus = 'x'") == (400, "INVALID_PARAMETER_VALUE")


@given(st.text(alphabet="metrics.paramtg `'\"=!<>()LIKEINAND0123,-%_é\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is sent as a filter or an order, the grammar reads it or says no; nothing else comes out of it."""
    for vocabulary in (RUNS, EXPERIMENTS, MODELS):
        for read in (lambda: parse_filter(text, vocabulary), lambda: parse_order([text], vocabulary)):  # noqa: B023  called here
            with suppress(errors.BadRequest):
                assert isinstance(read(), tuple)
