"""Operations by which local files reach the platform: announce a manifest, send the bytes that are missing."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Depends, Request
from starlette.concurrency import run_in_threadpool

from bucle.api.door import Called, Door, Streamed, TheWorld
from bucle.ops import uploads
from bucle.ops.sign_in import identify
from bucle.ops.world import Call
from bucle.store.objects import spooled

DOOR = Door()
CHUNK = 1 << 20
Rows = Annotated[list[list[Any]], Body(embed=True)]


def data_sender(world: TheWorld, call: Streamed, stage: str, store: str) -> Call:
    """Return who sends data, once he may."""
    uploads.may_send_data(world, call, stage, store)
    return call


def code_sender(world: TheWorld, call: Streamed, stage: str) -> Call:
    """Return who sends code, once he may."""
    uploads.may_send_code(world, call, stage)
    return call


async def spooled_body(request: Request, world: TheWorld) -> AsyncIterator[Path]:
    """Yield a file with the body's bytes; the file goes after. Whoever may not send is to be refused before.

    The bytes may take hours: a token or a session that ended meanwhile is refused before they are kept.
    """
    async with spooled(world.home.objects, request.stream()) as spool:
        await run_in_threadpool(identify, world, request.headers.get("authorization"))
        yield spool


DataSender = Annotated[Call, Depends(data_sender)]
CodeSender = Annotated[Call, Depends(code_sender)]
Spooled = Annotated[Path, Depends(spooled_body)]
"""Stands behind the sender among a verb's arguments: FastAPI asks for them in their order."""


@DOOR.operation(
    "POST", "/stages/{stage}/datastores/{store}/files:announce", name="data.announce", permission="data/write"
)
def announce_data(world: TheWorld, call: Called, stage: str, store: str, files: Rows) -> dict[str, Any]:
    """Announce data to come as [path, executable, size, sha256] rows; answer its digest and what is missing."""
    return uploads.announce_data(world, call, stage, store, files)


@DOOR.operation("PUT", "/stages/{stage}/datastores/{store}/files/{digest}", name="data.upload", permission="data/write")
def send_data(world: TheWorld, call: DataSender, stage: str, store: str, digest: str, spool: Spooled) -> dict[str, Any]:
    """Send the bytes of one file of data; idempotent by its digest."""
    return uploads.send_data(world, call, stage, store, digest, _chunks(spool))


@DOOR.operation("POST", "/stages/{stage}/code:announce", name="code.announce", permission="jobs/submit")
def announce_code(world: TheWorld, call: Called, stage: str, files: Rows) -> dict[str, Any]:
    """Announce code to come as [path, executable, size, sha256] rows; answer its digest and what is missing."""
    return uploads.announce_code(world, call, stage, files)


@DOOR.operation("PUT", "/stages/{stage}/code/{digest}", name="code.upload", permission="jobs/submit")
def send_code(world: TheWorld, call: CodeSender, stage: str, digest: str, spool: Spooled) -> dict[str, Any]:
    """Send the bytes of one file of code; idempotent by its digest."""
    return uploads.send_code(world, call, stage, digest, _chunks(spool))


def _chunks(spool: Path) -> Iterator[bytes]:
    with spool.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
