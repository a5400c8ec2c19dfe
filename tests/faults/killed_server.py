"""`python -m tests.faults.killed_server ARMED …`: the server as it is, killed at the point that ARMED names."""

import runpy
import sys
from pathlib import Path

from tests.faults.points import Points

if __name__ == "__main__":
    Points(Path(sys.argv[1])).install()
    sys.argv = ["bucle.server", *sys.argv[2:]]
    runpy.run_module("bucle.server", run_name="__main__")
