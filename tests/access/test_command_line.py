"""Signing in and granting from the command line, against a real server."""

import json
import stat
from pathlib import Path
from typing import Any

from tests.conftest import Installation, Ran

PASSWORD = "correct horse battery\n"


def _person(installation: Installation, name: str) -> None:
    """Invite somebody and sign in as him."""
    code = _told(installation.bucle("principal", "invite", name, "--kind", "person"))["code"]
    ran = installation.bucle("login", "--invite", code, "--password-stdin", stdin=PASSWORD)
    assert ran.code == 0, ran.err


def _told(ran: Ran) -> dict[str, Any]:
    """Return what a command wrote to stdout."""
    found: dict[str, Any] = json.loads(ran.out)
    return found


def _kept(installation: Installation) -> list[Path]:
    return list((installation.home.parent / "person" / "bucle" / "sessions").iterdir())


def test_person_signs_in_and_out(installation: Installation) -> None:
    """An invitation, then name and password; in between the administrator of the state folder calls again."""
    installation.up()
    _person(installation, "ana")
    assert _told(installation.bucle("whoami"))["name"] == "ana"
    assert [stat.S_IMODE(path.stat().st_mode) for path in _kept(installation)] == [0o600]
    assert installation.bucle("logout").code == 0
    assert _kept(installation) == []
    assert _told(installation.bucle("whoami"))["name"] == "admin"
    assert installation.bucle("login", "ana", "--password-stdin", stdin="wrong horse battery\n").code == 3
    assert installation.bucle("login", "ana", "--password-stdin", stdin=PASSWORD).code == 0
    assert _told(installation.bucle("whoami"))["session"] == "login"


def test_grant_question_and_token(installation: Installation) -> None:
    """What the administrator grants, `can` tells, and a token narrows."""
    installation.up()
    _person(installation, "ana")
    question = ("can", "ana", "jobs/submit", "/stages/dev")
    assert installation.bucle(*question).code == 3
    admin = {"token": installation.token}
    ran = installation.bucle("binding", "create", "ana", "DataScientist", "/stages/dev", "--expires-in", "8h", **admin)
    assert ran.code == 0, ran.err
    assert installation.bucle(*question).code == 0
    made = _told(installation.bucle("token", "create", "--scope", "/stages/dev", "--action", "jobs/read"))
    asked = installation.bucle("why-denied", "jobs/submit", "/stages/dev", token=made["token"])
    assert _told(asked)["why"] == "outside_token"
    matrix = installation.bucle("can", "--matrix", "--stage", "dev", "-o", "table", **admin)
    assert "DataScientist" in matrix.out


def test_login_without_a_terminal_does_not_ask(installation: Installation) -> None:
    """Where nobody can type, the password is piped or the command says so and leaves with 2."""
    installation.up()
    ran = installation.bucle("login", "ana", stdin="")
    assert ran.code == 2
    assert "--password-stdin" in ran.err


def test_administrators_token_is_sent_to_his_own_server_only(installation: Installation, tmp_path: Path) -> None:
    """A server that is named by address does not receive the token of the state folder near by."""
    installation.up()
    assert installation.bucle("whoami", "--server", installation.address).code == 0
    ran = installation.bucle("whoami", "--server", installation.address, "--home", str(tmp_path / "other"))
    assert ran.code == 3
    assert "says of nobody" in ran.err
