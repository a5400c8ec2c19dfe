"""Signing in and out, and who is calling: a token or a session recognised, with what narrows its grants."""

import base64
import binascii
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bucle import errors
from bucle.access import invitations, principals, sessions, tokens
from bucle.core.scopes import parse_scope
from bucle.core.snapshot import Caller, Principal, Window
from bucle.ops.world import Call, Via, World
from bucle.store.events import PLATFORM, Event
from bucle.store.instants import to_text
from bucle.store.records import Transaction

LOG = logging.getLogger("bucle.server")
SEEN_AGAIN = timedelta(minutes=1)
"""How exactly the last use of a credential is known: one write a minute, not one a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A recognised caller: the principal, and what his token or session lets through."""

    caller: Caller
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A request of somebody not known yet: from where, its id, and the session he had before, if any."""

    address: str
    request_id: str
    authorization: str | None = field(default=None, repr=False)
    via: Via = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A person before the pages: who he is, when his session ends, and the token that his forms carry back."""

    identity: Identity
    ends_at: datetime
    form_token: str = field(repr=False)


def identify(world: World, authorization: str | None) -> Identity:
    """Return who sends this `Authorization` header; NotSignedIn says what is wrong with it.

    Bearer takes a session or a token; Basic takes a token as the password, as MLflow's clients send it.
    """
    text = _credential(authorization)
    now = world.clock()
    with world.read() as rows:
        seen: sessions.Seen | tokens.Presented
        if text.startswith("bcs_"):
            seen = sessions.recognise(rows, world.keys, text, now)
            caller = Caller(principal_id=seen.principal_id, session="login")
        else:
            seen = tokens.recognise(rows, world.keys, text, now)
            caller = caller_of(seen)
        principal = world.policy.snapshot(rows).people[seen.principal_id]
    if seen.seen_at is None or now - seen.seen_at >= SEEN_AGAIN:
        _touch(world, seen, now)
    return Identity(caller=caller, principal=principal)


def seat(world: World, session: str) -> Seat:
    """Return who sits behind the session of a cookie; NotSignedIn otherwise. A token is no session, even there.

    The form token is an HMAC of the session under the pepper: it needs no column, and it changes with the session.
    """
    now = world.clock()
    with world.read() as rows:
        seen = sessions.recognise(rows, world.keys, session, now)
        principal = world.policy.snapshot(rows).people[seen.principal_id]
    if now - seen.seen_at >= SEEN_AGAIN:
        _touch(world, seen, now)
    identity = Identity(caller=Caller(principal_id=principal.id, session="login"), principal=principal)
    return Seat(identity=identity, ends_at=seen.ends_at, form_token=world.keys.hmac(f"form\n{session}"))


def caller_of(presented: tokens.Presented) -> Caller:
    """Return the caller that a token stands for."""
    scopes = presented.scopes
    windows = None
    if scopes is not None:
        windows = tuple(
            Window(
                scope=parse_scope(row["scope"]),
                actions=None if row["actions"] is None else frozenset(row["actions"]),
            )
            for row in scopes["windows"]
        )
    return Caller(
        principal_id=presented.principal_id,
        session="job" if presented.purpose == "job" else "token",
        windows=windows,
        identity_id=None if scopes is None else scopes.get("identity_id"),
    )


def login(world: World, knock: Knock, name: str, password: str) -> dict[str, Any]:
    """Open a session by name and password; the answer holds the session's text, this once.

    NotSignedIn tells a wrong name from a wrong password neither in words nor in time; TooMany after a few tries.
    """
    now = world.clock()
    world.attempts.take(name, knock.address, now)
    with world.read() as rows:
        known = principals.find(rows, name)
    kept = None if known is None or known.disabled_at is not None else known.password
    if not world.passwords.matches(password, kept) or known is None:
        raise errors.NotSignedIn("sign_in.wrong_password")
    world.attempts.forgive(name, knock.address)
    with world.records.write(now) as transaction:
        current = principals.find(transaction.rows, name)
        if current is None or current.disabled_at is not None or current.password != kept:
            raise errors.NotSignedIn("sign_in.wrong_password")
        return _open(world, transaction, knock, known.id, Event(**_by(knock, name), what="sign-in/login"))


def redeem(world: World, knock: Knock, code: str, password: str) -> dict[str, Any]:
    """Set a password with the one-use code of an invitation and open a session; his earlier sessions end.

    The event names the inviter: who set this person's password is known before his next approval.
    """
    now = world.clock()
    world.attempts.take(None, knock.address, now)
    with world.read() as rows:
        invited = invitations.recognise(rows, world.keys, code, now)
    hashed = world.passwords.hash(password)
    with world.records.write(now) as transaction:
        invited = invitations.recognise(transaction.rows, world.keys, code, now)
        invitations.use(transaction, invited)
        principals.set_password(transaction, invited.principal_id, hashed)
        sessions.end_all(transaction, invited.principal_id)
        told = Event(**_by(knock, invited.name), what="sign-in/redeem", after={"invited_by": invited.inviter})
        return _open(world, transaction, knock, invited.principal_id, told)


def logout(world: World, call: Call, authorization: str | None) -> dict[str, Any]:
    """End the session that calls; BadRequest where a token calls, which is revoked instead."""
    if call.caller.session != "login":
        raise errors.BadRequest("sign_in.no_session")
    with world.write(call) as transaction:
        seen = sessions.recognise(transaction.rows, world.keys, _credential(authorization), transaction.now)
        sessions.end(transaction, seen.id)
        transaction.record(call.event(PLATFORM, "sign-in/logout", call.principal.name))
        return transaction.answers({"name": call.principal.name, "signed_in": False})


def _open(world: World, transaction: Transaction, knock: Knock, principal_id: str, told: Event) -> dict[str, Any]:
    """Open a session in the place of the one that was presented, and record the event that tells of it."""
    _end_presented(world, transaction, knock)
    opened = sessions.open_session(transaction, world.keys, principal_id)
    transaction.record(told)
    return {"name": told.who, "session": opened.text, "expires_at": to_text(opened.expires_at)}


def _end_presented(world: World, transaction: Transaction, knock: Knock) -> None:
    try:
        text = _credential(knock.authorization)
        earlier = sessions.recognise(transaction.rows, world.keys, text, transaction.now)
    except errors.NotSignedIn:
        return
    sessions.end(transaction, earlier.id)


def _by(knock: Knock, name: str) -> dict[str, Any]:
    """Return the fields of an event by somebody who was unknown until now."""
    return {"chain": PLATFORM, "who": name, "via": knock.via, "subject": name, "request_id": knock.request_id}


def _credential(authorization: str | None) -> str:
    """Return the credential of an `Authorization` header (RFC 6750 Bearer, RFC 7617 Basic)."""
    kind, _, text = (authorization or "").partition(" ")
    text = text.strip()
    match kind.lower():
        case "bearer" if text:
            return text
        case "basic" if text:
            return _basic_password(text)
        case _:
            raise errors.NotSignedIn("sign_in.nobody")


def _basic_password(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as fault:
        raise errors.NotSignedIn("sign_in.not_a_token") from fault


def _touch(world: World, seen: sessions.Seen | tokens.Presented, now: datetime) -> None:
    """Note the use; where the records cannot be written, reading goes on and the idle hours run."""
    try:
        with world.records.write(now) as transaction:
            if isinstance(seen, sessions.Seen):
                sessions.touch(transaction, seen.id)
            else:
                tokens.touch(transaction, seen.id)
    except errors.Unavailable:
        LOG.warning("the use of a credential was not noted", exc_info=True)
