"""Owns the control-flow nodes: a step repeated while, for each, or only if."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Tag

from bucle.spec.inputs import JobInput, JobOutputs
from bucle.spec.job_fields import NodeSection
from bucle.spec.scalars import Count, Flag, Text, Whole
from bucle.spec.section import ByForm, OrExpression, Section

NOT_RUN = "loops and conditions are read and not yet run; write the steps one by one"
StepExpression = Annotated[Text, Field(pattern=r"^\$\{\{\s*parent\.jobs\.[A-Za-z_][A-Za-z0-9_]*\s*\}\}$")]
Steps = Annotated[Annotated[StepExpression, Tag("<single>")] | Annotated[list[StepExpression], Tag("<list>")], ByForm]
Names = Annotated[Annotated[Text, Tag("<single>")] | Annotated[list[Text], Tag("<list>")], ByForm]


class DoWhileLimits(Section):
    """How often a step is repeated at most."""

    max_iteration_count: Annotated[Count, Field(le=1000)]


class DoWhile(NodeSection):
    """A step repeated while an output of it is true; `mapping` feeds its outputs to its inputs."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["do_while"]
    mapping: dict[str, Names]
    limits: DoWhileLimits
    body: StepExpression | None = None
    condition: Text | None = None


class ParallelFor(NodeSection):
    """A step for each of some items, a few at a time."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["parallel_for"]
    items: Annotated[
        Annotated[Text, Tag("<single>")]
        | Annotated[list[dict[str, JobInput]], Tag("<list>")]
        | Annotated[dict[str, dict[str, JobInput]], Tag("<mapping>")],
        ByForm,
    ]
    body: StepExpression | None = None
    outputs: JobOutputs | None = None
    max_concurrency: Whole | None = None


class IfElse(NodeSection):
    """A step that is run if an output is true, and one if it is not."""

    not_run: ClassVar[str | None] = NOT_RUN

    type: Literal["if_else"]
    condition: OrExpression[Flag]
    true_block: Steps | None = None
    false_block: Steps | None = None
