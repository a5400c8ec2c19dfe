"""Owns the environment: the packages a job or a deployment runs with."""

from typing import Annotated

from pydantic import Tag

from bucle.spec.execution_settings import AssetTags
from bucle.spec.scalars import Anything, Name, Text, TextAsWritten, Whole
from bucle.spec.section import ByForm, File, PathOrUploaded, Section


class Build(Section):
    """A docker build context."""

    path: PathOrUploaded
    dockerfile_path: Text | None = None


class Route(Section):
    """A port and a path of an inference server."""

    port: Whole | None = None
    path: Text | None = None


class InferenceConfig(Section):
    """How a custom container answers."""

    liveness_route: Route | None = None
    readiness_route: Route | None = None
    scoring_route: Route | None = None


CondaFile = Annotated[Annotated[Text, Tag("<single>")] | Annotated[dict[str, Anything], Tag("<mapping>")], ByForm]
"""The path of a conda file, or its content."""


class InlineEnvironment(File):
    """An environment written inside a job or a deployment; it needs no name."""

    name: Name | None = None
    version: TextAsWritten | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    properties: dict[str, Text] | None = None
    image: Text | None = None
    conda_file: CondaFile | None = None
    build: Build | None = None
    inference_config: InferenceConfig | None = None
    os_type: Text | None = None
    datastore: Text | None = None


class Environment(InlineEnvironment):
    """An environment asset, which has a name."""

    name: Name


EnvironmentField = Annotated[Annotated[Text, Tag("<single>")] | Annotated[InlineEnvironment, Tag("<mapping>")], ByForm]
"""`azureml:NAME…`, or an environment written in place."""
