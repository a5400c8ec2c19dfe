"""The local launcher: attempts on this host, each under a supervisor forked by the spawner."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, assert_never
from urllib.parse import urlsplit

from bucle import errors
from bucle.config import Home
from bucle.core.classes import Tier
from bucle.core.job_plan import StepPlan
from bucle.core.manifest import Manifest
from bucle.execution.environments import Environments, interpreter
from bucle.execution.fold import Ended
from bucle.execution.launcher import Exited, Lost, Pending, Resources, Running, Starting, Status
from bucle.runtime import environment_build, folder, hold
from bucle.runtime.attempt import Alive, AttemptSpec, Exit, Isolation, Limits, Mode, Unclaimed, Verified
from bucle.runtime.attempt import Lost as LostAttempt
from bucle.runtime.spawning import Spawner
from bucle.store.instants import to_micros
from bucle.store.objects import CHUNK, Objects

SHELL = ("/bin/bash", "-c")
HTTPS_PORT, HTTP_PORT = 443, 80
SHARE = 2
"""A step that declares nothing may take this part of the machine's memory: a half."""
TASKS = 4096
"""Processes and threads that a step may have at once, when it declares nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the launcher stands on: the folders, the code objects, the tools, and what a stage's tier is."""

    home: Home
    objects: Objects
    isolation: Callable[[], Mode]
    uv: str
    index: Mapping[str, str]
    """Variables by which an environment build reaches its package index; never credentials."""
    tier_of: Callable[[str], Tier]
    manifest_of: Callable[[str, str], Manifest]
    """The manifest of a workspace's code snapshot, by its digest."""
    pythons: Callable[[], Mapping[str, str]]
    """The interpreters of this host by minor version."""


