"""Owns the kinds of documents: one row for each, with its model, what it is known by, and whether it is run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from bucle import errors
from bucle.spec import automl_job, data_transfer, fine_tuning, parallel, prompt_flow, spark, sweep_job
from bucle.spec.command_component import NamedCommandComponent
from bucle.spec.command_job import CommandJob
from bucle.spec.compute import Compute
from bucle.spec.data import Data
from bucle.spec.datastore import Datastore
from bucle.spec.document import Document
from bucle.spec.environment import Environment
from bucle.spec.faults import FaultyDocument, nearest
from bucle.spec.gate import Gate
from bucle.spec.mltable import MLTable
from bucle.spec.model import Model
from bucle.spec.monitor import Monitor
from bucle.spec.online_deployment import OnlineDeployment
from bucle.spec.online_endpoint import OnlineEndpoint
from bucle.spec.pipeline_job import NamedPipelineComponent, PipelineJob
from bucle.spec.platform import Platform
from bucle.spec.release import Release
from bucle.spec.retrain import Absent, Retrain
from bucle.spec.schedule import Schedule
from bucle.spec.section import OpenFile

_NAME = {"name": "--name"}

_UNREAD = "its keys are not checked yet, and nothing of it is run"


class Unread(OpenFile):
    """A document of a kind that is known by its name alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind: the model that reads it, what it is known by, and the reason why it is not run (None: it is).

    Kinds of one `noun` are told apart by a top-level `key` that only this one has, else by the values of `type`
    (None among them: the type may be left out; no types: any). `schemas`: the last part of a `$schema` address,
    without `.schema.json`, in lower case. `marks`: sets of top-level keys of which any one, whole, names the noun
    of a file without a `$schema`. `flags`: the fields that `az ml` fills in from its command line. `own`: a kind of
    this platform. `no_verb`: why it is read where another document names it, and not created by itself.
    """

    model: type[BaseModel]
    noun: str
    types: tuple[str | None, ...] = ()
    key: str | None = None
    schemas: tuple[str, ...] = ()
    marks: tuple[frozenset[str], ...] = ()
    flags: Mapping[str, str] = field(default_factory=lambda: _NAME)
    own: bool = False
    not_run: str | None = None
    no_verb: str | None = None


def _keys(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(keys.split()) for keys in sets)


KINDS: Mapping[str, Kind] = {
    "command_job": Kind(
        model=CommandJob, noun="job", types=(None, "command"), schemas=("commandjob",), marks=_keys("command")
    ),
    "pipeline_job": Kind(
        model=PipelineJob, noun="job", types=("pipeline",), schemas=("pipelinejob",), marks=_keys("jobs")
    ),
    "command_component": Kind(
        model=NamedCommandComponent,
        noun="component",
        types=(None, "command"),
        schemas=("commandcomponent",),
        marks=_keys("command name version", "command is_deterministic", "command additional_includes"),
    ),
    "pipeline_component": Kind(
        model=NamedPipelineComponent,
        noun="component",
        types=("pipeline",),
        schemas=("pipelinecomponent",),
        marks=_keys("jobs name version"),
    ),
    "sweep_job": Kind(
        model=sweep_job.SweepJob, noun="job", types=("sweep",), schemas=("sweepjob",), not_run=sweep_job.NOT_RUN
    ),
    "spark_job": Kind(model=spark.SparkJob, noun="job", types=("spark",), schemas=("sparkjob",), not_run=spark.NOT_RUN),
    "automl_job": Kind(
        model=automl_job.AutomlJob,
        noun="job",
        types=("automl",),
        schemas=("automljob",),
        not_run=automl_job.NOT_RUN,
    ),
    "finetuning_job": Kind(
        model=fine_tuning.FineTuningJob,
        noun="job",
        types=("finetuning",),
        schemas=("finetuningjob",),
        not_run=fine_tuning.NOT_RUN,
    ),
    "distillation_job": Kind(
        model=fine_tuning.DistillationJob,
        noun="job",
        types=("distillation",),
        schemas=("distillationjob",),
        not_run=fine_tuning.NOT_RUN,
    ),
    "spark_component": Kind(
        model=spark.NamedSparkComponent,
        noun="component",
        types=("spark",),
        schemas=("sparkcomponent",),
        not_run=spark.NOT_RUN,
    ),
    "parallel_component": Kind(
        model=parallel.NamedParallelComponent,
        noun="component",
        types=("parallel",),
        schemas=("parallelcomponent",),
        not_run=parallel.NOT_RUN,
    ),
    "data_transfer_component": Kind(
        model=data_transfer.NamedCopyComponent,
        noun="component",
        types=("data_transfer",),
        schemas=("datatransfercomponent", "datatransfercopycomponent"),
        not_run=data_transfer.NOT_RUN,
    ),
    "prompt_flow": Kind(
        model=prompt_flow.PromptFlow,
        noun="prompt_flow",
        schemas=("flow",),
        marks=_keys("nodes inputs outputs"),
        not_run=prompt_flow.NOT_RUN,
    ),
    "prompt_flow_run": Kind(
        model=prompt_flow.PromptFlowRun,
        noun="prompt_flow_run",
        schemas=("run",),
        marks=_keys("flow"),
        not_run=prompt_flow.NOT_RUN,
    ),
    "mltable": Kind(
        model=MLTable, noun="mltable", schemas=("mltable",), marks=_keys("paths transformations"), flags={}
    ),
    "data": Kind(model=Data, noun="data", schemas=("data",)),
    "environment": Kind(
        model=Environment,
        noun="environment",
        schemas=("environment",),
        marks=_keys("name image", "name conda_file", "name build"),
    ),
    "model": Kind(
        model=Model, noun="model", schemas=("model",), no_verb="a model is registered by the job that made it"
    ),
    "online_endpoint": Kind(
        model=OnlineEndpoint,
        noun="online_endpoint",
        schemas=("managedonlineendpoint", "kubernetesonlineendpoint"),
        marks=_keys("auth_mode", "traffic"),
    ),
    "online_deployment": Kind(
        model=OnlineDeployment,
        noun="online_deployment",
        schemas=("manageddeployment", "managedonlinedeployment", "kubernetesonlinedeployment"),
        marks=_keys("endpoint_name instance_type", "endpoint_name instance_count"),
        flags={**_NAME, "endpoint_name": "--endpoint-name"},
    ),
    "schedule": Kind(model=Schedule, noun="schedule", schemas=("schedule",), marks=_keys("trigger create_job")),
    "monitor": Kind(
        model=Monitor,
        noun="schedule",
        key="create_monitor",
        schemas=("monitorschedule",),
        marks=_keys("trigger create_monitor"),
    ),
    "compute": Kind(
        model=Compute,
        noun="compute",
        schemas=("amlcompute", "computeinstance", "vmcompute", "kubernetescompute"),
        no_verb="computes are declared in platform.yml",
    ),
    "datastore": Kind(
        model=Datastore,
        noun="datastore",
        schemas=("azureblob", "azurefile", "azuredatalakegen1", "azuredatalakegen2"),
        marks=_keys("account_name type"),
        no_verb="datastores are declared in platform.yml",
    ),
    "batch_endpoint": Kind(model=Unread, noun="batch_endpoint", schemas=("batchendpoint",), not_run=_UNREAD),
    "batch_deployment": Kind(
        model=Unread,
        noun="batch_deployment",
        schemas=("batchdeployment", "modelbatchdeployment", "pipelinecomponentbatchdeployment"),
        not_run=_UNREAD,
    ),
    "connection": Kind(model=Unread, noun="connection", schemas=("connection",), not_run=_UNREAD),
    "registry": Kind(model=Unread, noun="registry", schemas=("registry",), not_run=_UNREAD),
    "workspace": Kind(model=Unread, noun="workspace", schemas=("workspace",), not_run=_UNREAD),
    "serverless_endpoint": Kind(
        model=Unread, noun="serverless_endpoint", schemas=("serverlessendpoint",), not_run=_UNREAD
    ),
    "model_package": Kind(model=Unread, noun="model_package", schemas=("modelversionpackage",), not_run=_UNREAD),
    "data_import": Kind(model=Unread, noun="data", key="source", schemas=("dataimport",), not_run=_UNREAD),
    "data_import_schedule": Kind(model=Unread, noun="schedule", key="import_data", not_run=_UNREAD),
    "platform": Kind(model=Platform, noun="platform", marks=_keys("paths stages"), flags={}, own=True),
    "gate": Kind(
        model=Gate,
        noun="gate",
        marks=_keys("stage checks", "stage approvals", "stage rollout"),
        flags={},
        own=True,
    ),
    "release": Kind(model=Release, noun="release", flags={}, own=True),
    "retrain": Kind(model=Retrain, noun="retrain", flags={}, own=True),
    "absent": Kind(model=Absent, noun="absent", flags={}, own=True),
}
"""Every kind. `absent` is a monitor or retraining policy that says `none: because …`."""

_NOUNS = {kind.noun for kind in KINDS.values()}
_NOUNS_OF_SCHEMAS = {schema: kind.noun for kind in KINDS.values() for schema in kind.schemas}
# The longest first: what says more of a file names it.
_MARKS = sorted(((mark, kind.noun) for kind in KINDS.values() for mark in kind.marks), key=lambda row: -len(row[0]))
_TYPES_OF_JOBS = {name for kind in KINDS.values() if kind.noun == "job" for name in kind.types if name}


def kind_of(document: Document, noun: str | None = None) -> str:
    """Return the kind of a document: by the noun it was given to, else its `$schema`, else its keys.

    A noun may be a kind itself. Raises `BadRequest("spec.unknown_kind")`, and `FaultyDocument` for a `type` that
    no kind of the noun has.
    """
    tree = document.tree if isinstance(document.tree, dict) else {}
    noun = (noun or _noun_of(tree, document.path)).replace("-", "_")
    if set(tree) == {"none"} and noun in {"monitor", "retrain", "schedule"}:
        return "absent"
    if noun not in _NOUNS and noun in KINDS:
        noun = KINDS[noun].noun
    if noun not in _NOUNS:
        raise errors.BadRequest("spec.unknown_kind", path=document.path)
    rows = {name: kind for name, kind in KINDS.items() if kind.noun == noun}
    for name, kind in rows.items():
        if kind.key is not None and kind.key in tree:
            return name
    return _by_type(document, tree, {name: kind for name, kind in rows.items() if kind.key is None})


def require_run(kind: str, path: str) -> None:
    """Raise `BadRequest("spec.kind_not_run")`, with the reason, for a kind that is read and not run."""
    reason = KINDS[kind].not_run
    if reason is not None:
        raise errors.BadRequest("spec.kind_not_run", path=path, kind=words_of(kind), reason=reason)


def words_of(kind: str) -> str:
    """Return a kind as people write it: `online deployment`."""
    return kind.replace("_", " ")


def _by_type(document: Document, tree: Mapping[str, object], rows: Mapping[str, Kind]) -> str:
    found = tree.get("type")
    if found is not None and not isinstance(found, str):
        raise FaultyDocument(document.path, [document.fault(("type",), "must be text")])
    for name, kind in rows.items():
        if not kind.types or found in kind.types:
            return name
    types = {name for kind in rows.values() for name in kind.types if name}
    message = f"{found} is no type{nearest(found, types)}" if found else f"is required{nearest('', types)}"
    raise FaultyDocument(document.path, [document.fault(("type",), message)])


def _noun_of(tree: Mapping[str, object], path: str) -> str:
    schema = tree.get("$schema")
    if isinstance(schema, str):
        last = re.sub(r"(\.schema)?\.json$", "", schema.strip().rsplit("/", 1)[-1], flags=re.IGNORECASE)
        if last.lower() in _NOUNS_OF_SCHEMAS:
            return _NOUNS_OF_SCHEMAS[last.lower()]
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if name in {"platform", "gate", "release", "retrain", "monitor"}:
        return name
    for mark, noun in _MARKS:
        if mark <= tree.keys():
            return noun
    if tree.get("type") in _TYPES_OF_JOBS:
        return "job"
    raise errors.BadRequest("spec.unknown_kind", path=path)
