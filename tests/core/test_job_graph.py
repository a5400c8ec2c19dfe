"""Pipelines laid out: what each node runs, and where each of its inputs leads, through pipelines within pipelines."""

from collections.abc import Mapping
from typing import Any

import pytest

from bucle import errors
from bucle.core.job_graph import Component, nodes_of
from bucle.core.job_node import FromStep, Node, NodeOutput, Source, Value
from bucle.spec.command_component import CommandComponent
from bucle.spec.loading import load_body
from bucle.spec.pipeline_job import PipelineComponent, PipelineJob

ENVIRONMENT = "azureml:tools:1"
COPY = {
    "name": "copy", "command": "cp ${{inputs.from}} ${{outputs.to}}", "environment": ENVIRONMENT,
    "inputs": {"from": {"type": "uri_folder"}, "times": {"type": "integer", "default": 2},
               "label": {"type": "string", "optional": True}},
    "outputs": {"to": {"type": "uri_file"}},
}  # fmt: skip
TWICE = {
    "name": "twice", "type": "pipeline",
    "inputs": {"rows": {"type": "uri_folder"}}, "outputs": {"last": {"type": "uri_folder"}},
    "jobs": {
        "first": {"component": "azureml:copy:1", "inputs": {"from": "${{parent.inputs.rows}}"}},
        "second": {
            "component": "azureml:copy@latest", "inputs": {"from": "${{parent.jobs.first.outputs.to}}", "times": 5},
            "outputs": {"to": "${{parent.outputs.last}}"},
        },
    },
}  # fmt: skip
SELF = {"name": "me", "type": "pipeline", "jobs": {"again": {"type": "pipeline", "component": "azureml:me:1"}}}
REGISTERED: Mapping[str, Mapping[str, Any]] = {
    "azureml:copy:1": COPY, "azureml:copy@latest": COPY, "azureml:twice:1": TWICE, "azureml:me:1": SELF,
}  # fmt: skip


def registered(reference: str) -> Component:
    """Find a component as a stage does."""
    value = load_body(REGISTERED[reference], "component").value
    assert isinstance(value, CommandComponent | PipelineComponent)
    return value


def laid_out(**job: object) -> dict[str, Node]:
    """Return the nodes of a pipeline job by name."""
    value = load_body({"type": "pipeline", **job}, "job").value
    assert isinstance(value, PipelineJob)
    return {node.name: node for node in nodes_of(value, registered)}


def source(path: str) -> Source:
    """Return the input that a path is."""
    return Source(reference=path, uploaded=None, type=None)


def test_pipeline_within_a_pipeline() -> None:
    """Its nodes get what its node was given; who reads its output reads that of the node that makes it."""
    nodes = laid_out(
        inputs={"rows": {"path": "azureml:rows:1"}},
        jobs={
            "both": {
                "type": "pipeline",
                "component": "azureml:twice:1",
                "inputs": {"rows": "${{parent.inputs.rows}}"},
            },
            "look": {
                "command": "ls ${{inputs.it}}",
                "environment": ENVIRONMENT,
                "inputs": {"it": "${{parent.jobs.both.outputs.last}}"},
            },
        },
    )
    assert set(nodes) == {"both.first", "both.second", "look"}
    assert nodes["both.first"].inputs == {
        "from": source("azureml:rows:1"), "times": Value(text="2"), "label": Value(text=None),
    }  # fmt: skip
    assert nodes["both.second"].inputs["from"] == FromStep(step="both.first", output="to")
    assert nodes["both.second"].inputs["times"] == Value(text="5")
    assert nodes["look"].inputs == {"it": FromStep(step="both.second", output="to")}
    assert nodes["look"].after == ("both.second",)


def test_promoted_output() -> None:
    """A node's output that is bound to the pipeline's lies where the pipeline says."""
    path = "azureml://datastores/workspaceblobstore/paths/kept/${{name}}"
    nodes = laid_out(
        outputs={"kept": {"path": path}},
        jobs={
            "one": {
                "component": "azureml:copy:1",
                "inputs": {"from": {"path": "azureml:rows:1"}},
                "outputs": {"to": "${{parent.outputs.kept}}"},
            }
        },
    )
    assert nodes["one"].outputs == {"to": NodeOutput(file=True, path=path)}


def test_what_a_node_leaves_unasked() -> None:
    """`artifacts` of a node that declares none is declared where another reads it, and nowhere else."""
    command = {"command": "true", "environment": ENVIRONMENT}
    jobs = {"makes": command, "reads": {**command, "inputs": {"it": "${{parent.jobs.makes.outputs.artifacts}}"}}}
    nodes = laid_out(jobs=jobs)
    assert (set(nodes["makes"].outputs), set(nodes["reads"].outputs)) == ({"artifacts"}, set())


GIVEN = {"component": "azureml:copy:1", "inputs": {"from": {"path": "azureml:rows:1"}}}


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ({"component": "azureml:copy:1"}, "job.input_missing"),
        ({**GIVEN, "inputs": {"from": "${{parent.inputs.none}}"}}, "spec.faults"),
        ({**GIVEN, "inputs": {"from": "${{parent.jobs.none.outputs.to}}"}}, "spec.faults"),
        ({**GIVEN, "inputs": {"from": "${{parent.jobs.node.outputs.to}}"}}, "job.points_nowhere"),
        ({**GIVEN, "outputs": {"to": "${{parent.outputs.none}}"}}, "spec.faults"),
        ({"command": "true"}, "spec.faults"),
        ({"type": "pipeline", "component": "azureml:me:1"}, "job.too_deep"),
        ({"type": "pipeline"}, "job.no_nodes"),
    ],
)
def test_what_leads_nowhere(node: Mapping[str, object], code: str) -> None:
    """The same node, given what it needs, is laid out; a fault in it is refused, and named."""
    assert set(laid_out(jobs={"node": GIVEN})) == {"node"}
    with pytest.raises(errors.BadRequest) as refused:
        laid_out(jobs={"node": node})
    assert refused.value.code == code
