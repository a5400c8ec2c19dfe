"""The door to other machines: an address beyond loopback, with TLS, its certificate read again when it changes."""

import argparse
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bucle import errors
from bucle.access.policy import read_snapshot
from bucle.server.life import listen
from bucle.store.records import Records

LOOK_S = 5.0
SETTINGS: Mapping[str, Any] = {
    "log_config": None,
    "access_log": False,
    "timeout_keep_alive": 75,  # uvicorn's 5 s drops the idle connections of MLflow's client
    "timeout_graceful_shutdown": 5,
    "server_header": False,
}
"""Of every uvicorn of ours."""
HSTS = ("strict-transport-security", "max-age=31536000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where other machines reach the server, and by which names they may call it."""

    host: str
    port: int
    certificate: Path
    key: Path
    names: Sequence[str]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how other machines reach the server."""
    parser.add_argument("--host", help="an address of this machine beyond loopback; needs TLS")
    parser.add_argument("--network-port", type=int, default=8443)
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--allow-host", action="append", default=[], help="a name by which callers may call it")


def network_of(asked: argparse.Namespace) -> Network | None:
    """Return what was asked for, None for loopback only; BadRequest without TLS or a name to be called by."""
    if asked.host is None:
        return None
    if asked.tls_cert is None or asked.tls_key is None:
        raise errors.BadRequest("server.needs_tls", host=asked.host)
    names = [*asked.allow_host, *([] if asked.host in {"0.0.0.0", "::"} else [asked.host])]  # noqa: S104  a comparison
    if not names:
        raise errors.BadRequest("server.needs_a_name", host=asked.host)
    return Network(
        host=asked.host, port=asked.network_port, certificate=asked.tls_cert, key=asked.tls_key, names=tuple(names)
    )


def refuse_alone(records: Records) -> None:
    """Raise Conflict where the bootstrap administrator is the only one who can sign in: a network is for people."""
    with records.read() as rows:
        known = read_snapshot(rows)
    bound = {binding.principal_id for binding in known.bindings} - {known.bootstrap_id}
    if not any(one.kind == "person" and one.active and one.id in bound for one in known.principals):
        raise errors.Conflict("server.needs_principals")


@contextmanager
def opened(network: Network | None, application: ASGIApp, records: Records) -> Iterator[str | None]:
    """Serve other machines within the block, where that is asked for; give the address by which they call."""
    if network is None:
        yield None
        return
    refuse_alone(records)
    config = uvicorn.Config(
        application,
        **SETTINGS,
        lifespan="off",  # the loopback server sees to it
        ssl_certfile=network.certificate,
        ssl_keyfile=network.key,
        headers=[HSTS],
    )
    context = _load(config, network)
    server = uvicorn.Server(config)
    ended = threading.Event()
    with listen(network.host, network.port) as listener:
        threads = [
            threading.Thread(target=server.run, args=([listener],), name="network"),
            threading.Thread(target=_renew, args=(context, network, ended), name="certificate"),
        ]
        for thread in threads:
            thread.start()
        try:
            yield f"https://{network.names[0]}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            ended.set()
            for thread in threads:
                thread.join()


def _load(config: uvicorn.Config, network: Network) -> ssl.SSLContext:
    try:
        config.load()
    except (OSError, ssl.SSLError) as fault:
        why = fault.strerror or str(fault)
        raise errors.BadRequest("server.bad_certificate", certificate=network.certificate, why=why) from fault
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config.ssl


def _renew(context: ssl.SSLContext, network: Network, ended: threading.Event) -> None:
    """Read the certificate again where its files changed: a new one holds from the next handshake on."""
    seen = _marks(network)
    while not ended.wait(LOOK_S):
        now = _marks(network)
        if now != seen:
            with suppress(OSError, ssl.SSLError):  # half written: the old one stays, and they are looked at again
                context.load_cert_chain(network.certificate, network.key)
                seen = now


def _marks(network: Network) -> tuple[int, int]:
    """Return when both files were last written; 0 for one that is not there."""
    return _written(network.certificate), _written(network.key)


def _written(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
