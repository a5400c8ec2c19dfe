"""Scoring through the whole data plane: what a model answers, what the signature refuses, what is counted."""

import json
import threading
from typing import Any

import pytest

from tests.serving.conftest import GOOD, House, acts, await_true

COLUMNS = ["weight", "power", "origin"]


def table(*rows: list[Any], columns: list[str] | None = None) -> dict[str, Any]:
    """Return a request in split form."""
    return {"input_data": {"columns": columns or COLUMNS, "data": list(rows)}}


def test_predictions_are_those_of_the_model(open_house: House) -> None:
    """Twenty rows through the gateway equal what scikit-learn answered where the model was made."""
    made = json.loads((open_house.models.folder / "fuel.json").read_text())
    answered = open_house.score(table(*[[row[name] for name in COLUMNS] for row in made]))
    assert answered.status == 200
    assert answered.body == pytest.approx([row["prediction"] for row in made], abs=1e-9)


def test_records_and_any_order_answer_alike(open_house: House) -> None:
    """Split form, another order of columns, records under `input_data` and bare records are one request."""
    record = {"origin": "eu", "weight": 1550.0, "power": 142.0}
    turned = table(["eu", 142.0, 1550.0], columns=["origin", "power", "weight"])
    answers = [open_house.score(body).body for body in (GOOD, turned, {"input_data": [record]}, [record])]
    assert len(answers[0]) == 1
    assert all(answer == answers[0] for answer in answers)


def test_columns_that_pass_through_change_nothing(open_house: House) -> None:
    """A declared column is accepted and kept from the model; an undeclared one is refused by its path."""
    plain = open_house.score(GOOD)
    passed = open_house.score(table([1550.0, 142.0, "eu", "c-7"], columns=[*COLUMNS, "car"]))
    refused = open_house.score(table([1550.0, 142.0, "eu", "c-7"], columns=[*COLUMNS, "colour"]))
    assert (passed.status, passed.body) == (200, plain.body)
    assert refused.status == 400
    assert refused.body["error"]["path"] == "$.input_data.columns[3]"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (table(["heavy", 142.0, "eu"]), "$.input_data.data[0][0]"),
        (table([1550.0, 142.0, "eu"], [1.0, True, "eu"]), "$.input_data.data[1][1]"),
        (table([None, 142.0, "eu"]), "$.input_data.data[0][0]"),
        (table([1550.0, 142.0]), "$.input_data.data[0]"),
        (table([142.0, "eu"], columns=["power", "origin"]), "$.input_data.columns"),
        ([{"weight": 1.0, "origin": 3}], "$[0].origin"),
        ({"input_data": [{"origin": "eu"}]}, "$.input_data[0].weight"),
        (b'{"input_data": {"columns": ["weight"], "data": [[NaN]]}}', "$"),
        (b'{"input_data": {"columns": ["weight", "origin"], "data": [[1e999, "eu"]]}}', "$.input_data.data[0][0]"),
        (b"{", "$"),
        (b"[" * 100_000, "$"),
        (table(), "$.input_data.data"),
    ],
)
def test_faults_are_refused_by_their_path(open_house: House, body: object, path: str) -> None:
    """Each fault of a payload is a 400 that says where it stands, while a sound request passes."""
    assert open_house.score(GOOD).status == 200
    refused = open_house.score(body)
    assert (refused.status, refused.body["error"]["path"]) == (400, path)


def test_too_many_rows_are_refused(open_house: House) -> None:
    """1,000 rows pass where 1,000 are allowed, one more is a 413."""
    row = [1550.0, 142.0, "eu"]
    assert open_house.score(table(*[row] * 1000)).status == 200
    assert open_house.score(table(*[row] * 1001)).status == 413


def test_model_that_raises_spoils_no_neighbour(open_house: House) -> None:
    """Of requests that queue into one batch the one whose row raises gets 424, the others their answers."""
    slow = threading.Thread(target=open_house.score, args=(acts("sleep0.7"),), kwargs={"endpoint": "awkward"})
    answers: dict[str, Any] = {}
    asking = [
        threading.Thread(
            target=lambda name=name: answers.update({name: open_house.score(acts(name), endpoint="awkward")})
        )
        for name in ("a", "raise", "ccc")
    ]
    slow.start()
    for thread in asking:
        thread.start()
    for thread in (slow, *asking):
        thread.join()
    assert {name: answered.status for name, answered in answers.items()} == {"a": 200, "raise": 424, "ccc": 200}
    assert [answers["a"].body, answers["ccc"].body] == [[1.0], [3.0]]
    assert "no such car" in answers["raise"].body["error"]["message"]


def test_number_that_is_none_is_null(open_house: House) -> None:
    """A prediction of NaN arrives as null: the answer stays JSON."""
    assert open_house.score(acts("nan", "bb"), endpoint="awkward").body == [None, 2.0]


def test_deadline_ends_a_request(open_house: House) -> None:
    """A prediction of five seconds against a deadline of three is a 504; the worker answers the next request."""
    assert open_house.score(acts("sleep5"), endpoint="awkward").status == 504
    await_true(lambda: open_house.score(acts("a"), endpoint="awkward").status == 200, "the worker answers again")


def test_overload_is_shed(open_house: House) -> None:
    """Of twelve requests at once, where four may be in flight, some get 429 and the rest their answers."""
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(open_house.score(acts("sleep0.2"), endpoint="awkward").status)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 429}
    assert open_house.score(acts("a"), endpoint="awkward").status == 200


def test_worker_that_cannot_load_says_why(open_house: House) -> None:
    """A model that imports what is not there is `failed` with that reason; its endpoint answers 503."""
    await_true(lambda: open_house.worker("unloadable-1").get("state") == "failed", "the worker has failed")
    assert "no_such_package" in open_house.worker("unloadable-1")["last_error"]
    answered = open_house.score(GOOD, endpoint="down")
    assert (answered.status, answered.headers["retry-after"]) == (503, "1")


def test_counts_are_written(open_house: House) -> None:
    """The counts that the server reads rise with what was answered."""

    def good() -> int:
        rows = open_house.read("stats").get("deployments", [])
        return sum(row["statuses"].get("200", 0) for row in rows if row["endpoint"] == "fuel")

    await_true(lambda: good() > 0, "counts are there")
    before = good()
    for _ in range(5):
        open_house.score(GOOD)
    await_true(lambda: good() >= before + 5, "five more are counted")
