"""Mutations: an unknown key, a missing one, a null, a wrong shape at every level, as Azure's SDK judges."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest

Faults = Callable[..., list[str]]
At = tuple[str | int, ...]

COMMAND: dict[str, object] = {
    "command": "echo ${{inputs.a}} ${{outputs.o}}",
    "environment": {"image": "python", "conda_file": {"dependencies": ["pip"]}},
    "inputs": {"a": {"type": "uri_file", "path": "azureml:d:1", "mode": "ro_mount"}},
    "outputs": {"o": {"type": "uri_folder", "mode": "rw_mount"}},
    "resources": {"instance_count": 1},
    "distribution": {"type": "pytorch", "process_count_per_instance": 1},
    "limits": {"timeout": 60},
    "description": "x",
}
NODE: dict[str, object] = {
    "type": "command",
    "command": "x",
    "environment": "azureml:e:1",
    "limits": {"timeout": 1},
}
DOCUMENTS: dict[str, dict[str, object]] = {
    "command_job": COMMAND,
    "pipeline_job": {"type": "pipeline", "jobs": {"n": NODE}, "outputs": {"o": {"mode": "upload"}}},
    "data": {"path": "azureml://datastores/d/paths/x", "name": "n", "type": "uri_file"},
    "environment": {"name": "e", "image": "i", "build": {"path": "https://x.example/c"}},
    "model": {"name": "m", "path": "azureml://datastores/d/paths/x", "type": "mlflow_model"},
    "online_endpoint": {"name": "e", "auth_mode": "key"},
    "online_deployment": {
        "name": "blue",
        "endpoint_name": "e",
        "instance_type": "small",
        "model": {"path": "azureml://datastores/d/paths/x"},
        "code_configuration": {"code": "azureml:c:1", "scoring_script": "s.py"},
        "data_collector": {"collections": {"model_inputs": {"enabled": "True"}}},
        "request_settings": {"request_timeout_ms": 1},
        "liveness_probe": {"period": 1},
    },
    "schedule": {
        "name": "s",
        "trigger": {"type": "cron", "expression": "0 * * * *", "time_zone": "UTC"},
        "create_job": {"type": "pipeline", "job": "azureml:j"},
    },
    "compute": {"name": "c", "type": "amlcompute", "size": "s"},
    "datastore": {"name": "d", "type": "azure_blob", "account_name": "a", "container_name": "c"},
}
REQUIRED = {
    ("command_job", "command"),
    ("command_job", "environment"),
    ("pipeline_job", "jobs.n.command"),
    ("pipeline_job", "jobs.n.environment"),
    ("online_deployment", "name"),
    ("online_deployment", "endpoint_name"),
    ("online_deployment", "instance_type"),
    ("online_deployment", "code_configuration.scoring_script"),
    ("schedule", "name"),
    ("schedule", "trigger"),
    ("schedule", "trigger.expression"),
    ("schedule", "create_job"),
    ("schedule", "create_job.job"),
    ("online_endpoint", "name"),
    ("data", "path"),
    ("environment", "name"),
    ("model", "name"),
    ("compute", "name"),
    ("compute", "type"),
    ("datastore", "name"),
}
# Mappings whose keys are the author's own names.
FREE = {"inputs", "outputs", "jobs", "conda_file", "collections"}


def levels(tree: object, at: At = ()) -> Iterator[At]:
    """Yield each mapping of a document whose keys are the format's."""
    if isinstance(tree, dict):
        if not at or at[-1] not in FREE:
            yield at
        for key, item in tree.items():
            yield from levels(item, (*at, key)) if key != "conda_file" else ()


def changed(kind: str, at: At, key: str, value: object) -> str:
    """Return a document as JSON, which is YAML, with one field set, or dropped for `...`."""
    tree = deepcopy(DOCUMENTS[kind])
    level: dict[str, object] = tree
    for step in at:
        level = level[step]  # type: ignore[index, assignment]
    level.pop(key, None)
    if value is not ...:
        level[key] = value
    return json.dumps(tree)


def inner(kind: str, at: At) -> dict[str, object]:
    """Return the mapping at a level of a document."""
    found: dict[str, object] = DOCUMENTS[kind]
    for step in at:
        found = found[step]  # type: ignore[index, assignment]
    return found


ALL_LEVELS = [(kind, at) for kind, tree in DOCUMENTS.items() for at in levels(tree)]
ALL_FIELDS = [(kind, at, key) for kind, at in ALL_LEVELS for key in inner(kind, at)]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_documents_are_right(faults: Faults, kind: str) -> None:
    """Before anything is changed, each document is accepted."""
    assert faults(json.dumps(DOCUMENTS[kind]), kind.removeprefix("command_").removeprefix("pipeline_")) == []


@pytest.mark.parametrize(("kind", "at"), ALL_LEVELS)
def test_an_unknown_key_is_refused_at_every_level(faults: Faults, kind: str, at: At) -> None:
    """Azure refuses it in each of these mappings, and so do we, by name."""
    noun = kind.removeprefix("command_").removeprefix("pipeline_")
    found = faults(changed(kind, at, "zz_unknown", 1), noun)
    assert len(found) == 1
    assert "zz_unknown: unknown key" in found[0]


@pytest.mark.parametrize(("kind", "at", "key"), ALL_FIELDS)
def test_a_null_and_a_wrong_shape_are_refused_everywhere(faults: Faults, kind: str, at: At, key: str) -> None:
    """No field takes null, nor a list of a mapping of a list."""
    noun = kind.removeprefix("command_").removeprefix("pipeline_")
    for value in (None, [{"a": [1]}]):
        if key == "type" and kind in {"command_job", "pipeline_job"}:
            continue
        assert faults(changed(kind, at, key, value), noun) != []


@pytest.mark.parametrize(("kind", "field"), sorted(REQUIRED))
def test_what_azure_requires_is_required(faults: Faults, kind: str, field: str) -> None:
    """Each field of the table of required ones, when dropped, is a fault."""
    *at, key = field.split(".")
    noun = kind.removeprefix("command_").removeprefix("pipeline_")
    assert key in inner(kind, tuple(at))
    assert faults(changed(kind, tuple(at), key, ...), noun) != []


@pytest.mark.parametrize("kind", ["command", "pipeline"])
def test_components_and_settings_tolerate_unknown_keys(faults: Faults, kind: str) -> None:
    """Where Azure tolerates an unknown key, the file is accepted as well."""
    jobs = {"type": "pipeline", "jobs": {"n": NODE}}
    component = NODE if kind == "command" else jobs
    assert faults(json.dumps({**component, "name": "c", "zz_unknown": 1}), "component") == []
    assert faults(json.dumps({**jobs, "settings": {"default_datestore": "azureml:x"}}), "job") == []
