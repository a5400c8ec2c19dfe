"""The vocabulary of actions, and the duties that no role holds together."""

from typing import Literal, get_args

Action = Literal[
    "workspaces/read",
    "workspaces/write",
    "workspaces/delete",
    "workspaces/lock",
    "computes/read",
    "computes/write",
    "computes/delete",
    "computes/use",
    "quotas/write",
    "environments/read",
    "environments/write",
    "components/read",
    "components/write",
    "pipelines/read",
    "pipelines/write",
    "experiments/read",
    "experiments/write",
    "monitors/read",
    "monitors/write",
    "schedules/read",
    "schedules/write",
    "jobs/read",
    "jobs/logs/read",
    "jobs/submit",
    "jobs/cancel",
    "jobs/delete",
    "datasets/read",
    "datasets/write",
    "datasets/delete",
    "datastores/read",
    "datastores/write",
    "datastores/delete",
    "datastores/classify",
    "data/read",
    "data/write",
    "data/delete",
    "models/read",
    "models/content/read",
    "models/register",
    "models/share",
    "models/write",
    "models/delete",
    "registries/read",
    "registries/write",
    "endpoints/read",
    "endpoints/write",
    "endpoints/deploy",
    "endpoints/traffic/write",
    "endpoints/delete",
    "endpoints/score",
    "endpoints/keys/read",
    "alerts/write",
    "metrics/read",
    "costs/read",
    "promotions/read",
    "promotions/request",
    "promotions/approve",
    "promotions/execute",
    "promotions/rollback",
    "secrets/list",
    "secrets/write",
    "secrets/use",
    "secrets/reveal",
    "audit/read",
    "audit/export",
    "roles/read",
    "roles/write",
    "assignments/read",
    "assignments/write",
    "principals/read",
    "principals/write",
    "tokens/write",
    "tokens/revoke",
    "federation/write",
    "breakglass/activate",
    "breakglass/close",
    "backup/run",
    "platform/configure",
]
"""`{type}/{verb}`; every route names exactly one."""

ACTIONS: frozenset[Action] = frozenset(get_args(Action))

CLASSED: frozenset[Action] = frozenset({"data/read", "data/write", "data/delete", "models/content/read"})
"""The actions that touch rows, or bytes derived from rows: they ask for a data class and obey ceilings."""

READING: frozenset[Action] = frozenset(
    {
        "workspaces/read",
        "computes/read",
        "environments/read",
        "components/read",
        "pipelines/read",
        "experiments/read",
        "monitors/read",
        "schedules/read",
        "jobs/read",
        "jobs/logs/read",
        "datasets/read",
        "datastores/read",
        "models/read",
        "registries/read",
        "endpoints/read",
        "metrics/read",
        "costs/read",
        "promotions/read",
    }
)
"""Every `/read` except data, model content, endpoint keys, audit and who holds what."""

IAM_WRITE: frozenset[Action] = frozenset(
    {"roles/write", "assignments/write", "principals/write", "tokens/write", "federation/write"}
)
_DATA: frozenset[Action] = frozenset({"data/read", "data/write", "data/delete"})
_SECRETS: frozenset[Action] = frozenset({"secrets/list", "secrets/write", "secrets/use", "secrets/reveal"})
_MOVES: frozenset[Action] = frozenset({"promotions/request", "promotions/execute", "endpoints/deploy"})
_APPROVE: frozenset[Action] = frozenset({"promotions/approve"})

SEPARATED: tuple[tuple[frozenset[Action], frozenset[Action]], ...] = (
    (_APPROVE, _MOVES),
    (IAM_WRITE, _DATA | _SECRETS | _APPROVE | frozenset({"endpoints/deploy"})),
    (frozenset({"datastores/classify"}), _DATA),
)
"""Pairs of duties: no role, built-in or custom, holds an action of each side."""


def undivided_duties(actions: frozenset[Action]) -> tuple[str, ...]:
    """Return the pairs of actions in `actions` that must be held by different roles, as `one with other`."""
    return tuple(
        f"{one} with {other}"
        for left, right in SEPARATED
        for one in sorted(actions & left)
        for other in sorted(actions & right)
    )
