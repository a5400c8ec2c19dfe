"""Custom roles, groups and expiring bindings as YAML: what they give, to whom, until when, and who may change them."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.access.conftest import PASSWORD, House
from tests.platform.conftest import TEAM, Applying, texts

DOCS = Path(__file__).parents[2] / "docs" / "access.md"
WATCHER = {"name": "Watcher", "actions": ["jobs/read", "jobs/logs/read"], "places": ["dev", "prod"]}
ROOM = {"name": "room", "members": ["scientist"]}
ADA = {"name": "ada", "kind": "person"}
FAR = "2099-12-31"


def held(principal: str, role: str, scope: str = "/stages/dev", **more: str) -> dict[str, str]:
    """Return a binding as a file says it."""
    return {"principal": principal, "role": role, "scope": scope, **more}


def file(*bindings: dict[str, str], **parts: Any) -> dict[str, Any]:
    """Return the team's file with further bindings, roles and groups."""
    return {**TEAM, "bindings": [*TEAM["bindings"], *bindings], **parts}


def may(house: House, who: str, action: str, stage: str = "dev") -> bool:
    """Say whether somebody may do an action in a stage, as the administrator is told."""
    asked = f"/can?action={action}&scope=/stages/{stage}&principal={who}"
    return bool(house.done("GET", asked, house.admin)["allowed"])


def admin(house: House) -> str:
    """Give the platform another AccessAdmin, who holds nothing else; return his session."""
    return house.person("ada", ("AccessAdmin", "/"))


def test_the_example_of_the_docs(applying: Applying) -> None:
    """The file in docs/access.md is applied; the second time nothing changes."""
    example = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)[0])
    example["bindings"] = [
        {**one, "expires": str(one["expires"])} if "expires" in one else one for one in example["bindings"]
    ]
    assert applying.done(example)["left"] == 0
    assert applying.done(example)["summary"] == "0 changes"
    assert may(applying.house, "ben", "jobs/logs/read")
    assert not may(applying.house, "ben", "jobs/logs/read", "prod")
    assert may(applying.house, "ana", "promotions/execute", "prod")


def test_a_custom_role_gives_what_it_lists(applying: Applying) -> None:
    """Its actions and nothing else, at the places where it may be held; it is listed beside the built-in ones."""
    applying.done(file(held("keeper", "Watcher"), roles=[WATCHER]))
    house = applying.house
    assert may(house, "keeper", "jobs/read")
    assert not may(house, "keeper", "models/read")
    code = applying.refused(file(held("keeper", "Watcher", "/"), roles=[WATCHER]))
    assert code == (403, "access.tier")
    listed = {role["name"]: role for role in house.done("GET", "/roles", house.admin)["value"]}
    assert (len(listed), listed["Watcher"]["built_in"], listed["Reader"]["built_in"]) == (14, False, True)


def test_a_changed_role_counts_at_once(applying: Applying) -> None:
    """The plan names the actions that come and go; the holder has the new ones and no longer the old ones."""
    applying.done(file(held("keeper", "Watcher"), roles=[WATCHER]))
    changed = file(held("keeper", "Watcher"), roles=[{**WATCHER, "actions": ["jobs/read", "models/read"]}])
    assert texts(applying.plan(changed))[0].endswith("(+models/read, -jobs/logs/read)")
    assert (may(applying.house, "keeper", "models/read"), may(applying.house, "keeper", "jobs/logs/read")) == (
        False,
        True,
    )
    applying.done(changed)
    assert (may(applying.house, "keeper", "models/read"), may(applying.house, "keeper", "jobs/logs/read")) == (
        True,
        False,
    )


