"""Online deployments: create, update, delete, list, show, read the log; each is brought to ready by the clock."""

import logging
from dataclasses import replace
from io import SEEK_END
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage, find_stage
from bucle.core.online_deployment import Asked
from bucle.ops import deploying, passing
from bucle.ops.authority import authorise
from bucle.ops.endpoint import deployment_document, find_endpoint
from bucle.ops.world import Call, World
from bucle.release import releases
from bucle.release.releases import Release
from bucle.serving import deployments, endpoints
from bucle.serving.deployments import Deployment, Settings
from bucle.serving.endpoints import Endpoint
from bucle.spec.release import Release as ReleaseWords
from bucle.store.events import Event
from bucle.store.records import Transaction

LOG = logging.getLogger("bucle.deployment")
Outcome = Literal["ready", "failed"]
MOST_LINES = 5000
MOST_LOG_BYTES = 1 << 20


def create(world: World, call: Call, stage: str, asked: Asked) -> dict[str, Any]:
    """Put a registered model behind an endpoint, with no traffic; it is ready once its worker answers.

    One of that name that failed is replaced, its environment built again where that had failed.
    """
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "endpoints/deploy", stage)
        place = find_stage(transaction.rows, stage)
        endpoint = find_endpoint(transaction.rows, stage, asked.endpoint)
        release = _release(world, transaction, call, place, asked)
        made = _made(world, transaction, call, endpoint, release, asked)
        known = deployments.find(transaction.rows, endpoint, asked.name)
        if known is not None and known.state == "failed":
            deployments.remove(transaction, endpoint, known)
        answer = _add(world, transaction, call, endpoint, release, made)
    deploying.publish(world)
    return answer


def update(world: World, call: Call, stage: str, asked: Asked) -> dict[str, Any]:
    """Change a deployment: limits under the same worker at any time, model and variables only without traffic."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "endpoints/deploy", stage)
        place = find_stage(transaction.rows, stage)
        endpoint, found = _find(transaction.rows, stage, asked.endpoint, asked.name)
        release = _release(world, transaction, call, place, asked)
        made = _made(world, transaction, call, endpoint, release, asked)
        same = (found.release_digest, found.settings.variables) == (made.release_digest, made.settings.variables)
        if same and found.state != "failed":
            changed = deployments.adjust(transaction, found, asked.document, made.settings)
            transaction.record(call.event(stage, "endpoints/adjust", _subject(endpoint, changed)))
            answer = transaction.answers(deployment_document(world, transaction.rows, endpoint, changed))
        else:
            share = endpoint.traffic.get(found.name, 0)
            if share:
                raise errors.Conflict("deployment.serves", name=found.name, percent=share / 10)
            deployments.remove(transaction, endpoint, found)
            answer = _add(world, transaction, call, endpoint, release, made)
    deploying.publish(world)
    return answer


def delete(world: World, call: Call, stage: str, endpoint_name: str, name: str) -> dict[str, Any]:
    """Remove a deployment that gets no traffic; its worker answers what it has begun, and stops."""
    with world.write(call) as transaction:
        authorise(world, transaction.rows, call, "endpoints/delete", stage)
        endpoint, found = _find(transaction.rows, stage, endpoint_name, name)
        deployments.remove(transaction, endpoint, found)
        before = {"release": found.release_digest}
        transaction.record(call.event(stage, "endpoints/undeploy", _subject(endpoint, found), before=before))
        answer = transaction.answers({"name": name, "endpoint_name": endpoint_name, "deleted": True})
    deploying.publish(world)
    return answer


def listed(world: World, call: Call, stage: str, endpoint_name: str) -> list[dict[str, Any]]:
    """Return the deployments of an endpoint, oldest first."""
    with world.read() as rows:
        authorise(world, rows, call, "endpoints/read", stage)
        endpoint = find_endpoint(rows, stage, endpoint_name)
        return [deployment_document(world, rows, endpoint, one) for one in deployments.of_endpoint(rows, endpoint)]


def show(world: World, call: Call, stage: str, endpoint_name: str, name: str) -> dict[str, Any]:
    """Return a deployment: how it stands and why, what it answers, uses and costs."""
    with world.read() as rows:
        authorise(world, rows, call, "endpoints/read", stage)
        endpoint, found = _find(rows, stage, endpoint_name, name)
        return deployment_document(world, rows, endpoint, found)


def log(world: World, call: Call, stage: str, endpoint_name: str, name: str, *, lines: int) -> str:
    """Return the last lines that a deployment's worker wrote; the reason of its failure where it wrote none."""
    with world.read() as rows:
        authorise(world, rows, call, "endpoints/read", stage)
        _, found = _find(rows, stage, endpoint_name, name)
    worker = world.routes.workers().get(found.id)
    told = found.reason or ""
    if worker is not None:
        told = _end_of(worker.log) or worker.tail or told
    return "\n".join(told.splitlines()[-lines:])


def advance(world: World) -> None:
    """Bring every deployment that is not ready one step on; a fault of one keeps none of the others from its turn."""
    with world.read() as rows:
        waiting = [
            (endpoints.of_id(rows, one.endpoint_id), one)
            for one in deployments.in_states(rows, ("building", "starting"))
        ]
    for endpoint, found in waiting:
        try:
            _advance(world, endpoint, found)
        except errors.BucleError as fault:
            LOG.warning("deployment %s of %s: %s", found.name, endpoint.name, fault)


