"""The guard before every door: the Host allow-list (DNS rebinding) and the id of each request."""

import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bucle import errors
from bucle.ops.request_counts import UNKNOWN, RequestCounts

LARGEST_DOCUMENT = 16 << 20
LARGEST_UPLOAD = 64 << 30
"""Bytes of a body: of a document, and of a file that is streamed to disk."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """An ASGI wrapper: refuses foreign hosts, gives each request an id, forbids sniffing and framing of answers."""

    application: ASGIApp
    hosts: frozenset[str]
    counts: RequestCounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        host = headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name not in self.hosts:
            misdirected = errors.Refused("sign_in.bad_host", host=host[:100])
            await _refusal(misdirected, 421, request_id)(scope, receive, send)
            return
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:  # no text of the records holds one
            await _refusal(errors.BadRequest("wire.nul"), 400, request_id)(scope, receive, send)
            return

        limit = LARGEST_UPLOAD if scope["method"] == "PUT" else LARGEST_DOCUMENT
        if int(headers.get("content-length", "0")) > limit:  # the server has seen that it is a number
            too_large = errors.BadRequest("wire.too_large", limit=limit)
            await _refusal(too_large, 413, request_id)(scope, receive, send)
            return
        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise errors.BadRequest("wire.too_large", limit=limit)
            return message

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["x-request-id"] = request_id
                answer["x-content-type-options"] = "nosniff"
                answer.setdefault("cache-control", "no-store")
                route = getattr(scope.get("route"), "path", UNKNOWN)  # put there by the router
                self.counts.add(scope["method"] if route != UNKNOWN else UNKNOWN, route, message["status"])
            await send(message)

        await self.application(scope, receive_limited, send_marked)


def _refusal(error: errors.BucleError, status: int, request_id: str) -> JSONResponse:
    body = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": error.code,
        "detail": error.detail, "hint": error.hint, "request_id": request_id,
    }  # fmt: skip
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
