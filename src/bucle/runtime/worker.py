"""The scoring worker: one process a replica, in its model's environment, behind an abstract unix socket.

It loads, proves, listens, and only then writes `ready.json`. TERM drains it: what was accepted is answered.
"""

import asyncio
import json
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucle.runtime import frame
from bucle.runtime.batching import BATCH_ROWS, Answer, Asked, Runner, refusal
from bucle.runtime.frame import Decoder, Frame, FrameError
from bucle.runtime.payload import PayloadError, Schema, decode
from bucle.runtime.served_model import ModelRefusedError, ServedModel, load, prove_row_wise

LARGEST_FRAME = 256 << 20
CANNOT_SERVE = 3
_BACKLOG = 64
_LAST_WORDS_S = 0.02
_GATEWAY_LEAVES_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is told: its socket, its model's folder and digest, where it says that it is ready.

    `listener` is the descriptor of a unix socket that is bound already.
    """

    listener: int
    model: str
    model_digest: str
    ready: str
    pass_through: tuple[str, ...]
    most_rows: int


def main(document: str) -> int:
    """Serve the order of `document` until TERM; 3 when the model cannot be served, the reason last in the log."""
    given = json.loads(document)
    order = Order(**{**given, "pass_through": tuple(given["pass_through"])})
    try:
        model = load(order.model)
        row_wise, why = prove_row_wise(model)
    except ModelRefusedError as refused:
        return _give_up(str(refused))
    except BaseException as fault:  # noqa: BLE001  a model's code may raise anything, SystemExit too
        traceback.print_exc()
        return _give_up(f"{type(fault).__name__}: {fault}")
    schema = Schema(columns=model.columns, pass_through=order.pass_through, most_rows=order.most_rows)
    asyncio.run(serve(order, model, schema, {"row_wise": row_wise, "why": why}))
    return 0


def hello_of(order: Order, schema: Schema, proof: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a worker says of itself, first on each link and in `ready.json`."""
    return {
        "version": frame.VERSION,
        "model": order.model_digest,
        "schema": schema.digest,
        "columns": [[column.name, column.kind, column.required] for column in schema.columns],
        "tier": "T3",
        "most_rows": schema.most_rows,
        **proof,
    }


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Return (pid, uid) of the process at the other end of a unix socket."""
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid


class Links:
    """The connections that are open; `none` is set while there is none."""

    def __init__(self) -> None:
        self.open: set[Link] = set()
        self.none = asyncio.Event()
        self.none.set()

    def add(self, link: "Link") -> None:
        """Note a connection."""
        self.open.add(link)
        self.none.clear()

    def remove(self, link: "Link") -> None:
        """Forget a connection."""
        self.open.discard(link)
        if not self.open:
            self.none.set()


class Link(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self, hello: bytes, schema: Schema, runner: Runner, links: Links) -> None:
        self._hello = hello
        self._schema = schema
        self._runner = runner
        self._links = links
        self._decoder = Decoder(LARGEST_FRAME)
        self._asked: dict[int, Asked] = {}
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a process of our own user; hang up on any other."""
        assert isinstance(transport, asyncio.WriteTransport)
        if peer_of(transport.get_extra_info("socket"))[1] != os.getuid():
            transport.abort()
            return
        self._transport = transport
        self._links.add(self)
        transport.write(frame.encode(Frame(request_id=0, kind=frame.HELLO, body=self._hello)))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        """Forget whoever waits: there is nobody to answer."""
        self._links.remove(self)
        self._transport = None
        for asked in self._asked.values():
            asked.cancelled = True

    def data_received(self, data: bytes) -> None:
        """Take in all frames of one read."""
        try:
            frames = self._decoder.feed(data)
        except FrameError as fault:
            sys.stderr.write(f"a gateway spoke another frame: {fault}\n")
            self.close()
            return
        for found in frames:
            self._take(found)

    def close(self) -> None:
        """Hang up once what is written has gone."""
        if self._transport is not None:
            self._transport.close()

    def _take(self, found: Frame) -> None:
        if found.kind == frame.REQUEST:
            self._ask(found)
        elif found.kind == frame.CANCEL and found.request_id in self._asked:
            self._asked.pop(found.request_id).cancelled = True
        elif found.kind == frame.PING:
            self._write(Frame(request_id=found.request_id, kind=frame.PONG))

    def _ask(self, found: Frame) -> None:
        try:
            rows = decode(found.body, self._schema)
        except PayloadError as fault:
            body = json.dumps(fault.document()).encode()
            self._respond(found.request_id, Answer(status=fault.status, body=body))
            return

        def answer(made: Answer) -> None:
            self._loop.call_soon_threadsafe(self._answer, found.request_id, made)

        asked = Asked(request=str((found.meta or {}).get("request", "")), rows=rows, answer=answer)
        self._asked[found.request_id] = asked
        if not self._runner.ask(asked):
            self._answer(found.request_id, refusal(503, "Overloaded", "too many requests wait for the model"))

    def _answer(self, request_id: int, answer: Answer) -> None:
        if self._asked.pop(request_id, None) is not None:  # else it was cancelled meanwhile
            self._respond(request_id, answer)

    def _respond(self, request_id: int, answer: Answer) -> None:
        took = min(answer.took_us, frame.WRAP - 1)
        self._write(Frame(request_id=request_id, kind=frame.RESPONSE, status=answer.status, aux=took, body=answer.body))

    def _write(self, found: Frame) -> None:
        if self._transport is not None:
            self._transport.write(frame.encode(found))


async def serve(order: Order, model: ServedModel, schema: Schema, proof: Mapping[str, Any]) -> None:
    """Answer gateways until TERM, then what was accepted."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    runner = Runner(model.predict, batch_rows=BATCH_ROWS if proof["row_wise"] else 1)
    runner.start()
    hello = json.dumps(hello_of(order, schema, proof)).encode()
    links = Links()
    listener = socket.socket(fileno=order.listener)
    server = await loop.create_unix_server(lambda: Link(hello, schema, runner, links), sock=listener, backlog=_BACKLOG)
    _say_ready(Path(order.ready), hello)
    sys.stderr.write(f"ready: {schema.digest} row_wise={proof['row_wise']} ({proof['why']})\n")
    await stopping.wait()
    server.close()
    with suppress(TimeoutError):  # the gateway hangs up when it has its last answer
        await asyncio.wait_for(links.none.wait(), _GATEWAY_LEAVES_S)
    await asyncio.to_thread(runner.drain)
    await asyncio.sleep(_LAST_WORDS_S)  # the last answers are on their way from the runner's thread
    for link in tuple(links.open):
        link.close()
    await asyncio.sleep(_LAST_WORDS_S)


def _say_ready(file: Path, hello: bytes) -> None:
    draft = file.with_name(f".{file.name}")
    draft.write_bytes(hello)
    draft.rename(file)


def _give_up(why: str) -> int:
    sys.stderr.write(f"cannot serve: {why}\n")  # the keeper reads the last line of the log
    return CANNOT_SERVE
