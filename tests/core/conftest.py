"""A small platform of one stage a tier, one registry, and one principal for each built-in role."""

from datetime import UTC, datetime

import pytest

from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Binding, Principal, Snapshot

SOME_TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)

# Where each role is held, from the role table of docs/access: written by hand, not read from the product.
HOMES: dict[str, tuple[str, ...]] = {
    "DataScientist": ("/stages/dev",),
    "MLEngineer": ("/stages/preprod", "/stages/prod"),
    "Approver": ("/stages/preprod", "/stages/prod"),
    "DataEngineer": ("/stages/dev", "/stages/preprod", "/stages/prod"),
    "DataSteward": ("/stages/dev", "/stages/preprod", "/stages/prod"),
    "InfraEngineer": ("/",),
    "Reader": ("/stages/dev", "/stages/preprod", "/stages/prod"),
    "Auditor": ("/",),
    "AccessAdmin": ("/",),
    "CIBuilder": ("/stages/dev",),
    "CIReleaser": ("/stages/preprod", "/stages/prod"),
    "MonitorAgent": ("/stages/preprod", "/stages/prod"),
    "EmergencyOperator": ("/stages/preprod", "/stages/prod"),
}
MACHINES = frozenset({"CIBuilder", "CIReleaser", "MonitorAgent"})


@pytest.fixture(scope="session")
def now() -> datetime:
    """Give the time at which everything is decided."""
    return SOME_TIME


@pytest.fixture(scope="session")
def house() -> Snapshot:
    """Give a platform on which each principal holds the role that he is called after, and `nobody` none."""
    return Snapshot(
        principals=(
            Principal(id="nobody", name="nobody", person_id="p-nobody", kind="person"),
            *(
                Principal(
                    id=role,
                    name=role,
                    person_id=f"p-{role}",
                    kind="service" if role in MACHINES else "person",
                )
                for role in HOMES
            ),
        ),
        bindings=tuple(
            Binding(id=f"{role}@{scope}", principal_id=role, role=role, scope=parse_scope(scope))
            for role, scopes in HOMES.items()
            for scope in scopes
        ),
        stages={"dev": "dev", "preprod": "preprod", "prod": "prod"},
        registries=frozenset({"shared"}),
    )