def test_a_role_holds_no_more_than_its_maker(applying: Applying) -> None:
    """An AccessAdmin defines a role that reads; one that writes rows, which he may not, is left to others."""
    applying.done(TEAM)
    ada = admin(applying.house)
    writer = {**WATCHER, "name": "Writer", "actions": ["data/write"], "ceiling": "non-production"}
    assert applying.done(file(roles=[WATCHER]), ada)["left"] == 0
    left = applying.done(file(roles=[WATCHER, writer]), ada)["steps"]
    assert [(step["done"], step["code"]) for step in left] == [(False, "access.more_than_maker")]


def test_roles_that_cannot_be(applying: Applying) -> None:
    """A built-in name, an unknown action, duties that stay apart; a good role passes before."""
    applying.done(file(roles=[WATCHER]))
    for wrong, code in (
        ({"name": "Reader"}, "access.role_name"),
        ({"actions": ["jobs/everything"]}, "access.unknown_action"),
        ({"actions": ["promotions/approve", "promotions/execute"]}, "access.undivided"),
        ({"actions": ["principals/write", "data/read"]}, "access.undivided"),
    ):
        assert applying.refused(file(roles=[{**WATCHER, **wrong}])) == (403, code)


def test_nobody_changes_a_role_that_he_holds(applying: Applying) -> None:
    """As long as others hold it he may; once he holds it himself he may not."""
    applying.done(file(held("keeper", "Watcher"), roles=[WATCHER]))
    house = applying.house
    zoe, ada = house.person("zoe"), admin(house)
    wider = file(roles=[{**WATCHER, "actions": ["jobs/read", "costs/read"]}])
    assert applying.done(wider, ada)["left"] == 0
    house.done("POST", "/bindings", ada, held("zoe", "AccessAdmin", "/"))
    house.done("POST", "/bindings", zoe, held("ada", "Watcher"))
    steps = applying.done(file(roles=[WATCHER]), ada)["steps"]
    assert [step["code"] for step in steps] == ["access.own_role"]


def test_members_hold_what_their_group_holds(applying: Applying) -> None:
    """Before he joins he may not, in the group he may, out of it he may not again; the others never lost anything."""
    house = applying.house
    granted = file(held("room", "Approver", "/stages/prod"), groups=[{"name": "room", "members": []}])
    applying.done(granted)
    assert not may(house, "scientist", "promotions/approve", "prod")
    applying.done({**granted, "groups": [ROOM]})
    assert applying.done({**granted, "groups": [ROOM]})["summary"] == "0 changes"
    assert may(house, "scientist", "promotions/approve", "prod")
    assert house.done("GET", "/principals/scientist", house.admin)["groups"] == ["room"]
    assert house.done("GET", "/principals/room", house.admin)["members"] == ["scientist"]
    assert texts(applying.done(granted, prune="true")) == ["- scientist in group room"]
    assert not may(house, "scientist", "promotions/approve", "prod")


def test_nobody_puts_himself_into_a_group(applying: Applying) -> None:
    """Nor his own service; somebody else he may."""
    applying.done(file(held("room", "Reader"), groups=[{"name": "room", "members": []}]))
    house = applying.house
    house.person("ada")
    house.service("bot", "ada")
    house.grant("ada", ("AccessAdmin", "/"))
    ada = str(house.login("ada").json()["session"])
    people = [
        *TEAM["principals"],
        ADA,
        {"name": "bot", "kind": "service", "owner": "ada"},
    ]
    for name, code in (("scientist", None), ("ada", "access.own_grant"), ("bot", "access.own_grant")):
        wanted = file(held("room", "Reader"), principals=people, groups=[{"name": "room", "members": [name]}])
        assert [step["code"] for step in applying.done(wanted, ada)["steps"]] == [code]


def test_nobody_takes_a_service_that_holds_roles(applying: Applying) -> None:
    """Another may become its owner; he who applies the file may not: it would be a grant to himself."""
    applying.done(TEAM)
    house = applying.house
    ada = admin(house)
    for owner, code in (("keeper", None), ("ada", "access.own_grant")):
        robot = {"name": "robot", "kind": "service", "owner": owner}
        people = [robot, ADA, *(one for one in TEAM["principals"] if one["name"] != "robot")]
        assert [step["code"] for step in applying.done(file(principals=people), ada)["steps"]] == [code]


