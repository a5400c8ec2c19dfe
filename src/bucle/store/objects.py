"""Objects: content-addressed bytes, one folder a workspace; a digest grants nothing and no caller's path is joined."""

import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from bucle import errors

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was kept: its digest and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """A folder of objects: `<root>/<workspace>/<aa>/<sha256>`, each 0600, complete or absent."""

    root: Path

    def put(self, workspace: str, chunks: Iterable[bytes], named: str | None = None) -> Stored:
        """Keep the bytes of `chunks`; refuse them when they are not those that `named` says. Idempotent."""
        temporary = self.root / workspace / f".{secrets.token_hex(8)}"
        stored = _write(temporary, chunks)
        try:
            _refuse_other(stored, named)
            _place(temporary, self._path(workspace, stored.digest))
        finally:
            temporary.unlink(missing_ok=True)
        return stored

    def has(self, workspace: str, digest: str) -> bool:
        """Return whether this workspace keeps `digest`; other workspaces are never asked.

        Who is told so may name it next: from now on it is as young as if it had just been sent.
        """
        return touched(self._path(workspace, digest))

    def path(self, workspace: str, digest: str) -> Path:
        """Return where `digest` lies; NotFound when this workspace does not keep it."""
        found = self._path(workspace, digest)
        if not found.is_file():
            raise errors.NotFound("store.object_missing", digest=digest)
        return found

    def read(self, workspace: str, digest: str) -> bytes:
        """Return the bytes of `digest`."""
        return self.path(workspace, digest).read_bytes()

    @contextmanager
    def open(self, workspace: str, digest: str) -> Iterator[BinaryIO]:
        """Yield `digest` opened for reading."""
        with self.path(workspace, digest).open("rb") as stream:
            yield stream

    def copy(self, source: str, target: str, digest: str) -> None:
        """Give workspace `target` the object `digest` of `source`; only verbs that authorise both ends call this."""
        with self.open(source, digest) as stream:
            self.put(target, iter(lambda: stream.read(CHUNK), b""), named=digest)

    def _path(self, workspace: str, digest: str) -> Path:
        hexadecimal = hex_of(digest)
        return self.root / workspace / hexadecimal[:2] / hexadecimal


def hex_of(digest: str) -> str:
    """Return the 64 hexadecimal digits of a digest; what is not one names no object."""
    found = _DIGEST.fullmatch(digest)
    if found is None:
        raise errors.NotFound("store.object_missing", digest=digest[:80])
    return found[1]


def touched(path: Path) -> bool:
    """Make what lies at `path` young again, that no collection takes it; return whether it is there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def told_plainly(where: Path) -> Iterator[None]:
    """Tell a folder that cannot be written, for want of room above all, as an error of ours."""
    try:
        yield
    except OSError as fault:
        raise errors.PlatformFault("store.full", where=where, why=fault.strerror) from fault


@asynccontextmanager
async def spooled(folder: Path, chunks: AsyncIterable[bytes]) -> AsyncIterator[Path]:
    """Yield a file in `folder` with the bytes of `chunks`; it goes after. PlatformFault when there is no room."""
    with ExitStack() as kept:
        with told_plainly(folder):
            spool = kept.enter_context(NamedTemporaryFile(dir=folder, prefix=".arriving-", buffering=0))
            async for chunk in chunks:  # one megabyte at most to a local disk: shorter than a switch of threads
                rest = memoryview(chunk)
                while rest:
                    rest = rest[spool.write(rest) :]
        yield Path(spool.name)


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader sees all of it or the file as it was: tmp → fsync → rename → fsync."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write(temporary, (content,))
    _place(temporary, path)


def take_file(path: Path, chunks: Iterable[bytes], *, named: str) -> Stored:
    """Keep bytes at `path` when their digest is `named`; what is there already stays as it is."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    stored = _write(temporary, chunks)
    try:
        _refuse_other(stored, named)
        if not path.exists():
            _place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return stored


def _refuse_other(stored: Stored, named: str | None) -> None:
    if named is not None and named != stored.digest:
        raise errors.BadRequest("store.digest_differs", found=stored.digest, named=named)


def _write(temporary: Path, chunks: Iterable[bytes]) -> Stored:
    sha, size = hashlib.sha256(), 0
    try:
        with told_plainly(temporary.parent):
            temporary.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                for chunk in chunks:
                    stream.write(chunk)
                    sha.update(chunk)
                    size += len(chunk)
                stream.flush()
                os.fsync(stream.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Stored(digest=f"sha256:{sha.hexdigest()}", size=size)


def _place(temporary: Path, path: Path) -> None:
    with told_plainly(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.replace(path)
        for folder in (path.parent, path.parent.parent):
            sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
