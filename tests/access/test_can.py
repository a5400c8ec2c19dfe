"""What somebody may do: the answers of `can` and `why-denied`, and the matrix of a stage."""

from typing import Any

from tests.access.conftest import House

DEV = ("DataScientist", "/stages/dev")


def _ask(house: House, what: str, credential: str, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return house.done("GET", f"/{what}?{asked}", credential)


def test_can_says_by_which_role(house: House) -> None:
    """A yes names the role and where it is held."""
    house.person("ana", DEV)
    found = _ask(house, "can", house.admin, principal="ana", action="jobs/submit", scope="/stages/dev")
    assert found["allowed"] is True
    assert found["by"] == {"role": "DataScientist", "scope": "/stages/dev", "expires_at": None}


def test_data_is_asked_at_the_class_that_lies_there(house: House) -> None:
    """Without a class the question is about the stage's usual one; a higher one is refused."""
    house.person("ana", DEV)
    query = {"principal": "ana", "action": "data/read", "scope": "/stages/dev"}
    usual = _ask(house, "can", house.admin, **query)
    assert (usual["class"], usual["allowed"]) == ("non-production", True)
    above = _ask(house, "can", house.admin, **query, **{"class": "production"})
    assert (above["allowed"], above["why"]) == (False, "above_tier")


def test_why_denied_names_the_nearest_and_the_way_out(house: House) -> None:
    """A refusal tells which binding fell short, which roles would do, and who grants them."""
    session = house.person("ana", DEV, ("Reader", "/stages/prod"))
    found = _ask(house, "can:why-denied", session, action="endpoints/deploy", scope="/stages/prod")
    assert (found["allowed"], found["why"]) == (False, "elsewhere")
    assert found["nearest"] == {"role": "DataScientist", "scope": "/stages/dev", "expires_at": None}
    assert found["roles"] == ["MLEngineer", "CIReleaser", "EmergencyOperator"]
    assert found["granters"] == ["admin"]


def test_why_denied_of_another_tells_what_he_may_not_know(house: House) -> None:
    """Whoever reads assignments learns of a stage that the principal does not see; the principal himself does not."""
    session = house.person("ana", DEV)
    query = {"action": "promotions/approve", "scope": "/stages/prod"}
    told = _ask(house, "can:why-denied", house.admin, principal="ana", **query)
    assert (told["why"], told["roles"]) == ("not_in_role", ["Approver"])
    own = _ask(house, "can:why-denied", session, **query)
    assert (own["why"], own["nearest"], own["roles"], own["granters"]) == ("not_found", None, [], [])


def test_own_question_by_name_needs_no_right(house: House) -> None:
    """Naming oneself is asking about oneself."""
    session = house.person("ana", DEV)
    found = _ask(house, "can", session, principal="ana", action="jobs/read", scope="/stages/dev")
    assert found["allowed"] is True


def test_token_is_asked_about_what_it_lets_through(house: House) -> None:
    """Who asks with a narrowed token hears of the token, not of its owner."""
    session = house.person("ana", DEV)
    windows = [{"scope": "/stages/dev", "actions": ["jobs/read"]}]
    token = house.done("POST", "/tokens", session, {"windows": windows})["token"]
    query = {"action": "jobs/submit", "scope": "/stages/dev"}
    assert _ask(house, "can", session, **query)["allowed"] is True
    assert _ask(house, "can", token, **query)["why"] == "outside_token"


def test_unknown_action_is_a_bad_question(house: House) -> None:
    """A misspelt action is said to be one, and is not a no."""
    answer = house.ask("GET", "/can?action=jobs/sumbit&scope=/stages/dev", house.admin)
    assert (answer.status_code, answer.json()["code"]) == (400, "can.unknown_action")


def test_matrix_shows_the_separation_of_duties(house: House) -> None:
    """In prod the engineer deploys and executes, the approver approves, the reader looks; of data only one reads."""
    house.person("eng", ("MLEngineer", "/stages/prod"))
    house.person("app", ("Approver", "/stages/prod"))
    house.person("rea", ("Reader", "/stages/prod"))
    house.person("ana", DEV)
    found = house.done("GET", "/stages/prod/can", house.admin)
    cells = {row["principal"]: row["cells"] for row in found["rows"]}
    columns = ("look", "deploy", "approve", "execute", "read-data", "grant")
    told = {name: [cells[name][column] for column in columns] for name in ("eng", "app", "rea")}
    assert told == {
        "eng": ["yes", "yes", "no", "yes", "production", "no"],
        "app": ["yes", "no", "yes", "no", "no", "no"],
        "rea": ["yes", "no", "no", "no", "no", "no"],
    }
    assert "ana" not in cells
