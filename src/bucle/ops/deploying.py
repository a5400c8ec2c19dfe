"""Deploying a release behind an endpoint: its bytes and its environment in the stage, its worker, its traffic."""

import logging
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage, find_stage
from bucle.core.job import BUILD_TIMEOUT_S, BUILD_TRIES
from bucle.core.job_plan import StepPlan, SystemJob
from bucle.execution import jobs
from bucle.execution.jobs import Job
from bucle.ops.model import copy_model
from bucle.ops.signing import check_release
from bucle.ops.uploads import manifest_in
from bucle.ops.world import World
from bucle.release.releases import Release
from bucle.serving import deployments, endpoints
from bucle.serving.deployments import Deployment
from bucle.serving.endpoints import Endpoint
from bucle.serving.model_folders import lay_model
from bucle.spec.release import Release as ReleaseWords
from bucle.store.records import Transaction

LOG = logging.getLogger("bucle.serving")
APPLIED_S = 10.0
EnvironmentState = Literal["built", "building", "missing", "failed"]


def environment_state(
    world: World, rows: sa.Connection, stage: Stage, release: Release, *, since: datetime | None = None
) -> EnvironmentState:
    """Return whether the release's environment stands in a stage; what failed before `since` counts for nothing.

    Whoever asks again after a failure names the instant of his asking, and gets `missing`: it is to be built anew.
    """
    ask = release.manifest["environment"]["ask"]
    if world.environments(stage.tier).find(ask) is not None:
        return "built"
    job = newest_build(rows, stage, release)
    if job is None:
        return "missing"
    if job.ended_at is None:
        return "building"
    return "failed" if since is None or job.ended_at >= since else "missing"


def build_environment(world: World, transaction: Transaction, stage: Stage, release: Release, *, by: str) -> None:
    """Submit the build of the release's environment in a stage, from the very lock that it was trained with."""
    ask_digest = release.manifest["environment"]["ask"]
    born = find_stage(transaction.rows, release.stage)
    source, target = world.environments(born.tier), world.environments(stage.tier)
    target.announce(source.asked(ask_digest))
    if born.tier != stage.tier:
        shutil.copyfile(source.folder(ask_digest) / "lock.txt", target.folder(ask_digest) / "lock.txt")
    step = StepPlan(
        name="environment", kind="build", environment=ask_digest, timeout_s=BUILD_TIMEOUT_S, tries=BUILD_TRIES
    )
    document = {"release": release.alias, "environment": ask_digest}
    before = len([*_builds(transaction.rows, stage, release)])
    asked = SystemJob(
        stage=stage.name,
        name=_build_name(release, before + 1),
        display_name=f"the environment of {release.alias}",
        experiment="environments",
        document=document,
        data_class="public",
    )
    jobs.submit(transaction, asked.plan(step), world.new_id, by=by, by_name="platform")


def newest_build(rows: sa.Connection, stage: Stage, release: Release) -> Job | None:
    """Return the job that built a release's environment in a stage, or last tried to; None before the first."""
    return next(reversed([*_builds(rows, stage, release)]), None)


def start_deployment(
    world: World, transaction: Transaction, stage: Stage, endpoint_name: str, release: Release, *, by: str
) -> Deployment:
    """Add a release behind an endpoint with no traffic; the endpoint is made when it is not there.

    Refused when a deployment of the release's alias has another release's bytes: trying again would not help.
    """
    rows = transaction.rows
    endpoint = endpoints.find(rows, stage.name, endpoint_name)
    if endpoint is None:
        document = {"name": endpoint_name, "auth_mode": "key"}
        made = endpoints.new_endpoint(world.new_id(), stage.name, document, made_by=by, now=transaction.now)
        endpoint = endpoints.create(transaction, made)
    known = deployments.find(rows, endpoint, release.alias)
    if known is not None:
        if known.release_digest != release.digest:
            raise errors.Refused("deployment.alias_taken", name=known.name, endpoint=endpoint.name)
        return known
    place_model(world, stage, release)
    words = ReleaseWords.model_validate(release.manifest["release"])
    deployment = Deployment(
        id=world.new_id(),
        endpoint_id=endpoint.id,
        name=release.alias,
        release_digest=release.digest,
        model_digest=release.manifest["model"]["digest"],
        environment=release.manifest["environment"]["ask"],
        document={"name": release.alias, "endpoint_name": endpoint_name, "model": f"{release.name}:{release.version}"},
        pass_through=tuple(words.pass_through),
        event_time=words.event_time,
        settings=deployments.Settings(),
        state="starting",
        reason=None,
        made_by=by,
        created_at=transaction.now,
    )
    return deployments.add(transaction, endpoint, deployment)


