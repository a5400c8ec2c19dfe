"""Strict isolation as a platform's word: jobs see only what is theirs, and still reach the server's own API."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import Installation, write

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here")

PLATFORM = """
name: shop
governance: solo
isolation: {mode}
paths: {{p: [dev]}}
stages: {{dev: {{tier: dev}}}}
"""
LOOK = """import os, urllib.request
assert os.environ["HOME"] and open("inside.txt").read() == "mine"
with urllib.request.urlopen(os.environ["MLFLOW_TRACKING_URI"].rsplit("/mlflow", 1)[0] + "/api/v1/health") as answer:
    assert answer.status == 200
print(os.path.exists({outside!r}), len([one for one in os.listdir("/proc") if one.isdigit()]) < 10)
"""


def test_strict_platform(installation: Installation, tmp_path: Path) -> None:
    """In `auto` a job can tell that a file exists outside; in `strict` it cannot, sees no processes, and works."""
    outside = write(tmp_path / "outside.txt", "rows")
    write(tmp_path / "src" / "look.py", LOOK.format(outside=str(outside)))
    write(tmp_path / "src" / "inside.txt", "mine")
    job = "command: python look.py\ncode: ./src\nenvironment: {image: python}\n"
    installation.up()
    said = {}
    for mode in ("auto", "strict"):
        platform = write(tmp_path / "platform.yml", PLATFORM.format(mode=mode))
        assert installation.bucle("apply", "-f", str(platform), "--yes").code == 0
        ran = installation.bucle("job", "create", "--stream", "-f", str(write(tmp_path / "job.yml", job)))
        assert ran.code == 0, ran.err
        said[mode] = ran.out + ran.err
    assert "True False" in said["auto"]
    assert "False True" in said["strict"]
