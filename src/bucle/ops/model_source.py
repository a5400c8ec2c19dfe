"""Where a model comes from: the job's output that holds it, the words of its release, and what it was made with."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage
from bucle.core.classes import DataClass
from bucle.core.job_plan import Mount
from bucle.core.release import commit_of
from bucle.execution import jobs
from bucle.execution.jobs import Job, StepNow
from bucle.ops.uploads import code_manifest
from bucle.ops.world import World
from bucle.spec.loading import load
from bucle.spec.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a release will stand on, found in a completed job."""

    job: str
    step: str
    submitted_by: str
    submitted_by_id: str
    words: Release
    monitor: Mapping[str, Any] | None
    retrain: Mapping[str, Any] | None
    model: Mount
    model_digest: str
    evaluation: Mount
    training: Mount | None
    example: Mount | None
    environment: str
    code: str
    commit: Mapping[str, str]
    data: tuple[Mapping[str, str], ...]
    data_class: DataClass

    def document(self) -> dict[str, Any]:
        """Return the source as plain JSON, for the packaging's row."""
        return {**asdict(self), "words": self.words.model_dump(mode="json", by_alias=True, exclude_unset=True)}


def find_source(world: World, rows: sa.Connection, stage: Stage, job: Job) -> Source:
    """Return what a completed job made; BadRequest names what is missing: its end, its release.yml, an output."""
    if job.state != "completed":
        raise errors.BadRequest("model.job_not_completed", job=job.name, state=job.state)
    steps = [step for step in jobs.steps_of(rows, job.id) if step.kind == "command"]
    writer, words, policies = _words(world, stage, job, steps)
    making, model = _output(steps, words.model, job)
    if model.form != "folder":
        raise errors.BadRequest("model.not_a_folder", job=job.name, output=words.model)
    properties = job.document.get("properties") or {}
    return Source(
        job=job.name,
        step=making.name,
        submitted_by=job.submitter_name,
        submitted_by_id=job.submitted_by,
        words=words,
        monitor=policies["monitor"],
        retrain=policies["retrain"],
        model=model,
        model_digest=str(model.digest),
        evaluation=_any_mount(steps, words.evaluation_data, job),
        training=None if words.training_data is None else _any_mount(steps, words.training_data, job),
        example=None if words.example is None else _output(steps, words.example, job)[1],
        environment=making.plan["environment"],
        code=writer.plan["code"],
        commit=commit_of(properties),
        data=_data_of(steps),
        data_class=job.data_class,
    )


def _words(
    world: World, stage: Stage, job: Job, steps: Sequence[StepNow]
) -> tuple[StepNow, Release, dict[str, Mapping[str, Any] | None]]:
    """Return the step whose code holds `release.yml`, its words, and the policies beside it."""
    for step in steps:
        if step.plan["code"] is None:
            continue
        files = {
            entry.path: entry for entry in code_manifest(world, stage.name, stage.workspace, step.plan["code"]).entries
        }
        if "release.yml" in files:
            read = {
                name: world.objects.read(stage.workspace, files[f"{name}.yml"].sha256)
                for name in ("release", "monitor", "retrain")
                if f"{name}.yml" in files
            }
            words = load(read["release"], "release.yml", "release").value
            assert isinstance(words, Release)
            policies = {name: _policy(name, read.get(name)) for name in ("monitor", "retrain")}
            return step, words, policies
    raise errors.BadRequest("model.no_release", job=job.name)


def _policy(name: str, text: bytes | None) -> Mapping[str, Any] | None:
    """Return the document of a policy, `none: because …` included; None when the code has no such file."""
    if text is None:
        return None
    kind = "absent" if text.lstrip().startswith(b"none:") else name
    return load(text, f"{name}.yml", kind).document


def _output(steps: Sequence[StepNow], name: str, job: Job) -> tuple[StepNow, Mount]:
    for step in steps:
        if name in (step.outputs or {}):
            found = (step.outputs or {})[name]
            mount = Mount(name=name, path=found["path"], form=found["form"], digest=found["digest"])
            return step, mount
    raise errors.BadRequest("model.no_such_output", job=job.name, output=name)


def _any_mount(steps: Sequence[StepNow], name: str, job: Job) -> Mount:
    """Return the output of that name, else the input."""
    for step in steps:
        for mount in step.plan["inputs"]:
            if mount["name"] == name and mount["digest"] is not None and name not in (step.outputs or {}):
                return Mount(**mount)
    return _output(steps, name, job)[1]


def _data_of(steps: Sequence[StepNow]) -> tuple[Mapping[str, str], ...]:
    """Return every data version that the job read from outside itself, once each."""
    found = {
        mount["digest"]: {"reference": mount["reference"], "digest": mount["digest"]}
        for step in steps
        for mount in step.plan["inputs"]
        if mount["digest"] is not None
    }
    return tuple(found.values())
