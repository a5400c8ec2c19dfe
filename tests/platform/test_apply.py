"""The platform as a file: applied twice, grown by a line, pruned; each step under its own permission."""

from pathlib import Path
from typing import Any

import pytest

from bucle.ops.places import places_of
from tests.platform.conftest import PEOPLE, TEAM, TWO, Applying, texts

THREE = {"dev": {"tier": "dev"}, "staging": {"tier": "preprod"}, "prod": {"tier": "prod"}}
GROWN = {**TEAM, "stages": THREE, "paths": {"main": ["dev", "staging", "prod"]}}


def _with(**parts: Any) -> dict[str, Any]:
    return {**TEAM, **parts}


def _store(**fields: Any) -> dict[str, Any]:
    return _with(datastores=[{"name": "extra", "stage": "dev", "type": "folder", **fields}])


def test_second_apply_changes_nothing(applying: Applying) -> None:
    """Requirement 29: the same file again is `0 changes`, and writes no event."""
    first = applying.done(TEAM)
    assert (first["left"], first["applied"]) == (0, True)
    before = applying.told("platform")
    second = applying.done(TEAM)
    assert (second["summary"], second["steps"], second["left"]) == ("0 changes", [], 0)
    assert applying.told("platform") == before


def test_plan_changes_nothing(applying: Applying) -> None:
    """A plan says what applying would do, and nothing is there afterwards."""
    planned = applying.plan(TEAM)
    assert "+ person scientist" in texts(planned)
    assert applying.house.ask("GET", "/principals/scientist", applying.house.admin).status_code == 404
    assert texts(applying.done(TEAM)) == texts(planned)


def test_inserting_a_stage_is_two_steps(applying: Applying) -> None:
    """Requirement 11: a stage between dev and prod is one line, `0 destroyed`, and can be worked in at once."""
    applying.done(TEAM)
    planned = applying.plan(GROWN)
    assert texts(planned) == ["+ stage staging", "~ path main: dev→prod becomes dev→staging→prod"]
    assert planned["summary"] == "1 created, 1 changed, 0 destroyed"
    applying.done(GROWN)
    shown = applying.house.done("GET", "/stages/staging", applying.house.admin)
    assert (shown["tier"], shown["paths"]) == ("preprod", ["main"])
    store = applying.house.world.home.datastores / "staging" / "workspaceblobstore"
    assert store.is_dir()
    assert applying.plan(GROWN)["summary"] == "0 changes"


def test_each_step_under_its_own_permission(applying: Applying) -> None:
    """An AccessAdmin alone gets people and bindings; stages and settings are left, with the role that can."""
    assert applying.plan(GROWN)["left"] == 0
    applying.house.person("inga", ("InfraEngineer", "/"))
    admin = applying.house.person("ada", ("AccessAdmin", "/"))
    answer = applying.done(GROWN, admin)
    assert "+ DataScientist for scientist at /stages/dev" in texts(answer)
    left = {step["text"]: (step["action"], step["roles"], step["who"]) for step in answer["steps"] if not step["done"]}
    assert left["+ stage staging"] == ("workspaces/write", ["InfraEngineer"], ["inga"])
    assert left["~ setting name: value bucle becomes cars"][0] == "platform/configure"
    assert answer["left"] == len(left) > 2
    assert applying.house.ask("GET", "/stages/staging", admin).status_code == 404


def test_the_rest_is_done_by_whom_it_was_left_to(applying: Applying) -> None:
    """What one may not do another may: after both have applied the file, nothing is left to either."""
    inga = applying.house.person("inga", ("InfraEngineer", "/"))
    admin = applying.house.person("ada", ("AccessAdmin", "/"))
    assert applying.done(GROWN, admin)["left"] > 0
    assert applying.done(GROWN, inga)["left"] == 0
    assert applying.done(GROWN, admin)["summary"] == "0 changes"


def test_a_binding_waits_for_its_stage(applying: Applying) -> None:
    """In a stage that the caller cannot make, a binding waits for it; with the stage there, it is granted."""
    inga = applying.house.person("inga", ("InfraEngineer", "/"))
    admin = applying.house.person("ada", ("AccessAdmin", "/"))
    binding = {"principal": "engineer", "role": "MLEngineer", "scope": "/stages/staging"}
    file = {**GROWN, "bindings": [*TEAM["bindings"], binding]}
    waiting = {step["text"]: step["code"] for step in applying.done(file, admin)["steps"] if not step["done"]}
    assert waiting["+ MLEngineer for engineer at /stages/staging"] == "platform.waits"
    applying.done(file, inga)
    assert texts(applying.done(file, admin)) == ["+ MLEngineer for engineer at /stages/staging"]


