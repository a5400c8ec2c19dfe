"""Online deployments as their documents ask for them: what is run here, what is refused, what one costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bucle import errors
from bucle.core.promotion import State
from bucle.spec import references
from bucle.spec.online_deployment import OnlineDeployment
from bucle.spec.online_endpoint import OnlineEndpoint
from bucle.spec.references import Asset

PASSED: frozenset[State] = frozenset({"completed"})
"""States of a promotion that has passed all of its stage's gate; what is on its way belongs to its own machine."""
FORMERLY_PASSED: frozenset[State] = PASSED | {"returned"}
"""The same, and those of a promotion that came back from its canary: good enough to stop the bleeding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A deployment as asked for; None where the document leaves the choice to us."""

    name: str
    endpoint: str
    model: str
    version: str
    document: Mapping[str, Any]
    most_in_flight: int | None = None
    timeout_ms: int | None = None
    collect: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)


def read_deployment(asked: OnlineDeployment, document: Mapping[str, Any]) -> Asked:
    """Return what a document asks for; BadRequest names the first part of it that is not run here yet."""
    _refuse_parts(asked)
    if any("${{" in value and "secrets." in value for value in (asked.environment_variables or {}).values()):
        raise _not_run("environment_variables", "a secret in a deployment")
    if not isinstance(asked.model, str):
        raise _not_run("model", "a model that is not a registered one")
    model = references.parse(asked.model)
    if not isinstance(model, Asset) or model.version is None:
        raise _not_run("model", f"the model {asked.model}")
    requests = asked.request_settings
    return Asked(
        name=asked.name,
        endpoint=asked.endpoint_name,
        model=model.name,
        version=model.version,
        document=document,
        most_in_flight=requests.max_concurrent_requests_per_instance if requests else None,
        timeout_ms=requests.request_timeout_ms if requests else None,
        collect=_collects(asked),
        variables={name: str(value) for name, value in (asked.environment_variables or {}).items()},
    )


def check_endpoint(asked: OnlineEndpoint) -> None:
    """Raise BadRequest for an endpoint that is not run here yet."""
    if asked.auth_mode not in {None, "key"}:
        raise _not_run("auth_mode", f"authentication by {asked.auth_mode}")
    if asked.mirror_traffic:
        raise _not_run("mirror_traffic", "mirrored traffic")


def raised(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[str, ...]:
    """Return the deployments whose share of the traffic grows, in order of their names."""
    return tuple(sorted(name for name, share in after.items() if share > before.get(name, 0)))


def _refuse_parts(asked: OnlineDeployment) -> None:
    parts = {
        "code_configuration": (asked.code_configuration, "a scoring script"),
        "environment": (asked.environment, "an environment other than the release's own"),
        "model_mount_path": (asked.model_mount_path, "a mounted model"),
    }
    for name, (value, what) in parts.items():
        if value is not None:
            raise _not_run(name, what)
    if (asked.instance_count or 1) > 1:
        raise _not_run("instance_count", "a deployment of several instances")
    if asked.scale_settings is not None and asked.scale_settings.type != "default":
        raise _not_run("scale_settings", "scaling by load")


def _collects(asked: OnlineDeployment) -> bool:
    """Return whether requests are collected: as the document says, else yes, for a monitor needs them."""
    if asked.data_collector is None:
        return True
    said = [str(one.enabled).lower() for one in asked.data_collector.collections.values()]
    return "true" in said


def _not_run(part: str, what: str) -> errors.BadRequest:
    return errors.BadRequest("deployment.not_run", part=part, what=what)
