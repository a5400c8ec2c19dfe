"""Builds one environment, inside the walls of an attempt: resolve and lock with hashes, install, record, in this order.

`python environment_build.py UV FOLDER PYTHON [--source-builds]`. FOLDER holds `ask.json`; afterwards `lock.txt`
(kept: a rebuild installs the same bytes), `venv/` and, last, `environment.json`, without which nothing is built.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Build the environment of a folder unless it is built; return 0 when it can be used."""
    uv, place, python, *flags = arguments
    folder = Path(place)
    with (folder / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two jobs that ask for the same thing: one builds, the other waits for it
        if (folder / "environment.json").exists():
            print("built already")
            return 0
        return build(uv, folder, python, wheels_only="--source-builds" not in flags)


def build(uv: str, folder: Path, python: str, *, wheels_only: bool) -> int:
    """Lock, install and record; a build that was killed is begun again from its lock."""
    ask = json.loads((folder / "ask.json").read_bytes())
    lock_file, venv = folder / "lock.txt", folder / "venv"
    only = ["--only-binary", ":all:"] if wheels_only else []
    if not lock_file.exists() and not _lock(uv, ask["requirements"], lock_file, [*only, "--python", python]):
        return 1
    shutil.rmtree(venv, ignore_errors=True)
    if not _run([uv, "venv", "--quiet", "--no-config", "--python", python, str(venv)]):
        return 1
    install = [
        uv,
        "pip",
        "sync",
        "--no-config",
        "--require-hashes",
        "--link-mode",
        "hardlink",
        "--compile-bytecode",
    ]
    if ask["requirements"] and not _run([*install, *only, "--python", str(venv / "bin" / "python"), str(lock_file)]):
        return 1
    record = {
        "lock": f"sha256:{hashlib.sha256(lock_file.read_bytes()).hexdigest()}",
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    _write(folder / "environment.json", json.dumps(record))
    print(f"built: {ask['requirements'] or 'no packages'}")
    return 0


def _lock(uv: str, requirements: Sequence[str], lock_file: Path, options: Sequence[str]) -> bool:
    asked = lock_file.with_name("requirements.in")
    _write(asked, "\n".join(requirements) + "\n")
    draft = lock_file.with_name(".lock.txt")
    compiling = [
        uv,
        "pip",
        "compile",
        "--no-config",
        "--quiet",
        "--no-header",
        "--no-annotate",
        "--generate-hashes",
    ]
    if not _run([*compiling, "--no-emit-index-url", *options, "--output-file", str(draft), str(asked)]):
        return False
    draft.rename(lock_file)
    return True


def _run(command: Sequence[str]) -> bool:
    return subprocess.run(command, check=False).returncode == 0


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    with draft.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
