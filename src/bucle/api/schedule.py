"""Operations on schedules."""

from typing import Annotated, Any

from fastapi import Body

from bucle import errors
from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops import schedule
from bucle.spec.loading import load_body
from bucle.spec.monitor import Monitor
from bucle.spec.schedule import Schedule

DOOR = Door()
PATH = "/stages/{stage}/schedules"


@DOOR.operation("POST", PATH, name="schedule.create", permission="schedules/write", status=201)
def create(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Make a schedule; the body is the YAML document as JSON, files in their places."""
    loaded = load_body(body, "schedule")
    if not isinstance(loaded.value, Schedule):
        raise errors.BadRequest("schedule.monitor" if isinstance(loaded.value, Monitor) else "schedule.absent")
    return schedule.create(world, call, stage, loaded.value, loaded.document)


@DOOR.operation("GET", PATH, name="schedule.list", permission="schedules/read")
def listed(world: TheWorld, call: Called, stage: str, page: AskedPage) -> dict[str, Any]:
    """List schedules by name."""
    after = str(page.after[0]) if page.after else None
    rows, last = schedule.listed(world, call, stage, limit=page.limit, after=after)
    return page_of(world, rows, last)


@DOOR.operation("GET", PATH + "/{name}", name="schedule.show", permission="schedules/read")
def show(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Show a schedule with its newest firings."""
    return schedule.show(world, call, stage, name)


@DOOR.operation("POST", PATH + "/{name}:enable", name="schedule.enable", permission="schedules/write")
def enable(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Let a schedule fire from its next tick on."""
    return schedule.switch(world, call, stage, name, enabled=True)


@DOOR.operation("POST", PATH + "/{name}:disable", name="schedule.disable", permission="schedules/write")
def disable(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Keep a schedule from firing."""
    return schedule.switch(world, call, stage, name, enabled=False)


@DOOR.operation("POST", PATH + "/{name}:trigger", name="schedule.trigger", permission="schedules/write")
def trigger(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Submit a schedule's job now."""
    return schedule.trigger(world, call, stage, name)


@DOOR.operation("DELETE", PATH + "/{name}", name="schedule.delete", permission="schedules/write")
def delete(world: TheWorld, call: Called, stage: str, name: str) -> dict[str, Any]:
    """Remove a schedule."""
    return schedule.delete(world, call, stage, name)
