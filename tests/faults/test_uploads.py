"""Who may not send is refused before his bytes are read: a wrong role fills no disk."""

import socket

import pytest

from bucle.client import Client
from tests.conftest import Installation

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HUGE = 1 << 34
PATIENCE_S = 30.0


def _answer(installation: Installation, path: str, token: str, size: int) -> str:
    """Announce a body of `size` bytes, send none of it, and return the status that comes all the same."""
    host, _, port = installation.address.removeprefix("http://").partition(":")
    head = f"PUT /api/v1/stages/dev/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    with socket.create_connection((host, int(port)), PATIENCE_S) as sent:
        sent.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
        return sent.recv(4096).decode().split()[1]


@pytest.mark.parametrize("path", [f"code/{EMPTY}", f"datastores/workspaceblobstore/files/{EMPTY}"])
def test_wrong_role_sends_nothing(shared_installation: Installation, client: Client, path: str) -> None:
    """A Reader is answered 403 though not a byte of his 16 GiB has come; who may send is taken at his word."""
    name = f"reader-{path.partition('/')[0]}"
    code = client.principal.invite(name, kind="person")["code"]
    session = client.sign_in.redeem(code, "correct horse battery")["session"]
    client.binding.create(name, "Reader", "/stages/dev")
    assert _answer(shared_installation, path, str(session), HUGE) == "403"
    assert _answer(shared_installation, path, shared_installation.token, 0) == "200"
