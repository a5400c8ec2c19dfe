"""Packagings brought to their end: a model version and its release are born together, or the reason why not is kept."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bucle import errors
from bucle.access.stages import find_stage
from bucle.assets import versions
from bucle.assets.versions import Version
from bucle.core.evaluation import Evaluation, Rows, evaluate
from bucle.core.ids import release_alias
from bucle.core.release import DataUsed, Made, Policies, manifest_of, release_digest
from bucle.execution import jobs
from bucle.execution.jobs import Job
from bucle.ops.files import keep_folder
from bucle.ops.signing import signed_release
from bucle.ops.world import World
from bucle.release import releases
from bucle.release.releases import Packaging, Release
from bucle.spec.digest import digest_of
from bucle.spec.release import Release as ReleaseWords
from bucle.store.events import Event
from bucle.store.records import Transaction

RANDOM_OF_AN_ALIAS = 2


def advance(world: World) -> None:
    """Bring every packaging whose job has ended to its end."""
    with world.read() as rows:
        waiting = [(one, jobs.find(rows, one.stage, one.job)) for one in releases.running_packagings(rows)]
    for packaging, job in waiting:
        if job is not None and job.ended_at is not None:
            _end(world, packaging, job)


def _end(world: World, packaging: Packaging, job: Job) -> None:
    if job.state != "completed":
        _fail(world, packaging, _why(world, job))
        return
    try:
        evidence = _evidence(world, job)
        evaluation = _evaluation(packaging, evidence["evaluation"])
        with world.read() as rows:
            workspace = find_stage(rows, packaging.stage).workspace
        digest = keep_folder(world, workspace, Path(packaging.ground["model"]["path"]))
    except (errors.BucleError, OSError, ValueError, KeyError) as fault:
        _fail(world, packaging, str(fault))
        return
    if digest != packaging.ground["model_digest"]:
        _fail(world, packaging, "the model's bytes changed after its job had ended")
        return
    with world.records.write(world.clock()) as transaction:
        if releases.end_packaging(transaction, packaging.id, "done", None):
            _bear(world, transaction, packaging, workspace, evidence, evaluation)


def _bear(
    world: World,
    transaction: Transaction,
    packaging: Packaging,
    workspace: str,
    evidence: dict[str, Any],
    evaluation: Evaluation,
) -> None:
    """Write model version and release in one transaction."""
    ground = packaging.ground
    words = ReleaseWords.model_validate(ground["words"])
    policies = Policies(release=words, monitor=ground["monitor"], retrain=ground["retrain"])
    model = {
        "name": packaging.name,
        "version": packaging.version,
        "digest": ground["model_digest"],
        "format": evidence["model"]["format"],
        "flavors": evidence["model"]["flavors"],
        "inputs": evidence["model"]["inputs"],
        "outputs": evidence["model"]["outputs"],
    }
    measured = evaluation.document()
    profile = evidence["profile"]
    manifest = manifest_of(model, _made(world, packaging), policies, digest_of(measured), digest_of(profile))
    version = Version(
        id=world.new_id(),
        scope=packaging.stage,
        kind="model",
        name=packaging.name,
        version=packaging.version,
        type="mlflow_model",
        digest=model["digest"],
        data_class=ground["data_class"],
        size=sum(row[2] for row in json.loads(world.objects.read(workspace, model["digest"]))),
        document={"job": ground["job"], "flavors": model["flavors"], "format": model["format"]},
        made_by=packaging.principal_name,
        created_at=transaction.now,
    )
    born = Release(
        id=world.new_id(),
        alias=release_alias(world.random(RANDOM_OF_AN_ALIAS), releases.aliases(transaction.rows)),
        digest=release_digest(manifest),
        stage=packaging.stage,
        name=packaging.name,
        version=packaging.version,
        workspace=workspace,
        manifest=manifest,
        evaluation=measured,
        profile=profile,
        sample=evidence["sample"],
        author_id=ground["submitted_by_id"],
        created_at=transaction.now,
    )
    versions.add(transaction, version)
    versions.connect(transaction, f"job/{ground['job']}", f"model/{version.id}", "made")
    releases.add_release(transaction, replace(born, statement=signed_release(world, born)))
    after = {"release": born.digest, "alias": born.alias, "model": version.digest}
    transaction.record(_event(packaging, "models/register", after))


def _made(world: World, packaging: Packaging) -> Made:
    ground = packaging.ground
    with world.read() as rows:
        tier = find_stage(rows, packaging.stage).tier
    built = world.environments(tier).find(ground["environment"])
    if built is None:
        raise errors.PlatformFault("environment.not_built", step="package")
    return Made(
        job=ground["job"],
        step=ground["step"],
        submitted_by=ground["submitted_by"],
        code=ground["code"],
        commit=ground["commit"],
        environment=ground["environment"],
        lock=built.lock_digest,
        data=tuple(
            DataUsed(reference=row["reference"], digest=row["digest"], data_class=ground["data_class"])
            for row in ground["data"]
        ),
        data_class=ground["data_class"],
    )


def _evidence(world: World, job: Job) -> dict[str, Any]:
    with world.read() as rows:
        (step,) = [one for one in jobs.steps_of(rows, job.id) if one.kind == "system"]
    folder = Path((step.outputs or {})["evidence"]["path"])
    return {
        name: json.loads((folder / f"{name}.json").read_bytes())
        for name in ("model", "evaluation", "profile", "sample")
    }


def _evaluation(packaging: Packaging, scored: dict[str, Any]) -> Evaluation:
    words = ReleaseWords.model_validate(packaging.ground["words"])
    if not scored["target"]:
        raise errors.BadRequest("evaluation.no_rows")
    kind = np.float64 if words.task == "regression" else np.str_
    rows = Rows(
        target=np.array(scored["target"], dtype=kind),
        prediction=np.array(scored["prediction"], dtype=kind),
        columns=scored["columns"],
    )
    return evaluate(rows, words.task)


def _why(world: World, job: Job) -> str:
    """Return the last line that the packaging step wrote, else how its job ended."""
    with world.read() as rows:
        steps = jobs.steps_of(rows, job.id)
    for step in steps:
        if step.attempt_id is not None and step.state == "failed":
            lines = world.launcher.log(step.attempt_id).decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else str(step.reason or step.why)
    return f"its job ended as {job.state}"


def _fail(world: World, packaging: Packaging, reason: str) -> None:
    with world.records.write(world.clock()) as transaction:
        if releases.end_packaging(transaction, packaging.id, "failed", reason):
            transaction.record(_event(packaging, "models/refuse", {"reason": reason}))


def _event(packaging: Packaging, what: str, after: dict[str, Any]) -> Event:
    return Event(
        chain=packaging.stage,
        who=packaging.principal_name,
        via="engine",
        what=what,
        subject=f"model/{packaging.name}:{packaging.version}",
        after=after,
    )