def test_who_plans_nothing_is_told_nothing(applying: Applying) -> None:
    """A data scientist is refused the plan of the platform by name of what is missing; its builder sees it."""
    applying.done(TEAM)
    scientist, builder = applying.let_in("scientist"), applying.let_in("builder")
    assert applying.ask(TEAM, builder, verb="plan").status_code == 200
    for verb in ("plan", "apply"):
        answer = applying.ask(TEAM, scientist, verb=verb)
        assert (answer.status_code, answer.json()["code"]) == (403, "access.denied.not_in_role")
        assert answer.json()["detail"].startswith("platform/configure at / is refused")


def test_a_builder_does_not_read_who_holds_what(applying: Applying) -> None:
    """What verbs made is listed as unmanaged, to each what he may read."""
    applying.done(TEAM)
    applying.house.done("POST", "/principals", applying.house.admin, {"name": "guest", "kind": "person"})
    builder = applying.let_in("builder")
    assert "person guest" in applying.plan(TEAM)["unmanaged"]
    assert applying.plan(TEAM, builder)["unmanaged"] == ["stage preprod"]


def test_solo_bindings_end_with_the_team(applying: Applying) -> None:
    """What the first run gave its administrator for working alone ends, as steps; his bootstrap roles stay."""
    planned = applying.plan(TEAM)
    assert "- MLEngineer for admin at /stages/prod" in texts(planned)
    assert "- Auditor for admin at /" in texts(planned)
    applying.done(TEAM)
    assert applying.house.done("GET", "/bindings?principal=admin", applying.house.admin)["value"] == []
    assert _may(applying, applying.house.admin, "workspaces/write", "/")
    assert not _may(applying, applying.house.admin, "promotions/approve", "/stages/prod")


def test_solo_bindings_stay_alone(applying: Applying) -> None:
    """One person who names himself keeps what he holds, and his file has nothing to destroy."""
    mine = [{"principal": "admin", "role": "Approver", "scope": "/stages/prod"}]
    file = _with(governance="solo", principals=[{"name": "admin", "kind": "person"}], bindings=mine, owners={})
    assert [text for text in texts(applying.plan(file)) if text.startswith("-")] == []


def test_first_access_admin_must_be_able_to_sign_in(applying: Applying) -> None:
    """The bootstrap administrator ends with him: before he has signed in nobody could invite anybody."""
    admin = {"principal": "keeper", "role": "AccessAdmin", "scope": "/"}
    file = _with(bindings=[*TEAM["bindings"], admin])
    (left,) = [step for step in applying.done(file)["steps"] if not step["done"]]
    assert (left["text"], left["code"]) == ("+ AccessAdmin for keeper at /", "platform.first_admin")
    session = applying.let_in("keeper")
    assert applying.done(file)["left"] == 0
    assert applying.ask(file).status_code == 403
    assert applying.done(file, session)["summary"] == "0 changes"


def test_nobody_grants_to_himself_by_file(applying: Applying) -> None:
    """A file gives its applier nothing under team: that step is left to another AccessAdmin, who does it."""
    ada, bea = (applying.house.person(name) for name in ("ada", "bea"))
    applying.house.grant("bea", ("AccessAdmin", "/"))
    applying.house.done("POST", "/bindings", bea, {"principal": "ada", "role": "AccessAdmin", "scope": "/"})
    own = {"principal": "ada", "role": "Approver", "scope": "/stages/prod"}
    people = [*TEAM["principals"], {"name": "ada", "kind": "person"}]
    file = _with(principals=people, bindings=[*TEAM["bindings"], own])
    left = {step["text"]: (step["code"], step["who"]) for step in applying.done(file, ada)["steps"] if not step["done"]}
    assert left["+ Approver for ada at /stages/prod"] == ("access.own_grant", ["bea"])
    assert "+ Approver for ada at /stages/prod" in texts(applying.done(file, bea))


def test_data_scientist_on_prod_is_refused_by_name(applying: Applying) -> None:
    """The file without the line is taken; with it, all of it is refused in the words of the access page."""
    line = {"principal": "scientist", "role": "DataScientist", "scope": "/stages/prod"}
    answer = applying.ask(_with(bindings=[*TEAM["bindings"], line]))
    assert answer.status_code == 403
    assert answer.json()["detail"] == "role DataScientist may not be assigned at /stages/prod (tier prod)"
    assert applying.house.ask("GET", "/principals/scientist", applying.house.admin).status_code == 404
    assert applying.done(TEAM)["left"] == 0


