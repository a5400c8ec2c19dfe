"""Owns the kinds of documents: how each is recognised, and which model reads it."""

import re
from collections.abc import Mapping

from pydantic import BaseModel

from bucle import errors
from bucle.spec.command_component import NamedCommandComponent
from bucle.spec.command_job import CommandJob
from bucle.spec.compute import Compute
from bucle.spec.data import Data
from bucle.spec.datastore import Datastore
from bucle.spec.document import Document
from bucle.spec.environment import Environment
from bucle.spec.gate import Gate
from bucle.spec.model import Model
from bucle.spec.monitor import Monitor
from bucle.spec.online_deployment import OnlineDeployment
from bucle.spec.online_endpoint import OnlineEndpoint
from bucle.spec.pipeline_job import NamedPipelineComponent, PipelineJob
from bucle.spec.platform import Platform
from bucle.spec.release import Release
from bucle.spec.retrain import Absent, Retrain
from bucle.spec.schedule import Schedule

MODELS: Mapping[str, type[BaseModel]] = {
    "command_job": CommandJob,
    "pipeline_job": PipelineJob,
    "command_component": NamedCommandComponent,
    "pipeline_component": NamedPipelineComponent,
    "data": Data,
    "environment": Environment,
    "model": Model,
    "online_endpoint": OnlineEndpoint,
    "online_deployment": OnlineDeployment,
    "schedule": Schedule,
    "monitor": Monitor,
    "compute": Compute,
    "datastore": Datastore,
    "platform": Platform,
    "gate": Gate,
    "release": Release,
    "retrain": Retrain,
    "absent": Absent,
}
"""Every kind that is read. `absent` is a monitor or retraining policy that says `none: because …`."""

_JOBS = {None: "command_job", "command": "command_job", "pipeline": "pipeline_job"}
_COMPONENTS = {None: "command_component", "command": "command_component", "pipeline": "pipeline_component"}
_NOUNS_OF_TYPES = {"job": _JOBS, "component": _COMPONENTS}
_NOT_RUN = frozenset(
    {
        "batch_endpoint",
        "batch_deployment",
        "connection",
        "registry",
        "workspace",
        "serverless_endpoint",
        "model_package",
    }
)
# The last part of a $schema address, without `.schema.json`, in lower case.
_NOUNS_OF_SCHEMAS = {
    "commandjob": "job",
    "pipelinejob": "job",
    "sweepjob": "job",
    "sparkjob": "job",
    "automljob": "job",
    "commandcomponent": "component",
    "pipelinecomponent": "component",
    "sparkcomponent": "component",
    "parallelcomponent": "component",
    "data": "data",
    "dataimport": "data_import",
    "environment": "environment",
    "model": "model",
    "managedonlineendpoint": "online_endpoint",
    "kubernetesonlineendpoint": "online_endpoint",
    "manageddeployment": "online_deployment",
    "managedonlinedeployment": "online_deployment",
    "kubernetesonlinedeployment": "online_deployment",
    "batchendpoint": "batch_endpoint",
    "batchdeployment": "batch_deployment",
    "modelbatchdeployment": "batch_deployment",
    "pipelinecomponentbatchdeployment": "batch_deployment",
    "schedule": "schedule",
    "monitorschedule": "schedule",
    "amlcompute": "compute",
    "computeinstance": "compute",
    "vmcompute": "compute",
    "azureblob": "datastore",
    "azurefile": "datastore",
    "azuredatalakegen1": "datastore",
    "azuredatalakegen2": "datastore",
    "workspace": "workspace",
    "connection": "connection",
    "registry": "registry",
}


def kind_of(document: Document, noun: str | None = None) -> str:
    """Return the kind of a document: by the noun it was given to, else its `$schema`, else its keys.

    Raises `BadRequest`: `spec.unknown_kind`, or `spec.kind_not_run` with the kind's name.
    """
    tree = document.tree if isinstance(document.tree, dict) else {}
    noun = (noun or _noun_of(tree, document.path)).replace("-", "_")
    if set(tree) == {"none"} and noun in {"monitor", "retrain", "schedule"}:
        return "absent"
    if noun == "data" and "source" in tree:
        noun = "data_import"
    if noun in {"schedule", "monitor"}:
        noun = "monitor" if "create_monitor" in tree else "schedule"
        if "import_data" in tree:
            raise _not_run(document, "data import schedule")
    if noun in _NOUNS_OF_TYPES:
        found = tree.get("type")
        kind = _NOUNS_OF_TYPES[noun].get(found) if found is None or isinstance(found, str) else None
        if kind is None:
            raise _not_run(document, f"{found} {noun}")
        return kind
    if noun in MODELS:
        return noun
    if noun in _NOT_RUN or noun == "data_import":
        raise _not_run(document, noun.replace("_", " "))
    raise errors.BadRequest("spec.unknown_kind", path=document.path)


def _not_run(document: Document, kind: str) -> errors.BadRequest:
    return errors.BadRequest("spec.kind_not_run", path=document.path, kind=kind)


def _noun_of(tree: Mapping[str, object], path: str) -> str:
    schema = tree.get("$schema")
    if isinstance(schema, str):
        last = re.sub(r"(\.schema)?\.json$", "", schema.strip().rsplit("/", 1)[-1], flags=re.IGNORECASE)
        if last.lower() in _NOUNS_OF_SCHEMAS:
            return _NOUNS_OF_SCHEMAS[last.lower()]
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if name in {"platform", "gate", "release", "retrain", "monitor"}:
        return name
    if "command" in tree or tree.get("type") in {"command", "pipeline", "sweep", "spark", "automl"}:
        return "job"
    if "trigger" in tree and ("create_job" in tree or "create_monitor" in tree):
        return "schedule"
    raise errors.BadRequest("spec.unknown_kind", path=path)
