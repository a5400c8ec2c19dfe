"""Kinds that are read and not run: a small document of each, what is wrong with it when one thing is changed."""

import json
from copy import deepcopy
from typing import Any

import pytest

from bucle import errors
from bucle.spec.loading import load
from bucle.spec.validation import validate

SPACE = {"type": "uniform", "min_value": 0.1, "max_value": 0.9}
ENVIRONMENT = "azureml:e@latest"
TABLE = {"type": "mltable", "path": "azureml:t:1"}
CONF = {
    "spark.driver.cores": 1,
    "spark.driver.memory": "2g",
    "spark.executor.cores": 1,
    "spark.executor.memory": "2g",
    "spark.executor.instances": 1,
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "sweep_job": {
        "type": "sweep",
        "trial": {"command": "t ${{search_space.rate}} ${{inputs.rows}}", "environment": ENVIRONMENT},
        "inputs": {"rows": 3},
        "objective": {"goal": "maximize", "primary_metric": "auc"},
        "limits": {"max_total_trials": 4, "max_concurrent_trials": 2, "timeout": 60, "trial_timeout": 9},
        "search_space": {"rate": SPACE, "depth": {"type": "choice", "values": [1, "two", 3.5]}},
        "sampling_algorithm": {"type": "random", "seed": 1, "rule": "sobol"},
        "early_termination": {"type": "bandit", "slack_factor": 0.2, "evaluation_interval": 1},
    },
    "spark_job": {
        "type": "spark",
        "entry": {"file": "main.py"},
        "code": "azureml:c:1",
        "conf": CONF,
        "inputs": {"a": {"type": "uri_file", "path": "azureml:d:1", "mode": "direct"}},
        "resources": {"instance_type": "standard_e4s_v3", "runtime_version": "3.4"},
    },
    "automl_job": {
        "type": "automl",
        "task": "classification",
        "training_data": TABLE,
        "target_column_name": "y",
        "primary_metric": "accuracy",
        "limits": {"max_trials": 3, "timeout_minutes": 9},
        "n_cross_validations": "auto",
        "training": {"allowed_training_algorithms": ["light_gbm"], "enable_stack_ensemble": False},
        "featurization": {"mode": "auto"},
    },
    "finetuning_job": {
        "type": "finetuning",
        "task": "chat_completion",
        "model_provider": "custom",
        "model": {"type": "mlflow_model", "path": "azureml:m:1"},
        "training_data": {"type": "uri_file", "path": "azureml:d:1"},
        "hyperparameters": {"learning_rate": "0.0002"},
    },
    "distillation_job": {
        "type": "distillation",
        "data_generation_type": "label_generation",
        "data_generation_task_type": "NLI",
        "teacher_model_endpoint_connection": {
            "type": "serverless",
            "name": "teacher",
            "endpoint": "https://t.example",
            "api_key": "k",
        },
        "student_model": "azureml:m:1",
        "training_data": {"type": "uri_file", "path": "azureml:d:1"},
        "validation_data": {"type": "uri_file", "path": "azureml:d:1"},
        "prompt_settings": {"enable_chain_of_thought": True},
    },
    "spark_component": {
        "type": "spark",
        "name": "s",
        "entry": {"file": "main.py"},
        "code": "azureml:c:1",
        "conf": CONF,
    },
    "parallel_component": {
        "type": "parallel",
        "name": "p",
        "task": {"type": "run_function", "entry_script": "s.py", "environment": ENVIRONMENT},
        "mini_batch_size": "10kb",
        "retry_settings": {"max_retries": 2, "timeout": 60},
    },
    "data_transfer_component": {"type": "data_transfer", "name": "c", "task": "copy_data"},
    "prompt_flow": {"nodes": [], "inputs": {}, "outputs": {}, "environment_variables": {"A": "b"}},
    "prompt_flow_run": {"flow": "azureml:f:1", "column_mappings": {"q": "${data.q}"}},
}
CHANGES: tuple[tuple[str, str, Any, str], ...] = (
    ("sweep_job", "objective.goal", "best", "must be 'minimize' or 'maximize'"),
    ("sweep_job", "limits.max_total_trials", ..., "is required"),
    ("sweep_job", "search_space.rate.type", "unifrom", "must be a mapping with a type that is known here"),
    ("sweep_job", "search_space.rate.max_value", ..., "is required"),
    ("sweep_job", "early_termination.slackfactor", 1, "unknown key (nearest valid name: slack_factor)"),
    ("sweep_job", "trial.command", "t ${{search_space.rat}}", "rat is no name of the search space"),
    ("sweep_job", "trial.environment", ..., "is required"),
    ("spark_job", "entry", ..., "is required"),
    ("spark_job", "conf", {}, "is required"),
    ("spark_job", "resources", ..., "is required, or a compute"),
    ("automl_job", "task", "clasification", "must have a task"),
    ("automl_job", "target_column_name", ..., "is required"),
    ("automl_job", "training.allowed_training_algorithms", ["light_gmb"], "nearest valid name: light_gbm"),
    ("automl_job", "n_cross_validations", "some", "does not match"),
    ("finetuning_job", "model_provider", "other", "must have the model_provider"),
    ("finetuning_job", "model", ..., "is required"),
    ("distillation_job", "data_generation_task_type", "POEMS", "must be 'nli'"),
    ("spark_component", "entry", {"fil": "x"}, "unknown key (nearest valid name: file)"),
    ("parallel_component", "task.type", "run", "must be 'run_function'"),
    ("parallel_component", "mini_batch_size", "ten", "does not match"),
    ("data_transfer_component", "task", "copy", "must be 'copy_data'"),
    ("prompt_flow", "environment_variables", ["a"], "must be a mapping"),
    ("prompt_flow_run", "connections", {"a": "b"}, "must be a mapping"),
)