@dataclass(slots=True, kw_only=True)
class LocalLauncher:
    """Runs attempts on this host; what it knows of them lies in their folders."""

    ground: Ground
    spawner: Spawner
    tracking_port: Callable[[], int | None]
    """The port of our own API that user code may call, or None."""
    name: Literal["local"] = field(default="local", init=False)

    def submit(self, starting: Starting) -> None:
        """Write the attempt's order and have it supervised; an attempt that was claimed never runs again.

        One server at a time does so: one that was stopped meanwhile, and wakes up when another drives, must not clear
        the folders of what runs. While it holds the order nobody starts this attempt; the engine asks again.
        """
        place = self._place(starting.attempt_id)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        order = hold.take(place / "order")
        if order is None:
            return
        try:
            if isinstance(folder.probe(place), Unclaimed):
                build = starting.plan.kind == "build"
                spec = self._build_spec(starting) if build else self._command_spec(starting, place)
                folder.write_spec(place, spec)
                self.spawner.spawn(place, starting.secrets)
        finally:
            os.close(order)

    def status(self, attempt_id: str) -> Status:
        """Return how an attempt stands, by its files and its lock."""
        place = self._place(attempt_id)
        match folder.probe(place):
            case Exit() as found:
                return Exited(ended=_ended(found))
            case Alive():
                return Running()
            case Unclaimed():
                return Pending()
            case LostAttempt():
                folder.reap(place)
                return Lost()
            case other:
                assert_never(other)

    def log(self, attempt_id: str, offset: int = 0) -> bytes:
        """Return the bytes of the log from `offset` on."""
        try:
            with (self._place(attempt_id) / "out.log").open("rb") as stream:
                stream.seek(offset)
                return stream.read(CHUNK)
        except FileNotFoundError:
            return b""

    def cancel(self, attempt_id: str) -> None:
        """Ask the supervisor to stop its user code; asked again each sweep until it has ended."""
        folder.cancel(self._place(attempt_id))

    def resources(self) -> Resources:
        """Return this host's processors and memory."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Resources(cpus=os.cpu_count() or 1, memory_bytes=memory)

    def work_of(self, attempt_id: str) -> Path:
        """Return the folder that an attempt's command ran in."""
        return self._place(attempt_id) / "work"

    def _place(self, attempt_id: str) -> Path:
        return self.ground.home.attempts / attempt_id

    def _command_spec(self, starting: Starting, place: Path) -> AttemptSpec:
        plan = starting.plan
        environment = self._environments(starting.stage).find(_required(plan))
        if environment is None:
            raise errors.PlatformFault("environment.not_built", step=plan.name)
        work = place / "work"
        shutil.rmtree(work, ignore_errors=True)
        verify = self._lay_code(starting, work)
        (work / "outputs").mkdir(mode=0o700)
        port = None if plan.kind == "system" else self.tracking_port()
        reads = {str(environment.folder / "venv"), *map(str, base_of(environment.python))}
        reads |= {*(mount.path for mount in plan.inputs), *plan.tools}
        bin_folder = environment.python.parent
        return AttemptSpec(
            argv=(*SHELL, plan.command),
            env={
                **plan.variables,
                **starting.variables,
                "PATH": f"{bin_folder}:/usr/local/bin:/usr/bin:/bin",
                "VIRTUAL_ENV": str(bin_folder.parent),
                "PYTHONUNBUFFERED": "1",
            },
            cwd=str(work),
            isolation=Isolation(
                mode=self.ground.isolation(),
                read=tuple(sorted(reads)),
                write=(str(work), *_fresh_outputs(plan)),
                connect_tcp=() if port is None else (port,),
            ),
            timeout_s=plan.timeout_s,
            limits=self._limits(plan),
            verify=verify,
            sealed=tuple(sorted(starting.secrets)),
        )

    def _build_spec(self, starting: Starting) -> AttemptSpec:
        environments = self._environments(starting.stage)
        digest = _required(starting.plan)
        target = environments.folder(digest)
        python = interpreter(environments.asked(digest).python, self.ground.pythons)
        script = Path(environment_build.__file__)
        bases = (*base_of(python), *base_of(Path(sys.executable)))
        return AttemptSpec(
            argv=(
                str(Path(sys.executable).resolve()),
                "-I",
                "-S",
                str(script),
                self.ground.uv,
                str(target),
                str(python),
            ),
            env={
                **self.ground.index,
                "UV_CACHE_DIR": str(environments.cache),
                "UV_PYTHON_DOWNLOADS": "never",
            },
            cwd=str(target),
            isolation=Isolation(
                mode=self.ground.isolation(),
                read=tuple(sorted({*map(str, bases), self.ground.uv, str(script)})),
                write=(str(target), str(environments.cache)),
                connect_tcp=ports_of(self.ground.index),
                reach="any_host",
            ),
            timeout_s=starting.plan.timeout_s,
            limits=self._limits(starting.plan),
        )

    def _limits(self, plan: StepPlan) -> Limits:
        """Return what a step may take: what it declares, else a share of this machine; never more than there is."""
        there = self.resources().memory_bytes
        return Limits(tree_bytes=min(plan.memory_bytes or there // SHARE, there), tree_tasks=plan.tasks or TASKS)

    def _environments(self, stage: str) -> Environments:
        return Environments(root=self.ground.home.environments, tier=self.ground.tier_of(stage))

    def _lay_code(self, starting: Starting, work: Path) -> tuple[Verified, ...]:
        """Copy the code snapshot to where it runs; the supervisor checks its digest just before it does."""
        work.mkdir(parents=True, mode=0o700)
        digest = starting.plan.code
        if digest is None:
            return ()
        for entry in self.ground.manifest_of(starting.workspace, digest).entries:
            target = work / entry.path  # core.manifest refused every path that leaves the folder
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(self.ground.objects.path(starting.workspace, entry.sha256), target)
            target.chmod(0o700 if entry.executable else 0o600)
        return (Verified(path=str(work), digest=digest),)


def _fresh_outputs(plan: StepPlan) -> tuple[str, ...]:
    """Make each output's folder anew, empty: what a failed attempt left there is not a result."""
    folders = []
    for mount in plan.outputs:
        place = Path(mount.path).parent if mount.form == "file" else Path(mount.path)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True, mode=0o700)
        folders.append(str(place))
    return tuple(folders)


def ports_of(index: Mapping[str, str]) -> tuple[int, ...]:
    """Return the TCP ports that a build may call: that of https, and those of the host's index and proxies."""
    ports = {HTTPS_PORT}
    for text in index.values():
        try:
            address = urlsplit(text)
            default = {"http": HTTP_PORT, "https": HTTPS_PORT}[address.scheme]
            ports.add(address.port or default)
        except (ValueError, KeyError):  # no address, or none that could be called: the build names it
            continue
    return tuple(sorted(ports))


def base_of(python: Path) -> tuple[Path, ...]:
    """Return the folder that an interpreter outside the system's own needs to be readable, if it needs one."""
    prefix = python.resolve().parents[1]
    return () if str(prefix) in {"/usr", "/"} else (prefix,)


def _required(plan: StepPlan) -> str:
    assert plan.environment is not None, "every step of a job has an environment"
    return plan.environment


def _ended(found: Exit) -> Ended:
    return Ended(
        why=found.why,
        reason=found.detail,
        exit_code=found.rc,
        started_at=to_micros(found.started_at),
        ended_at=to_micros(found.ended_at),
        cpu_s=found.cpu_s,
        peak_rss_bytes=found.max_rss_bytes,
        log_bytes=found.log_bytes,
    )
