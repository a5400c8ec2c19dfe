"""Owns the references: what a text in a document points at, as one of a closed set of values."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from bucle import errors

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}"
_ASSET = re.compile(rf"azureml:(?P<name>{_NAME})(?::(?P<version>{_NAME})|@(?P<label>{_NAME}))?")
_REGISTRY = re.compile(
    rf"azureml://registries/(?P<registry>{_NAME})/(?P<collection>[a-z]+)/(?P<name>{_NAME})"
    rf"(?:/(?:versions/(?P<version>{_NAME})|labels/(?P<label>{_NAME})))?"
)
_DATASTORE = re.compile(
    rf"azureml://(?:subscriptions/[^?]*?/workspaces/(?P<workspace>{_NAME})/)?datastores/(?P<datastore>{_NAME})(?:/paths/(?P<path>.*))?"
)
_JOB = re.compile(rf"azureml://jobs/(?P<job>{_NAME})/outputs/(?P<output>{_NAME})(?:/paths/(?P<path>.*))?")
_RUN = re.compile(rf"runs:/(?P<run>{_NAME})(?:/(?P<path>.+))?")
_URL = re.compile(r"(?P<scheme>https?|wasbs?|abfss?|adl|git\+https?)://(?P<rest>[^\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """`azureml:NAME`, `azureml:NAME:VERSION` or `azureml:NAME@LABEL`; also a compute or datastore."""

    name: str
    version: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAsset:
    """`azureml://registries/REGISTRY/COLLECTION/NAME/versions/V` or `…/labels/LABEL`."""

    registry: str
    collection: str
    name: str
    version: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastorePath:
    """`azureml://datastores/NAME/paths/PATH`; `path` never leaves the datastore's root, and may be empty."""

    datastore: str
    path: str
    workspace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOfJob:
    """`azureml://jobs/JOB/outputs/OUTPUT/paths/PATH`."""

    job: str
    output: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPath:
    """`runs:/RUN/PATH`: an artifact of an MLflow run."""

    run: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPath:
    """A path on the machine of whoever wrote the document; only the client may read it."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A file or folder on the network."""

    scheme: str
    url: str


LATEST = "latest"
"""The label of the newest version."""
Reference = Asset | RegistryAsset | DatastorePath | OutputOfJob | RunPath | LocalPath | Url


def parse(text: str) -> Reference:
    """Return what `text` points at; raise `BadRequest("spec.bad_reference")` when it points nowhere safe."""
    if not text or any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise _bad(text, "it is empty or holds control characters")
    if text.startswith("azureml:"):
        return _of_azureml(text)
    if text.startswith("runs:"):
        match = _RUN.fullmatch(text)
        if match is None:
            raise _bad(text, "a run's artifact is written runs:/RUN/PATH")
        return RunPath(run=match["run"], path=below_root(match["path"] or "", text))
    match = _URL.fullmatch(text)
    if match is not None:
        return Url(scheme=match["scheme"], url=text)
    if "://" in text:
        raise _bad(text, f"the scheme {text.split('://', 1)[0]} is not read")
    return LocalPath(path=text.removeprefix("file:"))


def asset_named(text: str, what: str) -> tuple[str, str]:
    """Return name and version of the asset that a text names: its version, its label, else `latest`.

    BadRequest("spec.bad_reference") for what names none; `what` is what it should: `an environment`.
    """
    match parse(text):
        case Asset(name=name, version=version, label=label) | RegistryAsset(name=name, version=version, label=label):
            return name, version or label or LATEST
        case _:
            raise _bad(text, f"{what} is azureml:NAME[:VERSION]")


def below_root(path: str, text: str) -> str:
    """Return a path below a root, normal and without a leading `/`; refuse whatever could leave the root.

    The path is checked as written and as a URL decoder would read it, since one of the two is opened.
    """
    for form in (path, unquote(path)):
        if "\\" in form:
            raise _bad(text, "it holds a backslash")
        if "\0" in form:
            raise _bad(text, "it holds a NUL")
        if ".." in form.split("/"):
            raise _bad(text, "it holds ..")
    trailing = "/" if path.endswith("/") and path.strip("/") else ""
    return "/".join(part for part in path.split("/") if part not in {"", "."}) + trailing


def is_local(text: str) -> bool:
    """Return whether a text names a path of the caller's machine; an expression is no path yet."""
    if "${{" in text:
        return False
    try:
        return isinstance(parse(text), LocalPath)
    except errors.BadRequest:
        return False


def _of_azureml(text: str) -> Reference:
    match = _ASSET.fullmatch(text)
    if match is not None:
        return Asset(name=match["name"], version=match["version"], label=match["label"])
    match = _REGISTRY.fullmatch(text)
    if match is not None:
        return RegistryAsset(
            registry=match["registry"],
            collection=match["collection"],
            name=match["name"],
            version=match["version"],
            label=match["label"],
        )
    match = _DATASTORE.fullmatch(text)
    if match is not None:
        path = below_root(match["path"] or "", text)
        return DatastorePath(datastore=match["datastore"], path=path, workspace=match["workspace"])
    match = _JOB.fullmatch(text)
    if match is not None:
        return OutputOfJob(job=match["job"], output=match["output"], path=below_root(match["path"] or "", text))
    raise _bad(text, "it has the form of none of azureml's references")


def _bad(text: str, why: str) -> errors.BadRequest:
    return errors.BadRequest("spec.bad_reference", text=text, why=why)
