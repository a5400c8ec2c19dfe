"""From a file or a body to a typed value: kinds, faults, `--set`."""

import json
from collections.abc import Callable

import pytest

from bucle import errors
from bucle.spec.command_job import CommandJob
from bucle.spec.data import Data
from bucle.spec.loading import load, load_body
from bucle.spec.retrain import Absent

JOB = "command: echo hi\nenvironment: azureml:env@latest\n"
Faults = Callable[..., list[str]]


def test_a_command_job_is_read() -> None:
    """A right file becomes its model and the JSON body of its create."""
    loaded = load(JOB.encode(), "job.yml", "job")
    assert isinstance(loaded.value, CommandJob)
    assert loaded.document == {"command": "echo hi", "environment": "azureml:env@latest"}
    assert loaded.positions["command"] == ("job.yml", 1, 10)


def test_every_fault_has_its_place_and_the_nearest_name(faults: Faults) -> None:
    """Unknown keys, missing fields and wrong shapes come together, in the order of the file."""
    text = "comand: x\nenvironment: {imge: python}\nresources:\n  instance_count: many\ninputs: [a]\n"
    assert faults(JOB, "job") == []
    assert faults(text, "job") == [
        "f.yml:1:1: comand: unknown key (nearest valid name: command)",
        "f.yml:1:1: command: is required",
        "f.yml:2:15: environment.imge: unknown key (nearest valid name: image)",
        "f.yml:4:19: resources.instance_count: must be a whole number",
        "f.yml:5:9: inputs: must be a mapping",
    ]


def test_the_error_prints_every_fault_and_a_hint(faults: Faults) -> None:
    """What a person sees: one line a fault, and no stack trace."""
    with pytest.raises(errors.BadRequest) as caught:
        load(b"type: pipline\n", "p.yml", "data")
    assert caught.value.code == "spec.faults"
    assert "p.yml:1:7: type: must be 'uri_file', 'uri_folder' or 'mltable'" in str(caught.value)
    assert "p.yml:1:1: path: is required" in str(caught.value)


def test_text_fields_keep_the_text() -> None:
    """A version of 1.10 stays 1.10, a tag of `on` stays on; a literal input is a number."""
    text = b"name: d\nversion: 1.10\npath: azureml://datastores/d/paths/x\ntags: {a: on, b: 007}\n"
    value = load(text, "d.yml", "data").value
    assert isinstance(value, Data)
    assert (value.version, value.tags) == ("1.10", {"a": "on", "b": "007"})


def test_set_changes_a_field_before_the_checks(faults: Faults) -> None:
    """`--set` makes and breaks a document exactly as an edit at that place would."""
    changed = load(JOB.encode(), "j.yml", "job", assignments=("command=echo 2", "inputs.rate=0.1"))
    assert changed.document["command"] == "echo 2"
    assert changed.document["inputs"] == {"rate": 0.1}
    assert faults(JOB, "job", assignments=("environment.imge=x",)) == [
        "f.yml:2:1: environment.imge: unknown key (nearest valid name: image)"
    ]
    with pytest.raises(errors.BadRequest, match=r"has no ="):
        load(JOB.encode(), "j.yml", "job", assignments=("command",))


@pytest.mark.parametrize(
    ("text", "noun", "kind"),
    [
        ("type: pipeline\n", "job", "pipeline_job"),
        ("type: pipeline\nname: a\n", "component", "pipeline_component"),
        ("$schema: https://x/latest/managedOnlineEndpoint.schema.json\nname: e\n", None, "online_endpoint"),
        ("$schema: nonsense\n" + JOB, "job", "command_job"),
        (JOB, None, "command_job"),
        ("name: e\n", "online-endpoint", "online_endpoint"),
    ],
)
def test_kinds_are_told_apart(text: str, noun: str | None, kind: str) -> None:
    """The noun comes first, then `$schema`, then the keys; `$schema` itself is never checked."""
    assert load(text.encode(), "x.yml", noun).kind == kind


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("type: automl\ntask: regression\n", "job"),
        ("type: sweep\n", "job"),
        ("type: spark\n", "component"),
        ("name: b\n", "batch-endpoint"),
        ("type: pipeline\njobs: {a: {type: do_while, mapping: {}, limits: {max_iteration_count: 2}}}\n", "job"),
        ("name: s\ntrigger: {type: cron, expression: 0 0 * * *}\nimport_data: x\n", "schedule"),
    ],
)
def test_kinds_not_run_are_named_and_refused(text: str, noun: str) -> None:
    """What Azure runs and this platform does not is never half-read."""
    with pytest.raises(errors.BadRequest) as caught:
        load(text.encode(), "x.yml", noun)
    assert caught.value.code == "spec.kind_not_run"


def test_a_file_that_says_nothing_is_refused() -> None:
    """Without a noun, a `$schema` or telling keys there is no kind."""
    with pytest.raises(errors.BadRequest) as caught:
        load(b"name: x\n", "x.yml")
    assert caught.value.code == "spec.unknown_kind"


def test_a_body_is_the_document_as_json() -> None:
    """The same model reads the JSON of a document, with the positions that the client sent along."""
    sent = load(JOB.encode(), "job.yml", "job")
    body = json.loads(json.dumps(sent.document))
    assert load_body(body, "job", sent.positions).value == sent.value
    body["comand"] = 1
    with pytest.raises(errors.BadRequest, match=r"job.yml:1:1: comand: unknown key"):
        load_body(body, "job", sent.positions)


def test_a_body_may_not_name_a_local_path() -> None:
    """The server reads no path of the caller's machine."""
    body = {"command": "x", "environment": "azureml:e:1", "code": "azureml:c:1"}
    assert load_body(body, "job").kind == "command_job"
    with pytest.raises(errors.BadRequest) as caught:
        load_body(body | {"code": "./src"}, "job")
    assert caught.value.code == "spec.local_path"


def test_a_policy_may_be_absent_for_a_reason() -> None:
    """`none: because …` is a value of its own, for monitors and retraining only."""
    value = load(b"none: because labels never arrive\n", "retrain.yml").value
    assert value == Absent(none="because labels never arrive")
    with pytest.raises(errors.BadRequest, match="none: unknown key"):
        load(b"none: because\n", "release.yml")


@pytest.mark.parametrize(
    ("jobs", "fault"),
    [
        (
            "{a: {command: 'x ${{inputs.q}}', environment: e}}",
            "jobs.a.command: q is no input (none is declared)",
        ),
        (
            "{a: {component: c, inputs: {i: '${{parent.inputs.rat}}'}}}",
            "rat is no input of the pipeline (nearest",
        ),
        ("{a: {component: c, inputs: {i: '${{parent.jobs.b.outputs.o}}'}}}", "b is no step of the pipeline"),
        ("{a: {component: c, outputs: {o: '${{parent.outputs.o}}'}}}", "o is no output of the pipeline"),
        ("{a: {component: c, inputs: {i: '${{__import__(1)}}'}}}", "nothing is called '__import__(1)' here"),
        ("{a: {command: x}}", "jobs.a: needs a component, or a command and an environment"),
    ],
)
def test_expressions_read_what_is_declared(faults: Faults, jobs: str, fault: str) -> None:
    """A binding to a name that nobody declared is a fault at the binding."""
    head = "type: pipeline\ninputs: {rate: 1}\njobs: "
    good = "{a: {command: 'x ${{inputs.q}}', environment: e, inputs: {q: '${{parent.inputs.rate}}'}}}"
    assert faults(head + good, "job") == []
    found = faults(head + jobs, "job")
    assert len(found) == 1
    assert fault in found[0]
    assert found[0].startswith("f.yml:3:")
