"""The schemas that are thrown at the server: its own, the same with deep bodies, and two that are written by hand."""

import copy
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bucle.spec.kinds import KINDS

TABLE = Path(__file__).parent.parent / "access" / "route_matrix.tsv"
DOCUMENTS = {
    "job.create": "command_job",
    "data.create": "data",
    "gate.set": "gate",
    "online_endpoint.create": "online_endpoint",
    "online_endpoint.update": "online_endpoint",
    "online_deployment.create": "online_deployment",
    "online_deployment.update": "online_deployment",
    "schedule.create": "schedule",
    "platform.plan": "platform",
    "platform.apply": "platform",
}
"""The operations whose body is a document of the platform, and its kind."""
KNOWN = {
    "stage": ["dev", "preprod", "prod", "nowhere"],
    "store": ["workspaceblobstore", "other"],
    "principal": ["admin", "nobody"],
    "role": ["Reader", "AccessAdmin", "None"],
    "scope": ["/", "/stages/dev", "/stages/nowhere", "/registries/r"],
}
"""Names that lead behind the first `not found`."""
RUN_FIELDS: Mapping[str, Any] = {
    "experiment_id": {"enum": ["0", "1", "9" * 30, "x"]},
    "experiment_ids": {"type": "array", "items": {"enum": ["0", "1", "x"]}, "maxItems": 3},
    "run_id": {"enum": ["0" * 32, "x"]},
    "run_uuid": {"type": "string"},
    "name": {"type": "string"},
    "experiment_name": {"enum": ["Default", "x"]},
    "new_name": {"type": "string"},
    "run_name": {"type": "string"},
    "key": {"type": "string"},
    "value": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
    "timestamp": {"type": "integer"},
    "step": {"type": "integer"},
    "start_time": {"type": "integer"},
    "end_time": {"type": "integer"},
    "status": {"enum": ["RUNNING", "FINISHED", "BROKEN"]},
    "filter": {"type": "string"},
    "order_by": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    "max_results": {"type": "integer"},
    "page_token": {"type": "string"},
    "metric_key": {"type": "string"},
    "path": {"type": "string"},
    "tags": {"type": "array", "maxItems": 2, "items": {"type": "object", "properties": {"key": {"type": "string"}}}},
    "metrics": {"type": "array", "maxItems": 2, "items": {"type": "object"}},
    "params": {"type": "array", "maxItems": 2, "items": {"type": "object"}},
    "models": {"type": "array", "maxItems": 2, "items": {"type": "object"}},
    "datasets": {"type": "array", "maxItems": 2, "items": {"type": "object"}},
    "model_json": {"type": "string"},
    "model_id": {"type": "string"},
}
"""Fields of MLflow's calls (its protobuf files), thrown together: each call takes what it knows."""
FORM_FIELDS = ("name", "password", "code", "next", "form_token", "alias", "comment", "acknowledge")
"""Fields of the pages' forms."""


def with_deep_bodies(openapi: Mapping[str, Any]) -> dict[str, Any]:
    """Return the API's schema with names that exist, and with bodies as the documents' own models describe them."""
    deep = copy.deepcopy(dict(openapi))
    for verbs in deep["paths"].values():
        for operation in verbs.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in KNOWN:
                    parameter["schema"] = {"enum": KNOWN[parameter["name"]]}
            kind = DOCUMENTS.get(operation["operationId"])
            if kind is not None:
                operation["requestBody"]["content"]["application/json"]["schema"] = _take(deep, kind)
    return deep


def _take(deep: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a model's JSON Schema; its definitions go to the components, under names of the kind's own."""
    schema = KINDS[kind].model.model_json_schema(ref_template=f"#/components/schemas/{kind}-{{model}}")
    for name, one in schema.pop("$defs", {}).items():
        deep["components"]["schemas"][f"{kind}-{name}"] = one
    return schema


def mlflow_schema() -> dict[str, Any]:
    """Return a schema of MLflow's protocol as this door serves it: the routes of the reviewed table."""
    with TABLE.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if "/api/2.0/mlflow" in row["path"]]
    paths: dict[str, Any] = {}
    for row in rows:
        paths.setdefault(row["path"].replace(":path}", "}"), {})[row["method"].lower()] = _call(row)
    return _schema("MLflow's protocol", paths)


def _call(row: Mapping[str, str]) -> dict[str, Any]:
    names = [part[1:-1].removesuffix(":path") for part in row["path"].split("/") if part.startswith("{")]
    known = {**RUN_FIELDS, "workspace": {"enum": ["dev", "nowhere"]}, "tag_key": {"type": "string", "minLength": 1}}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"minLength": 1, "type": "string", **known[name]}}
        for name in names
    ]
    operation: dict[str, Any] = {"parameters": parameters, "responses": _answers("200 400 401 403 404")}
    if row["method"] == "GET":
        parameters += [{"name": name, "in": "query", "schema": one} for name, one in RUN_FIELDS.items()]
    elif not row["path"].endswith("{path:path}"):
        body = {"schema": {"type": "object", "properties": dict(RUN_FIELDS)}}
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    return operation


def studio_schema() -> dict[str, Any]:
    """Return a schema of the pages: their routes in the reviewed table, and the fields of their forms."""
    with TABLE.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["path"].startswith("/studio")]
    paths: dict[str, Any] = {}
    for row in rows:
        names = [name for name in ("name", "path") if f"{{{name}" in row["path"]]
        text = {"type": "string", "minLength": 1}
        operation: dict[str, Any] = {
            "parameters": [{"name": name, "in": "path", "required": True, "schema": text} for name in names],
            "responses": _answers("200 303 307 400 401 403 404 429"),
        }
        if row["method"] == "POST":
            fields = {name: {"type": "string"} for name in FORM_FIELDS}
            form = {"schema": {"type": "object", "properties": fields}}
            operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": form}}
        paths.setdefault(row["path"].replace(":path}", "}"), {})[row["method"].lower()] = operation
    return _schema("pages", paths)


def gateway_schema() -> dict[str, Any]:
    """Return a schema of the one path of the gateway, where no endpoint is."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in ("stage", "endpoint")
    ]
    headers = [
        {"name": name, "in": "header", "schema": {"type": "string"}}
        for name in ("azureml-model-deployment", "x-request-id")
    ]
    body = {"schema": {"type": "object", "properties": {"input_data": {"type": "array"}}}}
    score = {
        "parameters": parameters + headers,
        "requestBody": {"content": {"application/json": body}},
        "responses": _answers("400 401 404 405 415"),
    }
    return _schema("gateway", {"/{stage}/{endpoint}/score": {"post": score}})


def _answers(statuses: str) -> dict[str, Any]:
    return {status: {"description": status} for status in statuses.split()}


def _schema(title: str, paths: Mapping[str, Any]) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "paths": dict(paths)}
