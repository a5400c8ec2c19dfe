"""Owns the data asset."""

from typing import Literal

from bucle.spec.execution_settings import AssetTags, Properties
from bucle.spec.scalars import Flag, Name, Text, TextAsWritten
from bucle.spec.section import File, PathOrUploaded


class Data(File):
    """A file, a folder or a table, referenced in place or uploaded."""

    path: PathOrUploaded
    name: Name | None = None
    version: TextAsWritten | None = None
    type: Literal["uri_file", "uri_folder", "mltable"] | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    datastore: Text | None = None
    auto_delete_setting: dict[str, Text] | None = None
    skip_validation: Flag | None = None
