"""Owns the datastore: Azure's kinds are named and kept; `folder` is the one on this machine."""

from typing import Literal

from bucle.spec.execution_settings import AssetTags, Properties
from bucle.spec.scalars import Anything, Name, Text
from bucle.spec.section import File


class Datastore(File):
    """Where data lies."""

    name: Name
    type: Literal["folder", "azure_blob", "azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2", "one_lake"]
    description: Text | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    path: Text | None = None
    account_name: Text | None = None
    container_name: Text | None = None
    file_share_name: Text | None = None
    filesystem: Text | None = None
    store_name: Text | None = None
    endpoint: Text | None = None
    protocol: Text | None = None
    credentials: Anything = None
    artifact: Anything = None
    one_lake_workspace_name: Text | None = None