def test_a_service_gets_no_role_for_people_through_a_group(applying: Applying) -> None:
    """Approver is for people: a group with a service in it cannot hold it, whichever comes first."""
    approving = held("room", "Approver", "/stages/prod")
    applying.done(file(approving, groups=[ROOM]))
    mixed = [{"name": "room", "members": ["scientist", "robot"]}]
    assert applying.refused(file(approving, groups=mixed)) == (403, "access.holder")
    applying.done(file(groups=[{"name": "hall", "members": ["robot"]}]))
    code = applying.house.ask(
        "POST", "/bindings", applying.house.admin, held("hall", "Approver", "/stages/prod")
    ).json()["code"]
    assert code == "access.holder"


def test_a_binding_ends_by_itself(applying: Applying) -> None:
    """Until its end it counts; from then on it gives nothing, is shown as expired, and why-denied says since when."""
    house = applying.house
    day = file(held("keeper", "Reader", "/stages/dev", expires=str(house.clock().date())))
    applying.done(day)
    assert may(house, "keeper", "jobs/read")
    house.clock.forward(hours=24)
    assert not may(house, "keeper", "jobs/read")
    assert applying.plan(day)["summary"] == "0 changes"
    asked = "/can:why-denied?action=jobs/read&scope=/stages/dev&principal=keeper"
    told = house.done("GET", asked, house.admin)
    assert (told["why"], told["nearest"]["role"]) == ("expired", "Reader")
    assert "Reader at /stages/dev expired on" in told["detail"]
    listed = house.done("GET", "/bindings?principal=keeper", house.admin)["value"]
    assert {one["role"]: one["expired"] for one in listed} == {"Reader": True, "DataEngineer": False}


def test_an_expiry_is_changed_in_place(applying: Applying) -> None:
    """A later end is one step, and one past is refused; without an end the binding stays for good."""
    applying.done(file(held("keeper", "Reader", expires="2098-12-31")))
    later = applying.done(file(held("keeper", "Reader", expires=FAR)))
    assert (later["summary"], len(later["steps"])) == ("0 created, 1 changed, 0 destroyed", 1)
    steps = applying.done(file(held("keeper", "Reader", expires="2001-01-01")))["steps"]
    assert [step["code"] for step in steps] == ["access.already_expired"]
    applying.done(file(held("keeper", "Reader")))
    listed = applying.house.done("GET", "/bindings?principal=keeper&scope=/stages/dev", applying.house.admin)["value"]
    assert [one["expires_at"] for one in listed] == [None]


def test_a_wrong_expiry_or_group_is_told_by_its_place(applying: Applying) -> None:
    """The file's own faults name the field."""
    for wrong, word in (
        (file(held("keeper", "Reader", expires="tomorrow")), "expires"),
        (file(groups=[{"name": "room", "members": ["nobody"]}]), "groups[0].members[0]"),
        (file(groups=[{"name": "keeper"}]), "declared 2 times"),
        (file(roles=[WATCHER, WATCHER]), "declared 2 times"),
    ):
        answer = applying.ask(wrong)
        assert answer.status_code == 400
        assert word in answer.json()["detail"]


def test_a_group_of_the_disabled_gives_nothing(applying: Applying) -> None:
    """A group that is disabled gives its members nothing from the next decision on; nobody signs in as a group."""
    house = applying.house
    applying.done(file(held("room", "Reader", "/stages/prod"), groups=[ROOM]))
    assert may(house, "scientist", "jobs/read", "prod")
    house.done("POST", "/principals/room:disable", house.admin, {})
    assert not may(house, "scientist", "jobs/read", "prod")
    assert house.ask("POST", "/principals/room:invite", house.admin, {}).status_code in {400, 409}
    assert house.login("room", PASSWORD).status_code == 401
