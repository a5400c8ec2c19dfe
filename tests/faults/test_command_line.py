"""Faults as a person meets them: each verb says one sentence and the way out, leaves with its code, changes nothing."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Installation, Ran, write

PASSWORD = "correct horse battery"
JOB = "command: 'true'\nenvironment: {image: python}\n"
LAUGHS = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)
FILES = {
    "job.yml": JOB,
    "data.yml": "name: rows\npath: ./job.yml\n",
    "endpoint.yml": "name: car\n",
    "gate.yml": "stage: dev\napprovals: 1\n",
    "schedule.yml": "name: nightly\ntrigger: {type: cron, expression: '0 0 * * *'}\ncreate_job: ./job.yml\n",
    "labels.jsonl": '{"correlation_id": "nobody", "label": 1}\n',
}
VERBS = [
    "job create -f job.yml",
    "job cancel --name nothing",
    "data create -f data.yml",
    "online-endpoint create -f endpoint.yml",
    "online-deployment delete --name blue --endpoint-name car --yes",
    "schedule create -f schedule.yml",
    "model share --name car --version 1 --registry-name shared",
    "gate set -f gate.yml",
    "label create car --stage dev -f labels.jsonl",
    "audit list",
    "principal invite newcomer --kind person",
    "binding create newcomer Reader /stages/dev",
]
"""Twelve verbs of eleven nouns; a Reader holds none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A person with a folder of files, at a running installation."""

    installation: Installation
    folder: Path

    def bucle(self, words: str, token: str | None = None) -> Ran:
        """Run a command; names of files stand for files of the folder."""
        arguments = [
            str(self.folder / word) if word in FILES or word.startswith("bad") else word for word in words.split()
        ]
        return self.installation.bucle(*arguments, token=token or self.installation.token)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Give a fresh installation, which has its bootstrap administrator still."""
    made = Desk(
        installation=Installation(home=tmp_path_factory.mktemp("desk") / "home"),
        folder=tmp_path_factory.mktemp("files"),
    )
    for name, text in FILES.items():
        write(made.folder / name, text)
    made.installation.up()
    yield made
    made.installation.bucle("down")


@pytest.fixture(scope="module")
def reader(desk: Desk) -> str:
    """Give the session of somebody who reads in dev, and no more."""
    with desk.installation.client() as admin:
        code = admin.principal.invite("ana", kind="person")["code"]
        session = admin.sign_in.redeem(code, PASSWORD)["session"]
        admin.binding.create("ana", "Reader", "/stages/dev")
    return str(session)


@pytest.mark.parametrize("verb", VERBS)
def test_wrong_role_is_one_sentence(desk: Desk, reader: str, verb: str) -> None:
    """A wrong role is told what is missing, where, and whom to ask, with exit 3; who holds the role is not refused."""
    _assert_told(desk.bucle(verb, reader), 3, " is refused: Reader at /stages/dev does not hold it")
    assert desk.bucle(verb).code != 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (JOB + "command: 'false'\n", "bad.yml:3:1"),
        (LAUGHS, "its aliases expand to"),
        ("\x00{[", "bad.yml:1:1"),
        ("[1, 2", "bad.yml"),
        ("", "bad.yml:1:1"),
    ],
)
def test_file_at_fault(desk: Desk, text: str, told: str) -> None:
    """A key written twice, a billion laughs, garbage: exit 2, the place, and no job; the right file is taken."""
    before = desk.bucle("job list --query [].name").out
    write(desk.folder / "bad.yml", text)
    ran = desk.bucle("job create -f bad.yml")
    assert (ran.code, told in ran.err, "Traceback" in ran.err, ran.out) == (2, True, False, "")
    assert desk.bucle("job list --query [].name").out == before
    assert desk.bucle("job create -f job.yml").code == 0


def test_missing_file(desk: Desk) -> None:
    """A file that is not there is named, with exit 2."""
    (desk.folder / "bad-missing.yml").unlink(missing_ok=True)
    _assert_told(desk.bucle("job create -f bad-missing.yml"), 2, "bad-missing.yml")


def test_label_of_an_unknown_request(desk: Desk) -> None:
    """A label that belongs to no request is refused with its id, with exit 4."""
    _assert_told(desk.bucle("label create car --stage dev -f labels.jsonl"), 4, "nobody")


def test_tokens_end(desk: Desk, reader: str) -> None:
    """A token that was revoked, and one that has expired, open nothing: exit 3, and which of the two it was."""
    made = [desk.bucle(f"token create --expires-in {span}", reader).json() for span in ("1h", "4s")]
    revoked, expired = (one for one in made if isinstance(one, dict))
    assert [desk.bucle("whoami", one["token"]).code for one in (expired, revoked)] == [0, 0]
    assert desk.bucle(f"token revoke {revoked['id']}", reader).code == 0
    _assert_told(desk.bucle("whoami", revoked["token"]), 3, "revoked")
    time.sleep(4)
    _assert_told(desk.bucle("whoami", expired["token"]), 3, "expired")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("exit 3", "exit code 3"),
        ("kill -9 $$", "exit code -9"),
        ("trap '' TERM; sleep 60 & wait; sleep 60", "timeout"),
    ],
)
def test_job_that_fails(desk: Desk, command: str, told: str) -> None:
    """Following a job that exits 3, is killed, or ignores TERM beyond its timeout: exit 1 and why; none is left."""
    command = f"true {uuid4().hex}; {command}"
    write(desk.folder / "bad.yml", f'command: "{command}"\nenvironment: {{image: python}}\nlimits: {{timeout: 5}}\n')
    ran = desk.bucle("job create --stream -f bad.yml")
    assert (ran.code, told in ran.err, "Traceback" in ran.err) == (1, True, False), ran.err
    assert desk.bucle("job create --stream -f job.yml").code == 0
    assert not [place for place in Path("/proc").glob("[0-9]*/cmdline") if command.encode() in _words(place)]


def test_server_that_is_gone(desk: Desk) -> None:
    """Without a server every verb says how to start it, with exit 7; afterwards the work is where it was."""
    before = desk.bucle("job list --query [].name").out
    assert desk.bucle("down").code == 0
    _assert_told(desk.bucle("job list"), 7, "bucle up")
    desk.installation.up()
    assert desk.bucle("job list --query [].name").out == before


def _assert_told(ran: Ran, code: int, word: str) -> None:
    """One sentence, one hint, the right code, nothing on stdout."""
    lines = ran.err.splitlines()
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert [line.partition(":")[0] for line in lines] == ["error", "  try"], ran.err
    assert word in ran.err


def _words(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""
