"""A model that does harm when it is loaded, in each of MLflow's ways: it serves, and harms nobody."""

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving.conftest import House, Models, endpoint

SAMPLES = ("sklearn-pickle", "pyfunc-pickle", "as-code", "own-loader")
ACTS = """
import os, socket, subprocess
def _try(name, act):
    try:
        act()
    except Exception as fault:
        print("HOSTILE", name, "stopped:", type(fault).__name__, flush=True)
    else:
        print("HOSTILE", name, "done", flush=True)
outside, port = {outside!r}, {port}
_try("reads", lambda: open(outside + "/rows").read())
_try("writes", lambda: open(outside + "/canary-written", "w").write("x"))
_try("alters", lambda: open(outside + "/rows", "a").write("x"))
_try("executes", lambda: subprocess.run(["/bin/sh", "-c", "echo x > " + outside + "/canary-executed"], check=True))
_try("calls", lambda: socket.create_connection(("127.0.0.1", port), timeout=5).sendall(b"x"))
_try("forges", lambda: open({model!r} + "/canary-in-model", "w").write("x"))
"""
WALLS = {"PermissionError", "CalledProcessError"}
"""What a wall looks like from within; the shell of `executes` meets it for its caller."""
NAMES = {"reads", "writes", "alters", "executes", "calls", "forges"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """What the acts are after: a folder with rows, a port, and the folder of the models themselves."""

    outside: Path
    listener: socket.socket
    models: Path

    def acts(self) -> str:
        """Return the acts as Python."""
        port = self.listener.getsockname()[1]
        return ACTS.format(outside=str(self.outside), port=port, model=str(self.models))

    def harmed(self) -> set[str]:
        """Return what was done to it."""
        found = {path.name for root in (self.outside, self.models) for path in root.rglob("canary-*")}
        if (self.outside / "rows").read_text() != "rows":
            found.add("altered")
        self.listener.settimeout(0)
        try:
            self.listener.accept()[0].close()
            found.add("called")
        except BlockingIOError:
            pass
        return found

    def heal(self) -> None:
        """Undo what was done."""
        (self.outside / "rows").write_text("rows")
        for root in (self.outside, self.models):
            for path in root.rglob("canary-*"):
                path.unlink()


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Give a victim unharmed."""
    outside, folder = tmp_path_factory.mktemp("outside"), tmp_path_factory.mktemp("hostile") / "made"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Victim(outside=outside, listener=listener, models=folder)
        made.heal()
        yield made


@pytest.fixture(scope="module")
def hostile(models: Models, victim: Victim, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Give the hostile models, in the environment of the others."""
    acts = tmp_path_factory.mktemp("acts") / "acts.py"
    acts.write_text(victim.acts())
    script = str(Path(__file__).with_name("hostile.py"))
    command = [str(models.python), script, str(victim.models), str(acts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    victim.heal()
    victim.harmed()
    return Models(environment=models.environment, folder=victim.models)


@pytest.mark.parametrize("sample", SAMPLES)
def test_harm_without_walls(hostile: Models, victim: Victim, sample: str) -> None:
    """The control: whoever loads the sample as MLflow does is harmed in each way."""
    load = f"import mlflow.pyfunc; mlflow.pyfunc.load_model({str(hostile.folder / sample)!r})"
    done = subprocess.run([str(hostile.python), "-c", load], capture_output=True, text=True, check=False, timeout=300)
    said = {line for line in done.stdout.splitlines() if line.startswith("HOSTILE")}
    assert said == {f"HOSTILE {name} done" for name in NAMES}, done.stderr
    assert victim.harmed() == {"canary-written", "canary-executed", "canary-in-model", "altered", "called"}
    victim.heal()


@pytest.mark.parametrize("sample", SAMPLES)
def test_harm_in_a_worker(house: House, hostile: Models, victim: Victim, sample: str) -> None:
    """Served, the sample's acts run and each is stopped; it answers like the good model that it also is."""
    house.route(endpoint("fuel", hostile.worker(sample, "w")))
    body = {"input_data": {"columns": ["x"], "data": [[4.0]]}}
    house.await_served(body=body)
    assert house.score(body).body == [pytest.approx(8.0)]
    log = Path(house.worker("w")["log"]).read_text()
    said = [line.split()[1:] for line in log.splitlines() if line.startswith("HOSTILE")]
    assert {name for name, *_ in said} == NAMES, log
    assert {reason for *_, reason in said} <= WALLS, log
    assert victim.harmed() == set()
