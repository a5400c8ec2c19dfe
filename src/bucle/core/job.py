"""From a job document to its plan: what must be found first, and, once it is, every step with every path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from bucle import errors
from bucle.core.classes import DataClass, highest
from bucle.core.environment import Chosen
from bucle.core.job_node import FromStep, Node, Source, Value
from bucle.core.job_plan import JobPlan, Mount, StepPlan, in_order
from bucle.spec import expressions, references
from bucle.spec.command_job import CommandJob
from bucle.spec.digest import digest_of
from bucle.spec.expressions import (
    DefaultDatastore,
    Expression,
    InputOf,
    NameOfJob,
    OutputOf,
    SecretOf,
    only_expression,
)
from bucle.spec.pipeline_job import PipelineJob
from bucle.spec.references import DatastorePath

JobDocument = CommandJob | PipelineJob
Nodes = Sequence[Node]
KEPT_FOLDERS = frozenset({"arrived", "jobs", "uploads"})
"""Folders of a datastore that the platform keeps: what lies there is reached by the name of an asset or a job."""
BUILD_TIMEOUT_S = 1800.0
BUILD_TRIES = 2
"""An index that fails once is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A source that was found: where it lies, what it is, and its class."""

    mount: Mount
    data_class: DataClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the plan stands on: names given, sources found, environments chosen, and where outputs go."""

    stage: str
    name: str
    sources: Mapping[Source, Found]
    environments: Mapping[str, Chosen]
    """What the environment of each node comes to on this host, by the node's name."""
    built: frozenset[str]
    """Digests of the asks whose environment is built already."""
    outputs: str
    """The folder of this job's outputs; each step has a folder in it."""
    published: Mapping[tuple[str, str], str]
    """Where outputs with a path of their own are laid besides, by node and output."""


def sources_of(nodes: Nodes) -> frozenset[Source]:
    """Return every input that must be found before the job can be planned."""
    inputs = (found for node in nodes for found in node.inputs.values())
    return frozenset(found for found in inputs if isinstance(found, Source))


def codes_of(nodes: Nodes) -> frozenset[str]:
    """Return the digests of the code snapshots that the job runs."""
    return frozenset(node.code.digest for node in nodes if node.code)


def secrets_of(nodes: Nodes) -> frozenset[str]:
    """Return the names of the secrets that the job is given."""
    return frozenset(name for node in nodes for name in _secrets(node).values())


def published_of(nodes: Nodes, name: str, default_datastore: str) -> Mapping[tuple[str, str], DatastorePath]:
    """Return the datastore paths at which outputs of the job `name` are to lie, by node and output.

    BadRequest for one that is none, or that lies among what the platform keeps.
    """
    values: Mapping[Expression, str | None] = {NameOfJob(): name, DefaultDatastore(): default_datastore}
    found = {}
    for node in nodes:
        for output, declared in node.outputs.items():
            if declared.path is not None:
                written = expressions.render_text(expressions.parse(declared.path), values)
                found[node.name, output] = _own_place(written, f"{node.name}.outputs.{output}")
    return found


def plan_job(job: JobDocument, nodes: Nodes, document: Mapping[str, Any], ground: Ground) -> JobPlan:
    """Return what running the job will do; `document` is the job as it was sent.

    BadRequest names a node of a circle, or an output that nobody makes.
    """
    known = {node.name: node for node in nodes}
    steps = [_step(node, known, ground) for node in nodes]
    builds = _builds(ground)
    try:
        ordered = in_order([*builds, *_behind(steps, builds)])
    except ValueError as circle:
        raise errors.BadRequest("job.circle", node=circle) from circle
    settings = job.settings if isinstance(job, PipelineJob) else None
    return JobPlan(
        stage=ground.stage,
        name=ground.name,
        kind="pipeline" if isinstance(job, PipelineJob) else "command",
        display_name=job.display_name or ground.name,
        experiment=job.experiment_name or "Default",
        document=document,
        document_digest=digest_of(document),
        data_class=highest(found.data_class for found in ground.sources.values()),
        tags=job.tags or {},
        continue_on_step_failure=bool(settings and settings.continue_on_step_failure),
        steps=ordered,
    )


