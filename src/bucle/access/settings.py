"""The settings of the platform as the records hold them: its name, governance, registries, owners, prices."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from bucle.access.policy import touch
from bucle.core.snapshot import Governance
from bucle.store.records import Transaction
from bucle.store.tables.access import policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for the whole platform. `owners`: part → principal; `prices`: resource → amount and currency."""

    name: str
    governance: Governance
    isolation: str
    layout: str
    """`single`: one workspace, named after the platform, for all stages."""
    allow_model_code: str
    default_registry: str | None
    registries: tuple[str, ...]
    owners: Mapping[str, str]
    prices: Mapping[str, str]
    retention_attempts: str | None
    """ISO 8601, as those after it: how long after its end the folder of an attempt is kept; None: for ever."""
    retention_logs: str | None
    retention_scored_rows: str | None


def read_settings(rows: sa.Connection) -> Settings:
    """Return the settings."""
    row = rows.execute(sa.select(policy)).one()
    return Settings(
        name=row.name,
        governance=row.governance,
        isolation=row.isolation,
        layout=row.layout,
        allow_model_code=row.allow_model_code,
        default_registry=row.default_registry,
        registries=tuple(row.registries),
        owners=row.owners,
        prices=row.prices,
        retention_attempts=row.retention_attempts,
        retention_logs=row.retention_logs,
        retention_scored_rows=row.retention_scored_rows,
    )


def shared_workspace(rows: sa.Connection) -> str | None:
    """Return the name of the one workspace of all stages (`layout: single`), or None where each has its own."""
    row = rows.execute(sa.select(policy.c.name, policy.c.layout)).one()
    return row.name if row.layout == "single" else None


def change_setting(transaction: Transaction, name: str, value: str | None) -> None:
    """Give one of the single words another value; `default_registry` and those of retention take none."""
    transaction.rows.execute(policy.update().values({name: value}))
    touch(transaction)


def add_registry(transaction: Transaction, name: str) -> None:
    """Make a registry known."""
    _keep_registries(transaction, (*read_settings(transaction.rows).registries, name))


def remove_registry(transaction: Transaction, name: str) -> None:
    """Forget a registry; what was shared to it stays where it lies."""
    left = (known for known in read_settings(transaction.rows).registries if known != name)
    _keep_registries(transaction, tuple(left))


def set_owner(transaction: Transaction, part: str, principal: str | None) -> None:
    """Say who hears of a part; None: nobody."""
    owners = {**read_settings(transaction.rows).owners, part: principal}
    kept = {name: value for name, value in owners.items() if value is not None}
    transaction.rows.execute(policy.update().values(owners=kept))
    touch(transaction)


def set_price(transaction: Transaction, resource: str, amount: str | None) -> None:
    """Say what a resource costs; None: nothing is known."""
    prices = {**read_settings(transaction.rows).prices, resource: amount}
    kept = {name: value for name, value in prices.items() if value is not None}
    transaction.rows.execute(policy.update().values(prices=kept))
    touch(transaction)


def _keep_registries(transaction: Transaction, names: tuple[str, ...]) -> None:
    transaction.rows.execute(policy.update().values(registries=list(names)))
    touch(transaction)
