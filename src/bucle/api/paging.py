"""Keyset pages: `?limit=&page_token=`; a token is opaque and signed, and holds where the last page ended."""

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Query

from bucle import errors
from bucle.api.door import TheWorld

LONGEST_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is asked for: at most `limit` rows behind the row with the key `after` (None: from the start)."""

    limit: int
    after: tuple[Any, ...] | None


def asked_page(
    world: TheWorld,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = 100,
    page_token: Annotated[str | None, Query(max_length=2000)] = None,
) -> Page:
    """Return the page asked for; BadRequest for a token that is not ours."""
    after = None if page_token is None else _open(world.keys.pages, page_token)
    return Page(limit=limit, after=after)


AskedPage = Annotated[Page, Depends(asked_page)]


def page_of(world: TheWorld, rows: Sequence[dict[str, Any]], last: tuple[Any, ...] | None) -> dict[str, Any]:
    """Return the document of a page; `last` is the key of its last row when more follow, else None."""
    return {"value": list(rows), "next_page_token": None if last is None else _seal(world.keys.pages, last)}


def _seal(key: bytes, last: tuple[Any, ...]) -> str:
    body = json.dumps(last, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(key, body) + body).decode()


def _open(key: bytes, token: str) -> tuple[Any, ...]:
    try:
        sealed = base64.urlsafe_b64decode(token)
    except ValueError as fault:
        raise errors.BadRequest("store.bad_page_token") from fault
    signature, body = sealed[:16], sealed[16:]
    if not hmac.compare_digest(signature, _signature(key, body)):
        raise errors.BadRequest("store.bad_page_token")
    return tuple(json.loads(body))


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, sha256).digest()[:16]
