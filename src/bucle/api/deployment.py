"""Operations on online deployments."""

from typing import Annotated, Any

from fastapi import Body, Query, Response

from bucle.api.door import Called, Door, TheWorld
from bucle.core.online_deployment import Asked, read_deployment
from bucle.ops import deployment
from bucle.spec.loading import load_body
from bucle.spec.online_deployment import OnlineDeployment

DOOR = Door()
PATH = "/stages/{stage}/online-endpoints/{endpoint}/deployments"


@DOOR.operation("POST", PATH, name="online_deployment.create", permission="endpoints/deploy", status=201)
def create(
    world: TheWorld, call: Called, stage: str, endpoint: str, body: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """Put a registered model behind an endpoint; the body is the YAML document as JSON."""
    return deployment.create(world, call, stage, _asked({**body, "endpoint_name": endpoint}))


@DOOR.operation("POST", PATH + "/{name}:update", name="online_deployment.update", permission="endpoints/deploy")
def update(
    world: TheWorld, call: Called, stage: str, endpoint: str, name: str, body: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """Replace a deployment by what the document says."""
    return deployment.update(world, call, stage, _asked({**body, "name": name, "endpoint_name": endpoint}))


@DOOR.operation("DELETE", PATH + "/{name}", name="online_deployment.delete", permission="endpoints/delete")
def delete(world: TheWorld, call: Called, stage: str, endpoint: str, name: str) -> dict[str, Any]:
    """Remove a deployment that gets no traffic."""
    return deployment.delete(world, call, stage, endpoint, name)


@DOOR.operation("GET", PATH, name="online_deployment.list", permission="endpoints/read")
def listed(world: TheWorld, call: Called, stage: str, endpoint: str) -> dict[str, Any]:
    """List the deployments of an endpoint, oldest first."""
    return {"value": deployment.listed(world, call, stage, endpoint), "next_page_token": None}


@DOOR.operation("GET", PATH + "/{name}", name="online_deployment.show", permission="endpoints/read")
def show(world: TheWorld, call: Called, stage: str, endpoint: str, name: str) -> dict[str, Any]:
    """Show a deployment."""
    return deployment.show(world, call, stage, endpoint, name)


@DOOR.operation("GET", PATH + "/{name}/log", name="online_deployment.get_logs", permission="endpoints/read")
def log(
    world: TheWorld,
    call: Called,
    stage: str,
    endpoint: str,
    name: str,
    lines: Annotated[int, Query(ge=1, le=deployment.MOST_LINES)] = 50,
) -> Response:
    """Return the last lines of a deployment's worker."""
    return Response(deployment.log(world, call, stage, endpoint, name, lines=lines), media_type="text/plain")


def _asked(body: dict[str, Any]) -> Asked:
    loaded = load_body(body, "online_deployment")
    assert isinstance(loaded.value, OnlineDeployment), "the kind was given"
    return read_deployment(loaded.value, loaded.document)
