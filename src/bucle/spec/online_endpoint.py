"""Owns the online endpoint."""

from typing import Literal

from bucle.spec.execution_settings import AssetTags, Properties
from bucle.spec.scalars import Anything, Name, Text, Whole
from bucle.spec.section import File


class OnlineEndpoint(File):
    """An address that answers scoring requests; `traffic` in percent by deployment."""

    name: Name
    auth_mode: Literal["key", "aml_token", "aad_token"] | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    compute: Text | None = None
    identity: Anything = None
    traffic: dict[str, Whole] | None = None
    mirror_traffic: dict[str, Whole] | None = None
    public_network_access: Literal["enabled", "disabled", "Enabled", "Disabled"] | None = None
