"""The first run on an empty state folder: a bootstrap administrator, his token, and a platform for one person."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bucle.access import policy, stages, tokens
from bucle.access.keys import Keys
from bucle.access.stages import Stage
from bucle.assets import datastores
from bucle.assets.datastores import Datastore
from bucle.config import Home
from bucle.core.classes import DEFAULT_CLASS, Tier
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Binding, Principal
from bucle.store.events import PLATFORM, Event
from bucle.store.records import Records, Transaction

ADMINISTRATOR = "admin"
TOKEN_LIFETIME = timedelta(days=365)
FIRST_STAGES: Sequence[tuple[str, Tier]] = (("dev", "dev"), ("preprod", "preprod"), ("prod", "prod"))
SOLO_ROLES: Sequence[tuple[str, Sequence[str]]] = (
    ("/", ("Auditor",)),
    ("/stages/dev", ("DataScientist", "DataEngineer")),
    ("/stages/preprod", ("MLEngineer", "DataEngineer", "Approver")),
    ("/stages/prod", ("MLEngineer", "DataEngineer", "Approver")),
)
"""What one person holds who runs the platform alone (`governance: solo`)."""


def first_run(records: Records, home: Home, keys: Keys, now: datetime, new_id: Callable[[], str]) -> None:
    """Make the administrator and a platform for one person, once; later starts change nothing.

    The token goes to a file (0600) before the change is committed: a crash between the two leaves a token that
    opens nothing, and the next start makes another.
    """
    with records.read() as rows:
        if policy.has_policy(rows):
            return
    with records.write(now) as transaction:
        if policy.has_policy(transaction.rows):  # made by another server meanwhile
            return
        person = new_id()
        administrator = Principal(id=person, name=ADMINISTRATOR, person_id=person, kind="person")
        policy.first_policy(transaction, governance="solo", bootstrap_id=person)
        policy.add_principal(transaction, administrator)
        _first_stages(transaction, home, new_id)
        _first_bindings(transaction, person, new_id)
        minted = tokens.mint(transaction, keys, person, purpose="bootstrap", lifetime=TOKEN_LIFETIME)
        transaction.record(
            Event(chain=PLATFORM, who="platform", via="server", what="platform/first-run", subject=ADMINISTRATOR)
        )
        _keep_token(home, minted.text)


def _first_stages(transaction: Transaction, home: Home, new_id: Callable[[], str]) -> None:
    for name, tier in FIRST_STAGES:
        stages.add_stage(transaction, Stage(name=name, tier=tier, workspace=name))
        root = home.datastores / name / datastores.DEFAULT
        store = Datastore(stage=name, name=datastores.DEFAULT, root=root, data_class=DEFAULT_CLASS[tier])
        datastores.attach(transaction, store, new_id())
    stages.set_path(transaction, "main", [name for name, _ in FIRST_STAGES])


def _first_bindings(transaction: Transaction, person: str, new_id: Callable[[], str]) -> None:
    for scope, roles in SOLO_ROLES:
        for role in roles:
            binding = Binding(id=new_id(), principal_id=person, role=role, scope=parse_scope(scope))
            policy.add_binding(transaction, binding, made_by="platform")


def _keep_token(home: Home, text: str) -> None:
    home.admin_token.unlink(missing_ok=True)
    descriptor = os.open(home.admin_token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
