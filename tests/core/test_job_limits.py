"""What a job declares of memory and processes, in Docker's words."""

import pytest

from bucle import errors
from bucle.core.job_limits import JobLimits, limits_of
from bucle.spec.execution_settings import Resources


@pytest.mark.parametrize(
    ("written", "memory_bytes", "tasks"),
    [
        ("", None, None),
        ("--shm-size=2g --gpus all", None, None),
        ("--memory 2g", 2147483648, None),
        ("-m=512M --pids-limit 200", 536870912, 200),
        ("--pids-limit=64 --memory=1000kb", 1024000, 64),
        ("--memory 4096", 4096, None),
    ],
)
def test_declared(written: str, memory_bytes: int | None, tasks: int | None) -> None:
    """As Docker reads them: with or without `=`, in bytes or k, m, g of 1024; its other options mean nothing here."""
    found = limits_of(Resources(docker_args=written))
    assert found == JobLimits(memory_bytes=memory_bytes, tasks=tasks)


@pytest.mark.parametrize("written", ["--memory much", "--memory", "--memory=-1", "--pids-limit 2k", "--memory '2g"])
def test_no_amount(written: str) -> None:
    """What is no amount is refused by its option, before anything runs."""
    with pytest.raises(errors.BadRequest, match="is no amount for --"):
        limits_of(Resources(docker_args=written))
