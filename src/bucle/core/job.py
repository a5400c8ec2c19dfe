"""From a job document to its plan: what must be found first, and, once it is, every step with every path."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from bucle import errors
from bucle.core.classes import DataClass, highest
from bucle.core.environment import Ask, ask_of_conda, ask_of_image
from bucle.core.job_node import FromStep, Node, Source, Value, nodes_of
from bucle.core.job_plan import JobPlan, Mount, StepPlan, in_order
from bucle.spec import expressions
from bucle.spec.command_job import CommandJob
from bucle.spec.digest import digest_of
from bucle.spec.environment import InlineEnvironment
from bucle.spec.expressions import Expression, InputOf, NameOfJob, OutputOf, SecretOf, only_expression
from bucle.spec.pipeline_job import PipelineJob

JobDocument = CommandJob | PipelineJob
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
    """What the plan stands on: names given, sources found, environments known, and where outputs go."""

    stage: str
    name: str
    sources: Mapping[Source, Found]
    built: frozenset[str]
    """Digests of the asks whose environment is built already."""
    named_environments: Mapping[str, Ask]
    """What each environment that is referenced by name asks for."""
    outputs: str
    """The folder of this job's outputs; each step has a folder in it."""


def sources_of(job: JobDocument) -> frozenset[Source]:
    """Return every input that must be found before the job can be planned."""
    inputs = (found for node in nodes_of(job) for found in node.inputs.values())
    return frozenset(found for found in inputs if isinstance(found, Source))


def codes_of(job: JobDocument) -> frozenset[str]:
    """Return the digests of the code snapshots that the job runs."""
    return frozenset(node.code.digest for node in nodes_of(job) if node.code)


def environments_of(job: JobDocument) -> frozenset[str]:
    """Return the environments that the job references by name."""
    return frozenset(node.environment for node in nodes_of(job) if isinstance(node.environment, str))


def secrets_of(job: JobDocument) -> frozenset[str]:
    """Return the names of the secrets that the job is given."""
    return frozenset(name for node in nodes_of(job) for name in _secrets(node).values())


def ask_of(environment: str | InlineEnvironment, named: Mapping[str, Ask]) -> Ask:
    """Return what an environment asks for, written in place or by name."""
    if isinstance(environment, str):
        return named[environment]
    if isinstance(environment.conda_file, Mapping):
        return ask_of_conda(environment.conda_file, environment.image)
    if environment.build is not None:
        raise errors.BadRequest("environment.build_context")
    return ask_of_image(environment.image)


def asks_of(job: JobDocument, named: Mapping[str, Ask]) -> tuple[Ask, ...]:
    """Return what each environment of the job asks for, once each."""
    found = {ask.digest: ask for ask in (ask_of(node.environment, named) for node in nodes_of(job))}
    return tuple(found.values())


def plan_job(job: JobDocument, document: Mapping[str, Any], ground: Ground) -> JobPlan:
    """Return what running the job will do; `document` is the job as it was sent.

    BadRequest names a node of a circle, or an output that nobody makes.
    """
    nodes = {node.name: node for node in nodes_of(job)}
    steps = [_step(node, nodes, ground) for node in nodes.values()]
    builds = _builds(job, ground)
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


def _builds(job: JobDocument, ground: Ground) -> list[StepPlan]:
    missing = [ask for ask in asks_of(job, ground.named_environments) if ask.digest not in ground.built]
    numbered = len(missing) > 1
    return [
        StepPlan(
            name=f"environment-{place}" if numbered else "environment",
            kind="build",
            environment=ask.digest,
            timeout_s=BUILD_TIMEOUT_S,
            tries=BUILD_TRIES,
        )
        for place, ask in enumerate(missing, start=1)
    ]


def _behind(steps: list[StepPlan], builds: list[StepPlan]) -> list[StepPlan]:
    """Return the steps, each behind the build of its environment."""
    building = {build.environment: build.name for build in builds}
    return [step.behind(building[step.environment]) if step.environment in building else step for step in steps]


def _step(node: Node, nodes: Mapping[str, Node], ground: Ground) -> StepPlan:
    values: dict[Expression, str | None] = {NameOfJob(): ground.name}
    inputs: list[Mount] = []
    for name, given in node.inputs.items():
        match given:
            case Value(text=text):
                values[InputOf(name=name)] = text
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
        environment=ask_of(node.environment, ground.named_environments).digest,
        inputs=tuple(inputs),
        outputs=outputs,
        variables={
            name: expressions.render_text(expressions.parse(text), values)
            for name, text in node.variables.items()
            if name not in secrets
        },
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
    if node.outputs[name].file:
        return Mount(name=name, path=f"{folder}/{name}", form="file")
    return Mount(name=name, path=folder, form="folder")


def _output_of(reader: str, name: str, writer: Node, output: str, ground: Ground) -> Mount:
    if output not in writer.outputs:
        raise errors.BadRequest("job.no_such_output", node=reader, step=writer.name, output=output)
    made = _output(ground, writer, output)
    reference = f"${{{{parent.jobs.{writer.name}.outputs.{output}}}}}"
    return Mount(name=name, path=made.path, form=made.form, reference=reference)
