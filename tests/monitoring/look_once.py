"""`python -m tests.monitoring.look_once HOME`: the retraining policies look at the incidents, once."""

import sys
from pathlib import Path

from bucle.config import Home
from bucle.ops import retraining
from tests.conftest import composed

if __name__ == "__main__":
    with composed(Home(root=Path(sys.argv[1]))) as installation:
        retraining.advance(installation.world)