def test_prune_destroys_what_a_file_made(applying: Applying) -> None:
    """What an earlier file made and this one leaves out stays without --prune, and goes with it."""
    applying.done(GROWN)
    smaller = _with(bindings=TEAM["bindings"][:-1], principals=TEAM["principals"][1:])
    assert applying.done(smaller)["summary"] == "0 created, 1 changed, 0 destroyed"
    pruned = applying.done(smaller, prune="true")
    assert texts(pruned) == ["- MonitorAgent for robot at /stages/prod", "- service robot", "- stage staging"]
    assert applying.house.ask("GET", "/stages/staging", applying.house.admin).status_code == 404
    assert applying.house.done("GET", "/principals/robot", applying.house.admin)["active"] is False
    assert applying.house.ask("GET", "/stages/preprod", applying.house.admin).status_code == 200


def test_half_a_plan_that_breaks_a_rule_is_refused(applying: Applying) -> None:
    """A builder alone cannot move a stage to a tier where its bindings may not be; with their end it is moved."""
    applying.done(GROWN)
    bound = [{"principal": "scientist", "role": "DataScientist", "scope": "/stages/lab"}]
    lab = {**GROWN, "stages": {**THREE, "lab": {"tier": "dev"}}, "bindings": [*TEAM["bindings"], *bound]}
    applying.done(lab)
    moved = {**lab, "stages": {**THREE, "lab": {"tier": "preprod"}}, "bindings": TEAM["bindings"]}
    builder = applying.let_in("builder")
    assert applying.ask(moved, builder, prune="true").json()["code"] == "access.tier"
    assert applying.house.done("GET", "/stages/lab", builder)["tier"] == "dev"
    assert applying.done(moved, prune="true")["left"] == 0
    assert applying.house.done("GET", "/stages/lab", builder)["tier"] == "preprod"


def test_prune_spares_a_stage_with_work(applying: Applying) -> None:
    """A stage in which something was kept is not destroyed under it; an empty one is."""
    applying.done(GROWN)
    house = applying.house
    house.world.objects.put("staging", (b"kept",))
    assert applying.refused(TEAM, prune="true") == (409, "platform.stage_in_use")
    assert house.ask("GET", "/stages/staging", house.admin).status_code == 200


def test_events_lie_in_their_chains(applying: Applying) -> None:
    """The platform's chain tells of stages and people, a stage's of what is in it; an act of bootstrap is marked."""
    data = [{"name": "rows", "stage": "prod", "type": "folder"}]
    applying.done({**GROWN, "datastores": data, "stages": {**THREE, "prod": {"tier": "prod", "slots": 3}}})
    platform = applying.told("platform")
    assert "stages/create stages/staging" in platform
    assert "principals/create principals/scientist" in platform
    assert "assignments/create principals/scientist" in platform
    assert applying.told("prod") == ["stages/slots stages/prod", "datastores/create datastores/prod/rows"]
    made = next(line for line in applying.house.lines() if line["what"] == "stages/create")
    assert (made["who"], made["after"]["tier"], made["after"]["bootstrap"]) == ("admin", "preprod", True)


def test_slots_reach_the_engine(applying: Applying) -> None:
    """What may run at once in a stage is its own number, else that of its default compute."""
    stages = {"dev": {"tier": "dev", "default_compute": "box"}, "prod": {"tier": "prod", "slots": 3}}
    applying.done(_with(stages=stages, computes=[{"name": "box", "slots": 7}]))
    with applying.house.world.read() as rows:
        places = places_of(rows)
    assert (places["dev"].slots, places["prod"].slots) == (7, 3)


def test_a_team_signs_in_and_does_what_its_roles_say(applying: Applying) -> None:
    """Five people of a file come in by invitation; each may what the mission says, and no more."""
    applying.done(TEAM)
    sessions = {name: applying.let_in(name) for name in PEOPLE}
    expected = {
        "scientist": {"jobs/submit /stages/dev"},
        "engineer": {"jobs/submit /stages/prod", "data/read /stages/prod"},
        "keeper": {"jobs/submit /stages/prod", "data/read /stages/prod"},
        "builder": {"workspaces/write /"},
        "approver": {"promotions/approve /stages/prod"},
    }
    asked = sorted(set().union(*expected.values()))
    for name, session in sessions.items():
        answers = {one: _may(applying, session, *one.split()) for one in asked}
        assert {one for one, yes in answers.items() if yes} == expected[name], name


