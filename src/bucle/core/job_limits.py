"""What a job may take of its machine, as Azure's jobs say it: `resources.docker_args`, with Docker's words."""

import re
import shlex
from dataclasses import dataclass

from bucle import errors
from bucle.spec.execution_settings import Resources

SIZE = re.compile(r"(?P<number>[1-9][0-9]*)(?P<unit>[bkmg]?)b?", re.IGNORECASE)
UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
MEMORY = frozenset({"--memory", "-m"})
TASKS = frozenset({"--pids-limit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """The most that all processes of a step may take together; None: what the platform gives every step."""

    memory_bytes: int | None = None
    tasks: int | None = None
    """Processes and threads."""


NO_LIMITS = JobLimits()
"""A job that declares nothing."""


def limits_of(resources: Resources | None) -> JobLimits:
    """Return the limits that a job declares: `--memory` and `--pids-limit` of its `docker_args`.

    BadRequest when one of the two is not an amount; Docker's other options mean nothing to a process that runs here.
    """
    written = (resources.docker_args if resources else None) or ""
    try:
        words = shlex.split(written)
    except ValueError as fault:
        raise errors.BadRequest("job.bad_limit", option="--memory", text=written) from fault
    memory, tasks = None, None
    for place, word in enumerate(words):
        name, joined, value = word.partition("=")
        given = value if joined else next(iter(words[place + 1 :]), "")
        if name in MEMORY:
            memory = _amount(name, given)
        elif name in TASKS:
            tasks = _amount(name, given)
    return JobLimits(memory_bytes=memory, tasks=tasks)


def _amount(option: str, text: str) -> int:
    found = SIZE.fullmatch(text)
    if found is None or (option in TASKS and found["unit"]):
        raise errors.BadRequest("job.bad_limit", option=option, text=text)
    return int(found["number"]) * UNITS[found["unit"].lower()]
