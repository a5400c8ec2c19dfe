"""Owns the YAML that lies beside documents and is none: what it is called, so that it is passed over by name."""

import re
from collections.abc import Mapping

_HOLE = re.compile(r"(?<!\$)\{\{.*?\}\}|\{%.*?%\}")
# Of each foreign kind the keys that it has, and those without which it is not.
_KINDS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    (
        "conda file",
        frozenset({"dependencies"}),
        frozenset({"name", "channels", "dependencies", "prefix", "variables", "platforms", "category"}),
    ),
    (
        "python_env file",
        frozenset({"build_dependencies"}),
        frozenset({"python", "build_dependencies", "dependencies"}),
    ),
)
_MARKS = (
    ("MLflow model", frozenset({"flavors", "artifact_path"})),
    ("MLflow model", frozenset({"flavors", "model_uuid"})),
    ("Kubernetes manifest", frozenset({"apiVersion", "kind"})),
    ("GitHub workflow", frozenset({"on", "jobs"})),
    ("GitHub action", frozenset({"runs", "inputs"})),
    ("Azure DevOps pipeline", frozenset({"pool", "steps"})),
)


def is_template(text: bytes) -> bool:
    """Return whether a text holds `{{…}}` or `{%…%}` that somebody fills in before it is a document."""
    return _HOLE.search(text.decode("utf-8", errors="replace")) is not None


def foreign_kind(tree: object) -> str | None:
    """Return what a file is when it is clearly no document of Azure ML; None when it may be one."""
    if not isinstance(tree, Mapping) or "$schema" in tree:
        return None
    keys = frozenset(str(key) for key in tree)
    for name, required, allowed in _KINDS:
        if required <= keys <= allowed:
            return name
    for name, mark in _MARKS:
        if mark <= keys:
            return name
    listed = any(isinstance(tree.get(key), list) for key in ("jobs", "stages"))
    return "Azure DevOps pipeline" if listed else None