def _own_place(written: str, where: str) -> DatastorePath:
    found = references.parse(written)
    if not isinstance(found, DatastorePath) or not found.path.strip("/"):
        raise errors.BadRequest("job.output_path", path=written, where=where)
    if found.path.split("/", 1)[0] in KEPT_FOLDERS:
        raise errors.BadRequest("job.output_path_kept", path=written, where=where)
    return found


def _builds(ground: Ground) -> list[StepPlan]:
    missing = {chosen.ask.digest: chosen.ask for chosen in ground.environments.values()}
    asks = [ask for digest, ask in missing.items() if digest not in ground.built]
    numbered = len(asks) > 1
    return [
        StepPlan(
            name=f"environment-{place}" if numbered else "environment",
            kind="build",
            environment=ask.digest,
            timeout_s=BUILD_TIMEOUT_S,
            tries=BUILD_TRIES,
        )
        for place, ask in enumerate(asks, start=1)
    ]


def _behind(steps: list[StepPlan], builds: list[StepPlan]) -> list[StepPlan]:
    """Return the steps, each behind the build of its environment."""
    building = {build.environment: build.name for build in builds}
    return [step.behind(building[step.environment]) if step.environment in building else step for step in steps]


def _step(node: Node, nodes: Mapping[str, Node], ground: Ground) -> StepPlan:
    values: dict[Expression, str | None] = {NameOfJob(): ground.name}
    literals: dict[str, str] = {}
    inputs: list[Mount] = []
    for name, given in node.inputs.items():
        match given:
            case Value(text=text):
                values[InputOf(name=name)] = text
                literals.update({} if text is None else {name: text})
                continue
            case Source():
                found = ground.sources[given].mount
                mount = Mount(
                    name=name,
                    path=found.path,
                    form=found.form,
                    digest=found.digest,
                    reference=found.reference,
                )
            case FromStep(step=step, output=output):
                mount = _output_of(node.name, name, nodes[step], output, ground)
            case _:
                assert_never(given)
        inputs.append(mount)
        values[InputOf(name=name)] = mount.path
    outputs = tuple(_output(ground, node, name) for name in node.outputs)
    secrets = _secrets(node)
    values.update({OutputOf(name=mount.name): mount.path for mount in outputs})
    return StepPlan(
        name=node.name,
        kind="command",
        command=expressions.render(expressions.parse(node.command), values),
        code=node.code.digest if node.code else None,
        environment=ground.environments[node.name].ask.digest,
        inputs=tuple(inputs),
        outputs=outputs,
        variables={
            name: expressions.render_text(expressions.parse(text), values)
            for name, text in node.variables.items()
            if name not in secrets
        },
        values=literals,
        notes=ground.environments[node.name].notes,
        secrets=secrets,
        after=node.after,
        timeout_s=node.timeout_s,
        memory_bytes=node.limits.memory_bytes,
        tasks=node.limits.tasks,
    )


def _secrets(node: Node) -> Mapping[str, str]:
    """Return the variables of a node that are a secret; BadRequest for one that stands anywhere else."""
    found = {}
    for variable, text in node.variables.items():
        match only_expression(text) if "${{" in text else None:
            case SecretOf(name=name):
                found[variable] = name
            case _:
                _refuse_secrets(text, f"environment_variables.{variable}")
    _refuse_secrets(node.command, "command")
    return found


def _refuse_secrets(text: str, where: str) -> None:
    for expression in expressions.expressions_of(expressions.parse(text)):
        if isinstance(expression, SecretOf):
            raise errors.BadRequest("secret.misplaced", expression=expressions.written(expression), where=where)


def _output(ground: Ground, node: Node, name: str) -> Mount:
    folder = f"{ground.outputs}/{node.name}/{name}"
    publish = ground.published.get((node.name, name))
    if node.outputs[name].file:
        return Mount(name=name, path=f"{folder}/{name}", form="file", publish=publish)
    return Mount(name=name, path=folder, form="folder", publish=publish)


def _output_of(reader: str, name: str, writer: Node, output: str, ground: Ground) -> Mount:
    if output not in writer.outputs:  # job_graph declares `artifacts` where it is read
        raise errors.BadRequest("job.no_such_output", node=reader, step=writer.name, output=output)
    made = _output(ground, writer, output)
    reference = f"${{{{parent.jobs.{writer.name}.outputs.{output}}}}}"
    return Mount(name=name, path=made.path, form=made.form, reference=reference)
