"""The installation of tests/access, and a schedule's document."""

from typing import Any

from tests.access.conftest import House, house

__all__ = ["house"]

SCHEDULES = "/stages/dev/schedules"
JOB = {"command": "echo ${{inputs.word}}", "inputs": {"word": "a"}, "environment": {"image": "python"}}


def document(name: str = "nightly", **more: Any) -> dict[str, Any]:
    """Return a schedule of every full hour."""
    trigger = {"type": "cron", "expression": "0 * * * *"}
    return {"name": name, "trigger": trigger, "create_job": {"type": "command", **JOB}, **more}


def jobs(house: House, credential: str, stage: str = "dev") -> list[dict[str, Any]]:
    """Return the jobs of a stage, newest first."""
    found: list[dict[str, Any]] = house.done("GET", f"/stages/{stage}/jobs", credential)["value"]
    return found


def fires(house: House, credential: str, name: str = "nightly") -> list[dict[str, Any]]:
    """Return the firings of a schedule, newest first."""
    found: list[dict[str, Any]] = house.done("GET", f"{SCHEDULES}/{name}", credential)["fires"]
    return found
