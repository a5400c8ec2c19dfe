"""Promotions: the list, the page of one with its gates and plan, and the forms by which a person says yes or no."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Form
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from bucle import errors
from bucle.ops import approval, promotion, stage
from bucle.ops.approval import Word
from bucle.ops.whoami import whoami
from bucle.ops.world import Call, World
from bucle.store.instants import to_text
from bucle.studio.door import PREFIX, SIGNED_IN, Asked, Door, Posted, Visit, Visited, note_refusal

DOOR = Door()
Line = Annotated[str, Form(max_length=2000)]
SHORT: Mapping[str, str] = {
    "Share": "registry",
    "Compare": "comparison",
    "JudgeEntry": "entry gate",
    "AwaitApproval": "approval",
    "Deploy": "deploy at 0 %",
    "JudgeStanding": "standing gate",
    "Record": "ledger",
}
AT: Mapping[str, str] = {
    "comparing": "Compare",
    "awaiting approval": "AwaitApproval",
    "rejected": "AwaitApproval",
    "awaiting execution": "Deploy",
    "deploying": "Deploy",
    "testing": "JudgeStanding",
}
"""The step that a promotion in this state is at, where the state alone tells."""


@DOOR.page("GET", "/promotions", permission=SIGNED_IN)
def listed(visit: Visited) -> Response:
    """Show the newest promotions of every stage that the reader may see."""
    found = _listed(visit.world, visit.call)
    now = to_text(visit.world.clock())
    return visit.render("promotions.html", twin=f"{PREFIX}/promotions.json", promotions=found, now=now)


@DOOR.page("GET", "/promotions.json", permission=SIGNED_IN)
def listed_twin(asked: Asked) -> dict[str, Any]:
    """Return the same as data."""
    return {"value": _listed(*asked)}


@DOOR.page("GET", "/promotions/{name}.json", permission="promotions/read")
def twin(asked: Asked, name: str) -> dict[str, Any]:
    """Return a promotion as data: what its page shows."""
    return _document(*asked, name)


@DOOR.page("GET", "/promotions/{name}", permission="promotions/read")
def show(visit: Visited, name: str) -> Response:
    """Show a promotion."""
    return _page(visit, name)


@DOOR.page("POST", "/promotions/{name}:approve", permission="promotions/approve")
def approve(
    visit: Posted,
    name: str,
    acknowledge: Annotated[list[str], Form(default_factory=list)],
    alias: Line = "",
    comment: Line = "",
) -> Response:
    """Say yes, over the digests that the page showed."""
    word = Word(
        verdict="approved",
        acknowledged=tuple(acknowledge),
        typed_alias=alias.strip() or None,
        comment=comment.strip() or None,
    )
    return _say(visit, name, word)


@DOOR.page("POST", "/promotions/{name}:reject", permission="promotions/approve")
def reject(visit: Posted, name: str, comment: Line = "") -> Response:
    """Say no; the promotion ends."""
    return _say(visit, name, Word(verdict="rejected", comment=comment.strip() or None))


def steps_of(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the plan's steps, each `done`, `now`, `stopped` or `next`, with what is to be said of it now."""
    steps = document["plan"]["steps"]
    at = _place(document)
    stopped = document["state"] in {"refused", "rejected", "returned", "canceled"}
    shifts = iter(document["rollout"]["shifts"])
    told = []
    for place, step in enumerate(steps):
        here = "stopped" if stopped else "now"
        state = "done" if place < at else here if place == at else "next"
        note = ""
        if step["step"] == "ShiftTraffic":
            shift = next(shifts)
            label = f"{shift['percent']} %"
            note = f"{shift['requests']} requests" if shift["requests"] else ""
        else:
            label = SHORT[step["step"]]
        if place == at:
            note = document["state"] if stopped else document["rollout"].get("note") or document["state"]
        told.append({"label": label, "state": state, "note": note, "explained": step["explained"]})
    return told


def _place(document: Mapping[str, Any]) -> int:
    """Return the place in the plan that a promotion is at; behind the last one where it is complete."""
    kinds: list[str] = [step["step"] for step in document["plan"]["steps"]]
    state: str = document["state"]
    shift: int = max(0, document["rollout"]["at"])
    if state == "completed":
        return len(kinds)
    if state in AT and AT[state] in kinds:
        return kinds.index(AT[state])
    if state in {"rolling", "returned"} or document["rollout"]["at"] >= 0:
        return kinds.index("ShiftTraffic") + shift
    if document["standing_gate"] is not None:
        return kinds.index("JudgeStanding")
    if document["approvals"] and state in {"refused", "canceled"}:
        return kinds.index("Deploy")
    return kinds.index("JudgeEntry")


def _listed(world: World, call: Call) -> list[dict[str, Any]]:
    found = []
    for one in stage.listed(world, call):
        try:
            found += promotion.listed(world, call, one["name"])
        except (errors.Refused, errors.NotFound):
            continue  # he sees the stage, not what is promoted into it
    return sorted(found, key=lambda one: str(one["created_at"]), reverse=True)


def _document(world: World, call: Call, name: str) -> dict[str, Any]:
    document = promotion.show(world, call, name)
    mine = [one for one in promotion.inbox(world, call) if one["name"] == name]
    return {**document, "you_may": mine[0]["you_may"] if mine else []}


def _page(visit: Visit, name: str, *, typed: Word | None = None, refusal: errors.BucleError | None = None) -> Response:
    document = _document(visit.world, visit.call, name)
    return visit.render(
        "promotion.html",
        status=200 if refusal is None else refusal.http_status,
        twin=f"{PREFIX}/promotions/{quote(name)}.json",
        promotion=document,
        steps=steps_of(document),
        doubts=[check for check in document["entry_gate"] if check["verdict"] == "inconclusive"],
        governance=whoami(visit.world, visit.call)["governance"],
        now=to_text(visit.world.clock()),
        typed=typed or Word(verdict="approved"),
        refusal=refusal,
    )


def _say(visit: Visit, name: str, word: Word) -> Response:
    """Say it and show the promotion as it is then; where it is refused, the same page says why, the form as typed."""
    try:
        approval.say(visit.world, visit.call, name, word)
    except errors.NotFound:
        raise
    except errors.BucleError as error:
        note_refusal(visit.request, error)
        return _page(visit, name, typed=word, refusal=error)
    return RedirectResponse(f"{PREFIX}/promotions/{quote(name)}", 303)
