"""The nodes of a pipeline: each kind of step, read in place; what it is bound to must be there."""

import json
from copy import deepcopy
from typing import Any

import pytest

from bucle import errors
from bucle.spec.loading import load
from bucle.spec.validation import validate
from tests.spec.test_other_kinds import CONF, ENVIRONMENT, SPACE

STEP = {"command": "s ${{inputs.a}} $[[--b ${{inputs.b}}]]", "environment": ENVIRONMENT}
INPUT = {"a": "${{parent.inputs.rows}}"}
COMPONENT = {**STEP, "inputs": {"a": {"type": "uri_file"}, "b": {"type": "integer", "optional": True}}}
NODES: dict[str, dict[str, Any]] = {
    "sweep": {
        "type": "sweep",
        "trial": COMPONENT,
        "inputs": INPUT,
        "search_space": {"b": SPACE},
        "objective": {"goal": "minimize", "primary_metric": "loss"},
        "limits": {"max_total_trials": 2},
        "sampling_algorithm": "random",
    },
    "parallel": {
        "type": "parallel",
        "inputs": INPUT,
        "input_data": "${{inputs.a}}",
        "mini_batch_size": "5",
        "max_concurrency_per_instance": "${{parent.inputs.rows}}",
        "task": {"type": "run_function", "entry_script": "s.py", "environment": ENVIRONMENT},
    },
    "spark": {"type": "spark", "entry": {"file": "m.py"}, "conf": CONF, "compute": "azureml:spark", "inputs": INPUT},
    "automl": {
        "type": "automl",
        "task": "regression",
        "training_data": "${{parent.inputs.rows}}",
        "target_column_name": "y",
    },
    "copy": {"type": "data_transfer", "task": "copy_data", "inputs": INPUT},
    "import": {"type": "data_transfer", "task": "import_data", "source": {"type": "database", "query": "select 1"}},
    "do_while": {
        "type": "do_while",
        "body": "${{parent.jobs.first}}",
        "condition": "${{parent.jobs.first.outputs.go}}",
        "mapping": {"go": "${{parent.jobs.first.inputs.a}}"},
        "limits": {"max_iteration_count": 5},
    },
    "parallel_for": {"type": "parallel_for", "body": "${{parent.jobs.first}}", "items": [{"a": 1}, {"a": 2}]},
    "if_else": {
        "type": "if_else",
        "condition": "${{parent.jobs.first.outputs.go}}",
        "true_block": "${{parent.jobs.first}}",
        "false_block": ["${{parent.jobs.first}}"],
    },
}
CHANGES: tuple[tuple[str, str, Any, str], ...] = (
    ("sweep", "inputs", {}, "jobs.it.inputs.a: is an input that the component needs"),
    ("sweep", "inputs.a", "${{parent.inputs.row}}", "row is no input of the pipeline (nearest valid name: rows)"),
    ("sweep", "sampling_algorithm", "randon", "nearest valid name: random"),
    ("parallel", "task", ..., "needs a component, or a task"),
    ("parallel", "max_concurrency_per_instance", "many", "must be a whole number"),
    ("spark", "entry", ..., "needs a component, or an entry"),
    ("spark", "compute", ..., "is required, or a compute"),
    ("automl", "training_data", "rows", "must be a mapping"),
    ("automl", "task", "regresion", "must have a task"),
    ("copy", "task", "move_data", "must have the task copy_data, import_data or export_data"),
    ("import", "source.type", "mailbox", "must be a mapping with a type that is known here"),
    ("do_while", "limits.max_iteration_count", 1001, "less than or equal to 1000"),
    ("do_while", "body", "${{parent.jobs.frist}}", "frist is no step of the pipeline (nearest valid name: first)"),
    ("parallel_for", "items", ..., "is required"),
    ("if_else", "true_block", "first", "does not match"),
)


def pipeline(node: dict[str, Any]) -> str:
    """Return a pipeline with this node behind a command."""
    first = {**STEP, "inputs": {"a": 1, "b": 2}, "outputs": {"go": {"type": "uri_file"}}}
    rows = {"type": "uri_file", "path": "azureml:d:1"}
    return json.dumps({"type": "pipeline", "inputs": {"rows": rows}, "jobs": {"first": first, "it": node}})


def faults(node: dict[str, Any]) -> list[str]:
    """Return the lines of what is wrong with a pipeline of this node."""
    return [str(fault) for fault in validate(pipeline(node).encode(), "f.yml", "job").faults]


@pytest.mark.parametrize("name", NODES)
def test_each_node_is_read_and_refused_at_submission(name: str) -> None:
    """The pipeline is right; it is not run, and the reason is the node's."""
    assert faults(NODES[name]) == []
    with pytest.raises(errors.BadRequest) as caught:
        load(pipeline(NODES[name]).encode(), "f.yml", "job")
    assert caught.value.code == "spec.kind_not_run"
    assert str(NODES[name]["type"]) in caught.value.detail


@pytest.mark.parametrize(("name", "field", "value", "message"), CHANGES)
def test_one_change_is_one_fault(name: str, field: str, value: object, message: str) -> None:
    """Each change of a right node is found, with words for it."""
    node = deepcopy(NODES[name])
    *above, key = field.split(".")
    level = node
    for step in above:
        level = level[step]
    level.pop(key, None)
    if value is not ...:
        level[key] = value
    found = faults(node)
    assert any(message in line for line in found), found


@pytest.mark.parametrize("name", sorted(set(NODES) - {"automl"}))
def test_an_unknown_key_of_a_node_is_refused(name: str) -> None:
    """As at every other level."""
    assert "zz_unknown: unknown key" in faults({**NODES[name], "zz_unknown": 1})[0]


def test_a_type_that_no_node_has_is_refused_with_the_types() -> None:
    """A word that is no type is a fault of the file, not a kind that is not run."""
    assert "must be a node of the type command, pipeline, sweep" in faults({"type": "comand"})[0]
    assert faults({**STEP, "inputs": {"a": 1, "b": 2}}) == []
