"""The set of the demo: its folder with the project in a git repository, and the server that runs in it."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from bucle import errors
from bucle.client import Client
from bucle.spec.loading import load
from bucle.spec.retrain import Retrain

IDENTITY = ("-c", "user.name=bucle demo", "-c", "user.email=demo@localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSet:
    """A folder that is left to explore: scripts, YAML, data, and the platform's state in `.bucle`."""

    folder: Path
    full: bool = False
    """Lay out the policy that trains again after every year that alerts, not once in four years."""
    table: Path | None = None
    """Another table of cars with the same columns; None: the one that is shipped."""

    @property
    def home(self) -> Path:
        """The platform's state folder."""
        return self.folder / ".bucle"

    def build(self) -> bool:
        """Lay out the project and commit it; return whether it was there already."""
        known = (self.folder / "pipeline.yml").exists()
        if not known:
            for part in ("project", "full") if self.full else ("project",):
                self._lay_out(part)
            if self.table is not None:
                shutil.copyfile(self.table, self._cars)
            self.write_years("fuel-1970-1974.csv", 1970, 1974)
            (self.folder / ".gitignore").write_text(".bucle/\n__pycache__/\n")
            self._commit("The fuel consumption of cars")
        return known

    def start(self) -> Client:
        """Start the server; return a client of its administrator."""
        command = [sys.executable, "-m", "bucle", "up", "--home", str(self.home), "--port", "0"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in {0, 5}:
            raise errors.PlatformFault("server.did_not_start", why=done.stderr.strip(), log=self.home / "log")
        address = json.loads((self.home / "server.json").read_bytes())["address"]
        return Client(address, (self.home / "admin-token").read_text().strip())

    def strike(self) -> None:
        """Stop the server."""
        command = [sys.executable, "-m", "bucle", "down", "--home", str(self.home)]
        subprocess.run(command, capture_output=True, check=False)

    def cars(self) -> list[dict[str, str]]:
        """Return every car of the data, as read."""
        with self._cars.open(newline="") as stream:
            return list(csv.DictReader(stream))

    def cooldown_years(self) -> int:
        """Return the cooldown that the project's retraining policy declares, in whole years."""
        path = self.folder / "src" / "retrain.yml"
        policy = load(path.read_bytes(), str(path), "retrain").value
        assert isinstance(policy, Retrain), "the demo's policy is never absent"
        return int(policy.cooldown.strip("PY"))

    def write_years(self, name: str, first: int, last: int) -> None:
        """Write the cars of some years to a file of their own in `data/`."""
        rows = [row for row in self.cars() if first <= int(row["model_year"]) <= last]
        with (self.folder / "data" / name).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    @property
    def _cars(self) -> Path:
        return self.folder / "data" / "auto_mpg.csv"

    def _lay_out(self, part: str) -> None:
        with as_file(files("bucle.demo") / part) as source:
            shutil.copytree(source, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    def _commit(self, message: str) -> None:
        git = shutil.which("git")
        if git is None:
            return
        for arguments in (
            ("init", "--quiet"),
            ("add", "--all"),
            (*IDENTITY, "commit", "--quiet", "-m", message),
        ):
            subprocess.run([git, *arguments], cwd=self.folder, check=True)
