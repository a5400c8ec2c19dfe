"""Approving and rejecting on the page: who may, whose form it must be, and what a refusal says."""

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st

from bucle.access import policy
from bucle.store.tables.access import policy as policy_table
from bucle.studio.promotion import steps_of
from tests.access.conftest import House
from tests.studio.conftest import browser
from tests.studio.seed import DOUBT, SECOND, WAITING, Story, Team, tell

PAGE = f"/studio/promotions/{WAITING}"


def _state(house: House) -> str:
    return str(browser(house, "approver").get(f"{PAGE}.json").json()["state"])


def _spoken(house: House) -> list[str]:
    found = browser(house, "approver").get(f"{PAGE}.json").json()
    return [one["verdict"] for one in found["approvals"]]


def test_approval_is_signed_over_digests(story: House) -> None:
    """Yes with the doubtful check taken on: 303 to the page, which shows who said it over which digests."""
    seat = browser(story, "approver")
    answer = seat.say(WAITING, "approve", acknowledge=[DOUBT], comment="Watched.")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    twin = seat.get(f"{PAGE}.json").json()
    (given,) = twin["approvals"]
    assert (given["by"], given["verdict"], given["acknowledged"]) == ("approver", "approved", [DOUBT])
    page = seat.get(PAGE).text
    for digest in ("release_digest", "plan_digest"):
        assert given[digest] == twin[digest]
        assert f'title="{given[digest]}"' in page
    assert "Your decision" not in page


def test_rejection_ends_it(story: House) -> None:
    """No, with its reason: the promotion has ended, and the step where it stopped says so."""
    seat = browser(story, "approver")
    assert _state(story) == "awaiting approval"
    assert seat.say(WAITING, "reject", comment="Not before Monday.").status_code == 303
    assert _state(story) == "rejected"
    page = seat.get(PAGE).text
    assert "rejected by approver: Not before Monday." in page
    assert "✕ rejected" in page


def test_a_doubt_must_be_taken_on(story: House) -> None:
    """Without the box of the inconclusive check the page says which; with it the same form goes through."""
    seat = browser(story, "approver")
    refused = seat.say(WAITING, "approve", comment="In haste.")
    assert refused.status_code == 400
    assert f"has inconclusive checks that an approver must take on: {DOUBT}." in refused.text
    assert 'value="In haste."' in refused.text
    assert _spoken(story) == []
    assert seat.say(WAITING, "approve", acknowledge=[DOUBT]).status_code == 303


@pytest.mark.parametrize("name", ["ml-engineer", "auditor"])
def test_wrong_role_is_refused_on_the_page(story: House, name: str) -> None:
    """Who does not hold promotions/approve is told so in a sentence, and that is an event; an approver is not."""
    seat = browser(story, name)
    assert "Your decision" not in seat.get(PAGE).text
    refused = seat.say(WAITING, "approve", acknowledge=[DOUBT])
    assert refused.status_code == 403
    assert "Promotions/approve at /stages/prod is refused" in refused.text
    denied = [line for line in story.lines() if line["what"] == "denied"]
    assert [(line["who"], line["via"], line["subject"]) for line in denied] == [
        (name, "studio", f"POST {PAGE}:approve")
    ]
    assert browser(story, "approver").say(WAITING, "approve", acknowledge=[DOUBT]).status_code == 303


def test_requester_cannot_approve_his_own(story: House) -> None:
    """With the role too, whoever asked for it is told that another must, before he tries and when he does."""
    story.grant("ml-engineer", ("Approver", "/stages/prod"))
    seat = browser(story, "ml-engineer")
    assert "You asked for this promotion: another person must approve it." in seat.get(PAGE).text
    refused = seat.say(WAITING, "approve", acknowledge=[DOUBT])
    assert (refused.status_code, "asked for this promotion and cannot approve it" in refused.text) == (403, True)
    assert browser(story, "approver").say(WAITING, "approve", acknowledge=[DOUBT]).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:8761"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1", "sec-fetch-site": "cross-site"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_forged_origin_is_refused(story: House, verb: str, headers: dict[str, str]) -> None:
    """A form of another origin decides nothing, though it has the cookie and even the right token."""
    seat = browser(story, "approver")
    token = seat.token(PAGE)
    refused = seat.post(f"{PAGE}:{verb}", headers, acknowledge=DOUBT, form_token=token)
    assert refused.status_code == 403
    assert "This form was sent from another site, and nothing was done." in refused.text
    assert _spoken(story) == []
    assert seat.post(f"{PAGE}:{verb}", acknowledge=DOUBT, form_token=token).status_code == 303


