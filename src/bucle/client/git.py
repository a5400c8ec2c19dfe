"""The commit that a job's files come from, as Azure records it in a job's properties."""

import shutil
import subprocess
from pathlib import Path


def commit_of(folder: Path) -> dict[str, str]:
    """Return commit, branch, repository and whether anything changed since; empty outside a git repository."""
    git = shutil.which("git")
    if git is None:
        return {}
    commit = _ask(git, folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changed = _ask(git, folder, "status", "--porcelain", "--", ".")
    found = {
        "azureml.git.commit": commit,
        "azureml.git.branch": _ask(git, folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "azureml.git.repository_uri": _ask(git, folder, "config", "--get", "remote.origin.url"),
        "azureml.git.dirty": "True" if changed else "False",
    }
    return {name: value for name, value in found.items() if value is not None}


def _ask(git: str, folder: Path, *question: str) -> str | None:
    command = [git, "-C", str(folder), *question]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.strip() if done.returncode == 0 else None
