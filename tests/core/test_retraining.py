"""When a policy answers, and what it trains on: worked out by hand."""

from datetime import UTC, datetime

import pytest

from bucle import errors
from bucle.core.retraining import answers, cooled_down, rebound, windows_of
from bucle.core.windows import Window
from bucle.spec.retrain import Retrain


def at(year: int, month: int = 1) -> datetime:
    """Return the beginning of a month."""
    return datetime(year, month, 1, tzinfo=UTC)


def policy(**words: object) -> Retrain:
    """Return a policy of four years' window and cooldown."""
    trigger = {"monitor": "cars", "signal": "performance"}
    return Retrain.model_validate(
        {"trigger": trigger, "cooldown": "P4Y", "window": "P4Y", "bind": {"training_data": "window"}, **words}
    )


def test_a_policy_answers_its_own_signal_only() -> None:
    """Monitor and signal both have to be its own."""
    assert answers(policy(), "cars", "performance")
    assert not answers(policy(), "cars", "drift")
    assert not answers(policy(), "bikes", "performance")


COOLED = [(None, True), (at(1975), True), (at(1976), True), (at(1976, 2), False), (at(1979), False)]


@pytest.mark.parametrize(("last", "over"), COOLED)
def test_the_cooldown_runs_on_event_time(last: datetime | None, over: bool) -> None:  # noqa: FBT001  a table's column
    """Four years after the end of the last hold-out it is over, on that very instant too."""
    assert cooled_down(policy(), last, at(1980)) is over


def test_the_alerted_window_is_the_hold_out() -> None:
    """The four years before it are the training window: nothing is in both."""
    found = windows_of(policy(), Window(start=at(1979), end=at(1980)))
    assert found.training == Window(start=at(1975), end=at(1979))
    assert found.holdout == Window(start=at(1979), end=at(1980))


def test_a_hold_out_of_its_own_length_ends_with_the_alerted_window() -> None:
    """Half a year held out of an alerted year; the training window ends where it begins."""
    found = windows_of(policy(holdout="P6M"), Window(start=at(1979), end=at(1980)))
    assert found.holdout == Window(start=at(1979, 7), end=at(1980))
    assert found.training == Window(start=at(1975, 7), end=at(1979, 7))


def test_only_the_bound_inputs_are_replaced() -> None:
    """The job is the release's own: parameters stay, its name goes, the document that was given is not changed."""
    inputs = {"training_data": {"type": "uri_file", "path": "azureml:fuel:1"}, "alpha": 1.0}
    document = {"name": "old", "type": "pipeline", "inputs": inputs}
    found = rebound(document, {"training_data": "window"}, {"window": "azureml:labelled:7", "newest": "azureml:x:1"})
    bound = {"type": "uri_file", "path": "azureml:labelled:7"}
    assert found == {"type": "pipeline", "inputs": {"training_data": bound, "alpha": 1.0}}
    assert document["inputs"]["training_data"]["path"] == "azureml:fuel:1"  # type: ignore[index]  # it is a mapping


@pytest.mark.parametrize("name", ["missing", "alpha"])
def test_an_input_that_is_no_data_is_refused(name: str) -> None:
    """A policy that binds what the job does not have, or a number, is refused by that name."""
    with pytest.raises(errors.BadRequest, match=name):
        rebound({"inputs": {"alpha": 1.0}}, {name: "window"}, {"window": "azureml:labelled:7"})
