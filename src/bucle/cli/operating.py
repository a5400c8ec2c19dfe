"""The one runner of processes that work on a state folder itself, and the one reader of why such a process refused."""

import json
import subprocess
import sys
from typing import Any

from bucle import config, errors

KINDS = {kind.__name__: kind for kind in errors.BucleError.__subclasses__()}


def operate(act: str, *options: str, records: str | None = None) -> dict[str, Any]:
    """Have an act of the operator done in a process of its own; return what it says, or raise what it refused with."""
    command = [sys.executable, "-m", "bucle.server.safekeeping", act, *options]
    environment = config.with_records(records)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()
        why = told[-1] if told else f"exit status {done.returncode}"
        raise refusal_in(done.stderr) or errors.PlatformFault("server.process_failed", act=act, why=why)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refusal_in(told: str) -> errors.BucleError | None:
    """Return the error that a process of the server wrote as its last line, or None."""
    lines = told.splitlines()
    words = lines[-1].split("\t") if lines else []
    if len(words) != 4 or words[0] not in KINDS:
        return None
    error = KINDS[words[0]]("wire.as_sent", detail=words[2], hint=words[3])
    error.code = words[1]
    return error
