"""Owns the compute: Azure's kinds are named and kept; `local` is the one that runs here."""

from typing import Literal

from bucle.spec.execution_settings import AssetTags
from bucle.spec.scalars import Anything, Count, Flag, Name, Text, Whole
from bucle.spec.section import File


class Compute(File):
    """Where jobs run; times in seconds."""

    name: Name
    type: Literal["local", "amlcompute", "computeinstance", "virtualmachine", "synapsespark", "kubernetes"]
    slots: Count | None = None
    size: Text | None = None
    tier: Literal["dedicated", "low_priority"] | None = None
    location: Text | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    min_instances: Whole | None = None
    max_instances: Whole | None = None
    idle_time_before_scale_down: Whole | None = None
    idle_time_before_shutdown: Text | None = None
    idle_time_before_shutdown_minutes: Whole | None = None
    identity: Anything = None
    ssh_settings: Anything = None
    network_settings: Anything = None
    schedules: Anything = None
    setup_scripts: Anything = None
    create_on_behalf_of: Anything = None
    custom_applications: Anything = None
    enable_node_public_ip: Flag | None = None
    ssh_public_access_enabled: Flag | None = None
    enable_sso: Flag | None = None
    enable_root_access: Flag | None = None
    enable_os_patching: Flag | None = None
    release_quota_on_stop: Flag | None = None
    resource_id: Text | None = None
    namespace: Text | None = None
