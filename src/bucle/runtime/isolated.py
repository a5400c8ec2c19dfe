"""A Python of our own runtime and nothing else: no user site, no environment's packages, no variable is heeded.

-I and -S keep these out, so where our package lies is an argument. It is appended: nothing installed beside us can
stand in for a module of the standard library.
"""

import sys
from pathlib import Path

PACKAGES = str(Path(__file__).resolve().parents[2])


def command(call: str, *arguments: str, python: str = sys.executable) -> tuple[str, ...]:
    """Return the command that calls `module:function` with text arguments, and leaves with what it returns."""
    module, function = call.split(":")
    code = f"import sys; sys.path.append(sys.argv[1]); from {module} import {function}"
    code += f"; sys.exit({function}(*sys.argv[2:]))"
    return (python, "-I", "-S", "-c", code, PACKAGES, *arguments)
