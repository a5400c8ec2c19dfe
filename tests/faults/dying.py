"""`python -m tests.faults.dying ARMED MODULE …`: a module run as it is, killed at the point that ARMED names."""

import runpy
import sys
from pathlib import Path

from tests.faults.points import Points

if __name__ == "__main__":
    Points(Path(sys.argv[1])).install()
    module = sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__")