def _may(applying: Applying, session: str, action: str, scope: str) -> bool:
    return bool(applying.house.done("GET", f"/can?action={action}&scope={scope}", session)["allowed"])


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (_store(**{"class": "production"}), (403, "access.class_above_tier")),
        (_store(**{"class": "public"}), (403, "access.class_below_default")),
        (_store(path="rows"), (400, "platform.datastore_folder")),
        (_store(path="/proc/rows"), (400, "platform.datastore_folder")),
        (_store(default=True), (400, "platform.default_datastore")),
        (_with(isolation="none"), (400, "platform.not_run")),
        (
            _with(stages={**TEAM["stages"], "dev": {"tier": "dev", "workspace": "prod"}}),
            (400, "platform.workspace_taken"),
        ),
        (_with(colour="red"), (400, "spec.faults")),
    ],
)
def test_what_cannot_be_is_refused(applying: Applying, file: dict[str, Any], told: tuple[int, str]) -> None:
    """Each is refused by its own code and leaves nothing behind; the same file without it is taken."""
    assert applying.refused(file) == told
    assert applying.house.ask("GET", "/principals/scientist", applying.house.admin).status_code == 404
    assert applying.done(_store())["left"] == 0


def test_datastores_never_share_bytes(applying: Applying, tmp_path: Path) -> None:
    """A folder of one's own is taken; the state folder, another datastore's folder and what holds either are not."""
    home = applying.house.world.home.root
    applying.done(_store(path=str(tmp_path / "rows")))
    for folder in (home / "datastores/prod/workspaceblobstore", home, tmp_path, tmp_path / "rows" / "inside"):
        more = {"name": "more", "stage": "prod", "type": "folder", "path": str(folder)}
        file = _store(path=str(tmp_path / "rows"))
        assert applying.refused({**file, "datastores": [*file["datastores"], more]}) == (
            400,
            "platform.datastore_overlaps",
        )


def test_lowering_a_class_is_left_to_two_stewards(applying: Applying) -> None:
    """A steward raises a class by file alone; lowering it again is left, since it takes a second person."""
    store = {"name": "rows", "stage": "prod", "type": "folder"}
    files = {name: _with(datastores=[{**store, "class": name}]) for name in ("production", "restricted")}
    applying.done(files["production"])
    steward = applying.house.person("stella", ("DataSteward", "/stages/prod"))
    assert texts(applying.done(files["restricted"], steward)) == [
        "~ datastore prod/rows: class production becomes restricted"
    ]
    (left,) = applying.done(files["production"], steward)["steps"]
    assert (left["allowed"], left["code"], left["done"]) == (False, "access.second_person", False)


def test_a_stage_of_a_file_may_name_its_own_default(applying: Applying, tmp_path: Path) -> None:
    """Data sent to `the default datastore` of a new stage lies where the file says."""
    store = {"name": "lake", "stage": "staging", "type": "folder", "path": str(tmp_path / "lake"), "default": True}
    applying.done({**GROWN, "datastores": [store]})
    manifest: dict[str, Any] = {"files": []}
    answer = applying.house.ask(
        "POST", "/stages/staging/datastores/workspaceblobstore/files:announce", applying.house.admin, manifest
    )
    assert answer.status_code != 404, answer.text
    assert not (applying.house.world.home.datastores / "staging").exists()
    assert (tmp_path / "lake").is_dir()


def test_a_disabled_name_is_not_taken_again(applying: Applying) -> None:
    """Whoever was shut out does not come back by a file."""
    applying.done(TEAM)
    applying.house.done("POST", "/principals/scientist:disable", applying.house.admin)
    assert applying.refused(TEAM) == (409, "principal.disabled")


def test_the_same_request_again_is_answered_as_before(applying: Applying) -> None:
    """A lost answer costs nothing: the repeated request does nothing and hears what was done."""
    house = applying.house
    first = house.ask("POST", "/platform:apply", house.admin, TEAM, Idempotency_Key="one")
    again = house.ask("POST", "/platform:apply", house.admin, TEAM, Idempotency_Key="one")
    assert (first.status_code, again.json()) == (200, first.json())
    assert first.json()["summary"] != "0 changes"


def test_one_workspace_for_all_stages(applying: Applying) -> None:
    """Requirement 22: switching the layout is one change; who may do what, stage by stage, is as it was."""
    applying.done(TEAM)
    tables = [f"/stages/{name}/can" for name in TWO]
    before = [applying.house.done("GET", table, applying.house.admin) for table in tables]
    planned = applying.plan(_with(layout="single"))
    assert texts(planned) == ["~ setting layout: value separate becomes single"]

    applying.done(_with(layout="single"))

    stages = applying.house.done("GET", "/stages", applying.house.admin)["value"]
    assert {one["workspace"] for one in stages} == {"cars"}
    assert [applying.house.done("GET", table, applying.house.admin) for table in tables] == before
    assert applying.plan(_with(layout="single"))["summary"] == "0 changes"
    own = {**TWO, "dev": {"tier": "dev", "workspace": "mine"}}
    assert applying.ask(_with(layout="single", stages=own)).json()["code"] == "platform.one_workspace"
