"""Models: package what a job made, register it with its release in one transaction, show, list, share."""

import json
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import find_stage
from bucle.assets import datastores, versions
from bucle.assets.versions import Version
from bucle.core.ids import next_version
from bucle.core.job_plan import JobPlan, Mount, StepPlan, SystemJob, command_of_tool
from bucle.core.release import columns_of
from bucle.execution import jobs
from bucle.ops.authority import authorise
from bucle.ops.job import find_job
from bucle.ops.model_source import Source, find_source
from bucle.ops.world import Call, World
from bucle.release import releases
from bucle.release.releases import Packaging
from bucle.store.instants import to_text
from bucle.store.records import Transaction

PACKAGING_TIMEOUT_S = 600.0


def create(world: World, call: Call, stage: str, job: str, *, name: str | None, version: str | None) -> dict[str, Any]:
    """Begin to package the model that a completed job made; the version stands when its packaging is done.

    The model is loaded in a clean process of its own environment, predicts its example, and is evaluated there.
    """
    with world.write(call) as transaction:
        rows = transaction.rows
        authorise(world, rows, call, "models/register", stage)
        authorise(world, rows, call, "jobs/read", stage)
        place = find_stage(rows, stage)
        found = find_job(rows, stage, job)
        source = find_source(world, rows, place, found)
        name = name or source.words.name
        taken = {*versions.versions_of(rows, stage, "model", name), *releases.packaged_versions(rows, stage, name)}
        taken |= {*releases.versions_of(rows, name)}
        version = version or next_version(taken)
        if version in taken:
            raise errors.Conflict("model.exists", name=name, version=version, stage=stage)
        plan = _packaging_job(world, rows, stage, f"package-{name}-{version}", source)
        jobs.submit(transaction, plan, world.new_id, by=call.principal.id, by_name=call.principal.name)
        started = Packaging(
            id=world.new_id(),
            stage=stage,
            name=name,
            version=version,
            state="running",
            reason=None,
            ground=source.document(),
            job=plan.name,
            principal_id=call.principal.id,
            principal_name=call.principal.name,
            created_at=transaction.now,
        )
        releases.add_packaging(transaction, started)
        transaction.record(call.event(stage, "models/package", f"model/{name}:{version}", after={"job": job}))
        answer = transaction.answers(_packaging_document(started))
    world.wake()
    return answer


def show(world: World, call: Call, stage: str, name: str, version: str) -> dict[str, Any]:
    """Return a model version with its release, or how far its packaging is."""
    with world.read() as rows:
        authorise(world, rows, call, "models/read", stage)
        found = versions.wanted(rows, stage, "model", name, version)
        if found is None:
            packaging = releases.find_packaging(rows, stage, name, version)
            if packaging is None:
                raise errors.NotFound("model.not_found", name=f"{name}:{version}", stage=stage)
            return _packaging_document(packaging)
        release = releases.of_version(rows, stage, name, found.version)
        return {**document_of(found), "release": None if release is None else _release_document(release)}


def lineage(world: World, call: Call, stage: str, name: str, version: str) -> dict[str, Any]:
    """Return the way of a model version back to its job, commit, environment, data and people."""
    with world.read() as rows:
        authorise(world, rows, call, "models/read", stage)
        found = versions.wanted(rows, stage, "model", name, version)
        release = None if found is None else releases.of_version(rows, stage, name, found.version)
        if found is None or release is None:
            raise errors.NotFound("model.not_found", name=f"{name}:{version}", stage=stage)
    manifest = release.manifest
    return {
        "model": f"{found.name}:{found.version}",
        "digest": found.digest,
        "release": release.alias,
        "job": manifest["job"],
        "code": manifest["code"],
        "environment": manifest["environment"],
        "data": manifest["data"],
        "registered_by": found.made_by,
    }


def listed(
    world: World, call: Call, stage: str, *, name: str | None, limit: int, after: tuple[Any, ...] | None
) -> tuple[list[dict[str, Any]], tuple[Any, ...] | None]:
    """Return a page of model versions, newest first."""
    with world.read() as rows:
        authorise(world, rows, call, "models/read", stage)
        found = versions.page(rows, stage, "model", limit=limit + 1, after=after, name=name)
    shown = found[:limit]
    return [document_of(one) for one in shown], versions.page_key(shown[-1]) if len(found) > limit else None


