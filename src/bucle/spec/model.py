"""Owns the model asset."""

from typing import Literal

from bucle.spec.execution_settings import AssetTags, Properties
from bucle.spec.scalars import Anything, Name, Text, TextAsWritten
from bucle.spec.section import File, PathOrUploaded


class InlineModel(File):
    """A model written inside a deployment; it needs no name."""

    path: PathOrUploaded
    name: Name | None = None
    version: TextAsWritten | None = None
    type: Literal["custom_model", "mlflow_model", "triton_model"] | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    flavors: Anything = None
    stage: Text | None = None
    datastore: Text | None = None
    job_name: Text | None = None


class Model(InlineModel):
    """A model asset, which has a name."""

    name: Name