def test_form_token_is_of_the_session(story: House) -> None:
    """No token, another person's and an earlier session's decide nothing; that of the page does."""
    seat, earlier, other = (browser(story, name) for name in ("approver", "approver", "auditor"))
    for forged in ("", "0" * 64, "é", other.token(PAGE), earlier.token(PAGE)):
        refused = seat.post(f"{PAGE}:approve", form_token=forged, acknowledge=DOUBT)
        assert (refused.status_code, "is not of your session" in refused.text) == (403, True)
    assert _spoken(story) == []
    assert seat.post(f"{PAGE}:approve", form_token=seat.token(PAGE), acknowledge=DOUBT).status_code == 303


def test_nobody_decides_without_a_session(story: House) -> None:
    """Without the cookie a form leads to the sign-in page, with a bearer token of the approver too."""
    seat = browser(story, "approver")
    fields = {"acknowledge": DOUBT, "form_token": seat.token(PAGE)}
    for more in ({}, {"authorization": f"Bearer {seat.session}"}):
        headers = {"origin": "http://127.0.0.1", **more}
        answer: Response = story.api.post(f"{PAGE}:approve", data=fields, headers=headers, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/studio/sign-in")
    assert _spoken(story) == []
    assert seat.post(f"{PAGE}:approve", **fields).status_code == 303


def test_reading_decides_nothing(story: House) -> None:
    """The addresses of the forms answer to POST only."""
    seat = browser(story, "approver")
    for verb in ("approve", "reject"):
        assert seat.get(f"{PAGE}:{verb}").status_code in {404, 405}
    assert (_state(story), _spoken(story)) == ("awaiting approval", [])
    assert seat.say(WAITING, "approve", acknowledge=[DOUBT]).status_code == 303


def test_solo_types_the_alias(house: House) -> None:
    """Under governance solo the one person types the alias; another word is refused in a sentence."""
    with house.world.records.write(house.clock()) as transaction:
        transaction.rows.execute(policy_table.update().values(governance="solo"))
        policy.touch(transaction)
    alone = Team(author="admin", requester="admin", approver="admin")
    tell(Story(world=house.world, team=alone, now=house.clock()))
    code = house.done("POST", "/principals/admin:invite", house.admin)["code"]
    house.done("POST", "/sign-in:redeem", body={"code": code, "password": "correct horse battery"})
    seat = browser(house, "admin")
    refused = seat.say(WAITING, "approve", acknowledge=[DOUBT], alias="quiet-heron")
    assert (refused.status_code, f"Give {SECOND} where you approve." in refused.text) == (403, True)
    assert "governance solo" in seat.get("/studio/loop").text
    assert seat.say(WAITING, "approve", acknowledge=[DOUBT], alias=SECOND).status_code == 303


KINDS = ("JudgeEntry", "AwaitApproval", "Deploy", "JudgeStanding", "ShiftTraffic", "ShiftTraffic", "Record")


def _document(state: str, *, at: int = -1, standing: bool = False, approved: bool = False) -> dict[str, object]:
    return {
        "state": state,
        "plan": {"steps": [{"step": kind, "explained": kind} for kind in KINDS]},
        "rollout": {"at": at, "shifts": [{"percent": 50, "requests": 10}, {"percent": 100, "requests": 0}]},
        "standing_gate": [] if standing else None,
        "approvals": [{}] if approved else [],
    }


@pytest.mark.parametrize(
    ("document", "place", "marked"),
    [
        (_document("refused"), 0, "stopped"),
        (_document("awaiting approval"), 1, "now"),
        (_document("rejected", approved=True), 1, "stopped"),
        (_document("awaiting execution", approved=True), 2, "now"),
        (_document("deploying", approved=True), 2, "now"),
        (_document("refused", approved=True), 2, "stopped"),
        (_document("testing", approved=True), 3, "now"),
        (_document("refused", approved=True, standing=True), 3, "stopped"),
        (_document("rolling", at=0, approved=True, standing=True), 4, "now"),
        (_document("returned", at=1, approved=True, standing=True), 5, "stopped"),
    ],
)
def test_steps_say_where_a_promotion_is(document: dict[str, object], place: int, marked: str) -> None:
    """Behind each state of a promotion stands one step of its plan; those before it are done."""
    states = [step["state"] for step in steps_of(document)]
    assert states == ["done"] * place + [marked] + ["next"] * (len(KINDS) - place - 1)


def test_completed_has_no_step_left() -> None:
    """At the end every step is done."""
    assert {step["state"] for step in steps_of(_document("completed", at=1))} == {"done"}


@given(st.sampled_from(["deploying", "rolling", "canceled", "refused"]), st.integers(-1, 1), st.booleans())
def test_steps_are_marked_once(state: str, at: int, standing: bool) -> None:  # noqa: FBT001
    """Whatever has happened, at most one step is the one that matters now."""
    marks = [step["state"] for step in steps_of(_document(state, at=at, standing=standing))]
    assert len([mark for mark in marks if mark in {"now", "stopped"}]) == 1
