"""A disk that is full: each verb says so in a sentence, reading goes on, work is kept until there is room, once."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from bucle.runtime import folder
from bucle.runtime.attempt import Alive, AttemptSpec, Exit, Isolation
from bucle.runtime.spawning import Spawner
from tests.conftest import Installation, write
from tests.faults.conftest import Ledger, await_true, job, running_of, submit

NAMES = 6000
MOMENT_S = 0.5
"""Long enough for a supervisor that does not wait to have gone."""
DATA = 'name: {name}\nversion: "1"\ntype: uri_file\npath: rows.csv\n'
JOB = "type: command\nname: {name}\ncommand: echo once\nenvironment: {{image: python}}\n"
FULL = ("No space left on device", "database or disk is full")


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A state folder on a disk of 64 MB that holds few files."""

    mount: Path
    installation: Installation

    def fill(self) -> None:
        """Leave not a byte free."""
        with (self.mount / "filling").open("wb", buffering=0) as stream:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        stream.write(b"\0" * size)

    def fill_with_names(self, spare: int) -> None:
        """Leave room for `spare` more files."""
        with suppress(OSError):
            for number in range(NAMES):
                (self.mount / f"filling-{number}").touch()
        for number in range(spare):
            (self.mount / f"filling-{number}").unlink()

    def free(self) -> None:
        """Give the room back."""
        for one in self.mount.glob("filling*"):
            one.unlink()

    def is_up(self) -> bool:
        """Return whether the server says that it is well."""
        return httpx2.get(f"{self.installation.address}/api/v1/health").is_success


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Give a running server on a disk of its own, in which the environment of `job` is built."""
    if os.environ.get("BUCLE_TEST_RECORDS") == "postgresql":
        pytest.skip("the records lie on another disk")
    mount = tmp_path_factory.mktemp("small")
    command = ["mount", "-t", "tmpfs", "-o", f"size=64m,nr_inodes={NAMES},mode=700", "tmpfs", str(mount)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as fault:
        pytest.skip(f"a disk of one's own needs root and mount: {getattr(fault, 'stderr', None) or fault}")
    small = Small(mount=mount, installation=Installation(home=mount / "home"))
    try:
        small.installation.up()
        submit(small.installation, job("true", "warm"), "warm")
        with small.installation.client() as client:
            assert client.job.wait("warm")["status"] == "completed"
        yield small
    finally:
        small.free()
        small.installation.bucle("down")
        with suppress(AssertionError):
            await_true(lambda: not running_of(small.installation.home), "nothing runs in the folder")
        subprocess.run(["umount", "--lazy", str(mount)], check=True)


@pytest.fixture
def small(mounted: Small) -> Iterator[Small]:
    """Give the disk with room on it; there is room again afterwards."""
    yield mounted
    mounted.free()


@pytest.mark.parametrize("noun", ["data", "job"])
def test_refused_in_a_sentence(small: Small, tmp_path: Path, noun: str) -> None:
    """Nothing is made on a full disk, in one sentence with exit code 7; reading goes on; with room it is made."""
    write(tmp_path / "rows.csv", "a,b\n1,2\n" * 100_000)
    words = DATA if noun == "data" else JOB
    before, after = (
        str(write(tmp_path / f"{name}.yml", words.format(name=name))) for name in (f"{noun}-before", f"{noun}-after")
    )
    assert small.installation.bucle(noun, "create", "-f", before).code == 0
    small.fill()
    refused = small.installation.bucle(noun, "create", "-f", after)
    assert (refused.code, refused.out) == (7, "")
    _assert_a_sentence(refused.err)
    _assert_reading_goes_on(small, noun, [f"{noun}-before"], absent=f"{noun}-after")
    small.free()
    assert small.installation.bucle(noun, "create", "-f", after).code == 0
    _assert_reading_goes_on(small, noun, [f"{noun}-before", f"{noun}-after"], absent="none")


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_no_room_for_a_name(small: Small, tmp_path: Path, spare: int) -> None:
    """Wherever on its way an upload finds no room for a file, that is told in the same way, and nothing is visible."""
    names = [f"before-{spare}", f"after-{spare}"]
    for name in names:
        write(tmp_path / f"{name}.csv", f"a,b\n1,{name}\n")
        write(tmp_path / f"{name}.yml", DATA.format(name=name).replace("rows", name))
    before, after = (str(tmp_path / f"{name}.yml") for name in names)
    assert small.installation.bucle("data", "create", "-f", before).code == 0
    small.fill_with_names(spare)
    refused = small.installation.bucle("data", "create", "-f", after)
    assert (refused.code, refused.out) == (7, "")
    _assert_a_sentence(refused.err)
    small.free()
    _assert_reading_goes_on(small, "data", names[:1], absent=names[1])
    assert not list(small.installation.home.glob("datastores/**/.*"))
    assert small.installation.bucle("data", "create", "-f", after).code == 0


def test_full_during_an_upload(small: Small, tmp_path: Path) -> None:
    """Bytes for which there turns out to be no room are refused as they come; what had arrived of them is gone."""
    write(tmp_path / "rows.csv", "a,b\n1,2\n" * 2_000_000)
    words = write(tmp_path / "large.yml", DATA.format(name="large"))
    before = _free_bytes(small)
    (small.mount / "filling").write_bytes(b"\0" * (before - (8 << 20)))
    refused = small.installation.bucle("data", "create", "-f", str(words))
    assert (refused.code, refused.out) == (7, "")
    _assert_a_sentence(refused.err)
    small.free()
    assert _free_bytes(small) > before - (1 << 20), "no more than records and logs"
    _assert_reading_goes_on(small, "data", [], absent="large")
    assert small.installation.bucle("data", "create", "-f", str(words)).code == 0


def test_attempt_begins_on_a_full_disk(small: Small, ledger: Ledger) -> None:
    """A supervisor that finds no room to say who it is waits for it, and then runs the user code once."""
    place = small.mount / "attempt"
    command = ("/bin/sh", "-c", ledger.command)
    folder.write_spec(place, AttemptSpec(argv=command, env={}, cwd="/", isolation=Isolation(mode="none")))
    small.fill()
    with Spawner(notify="", log=ledger.folder / "log") as spawner:
        spawner.spawn(place)
        await_true((place / "claim").exists, "it is claimed")
        time.sleep(MOMENT_S)
        assert folder.probe(place) == Alive(run=None)
        assert ledger.lines == []
        small.free()
        await_true(lambda: isinstance(folder.probe(place), Exit), "it has ended")
    found = folder.probe(place)
    assert (isinstance(found, Exit) and found.why, len(ledger.lines)) == ("ok", 1)


@pytest.mark.parametrize(
    ("name", "last", "status", "exit_code"),
    [
        ("writes", "head -c 9000000 /dev/zero > outputs/nine || exit 3", "failed", 3),
        ("talks", "echo a last word", "completed", 0),
        ("quiet", "true", "completed", 0),
    ],
)
def test_job_meets_a_full_disk(small: Small, ledger: Ledger, name: str, last: str, status: str, exit_code: int) -> None:
    """Its end waits for room, is then known once, with what was lost; its code is not run again."""
    go, gone = ledger.folder / "go", ledger.folder / "gone"
    command = f"{ledger.command}; while ! test -e {go}; do sleep 0.05; done; echo $$ > {gone}; {last}"
    assert submit(small.installation, job(command, name), name) is not None
    await_true(lambda: len(ledger.lines) == 1, "user code runs")
    small.fill()
    go.touch()
    await_true(lambda: gone.exists() and not Path(f"/proc/{gone.read_text().strip() or 1}").exists(), "it has ended")
    with small.installation.client() as client:
        assert small.is_up()
        assert client.job.show(name)["status"] == "running"
        small.free()
        step = client.job.wait(name)["steps"][-1]
        assert client.audit.verify()["intact"]
    assert (step["status"], step["exit_code"], step["attempts"]) == (status, exit_code, 1)
    assert ("log was not kept: No space left" in (step["reason"] or "")) == (name != "quiet")
    assert len(ledger.lines) == 1


def _free_bytes(small: Small) -> int:
    found = os.statvfs(small.mount)
    return found.f_bfree * found.f_frsize


def _assert_a_sentence(told: str) -> None:
    assert told.startswith("error: ")
    assert any(words in told for words in FULL)
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) == 2, "a sentence, and what to do"


def _assert_reading_goes_on(small: Small, noun: str, there: list[str], *, absent: str) -> None:
    with small.installation.client() as client:
        found = {one["name"] for one in (client.data.list() if noun == "data" else client.job.list())}
        assert client.audit.verify()["intact"]
    assert small.is_up()
    assert found >= set(there)
    assert absent not in found
