"""Retraining brought on its way: an incident, the labelled data, the release's own job again, the same gates."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage, find_stage, list_paths
from bucle.core.retraining import answers, cooled_down, rebound, windows_of
from bucle.execution import jobs
from bucle.monitoring import findings
from bucle.monitoring.findings import Incident, Retraining, RetrainingState
from bucle.ops import comparing
from bucle.ops import job as job_verbs
from bucle.ops import model as model_verbs
from bucle.ops import promotion as promotion_verbs
from bucle.ops.comparing import Pair
from bucle.ops.labelled_data import make_labelled, served_in
from bucle.ops.monitor_agent import monitor_agent
from bucle.ops.retraining_cause import Cause, due_causes, of_incident, policy_of
from bucle.ops.world import World
from bucle.release import promotions, releases
from bucle.release.releases import Release
from bucle.spec.command_job import CommandJob
from bucle.spec.loading import load_body
from bucle.spec.pipeline_job import PipelineJob

LOG = logging.getLogger("bucle.retraining")
LEAST_ROWS = 20


def advance(world: World) -> None:
    """Begin what open incidents and schedules ask for, and bring every retraining one step on."""
    with world.read() as rows:
        opened = _open_incidents(rows)
        ticks = due_causes(rows, world.clock())
        active = findings.active_retrainings(rows)
    for incident in opened:
        _guarded(f"incident {incident.id}", partial(_begin, world, of_incident(incident)))
    for cause in ticks:
        _guarded(f"schedule of {cause.endpoint}", partial(_begin_at_tick, world, cause))
    for one in active:
        _guarded(f"retraining {one.id}", partial(_step, world, one))


def _guarded(what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except errors.BucleError as fault:
        LOG.warning("%s: %s", what, fault)


def _open_incidents(rows: sa.Connection) -> list[Incident]:
    """Return the open incidents that a retraining policy answers, where none is under way and the cooldown is over."""
    busy = {(one.stage, one.endpoint) for one in findings.active_retrainings(rows)}
    found = []
    for incident in findings.open_incidents(rows):
        policy = policy_of(_release(rows, incident.stage, incident.endpoint))
        if policy is None or (incident.stage, incident.endpoint) in busy:
            continue
        last = findings.retrainings(rows, incident.stage, incident.endpoint)
        done = [one.holdout_end_at for one in last if one.state != "failed"]
        if (
            incident.document["verdict"] == "alert"
            and answers(policy, incident.document["monitor"], incident.signal)
            and cooled_down(policy, max(done, default=None), incident.window_end_at)
            and not any(one.document.get("incident") == incident.id for one in last)
        ):
            found.append(incident)
    return found


def _begin(world: World, cause: Cause) -> None:
    """Make the labelled data and submit the release's own job on it, as the stage's service principal."""
    with world.records.write(world.clock()) as transaction:
        rows = transaction.rows
        release = _release(rows, cause.stage, cause.endpoint)
        policy = policy_of(release)
        assert policy is not None, "the cause was chosen by its policy"
        call = monitor_agent(world, rows, cause.stage)
        windows = windows_of(policy, cause.newest)
        wanted = {"labelled": windows.training, "holdout": windows.holdout}
        made = {
            name: make_labelled(world, transaction, call, served_in(rows, cause.stage, release, window, name))
            for name, window in wanted.items()
        }
        training, holdout = made["labelled"], made["holdout"]
        least = policy.minimum_rows or LEAST_ROWS
        if training.document["rows"] < least:
            raise errors.BadRequest("retrain.no_rows", count=training.document["rows"], least=least)
        begun = Retraining(
            id=world.new_id(),
            stage=cause.stage,
            endpoint=cause.endpoint,
            state="training",
            reason=None,
            why=cause.why,
            window=windows.training,
            holdout_end_at=windows.holdout.end,
            document={
                **cause.document,
                "champion": release.alias,
                "training_data": f"{training.name}:{training.version}",
                "training_rows": training.document["rows"],
                "holdout": f"{holdout.name}:{holdout.version}",
                "holdout_rows": holdout.document["rows"],
            },
            created_at=transaction.now,
        )
        findings.add_retraining(transaction, begun)
        if "incident" in cause.document:
            findings.close_incident(transaction, cause.document["incident"], f"retraining {begun.id}")
        transaction.record(
            call.event(cause.stage, "retrain/begin", f"endpoints/{cause.endpoint}", after=begun.document)
        )


def _begin_at_tick(world: World, cause: Cause) -> None:
    """Begin what a schedule asks for; a tick that cannot begin is recorded as failed, and the next one tries again."""
    try:
        _begin(world, cause)
    except errors.BucleError as fault:
        with world.records.write(world.clock()) as transaction:
            failed = Retraining(
                id=world.new_id(),
                stage=cause.stage,
                endpoint=cause.endpoint,
                state="failed",
                reason=str(fault),
                why=cause.why,
                window=cause.newest,
                holdout_end_at=cause.newest.end,
                document=cause.document,
                created_at=transaction.now,
            )
            findings.add_retraining(transaction, failed)
        raise


def _step(world: World, found: Retraining) -> None:
    match found.state:
        case "training":
            _train(world, found)
        case "packaging":
            _await_model(world, found)
        case "comparing":
            _await_comparison(world, found)
        case "promoting":
            _promote(world, found)
        case _:
            return


def _train(world: World, found: Retraining) -> None:
    """Submit the job, or see whether it has ended and package what it made."""
    with world.read() as rows:
        release = _champion(rows, found)
        stage = find_stage(rows, found.stage)
        call = monitor_agent(world, rows, found.stage)
        name = found.document.get("job")
        job = None if name is None else jobs.find(rows, found.stage, name)
        original = jobs.find(rows, release.stage, release.manifest["job"]["name"])
    if job is None:
        assert original is not None, "a release's job is never deleted"
        policy = policy_of(release)
        assert policy is not None, "the retraining was begun by it"
        _bring_code(world, release, stage)
        references = {
            "window": f"azureml:{found.document['training_data']}",
            "newest": f"azureml:{found.document['holdout']}",
        }
        document = rebound(original.document, policy.bind, references)
        loaded = load_body({**document, "name": f"retrain-{release.name}-{found.id[-12:]}"}, "job")
        assert isinstance(loaded.value, CommandJob | PipelineJob), "it ran before"
        made = job_verbs.create(world, call, found.stage, loaded.value, loaded.document)
        _move(world, found, "training", job=made["name"])
    elif job.ended_at is not None:
        if job.state != "completed":
            _fail(world, found, f"the job {job.name} ended as {job.state}")
            return
        begun = model_verbs.create(world, call, found.stage, job.name, name=None, version=None)
        _move(world, found, "packaging", model=f"{begun['name']}:{begun['version']}")


def _await_model(world: World, found: Retraining) -> None:
    name, _, version = found.document["model"].partition(":")
    with world.read() as rows:
        packaging = releases.find_packaging(rows, found.stage, name, version)
    assert packaging is not None, "it was begun by this retraining"
    if packaging.state == "failed":
        _fail(world, found, f"packaging: {packaging.reason}")
    elif packaging.state == "done":
        with world.records.write(world.clock()) as transaction:
            call = monitor_agent(world, transaction.rows, found.stage)
            named = found.document["model"].replace(":", "-")
            pair = _pair(transaction.rows, found)
            job = comparing.submit(world, transaction, call, pair, found.document["holdout"], named=named)
            findings.move_retraining(transaction, found, "comparing", comparison=job)
        world.wake()


def _await_comparison(world: World, found: Retraining) -> None:
    with world.read() as rows:
        if not comparing.has_ended(rows, found.stage, found.document["comparison"]):
            return
        pair = _pair(rows, found)
    try:
        with world.records.write(world.clock()) as transaction:
            compared = comparing.keep(transaction, pair, found.document["comparison"], found.document["holdout"])
            findings.move_retraining(transaction, found, "promoting", gain=compared.gain, bound=compared.bound)
    except errors.BadRequest as fault:
        _fail(world, found, str(fault))


def _promote(world: World, found: Retraining) -> None:
    """Request the candidate's promotion into each stage up to this one; a stage's people decide, as for any other."""
    with world.read() as rows:
        candidate = _candidate(rows, found)
        made = promotions.of_release(rows, candidate.id)
        call = monitor_agent(world, rows, found.stage)
        path = next(stages for stages in list_paths(rows).values() if found.stage in stages)
    ended = [one for one in made if one.ended_at is not None]
    if any(one.ended_at is None for one in made):
        return
    if ended and ended[-1].state != "completed":
        _fail(world, found, f"promotion {ended[-1].name}: {ended[-1].state}: {ended[-1].reason}")
        return
    reached = path.index(ended[-1].stage) if ended else 0
    if path[reached] == found.stage:
        _move(world, found, "done")
        return
    begun = promotion_verbs.request(world, call, candidate.alias, path[reached + 1])
    _move(world, found, "promoting", promotion=begun["name"])


def _bring_code(world: World, release: Release, stage: Stage) -> None:
    """Copy the release's code snapshot to the stage's workspace; its environment stands there since it was promoted."""
    digests = {release.manifest["code"]["digest"]}
    with world.read() as rows:
        born = find_stage(rows, release.stage)
        original = jobs.find(rows, release.stage, release.manifest["job"]["name"])
        if original is not None:
            digests |= {one.plan["code"] for one in jobs.steps_of(rows, original.id) if one.plan["code"]}
    if born.workspace != stage.workspace:
        for digest in digests:
            model_verbs.copy_model(world, born.workspace, stage.workspace, digest)


def _release(rows: sa.Connection, stage: str, endpoint: str) -> Release:
    served = promotions.serving(rows, stage, endpoint)
    assert served is not None, "an incident is opened for what serves"
    return releases.of_id(rows, served.release_id)


def _champion(rows: sa.Connection, found: Retraining) -> Release:
    release = releases.of_alias(rows, found.document["champion"])
    assert release is not None, "a release is never deleted"
    return release


def _candidate(rows: sa.Connection, found: Retraining) -> Release:
    name, _, version = found.document["model"].partition(":")
    release = releases.of_version(rows, found.stage, name, version)
    assert release is not None, "its packaging is done"
    return release


def _pair(rows: sa.Connection, found: Retraining) -> Pair:
    return Pair(stage=found.stage, champion=_champion(rows, found), candidate=_candidate(rows, found))


def _move(world: World, found: Retraining, state: RetrainingState, **more: Any) -> None:
    with world.records.write(world.clock()) as transaction:
        findings.move_retraining(transaction, found, state, **more)


def _fail(world: World, found: Retraining, reason: str) -> None:
    with world.records.write(world.clock()) as transaction:
        if findings.move_retraining(transaction, found, "failed", reason=reason):
            with world.read() as rows:
                call = monitor_agent(world, rows, found.stage)
            subject = f"endpoints/{found.endpoint}"
            transaction.record(call.event(found.stage, "retrain/failed", subject, after={"reason": reason}))