def changed(kind: str, field: str, value: object) -> dict[str, Any]:
    """Return a document with a field set, or dropped for `...`."""
    tree = deepcopy(DOCUMENTS[kind])
    *above, key = field.split(".")
    level = tree
    for step in above:
        level = level[step]
    level.pop(key, None)
    if value is not ...:
        level[key] = value
    return tree


def faults(tree: object, kind: str) -> list[str]:
    """Return the lines of what is wrong."""
    return [str(fault) for fault in validate(json.dumps(tree).encode(), "f.yml", kind).faults]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_each_is_right_and_refused_at_submission_with_the_reason(kind: str) -> None:
    """Validation reads it whole and says why it is not run; nothing of it is ever half-run."""
    text = json.dumps(DOCUMENTS[kind]).encode()
    report = validate(text, "f.yml", kind)
    assert (report.kind, report.faults) == (kind, ())
    assert report.not_run
    assert {use.effect for use in report.fields} == {"refused"}
    with pytest.raises(errors.BadRequest) as caught:
        load(text, "f.yml", kind)
    assert (caught.value.code, report.not_run in caught.value.detail) == ("spec.kind_not_run", True)


@pytest.mark.parametrize(("kind", "field", "value", "message"), CHANGES)
def test_one_change_is_one_fault_at_its_place(kind: str, field: str, value: object, message: str) -> None:
    """The document is right before the change; after it, the fault says what is wrong with which field."""
    assert faults(DOCUMENTS[kind], kind) == []
    found = faults(changed(kind, field, value), kind)
    assert any(message in line for line in found), found
    assert all(line.startswith("f.yml:1:") for line in found)


@pytest.mark.parametrize("kind", [kind for kind in DOCUMENTS if not kind.startswith(("prompt_flow", "spark_comp"))])
def test_an_unknown_key_is_refused(kind: str) -> None:
    """These kinds take no key that they do not know; prompt flows and Spark components do, as in Azure."""
    assert "zz_unknown: unknown key" in faults(changed(kind, "zz_unknown", 1), kind)[0]


@pytest.mark.parametrize("kind", ["prompt_flow", "prompt_flow_run", "spark_component"])
def test_an_unknown_key_is_tolerated_where_azure_does(kind: str) -> None:
    """As measured."""
    assert faults(changed(kind, "zz_unknown", 1), kind) == []