def place_model(world: World, stage: Stage, release: Release) -> Path:
    """Copy a release's bytes to the stage's workspace and lay them out for its workers; return their folder.

    Refused when it is not what was signed.
    """
    check_release(world, release)
    digest = release.manifest["model"]["digest"]
    if release.workspace != stage.workspace:
        copy_model(world, release.workspace, stage.workspace, digest)
    files = manifest_in(world, stage.workspace, digest)
    if files is None:
        raise errors.NotFound("store.object_missing", digest=digest)
    return lay_model(world.models / stage.name, files, lambda one: world.objects.path(stage.workspace, one))


def find_deployment(rows: sa.Connection, stage: str, endpoint_name: str, name: str) -> tuple[Endpoint, Deployment]:
    """Return an endpoint and one of its deployments; NotFound otherwise."""
    endpoint = endpoints.find(rows, stage, endpoint_name)
    if endpoint is None:
        raise errors.NotFound("serving.no_such_endpoint", name=endpoint_name, stage=stage)
    found = deployments.find(rows, endpoint, name)
    if found is None:
        raise errors.NotFound("serving.no_such_deployment", deployment=name)
    return endpoint, found


def answers(world: World, found: Deployment) -> bool:
    """Say whether a deployment's worker is ready and the gateway reaches it, at this moment."""
    worker = world.routes.workers().get(found.id)
    return worker is not None and worker.state == "ready" and found.id in world.routes.linked()


def mark_ready(world: World, transaction: Transaction, found: Deployment) -> None:
    """Mark a deployment ready for traffic; Conflict when its worker does not answer now."""
    if not answers(world, found):
        worker = world.routes.workers().get(found.id)
        state = "starting" if worker is None or worker.state == "ready" else worker.state
        raise errors.Conflict("serving.not_ready", deployment=found.name, state=state)
    if found.state != "ready":
        deployments.mark(transaction, found, "ready", None)


def set_traffic(transaction: Transaction, endpoint: Endpoint, shares: Mapping[str, int]) -> Endpoint:
    """Set the traffic of an endpoint in percent; Conflict where a share goes to a deployment not marked ready."""
    return endpoints.set_traffic(transaction, endpoint, {name: percent * 10 for name, percent in shares.items()})


def publish(world: World) -> bool:
    """Write the routing table and wait until the gateway follows it; False when it does not in time.

    What is published is committed already: a table that cannot be written, for want of room, is the clock's to write.
    """
    try:
        generation = world.routes.publish()
    except errors.BucleError as fault:
        LOG.warning("the routing table was not written: %s", fault)
        return False
    return world.routes.await_applied(generation, timeout_s=APPLIED_S)


def _builds(rows: sa.Connection, stage: Stage, release: Release) -> Iterator[Job]:
    """Yield the builds of a release's environment in a stage, oldest first."""
    for number in count(1):
        found = jobs.find(rows, stage.name, _build_name(release, number))
        if found is None:
            return
        yield found


def _build_name(release: Release, number: int) -> str:
    return f"environment-{release.alias}" + (f"-{number}" if number > 1 else "")
