"""A campaign of faults finds nothing; and the checker that says so sees what it is there to see."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.campaign import Campaign
from tests.faults.checker import Job, Run, Standing, Step, check
from tests.faults.conftest import Ledger
from tests.faults.history import Act, Kind, Outcome, Told
from tests.faults.observer import left_running
from tests.serving.conftest import Models, models

__all__ = ["models"]

FAULTS = 300 if os.environ.get("BUCLE_TEST_ALL") else 20
SEED = int(os.environ.get("BUCLE_SEED", "1"))
COMPLETED = Job(status="completed", steps=(Step(name="main", status="completed", attempts=1),))
ONCE = Run(job="j", step="main", attempt="first")
TWICE = replace(COMPLETED, steps=(Step(name="main", status="completed", attempts=2),))
EVENTS = {
    ("datasets/create", "data/d:1"): 1, ("jobs/submit", "jobs/j"): 1, ("jobs/end", "jobs/j"): 1,
    ("principals/create", "principals/p"): 1, ("promotions/reject", "promotion/w"): 1,
    ("endpoints/traffic", "endpoints/car"): 1,
}  # fmt: skip
SOUND = Standing(
    data={"d": "sha256:d"},
    jobs={"j": COMPLETED},
    measured={"r": {"loss": 1}},
    principals=frozenset({"p"}),
    rejected=frozenset({"w"}),
    traffic={"blue": 100.0},
    events=EVENTS,
    runs=[ONCE],
)
"""What stands after one act of each kind."""


def test_a_campaign_of_faults(models: Models, ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing acknowledged is lost, nothing is done twice, nothing is left running, whoever is killed whenever."""
    campaign = Campaign(folder=ledger.folder, seed=SEED, models=models)
    report = campaign.run(FAULTS)
    with capsys.disabled():
        sys.stdout.write(f"\n{report.words()}\n")
    assert report.findings == []
    assert report.surprises == {}
    assert {f"{kind} ok" for kind in ("data", "job", "measurement", "principal", "traffic", "word")} <= set(
        report.outcomes
    )
    assert {f"{kind} failed" for kind in ("data", "job", "principal")} <= set(report.outcomes)
    assert report.scored["right"] > 0


def _told(outcome: Outcome = "ok") -> list[Told]:
    """Return the history of one act of each kind."""
    wanted: Sequence[tuple[Kind, str, Mapping[str, Any]]] = [
        ("data", "d", {"digest": "sha256:d"}),
        ("job", "j", {}),
        ("measurement", "r", {"key": "loss"}),
        ("principal", "p", {}),
        ("word", "w", {}),
        ("traffic", "car", {"blue": 100}),
    ]
    acts = [
        Act(number=number, kind=kind, subject=subject, wanted=what, fault="1/1 kill")
        for number, (kind, subject, what) in enumerate(wanted)
    ]
    return [Told(act=act, outcome=outcome) for act in acts]


@pytest.mark.parametrize("outcome", ["ok", "unknown"])
def test_what_is_sound_is_not_reported(outcome: Outcome) -> None:
    """What was acknowledged and is there, once: no finding; nor where the client does not know."""
    assert check(_told(outcome), SOUND) == []


@pytest.mark.parametrize(
    ("change", "sort", "words"),
    [
        ({"data": {}}, "lost", "act 0, data d: was acknowledged and is not there"),
        ({"jobs": {}}, "lost", "act 1, job j: was acknowledged and is not there"),
        ({"measured": {}}, "lost", "act 2, measurement r: was acknowledged and is not there"),
        ({"principals": frozenset()}, "lost", "act 3, principal p: was acknowledged and is not there"),
        ({"rejected": frozenset()}, "lost", "act 4, word w: was acknowledged and is not there"),
        ({"traffic": {"green": 100.0}}, "lost", "traffic is {'green': 100.0}"),
        ({"events": EVENTS | {("datasets/create", "data/d:1"): 0}}, "lost", "has 0 lines"),
        ({"events": EVENTS | {("endpoints/traffic", "endpoints/car"): 0}}, "lost", "0 are in the chain"),
        ({"events": EVENTS | {("endpoints/traffic", "endpoints/car"): 2}}, "doubled", "2 are in the chain"),
        ({"events": EVENTS | {("jobs/submit", "jobs/j"): 2}}, "doubled", "has 2 lines"),
        ({"events": EVENTS | {("jobs/end", "jobs/j"): 2}}, "doubled", "has ended 2 times"),
        ({"events": EVENTS | {("jobs/end", "jobs/j"): 0}}, "lost", "has ended 0 times"),
        ({"measured": {"r": {"loss": 2}}}, "doubled", "is there 2 times"),
        ({"data": {"d": "sha256:e"}}, "broken", "is sha256:e, not sha256:d"),
        ({"jobs": {"j": Job(status="running", steps=())}}, "lost", "has never ended"),
        ({"runs": []}, "lost", "its code never ran"),
        ({"runs": [ONCE, ONCE]}, "doubled", "attempt first of step main ran 2 times"),
        ({"runs": [ONCE, replace(ONCE, attempt="second")]}, "doubled", "ran 2 times in 1 attempts"),
        (
            {"jobs": {"j": TWICE}, "runs": [ONCE, replace(ONCE, attempt="second")]},
            "doubled",
            "ran again after attempt first",
        ),
        ({"broken": ["a chain"]}, "broken", "a chain"),
        ({"running": ["process 7"]}, "left running", "process 7"),
    ],
)
def test_what_must_not_be_is_reported(change: dict[str, Any], sort: str, words: str) -> None:
    """A lost acknowledgement, a second run, a process without its job: each is found, under the fault it came in."""
    found = check(_told(), replace(SOUND, **change))
    assert [(one.sort, one.fault) for one in found if words in one.what] == [(sort, "1/1 kill")], found


def test_what_was_refused_must_not_be_there() -> None:
    """A refusal that left something behind is found, once for each act."""
    found = check(_told("failed"), SOUND)
    assert Counter(one.what.rpartition(": ")[2] for one in found if one.sort == "doubled") == {
        "was refused and is there": 5,
        "0 moves of traffic were asked for, 1 are in the chain": 1,
    }


def test_a_run_after_a_killed_supervisor_is_allowed() -> None:
    """An attempt that lost its supervisor may be followed by another one, and by no third."""
    runs = [ONCE, replace(ONCE, attempt="second")]
    after = replace(SOUND, jobs={"j": TWICE}, runs=runs, killed=frozenset({"first"}))
    assert check(_told(), after) == []
    assert check(_told(), replace(after, runs=[*runs, replace(ONCE, attempt="third")])) != []


def test_a_process_that_stays_is_seen(ledger: Ledger) -> None:
    """The instrument itself: what runs with a file of a folder open is found; once it has ended, it is not."""
    with (ledger.folder / "open").open("w") as file:
        sleeping = subprocess.Popen(["sleep", "600"], stdout=file, cwd="/")
    assert left_running(ledger.folder) == [f"process {sleeping.pid}: {b'sleep' + bytes(1) + b'600' + bytes(1)!r}"]
    sleeping.kill()
    sleeping.wait()
    assert left_running(ledger.folder) == []