def _end_of(log: Path) -> str:
    """Return the end of a worker's log; empty where its incarnation is over and another has not begun."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, SEEK_END) - MOST_LOG_BYTES))
            return stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _advance(world: World, endpoint: Endpoint, found: Deployment) -> None:
    if found.state == "building":
        _build(world, endpoint, found)
        return
    worker = world.routes.workers().get(found.id)
    if deploying.answers(world, found):
        _mark(world, endpoint, found, "ready", None)
    elif worker is not None and worker.state == "failed":
        _mark(world, endpoint, found, "failed", worker.last_error or "its worker did not start")


def _build(world: World, endpoint: Endpoint, found: Deployment) -> None:
    """Have the environment of a deployment built, and let it have its worker when it is."""
    with world.records.write(world.clock()) as transaction:
        stage = find_stage(transaction.rows, endpoint.stage)
        release = releases.of_digest(transaction.rows, found.release_digest)
        assert release is not None, "a release is never deleted"
        state = deploying.environment_state(world, transaction.rows, stage, release, since=found.created_at)
        if state == "built":
            deployments.admit(transaction, found)
        elif state == "missing":
            deploying.build_environment(world, transaction, stage, release, by=found.made_by)
        elif state == "failed":
            job = deploying.newest_build(transaction.rows, stage, release)
            assert job is not None, "it has failed"
            reason = f"its environment could not be built: see the job {job.name}"
            deployments.mark(transaction, found, "failed", reason)
            transaction.record(_event(endpoint, found, "failed", reason))
    if state == "built":
        deploying.publish(world)
    elif state == "missing":
        world.wake()


def _mark(world: World, endpoint: Endpoint, found: Deployment, state: Outcome, reason: str | None) -> None:
    with world.records.write(world.clock()) as transaction:
        if deployments.find(transaction.rows, endpoint, found.name) == found:
            deployments.mark(transaction, found, state, reason)
            transaction.record(_event(endpoint, found, state, reason))


def _release(world: World, transaction: Transaction, call: Call, stage: Stage, asked: Asked) -> Release:
    """Return the release that is asked for; a promotion's deployment is called by its alias, so that name is kept."""
    release = passing.find_release(world, transaction, call, stage, (asked.model, asked.version, asked.name))
    named = releases.of_alias(transaction.rows, asked.name)
    if named is not None and named.id != release.id:
        raise errors.Conflict("deployment.name_taken", name=asked.name)
    return release


def _made(
    world: World, transaction: Transaction, call: Call, endpoint: Endpoint, release: Release, asked: Asked
) -> Deployment:
    words = ReleaseWords.model_validate(release.manifest["release"])
    default = Settings()
    return Deployment(
        id=world.new_id(),
        endpoint_id=endpoint.id,
        name=asked.name,
        release_digest=release.digest,
        model_digest=release.manifest["model"]["digest"],
        environment=release.manifest["environment"]["ask"],
        document=asked.document,
        pass_through=tuple(words.pass_through),
        event_time=words.event_time,
        settings=Settings(
            most_in_flight=asked.most_in_flight or default.most_in_flight,
            timeout_ms=asked.timeout_ms or default.timeout_ms,
            collect=asked.collect,
            variables=asked.variables,
        ),
        state="building",
        reason=None,
        made_by=call.principal.name,
        created_at=transaction.now,
    )


def _add(
    world: World, transaction: Transaction, call: Call, endpoint: Endpoint, release: Release, made: Deployment
) -> dict[str, Any]:
    """Write a deployment, its model laid out; where its environment stands already, its worker starts at once."""
    stage = find_stage(transaction.rows, endpoint.stage)
    deploying.place_model(world, stage, release)
    if deploying.environment_state(world, transaction.rows, stage, release) == "built":
        made = replace(made, state="starting")
    deployments.add(transaction, endpoint, made)
    after = {"release": release.digest, "alias": release.alias}
    transaction.record(call.event(endpoint.stage, "endpoints/deploy", _subject(endpoint, made), after=after))
    return transaction.answers(deployment_document(world, transaction.rows, endpoint, made))


def _find(rows: sa.Connection, stage: str, endpoint_name: str, name: str) -> tuple[Endpoint, Deployment]:
    endpoint = find_endpoint(rows, stage, endpoint_name)
    found = deployments.find(rows, endpoint, name)
    if found is None:
        raise errors.NotFound("deployment.none", endpoint=endpoint_name, name=name)
    return endpoint, found


def _subject(endpoint: Endpoint, found: Deployment) -> str:
    return f"endpoints/{endpoint.name}/deployments/{found.name}"


def _event(endpoint: Endpoint, found: Deployment, state: Outcome, reason: str | None) -> Event:
    return Event(
        chain=endpoint.stage,
        who="platform",
        via="clock",
        what=f"endpoints/{state}",
        subject=_subject(endpoint, found),
        after=None if reason is None else {"reason": reason},
    )
