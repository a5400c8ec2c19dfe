"""Owns the JSON Schemas of this platform's own kinds, for editors that complete and check a file as it is typed."""

from typing import Any

from bucle import errors
from bucle.spec.kinds import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OWN = tuple(name for name, kind in KINDS.items() if kind.own and name != "absent")
"""The kinds with a schema of ours; Azure publishes those of its own."""


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of one of `OWN`; raise `BadRequest("spec.no_schema")` for another kind."""
    if kind not in OWN:
        raise errors.BadRequest("spec.no_schema", kind=kind, kinds=", ".join(OWN))
    schema = KINDS[kind].model.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "title": f"{kind}.yml", **{key: schema[key] for key in schema if key != "title"}}
