"""Schedules through the API: what their documents say, who may, as what they run."""

from typing import Any

import pytest

from tests.access.conftest import House
from tests.schedules.conftest import JOB, SCHEDULES, document, jobs

ACTS: list[tuple[str, str, Any]] = [
    ("POST", SCHEDULES, document()),
    ("POST", f"{SCHEDULES}/nightly:disable", None),
    ("POST", f"{SCHEDULES}/nightly:enable", None),
    ("POST", f"{SCHEDULES}/nightly:trigger", None),
    ("DELETE", f"{SCHEDULES}/nightly", None),
]


def test_each_verb_asks_for_its_role(house: House) -> None:
    """A data scientist writes schedules in dev; an auditor, who may look, is refused each of it."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    other = house.person("other", ("Auditor", "/"))
    for method, path, body in ACTS:
        assert house.ask(method, path, scientist, body).status_code < 300, (method, path)
        if path == SCHEDULES:
            assert house.ask("GET", f"{SCHEDULES}/nightly", other).status_code == 200
        assert house.ask(method, path, other, body).status_code == 403, (method, path)
    outsider = house.person("outsider", ("MLEngineer", "/stages/prod"))
    assert house.ask("GET", SCHEDULES, outsider).status_code == 404


def test_trigger_submits_with_the_inputs_that_were_changed(house: House) -> None:
    """A job in place is submitted as it stands, and one with settings with the inputs that the schedule gives it."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    created = {"job": {"type": "command", **JOB}, "inputs": {"word": "changed"}}
    for name, create_job in (("plain", {"type": "command", **JOB}), ("settled", created)):
        house.done("POST", SCHEDULES, scientist, document(name, create_job=create_job))
        fired = house.done("POST", f"{SCHEDULES}/{name}:trigger", scientist)
        job = house.done("GET", f"/stages/dev/jobs/{fired['job']}", scientist)
        assert job["document"]["inputs"]["word"] == ("a" if name == "plain" else "changed")


def test_a_job_is_named_by_reference(house: House) -> None:
    """`azureml:NAME` is the job of that name, submitted anew; a name that no job has is refused."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", "/stages/dev/jobs", scientist, {"name": "first", **JOB})
    house.done("POST", SCHEDULES, scientist, document(create_job="azureml:first"))
    house.done("POST", f"{SCHEDULES}/nightly:trigger", scientist)
    assert len(jobs(house, scientist)) == 2
    answer = house.ask("POST", SCHEDULES, scientist, document("other", create_job="azureml:none"))
    assert (answer.status_code, answer.json()["code"]) == (404, "job.not_found")


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        ({"type": "recurrence", "frequency": "day", "interval": 1}, None),
        ({"type": "cron", "expression": "whenever"}, "schedule.cron"),
        ({"type": "cron", "expression": "0 * * * *", "time_zone": "Mars"}, "schedule.time_zone"),
        ({"type": "cron", "expression": "0 * * * *", "start_time": "soon"}, "schedule.instant"),
        ({"type": "cron", "expression": "0 * * * *", "end_time": "2001-01-01T00:00:00"}, "schedule.never"),
        ({"type": "cron"}, "spec.faults"),
        ({"type": "recurrence", "frequency": "year", "interval": 1}, "spec.faults"),
        ("tomorrow", "spec.faults"),
    ],
)
def test_garbage_is_refused_in_words(house: House, trigger: object, code: str | None) -> None:
    """A trigger that can be read makes a schedule; any other is refused, with what is wrong with it."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    answer = house.ask("POST", SCHEDULES, scientist, document(trigger=trigger))
    assert (answer.status_code, answer.json().get("code")) == ((201, None) if code is None else (400, code)), (
        answer.text
    )


def test_beyond_dev_a_schedule_runs_as_a_service(house: House) -> None:
    """In prod somebody's own name is refused, and another's service; his own service is what the jobs run as."""
    engineer = house.person("engineer", ("MLEngineer", "/stages/prod"))
    house.person("other")
    house.service("robot", "engineer", ("MonitorAgent", "/stages/prod"))
    house.service("stranger", "other", ("MonitorAgent", "/stages/prod"))
    path = "/stages/prod/schedules"
    asked = document(properties={"bucle.principal": "robot"})
    assert house.done("POST", path, engineer, asked)["runs_as"] == "robot"
    house.done("POST", f"{path}/nightly:trigger", engineer)
    assert [one["created_by"] for one in jobs(house, engineer, "prod")] == ["robot"]
    for properties, code in (({}, "schedule.needs_service"), ({"bucle.principal": "stranger"}, "schedule.not_yours")):
        answer = house.ask("POST", path, engineer, document("second", properties=properties))
        assert (answer.status_code, answer.json()["code"]) == (403, code)
