"""The thirteen built-in roles, each enumerated: a new action is granted by decision, never by a wildcard."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bucle.core.actions import READING, Action
from bucle.core.classes import DataClass, Place

PrincipalKind = Literal["person", "service", "group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A named set of actions, the places where it may be assigned, and the most sensitive data it reaches."""

    name: str
    purpose: str
    actions: frozenset[Action]
    places: frozenset[Place]
    ceiling: DataClass
    holders: frozenset[PrincipalKind] = frozenset({"person", "service", "group"})


def changes_anything(role: Role) -> bool:
    """Say whether a role holds any action but reading and listing."""
    return any(action.rpartition("/")[2] not in {"read", "list"} for action in role.actions)


_PEOPLE: frozenset[PrincipalKind] = frozenset({"person", "group"})
_MACHINES: frozenset[PrincipalKind] = frozenset({"service"})

_SHIPPED: tuple[Role, ...] = (
    Role(
        name="DataScientist",
        purpose="Explores, trains and registers models in dev, on data that is not production's.",
        places=frozenset({"dev"}),
        ceiling="non-production",
        actions=READING
        | frozenset(
            {
                "computes/use",
                "environments/write",
                "components/write",
                "pipelines/write",
                "experiments/write",
                "monitors/write",
                "schedules/write",
                "jobs/submit",
                "jobs/cancel",
                "datasets/write",
                "data/read",
                "data/write",
                "models/content/read",
                "models/register",
                "models/share",
                "models/write",
                "endpoints/write",
                "endpoints/deploy",
                "endpoints/traffic/write",
                "endpoints/delete",
                "endpoints/score",
                "promotions/request",
                "secrets/list",
                "secrets/use",
            }
        ),
    ),
    Role(
        name="MLEngineer",
        purpose="Deploys, retrains and promotes in preprod and prod, on production data.",
        places=frozenset({"preprod", "prod"}),
        ceiling="production",
        actions=READING
        | frozenset(
            {
                "computes/use",
                "environments/write",
                "components/write",
                "pipelines/write",
                "experiments/write",
                "monitors/write",
                "schedules/write",
                "jobs/submit",
                "jobs/cancel",
                "datasets/write",
                "data/read",
                "data/write",
                "models/content/read",
                "models/register",
                "models/share",
                "models/write",
                "endpoints/write",
                "endpoints/deploy",
                "endpoints/traffic/write",
                "endpoints/delete",
                "endpoints/score",
                "endpoints/keys/read",
                "alerts/write",
                "promotions/request",
                "promotions/execute",
                "promotions/rollback",
                "secrets/list",
                "secrets/use",
            }
        ),
    ),
    Role(
        name="Approver",
        purpose="Agrees to a promotion, or does not; changes nothing.",
        places=frozenset({"preprod", "prod"}),
        ceiling="public",
        holders=_PEOPLE,
        actions=READING
        | frozenset(
            {
                "promotions/approve",
            }
        ),
    ),
    Role(
        name="DataEngineer",
        purpose="Owns the data and the pipelines that prepare it.",
        places=frozenset({"dev", "preprod", "prod"}),
        ceiling="restricted",
        actions=READING
        | frozenset(
            {
                "computes/use",
                "environments/write",
                "components/write",
                "pipelines/write",
                "experiments/write",
                "schedules/write",
                "jobs/submit",
                "jobs/cancel",
                "datasets/write",
                "datasets/delete",
                "datastores/write",
                "datastores/delete",
                "data/read",
                "data/write",
                "data/delete",
                "secrets/list",
                "secrets/use",
            }
        ),
    ),
    Role(
        name="DataSteward",
        purpose="Labels datastores with a class; reads no row of them.",
        places=frozenset({"dev", "preprod", "prod", "shared"}),
        ceiling="public",
        actions=READING
        | frozenset(
            {
                "datastores/classify",
            }
        ),
    ),
    Role(
        name="InfraEngineer",
        purpose="Makes and keeps the platform: stages, computes, quotas, registries, backup.",
        places=frozenset({"platform", "dev", "preprod", "prod", "shared"}),
        ceiling="public",
        actions=READING
        | frozenset(
            {
                "workspaces/write",
                "workspaces/delete",
                "workspaces/lock",
                "computes/write",
                "computes/delete",
                "quotas/write",
                "registries/write",
                "secrets/list",
                "secrets/write",
                "backup/run",
                "platform/configure",
            }
        ),
    ),
    Role(
        name="Reader",
        purpose="Sees what there is and how it fares, never a row.",
        places=frozenset({"dev", "preprod", "prod", "shared"}),
        ceiling="public",
        actions=READING,
    ),
    Role(
        name="Auditor",
        purpose="Reads the audit trail and who holds what; closes break-glass reviews.",
        places=frozenset({"platform"}),
        ceiling="public",
        actions=READING
        | frozenset(
            {
                "audit/read",
                "audit/export",
                "roles/read",
                "assignments/read",
                "principals/read",
                "breakglass/close",
            }
        ),
    ),
    Role(
        name="AccessAdmin",
        purpose="Says who holds which role; holds no data and deploys nothing.",
        places=frozenset({"platform"}),
        ceiling="public",
        actions=READING
        | frozenset(
            {
                "roles/read",
                "roles/write",
                "assignments/read",
                "assignments/write",
                "principals/read",
                "principals/write",
                "tokens/write",
                "tokens/revoke",
                "federation/write",
            }
        ),
    ),
    Role(
        name="CIBuilder",
        purpose="Builds: submits jobs, registers and shares models, asks for promotion.",
        places=frozenset({"dev"}),
        ceiling="non-production",
        holders=_MACHINES,
        actions=READING
        | frozenset(
            {
                "computes/use",
                "environments/write",
                "components/write",
                "experiments/write",
                "jobs/submit",
                "data/read",
                "data/write",
                "models/register",
                "models/share",
                "promotions/request",
            }
        ),
    ),
    Role(
        name="CIReleaser",
        purpose="Releases: asks for promotions, executes them, deploys.",
        places=frozenset({"preprod", "prod"}),
        ceiling="public",
        holders=_MACHINES,
        actions=READING
        | frozenset(
            {
                "endpoints/deploy",
                "endpoints/traffic/write",
                "promotions/request",
                "promotions/execute",
            }
        ),
    ),
    Role(
        name="MonitorAgent",
        purpose="Watches what is served, scores evidence, submits retraining.",
        places=frozenset({"preprod", "prod"}),
        ceiling="production",
        holders=_MACHINES,
        actions=READING
        | frozenset(
            {
                "computes/use",
                "experiments/write",
                "jobs/submit",
                "datasets/write",
                "data/read",
                "data/write",
                "models/content/read",
                "models/register",
                "models/share",
                "promotions/request",
            }
        ),
    ),
    Role(
        name="EmergencyOperator",
        purpose="Stops the bleeding: traffic, rollback, cancel, lock, revoke.",
        places=frozenset({"preprod", "prod"}),
        ceiling="public",
        holders=_PEOPLE,
        actions=READING
        | frozenset(
            {
                "workspaces/lock",
                "jobs/cancel",
                "endpoints/deploy",
                "endpoints/traffic/write",
                "promotions/rollback",
                "tokens/revoke",
            }
        ),
    ),
)
BUILT_IN: Mapping[str, Role] = MappingProxyType({role.name: role for role in _SHIPPED})
