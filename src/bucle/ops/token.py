"""API tokens: made in a login session, narrowed to windows, listed, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access import bindings, principals, tokens
from bucle.access.principals import Known
from bucle.access.tokens import Token
from bucle.core.access import Allow, decide
from bucle.core.actions import ACTIONS
from bucle.core.delegation import TokenRequest, check_token
from bucle.core.scopes import PLATFORM as PLATFORM_SCOPE
from bucle.core.scopes import Scope, parse_scope
from bucle.core.snapshot import Window
from bucle.ops.authority import authorise
from bucle.ops.principal import find_principal
from bucle.ops.world import Call, World
from bucle.store.events import PLATFORM
from bucle.store.instants import to_text

DEFAULT_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedWindow:
    """What a token shall let through, as asked: these actions (None: any) at this scope and below."""

    scope: str
    actions: Sequence[str] | None


def create(
    world: World, call: Call, *, owner: str | None, asked: Sequence[AskedWindow], lifetime: timedelta | None
) -> dict[str, Any]:
    """Make a token for oneself or a service; the answer holds its text, this once.

    Without windows it lets through all that its owner holds at each use. A repeated request is answered
    without the text, since nothing keeps it.
    """
    windows = tuple(_window(one) for one in asked)
    with world.write(call) as transaction:
        rows = transaction.rows
        known = _owner(world, rows, call, owner)
        life = lifetime or DEFAULT_LIFETIME
        wanted = TokenRequest(
            owner_id=known.id,
            windows=windows or (Window(scope=PLATFORM_SCOPE),),
            expires_at=transaction.now + life,
        )
        refusal = check_token(world.policy.snapshot(rows), call.caller, wanted, now=transaction.now)
        if refusal is not None:
            raise refusal.error
        scopes = {"windows": [_window_row(window) for window in windows]} if windows else None
        minted = tokens.mint(transaction, world.keys, known.id, purpose="api", lifetime=life, scopes=scopes)
        made = tokens.find(rows, minted.id)
        assert made is not None, "it was written in this transaction"
        document = document_of(made, known.name)
        after = {name: document[name] for name in ("id", "windows", "expires_at")}
        transaction.record(call.event(PLATFORM, "tokens/create", f"principals/{known.name}", after=after))
        transaction.answers({**document, "token": None})
    return {**document, "token": minted.text}


def listed(world: World, call: Call, *, owner: str | None) -> list[dict[str, Any]]:
    """Return the live tokens of the caller and his services, or of one principal."""
    with world.read() as rows:
        if owner is None:
            people = [known for known in principals.list_principals(rows) if _is_own(call, known)]
        else:
            known_owner = principals.find(rows, owner)
            if known_owner is None or not _is_own(call, known_owner):
                authorise(world, rows, call, "principals/read", PLATFORM_SCOPE)
            people = [find_principal(rows, owner)]
        names = {known.id: known.name for known in people}
        found = tokens.list_tokens(rows, names, world.clock())
    return [document_of(token, names[token.principal_id]) for token in found]


def revoke(world: World, call: Call, token_id: str) -> dict[str, Any]:
    """Revoke a token from the next request on: one's own, or under `tokens/revoke` where its owner holds a role."""
    with world.write(call) as transaction:
        rows = transaction.rows
        found = tokens.find(rows, token_id)
        owners = principals.list_principals(rows)
        owner = next((known for known in owners if found and known.id == found.principal_id), None)
        if owner is None or not _is_own(call, owner):
            authorise(world, rows, call, "tokens/revoke", _revoked_at(world, rows, call, owner))
        if found is None or owner is None:
            raise errors.NotFound("token.not_found", id=token_id)
        if tokens.revoke(transaction, token_id):
            before = {"id": token_id}
            transaction.record(call.event(PLATFORM, "tokens/revoke", f"principals/{owner.name}", before=before))
        revoked = tokens.find(rows, token_id)
        assert revoked is not None, "revoking removes no row"
        return transaction.answers(document_of(revoked, owner.name))


def document_of(token: Token, owner: str) -> dict[str, Any]:
    """Return a token as people see it: never its secret."""
    return {
        "id": token.id,
        "owner": owner,
        "purpose": token.purpose,
        "windows": None if token.scopes is None else token.scopes["windows"],
        "created_at": to_text(token.created_at),
        "expires_at": to_text(token.expires_at),
        "last_used_at": None if token.last_used_at is None else to_text(token.last_used_at),
        "revoked_at": None if token.revoked_at is None else to_text(token.revoked_at),
    }


def _owner(world: World, rows: sa.Connection, call: Call, owner: str | None) -> Known:
    """Return whose token is asked for; whether a name exists is told to those who make tokens for others only."""
    known = principals.find(rows, owner or call.principal.name)
    if known is None:
        authorise(world, rows, call, "tokens/write", PLATFORM_SCOPE)
        raise errors.NotFound("principal.not_found", name=owner)
    if known.disabled_at is not None:
        raise errors.Conflict("principal.disabled", name=known.name)
    return known


def _is_own(call: Call, known: Known) -> bool:
    """Say whether a principal is the caller or his service; who calls by a narrowed token owns nothing here."""
    return call.caller.windows is None and known.person_id == call.principal.person_id


def _revoked_at(world: World, rows: sa.Connection, call: Call, owner: Known | None) -> Scope:
    """Return where `tokens/revoke` is asked for: a scope of the owner's at which the caller has it, else the platform.

    An EmergencyOperator holds it in his stages only, and revokes there what acts there.
    """
    held = [] if owner is None else bindings.list_bindings(rows, principal_name=owner.name)
    snapshot, now = world.policy.snapshot(rows), world.clock()
    for binding in held:
        scope = parse_scope(binding.scope)
        if isinstance(decide(snapshot, call.caller, "tokens/revoke", scope, now=now), Allow):
            return scope
    return PLATFORM_SCOPE


def _window(asked: AskedWindow) -> Window:
    if asked.actions is None:
        return Window(scope=parse_scope(asked.scope))
    known = {str(action): action for action in ACTIONS}
    unknown = sorted(set(asked.actions) - set(known))
    if unknown:
        raise errors.BadRequest("can.unknown_action", action=unknown[0])
    return Window(scope=parse_scope(asked.scope), actions=frozenset(known[name] for name in asked.actions))


def _window_row(window: Window) -> dict[str, Any]:
    actions = None if window.actions is None else sorted(window.actions)
    return {"scope": str(window.scope), "actions": actions}