def share(world: World, call: Call, stage: str, name: str, version: str, registry: str) -> dict[str, Any]:
    """Share a model version to a registry: both ends are authorised, its bytes copied on this side. Idempotent."""
    with world.write(call) as transaction:
        rows = transaction.rows
        authorise(world, rows, call, "models/share", stage)
        found = versions.wanted(rows, stage, "model", name, version)
        if found is None:
            raise errors.NotFound("model.not_found", name=f"{name}:{version}", stage=stage)
        if registry not in world.policy.snapshot(rows).registries:
            raise errors.NotFound("registry.not_found", registry=registry)
        return transaction.answers(document_of(share_version(world, transaction, call, found, registry)))


def share_version(world: World, transaction: Transaction, call: Call, found: Version, registry: str) -> Version:
    """Copy a version of a stage to a registry, bytes included; return it as it stands there. Idempotent."""
    scope, stage = f"registries/{registry}", found.scope
    known = versions.find(transaction.rows, scope, "model", found.name, found.version)
    if known is not None:
        return known
    copy_model(world, find_stage(transaction.rows, stage).workspace, f"registry-{registry}", found.digest)
    shared = Version(
        id=world.new_id(),
        scope=scope,
        kind="model",
        name=found.name,
        version=found.version,
        type=found.type,
        digest=found.digest,
        data_class=found.data_class,
        size=found.size,
        document=found.document,
        made_by=found.made_by,
        created_at=world.clock(),
    )
    versions.add(transaction, shared)
    subject = f"model/{found.name}:{found.version}"
    transaction.record(call.event(stage, "models/share", subject, after={"to": registry}))
    return shared


def copy_model(world: World, source: str, target: str, digest: str) -> None:
    """Copy a model's manifest and files from one workspace to another."""
    for row in json.loads(world.objects.read(source, digest)):
        world.objects.copy(source, target, row[3])
    world.objects.copy(source, target, digest)


def document_of(version: Version) -> dict[str, Any]:
    """Return a model version as people see it."""
    return {
        "name": version.name,
        "version": version.version,
        "type": version.type,
        "digest": version.digest,
        "class": version.data_class,
        "size": version.size,
        "state": "done",
        **version.document,
        "scope": version.scope,
        "created_by": version.made_by,
        "created_at": to_text(version.created_at),
    }


def _release_document(release: releases.Release) -> dict[str, Any]:
    return {
        "alias": release.alias,
        "digest": release.digest,
        "manifest": release.manifest,
        "evaluation": release.evaluation,
        "created_at": to_text(release.created_at),
    }


def _packaging_document(packaging: Packaging) -> dict[str, Any]:
    return {
        "name": packaging.name,
        "version": packaging.version,
        "state": packaging.state,
        "reason": packaging.reason,
        "job": packaging.job,
        "stage": packaging.stage,
    }


def _packaging_job(world: World, rows: sa.Connection, stage: str, name: str, source: Source) -> JobPlan:
    """Return the system job of one step that looks at the model."""
    store = datastores.find(rows, stage, datastores.DEFAULT)
    out = Mount(name="evidence", path=f"{store.root}/jobs/{name}/package/evidence", form="folder")
    order = {
        "task": "package",
        "model": source.model.path,
        "example": source.example and source.example.path,
        "evaluation": source.evaluation.path,
        "training": source.training and source.training.path,
        "source": source.words.evaluation,
        "target": source.words.target,
        "columns": list(columns_of(source.words)),
        "tolerance": source.words.tolerance,
        "out": out.path,
    }
    tool = world.tools.package_model
    mounts = [one for one in (source.model, source.example, source.evaluation, source.training) if one is not None]
    step = StepPlan(
        name="package",
        kind="system",
        command=command_of_tool(tool, order),
        environment=source.environment,
        inputs=tuple(mounts),
        outputs=(out,),
        timeout_s=PACKAGING_TIMEOUT_S,
        tools=(tool,),
    )
    asked = SystemJob(
        stage=stage,
        name=name,
        display_name=f"package the model of {source.job}",
        experiment="packaging",
        document=order,
        data_class=source.data_class,
    )
    return asked.plan(step)
