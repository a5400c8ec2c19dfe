"""Jobs over HTTP: submit a file, follow the log, wait for the end."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.client.git import commit_of
from bucle.client.http import Session
from bucle.client.local import Local

PREFIX = "/api/v1"
ENDED = frozenset({"completed", "failed", "canceled"})
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs."""

    session: Session
    sleep: Callable[[float], None] = time.sleep

    def create(self, file: str | Path, *, stage: str = "dev", assignments: Sequence[str] = ()) -> dict[str, Any]:
        """Submit a job from its YAML; code and local inputs are uploaded first. `assignments` are those of `--set`."""
        local = Local()
        loaded = local.load(file, "job", assignments)
        local.send_for_job(self.session, f"{PREFIX}/stages/{stage}", loaded.document)
        document = {**loaded.document, "properties": {**commit_of(Path(file).parent), **_properties(loaded.document)}}
        return dict(self.session.post(f"{PREFIX}/stages/{stage}/jobs", document))

    def list(self, *, stage: str = "dev") -> list[dict[str, Any]]:
        """Return jobs, newest first."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/jobs")]

    def show(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return a job and its steps."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/jobs/{name}"))

    def cancel(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Ask a job to stop."""
        return dict(self.session.post(f"{PREFIX}/stages/{stage}/jobs/{name}:cancel"))

    def why(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return what each step of a job waits for, or why it failed, with the last lines of its log."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/jobs/{name}:why"))

    def log(self, name: str, *, stage: str = "dev", step: str | None = None, offset: int = 0) -> bytes:
        """Return a piece of a step's log from a byte offset on."""
        path = f"{PREFIX}/stages/{stage}/jobs/{name}/log"
        return self.session.send("GET", path, query={"step": step, "offset": offset}).content

    def wait(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Wait for a job's end; return it."""
        while (job := self.show(name, stage=stage))["status"] not in ENDED:
            self.sleep(LOOK_S)
        return job

    def stream(self, name: str, *, stage: str = "dev") -> Iterator[bytes]:
        """Yield the logs of a job's steps as they come, until it has ended; WorkFailed when it did not complete."""
        read: dict[str, int] = {}
        while True:
            job = self.show(name, stage=stage)
            for step in job["steps"]:
                if step["attempts"]:
                    yield from self._more(name, stage, step["name"], read)
            if job["status"] in ENDED:
                break
            self.sleep(LOOK_S)
        if job["status"] != "completed":
            raise _failed(job)

    def _more(self, name: str, stage: str, step: str, read: dict[str, int]) -> Iterator[bytes]:
        while piece := self.log(name, stage=stage, step=step, offset=read.get(step, 0)):
            read[step] = read.get(step, 0) + len(piece)
            yield piece


def _properties(document: dict[str, object]) -> dict[str, object]:
    given = document.get("properties")
    return given if isinstance(given, dict) else {}


def _failed(job: dict[str, Any]) -> errors.WorkFailed:
    for step in job["steps"]:
        if step["status"] == "failed":
            code = "" if step["exit_code"] is None else f", exit code {step['exit_code']}"
            why = f": step {step['name']} {step['reason'] or step['why']}{code}"
            return errors.WorkFailed("job.failed", name=job["name"], state=job["status"], why=why)
    return errors.WorkFailed("job.failed", name=job["name"], state=job["status"], why="")
