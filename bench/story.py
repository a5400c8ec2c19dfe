"""The demo by hop: the seconds that it prints itself, read from its output."""

import re
import subprocess
import sys
import time
from pathlib import Path

LINE = re.compile(r"^(?P<hop>\S+) .*   (?P<seconds>\d+\.\d) s$", re.MULTILINE)


def tell(folder: Path) -> dict[str, str]:
    """Run the demo in an empty folder; return what each hop of it took, and all of it."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bucle", "demo", "--folder", str(folder)], check=True, capture_output=True, text=True
    )
    told = {f"demo: {found['hop']}": f"{found['seconds']} s" for found in LINE.finditer(done.stdout)}
    return {**told, "demo, whole, its environments built": f"{time.monotonic() - began:.1f} s"}
