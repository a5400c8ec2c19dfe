"""What becomes of each field: every field of every model that is run has its row, and a report names each given one."""

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from bucle.spec.field_use import TABLE, use_of
from bucle.spec.kinds import KINDS
from bucle.spec.section import keys_of
from bucle.spec.validation import validate

RUN = {name: kind for name, kind in KINDS.items() if not (kind.not_run or kind.no_verb or kind.own)}


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield each model that a type names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def models_told(model: type[BaseModel], found: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """Return the models whose fields a report on this one may tell: not those below a field without effect."""
    if model not in found:
        found.add(model)
        for name, field in model.model_fields.items():
            use = use_of(model, field.alias or name)
            if use is None or use.effect in {"honoured", "mapped"}:
                for inner in models_in(field.annotation):
                    models_told(inner, found)
    return found


@pytest.mark.parametrize("kind", RUN)
def test_every_field_of_a_kind_that_is_run_has_its_row(kind: str) -> None:
    """Nothing is ignored in silence: each field that a file may hold is honoured, mapped, ignored or refused."""
    told = models_told(RUN[kind].model, set())
    assert [f"{model.__name__}.{key}" for model in told for key in keys_of(model) if use_of(model, key) is None] == []


def test_every_row_is_of_a_field_and_says_why() -> None:
    """No row is of a field that its model lacks; what is not honoured has its reason."""
    for model, rows in TABLE.items():
        assert set(rows) - {"$schema"} <= keys_of(model), model.__name__
        assert all(use.reason for use in rows.values() if use.effect != "honoured")


def test_a_report_names_each_field_once_with_its_fate() -> None:
    """Of a command job: what it says, what it becomes here, and what has no effect."""
    text = """\
command: echo ${{inputs.rows}}
environment:
  image: somewhere/python
  conda_file: {dependencies: [pip]}
compute: azureml:cpu
inputs: {rows: 5}
resources: {shm_size: 2g, docker_args: --memory 1g}
services: {lab: {type: jupyter_lab}}
"""
    report = validate(text.encode(), "job.yml", "job")
    assert (report.kind, report.faults, report.not_run) == ("command_job", (), None)
    assert {use.field: use.effect for use in report.fields} == {
        "command": "honoured",
        "environment": "honoured",
        "environment.image": "mapped",
        "environment.conda_file": "honoured",
        "compute": "mapped",
        "inputs": "honoured",
        "resources": "honoured",
        "resources.shm_size": "ignored",
        "resources.docker_args": "mapped",
        "services": "ignored",
    }
    assert [str(use.line) for use in report.fields if use.field == "environment.image"] == ["3"]


def test_what_is_read_and_not_run_is_refused_field_by_field() -> None:
    """A node that is not run is refused with its reason; the rest of its pipeline keeps its own fate."""
    text = """\
type: pipeline
jobs:
  loop: {type: do_while, mapping: {}, limits: {max_iteration_count: 3}, body: "${{parent.jobs.step}}"}
  step: {command: "true", environment: "azureml:e:1"}
"""
    report = validate(text.encode(), "p.yml", "job")
    effects = {use.field: use.effect for use in report.fields}
    assert report.faults == ()
    assert (effects["jobs.step.command"], effects["jobs.loop.mapping"]) == ("honoured", "refused")
    assert next(use.reason for use in report.fields if use.field == "jobs.loop.body") != ""


def test_an_unknown_key_that_the_format_allows_is_told() -> None:
    """Where any key is allowed, one without a meaning is no fault, and not passed over."""
    text = "type: pipeline\njobs: {}\nsettings: {default_datestore: azureml:x}\n"
    report = validate(text.encode(), "p.yml", "job")
    assert report.faults == ()
    assert {use.field: use.effect for use in report.fields}["settings.default_datestore"] == "ignored"
