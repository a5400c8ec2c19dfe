"""`python -m bucle.demo`: tell the story, one line a hop; leave no process behind."""

import argparse
import sys
from pathlib import Path

from bucle import errors
from bucle.demo.stage_set import StageSet
from bucle.demo.story import tell


def main() -> int:
    """Run the demo in a folder; return 0 when every line of its story happened."""
    parser = argparse.ArgumentParser(prog="bucle demo", description="Walk one real model through the platform.")
    parser.add_argument("--folder", type=Path, default=Path("bucle-demo"), help="default: ./bucle-demo")
    parser.add_argument("--serve", action="store_true", help="leave the server running")
    parser.add_argument("--full", action="store_true", help="train again after every year that alerts, not only once")
    # Tests play the story on other cars; who only wants to see it has no use for that.
    parser.add_argument("--cars", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    stage_set = StageSet(folder=asked.folder.resolve(), full=asked.full, table=asked.cars)
    try:
        tell(stage_set)
    except errors.BucleError as error:
        print(f"error: {error.detail}\n  try: {error.hint}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    finally:
        if not asked.serve:
            stage_set.strike()
    return 0


sys.exit(main())
