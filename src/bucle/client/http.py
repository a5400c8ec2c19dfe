"""One HTTP session with a server: token, idempotency keys, retries that do nothing twice, problems as our errors."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from bucle import errors

RETRIES = 3
LOST = (httpx2.NetworkError, httpx2.RemoteProtocolError)
"""No connection, or one that ended before its answer: what was asked may have been done, and asking again is safe."""
RETRY_STATUS = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Requests to one server. An unsafe request carries an idempotency key, so that repeating it does nothing twice."""

    http: httpx2.Client
    sleep: Callable[[float], None] = time.sleep

    def get(self, path: str, **query: object) -> Any:
        """Return the JSON answer of GET `path`; `query` values that are None are left out."""
        return self.send("GET", path, query=query).json()

    def post(self, path: str, body: object = None, **query: object) -> Any:
        """Return the JSON answer of POST `path` with `body` as JSON."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return self.send("POST", path, query=query, json=body, headers=headers).json()

    def put_file(self, path: str, chunks: Callable[[], Iterator[bytes]]) -> None:
        """Send bytes to `path`; it names their digest, so that it may be sent again."""
        self.send("PUT", path, chunks=chunks)

    def lines(self, path: str, **query: object) -> Iterator[str]:
        """Yield the lines of a streamed answer as they come."""
        with self.http.stream("GET", path, params=_given(query), timeout=None) as answer:
            if answer.status_code >= 400:
                answer.read()
                raise _error_of(answer)
            yield from answer.iter_lines()

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of an answer as they come."""
        with self.http.stream("GET", path, timeout=None) as answer:
            if answer.status_code >= 400:
                answer.read()
                raise _error_of(answer)
            yield from answer.iter_bytes()

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Yield every row of a paged list."""
        token: str | None = None
        while True:
            page = self.get(path, **query, page_token=token)
            yield from page["value"]
            token = page["next_page_token"]
            if token is None:
                return

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        chunks: Callable[[], Iterator[bytes]] | None = None,
    ) -> httpx2.Response:
        """Send one request, again after a lost connection or a busy server; raise what the server refused."""
        for attempt in range(RETRIES + 1):
            try:
                answer = self.http.request(
                    method,
                    path,
                    params=_given(query or {}),
                    json=json,
                    headers=headers,
                    content=chunks() if chunks else None,
                )
            except httpx2.TransportError as fault:
                if attempt == RETRIES or not isinstance(fault, LOST):
                    raise _unreachable(self.http, fault) from fault
            else:
                if answer.status_code < 400:
                    return answer
                if attempt == RETRIES or answer.status_code not in RETRY_STATUS:
                    raise _error_of(answer)
            self.sleep(0.1 * 2**attempt)
        raise AssertionError


def _given(query: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _unreachable(http: httpx2.Client, fault: Exception) -> errors.BucleError:
    return errors.PlatformFault("server.unreachable", address=http.base_url, why=str(fault) or type(fault).__name__)


def _error_of(answer: httpx2.Response) -> errors.BucleError:
    try:
        body = answer.json()
        return errors.of_problem(answer.status_code, body["code"], body["detail"], body["hint"])
    except (ValueError, KeyError, TypeError):
        return errors.of_problem(answer.status_code, "wire.as_sent", answer.text[:500] or answer.reason_phrase, "")
