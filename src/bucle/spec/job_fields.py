"""Owns what every job may say of itself, whatever it runs."""

from bucle.spec.execution_settings import Identity, Properties, Service, Tags
from bucle.spec.scalars import Name, Text
from bucle.spec.section import File, Section


class JobFile(File):
    """The fields of every job that is a document of its own."""

    name: Name | None = None
    display_name: Text | None = None
    experiment_name: Text | None = None
    description: Text | None = None
    tags: Tags | None = None
    properties: Properties | None = None
    compute: Text | None = None
    identity: Identity | None = None
    services: dict[str, Service] | None = None


class NodeSection(Section):
    """The fields of every node of a pipeline."""

    name: Name | None = None
    display_name: Text | None = None
    experiment_name: Text | None = None
    description: Text | None = None
    comment: Text | None = None
    tags: Tags | None = None
    properties: Properties | None = None
    compute: Text | None = None
    identity: Identity | None = None
    services: dict[str, Service] | None = None
