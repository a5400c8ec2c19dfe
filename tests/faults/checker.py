"""The checker: compares what clients were told, and what user code wrote, with what stands afterwards."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never

from tests.faults.history import Act, Told

Sort = Literal["lost", "doubled", "left running", "broken"]
Verdict = Iterator[tuple[Sort, str]]
ENDED = frozenset({"completed", "failed", "canceled", "skipped"})
EVENTS = {
    "data": ("datasets/create", "data/{}:1"),
    "job": ("jobs/submit", "jobs/{}"),
    "principal": ("principals/create", "principals/{}"),
    "word": ("promotions/reject", "promotion/{}"),
}
"""The line of the chain that each acknowledged act has, once."""
MOVED = ("endpoints/traffic", "endpoints/{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step as the platform tells of it."""

    name: str
    status: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the platform tells of it."""

    status: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A line that user code wrote where the platform does not reach: which step, in which attempt's folder."""

    job: str
    step: str
    attempt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands when everything has come to rest.

    `events` counts the lines of the chains by what and subject; `broken` says in words what no act is to blame for: a
    chain, an object whose bytes are not those of its name, traffic that is not 100; `running` are processes that should
    have ended; `killed` the attempts whose supervisor was killed, which alone may be followed by another one.
    """

    data: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    measured: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    principals: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    traffic: Mapping[str, float] = field(default_factory=dict)
    events: Mapping[tuple[str, str], int] = field(default_factory=Counter)
    runs: Sequence[Run] = ()
    killed: frozenset[str] = frozenset()
    broken: Sequence[str] = ()
    running: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that must not be, and the round in which it was asked for."""

    sort: Sort
    fault: str
    what: str


def check(told: Sequence[Told], standing: Standing) -> Sequence[Finding]:
    """Return everything that must not be; nothing found is what a run is for."""
    found = [
        Finding(sort=sort, fault=one.act.fault, what=f"act {one.act.number}, {one.act.kind} {one.act.subject}: {words}")
        for one in told
        for sort, words in _judge(one, standing)
    ]
    last = told[-1].act.fault if told else "none"
    found += [Finding(sort=sort, fault=last, what=words) for sort, words in _traffic(told, standing)]
    found += [Finding(sort="broken", fault=last, what=words) for words in standing.broken]
    found += [Finding(sort="left running", fault=last, what=words) for words in standing.running]
    return found


def _judge(told: Told, standing: Standing) -> Verdict:
    act, times = told.act, _times(told.act, standing)
    if act.kind == "traffic":
        return
    if told.outcome == "ok" and times == 0:
        yield "lost", "was acknowledged and is not there"
    if told.outcome == "failed" and times > 0:
        yield "doubled", "was refused and is there"
    if times > 1:
        yield "doubled", f"is there {times} times"
    if act.kind in EVENTS and times:
        what, subject = EVENTS[act.kind]
        lines = standing.events.get((what, subject.format(act.subject)), 0)
        if lines != 1:
            yield ("lost" if lines == 0 else "doubled"), f"has {lines} lines {what} in the chain"
    if act.kind == "data" and times and standing.data[act.subject] != act.wanted["digest"]:
        yield "broken", f"is {standing.data[act.subject]}, not {act.wanted['digest']}"
    if act.kind == "job" and times:
        yield from _judge_job(act, standing)


def _times(act: Act, standing: Standing) -> int:
    """Return how often what an act asked for is there."""
    match act.kind:
        case "data":
            return int(act.subject in standing.data)
        case "job":
            return int(act.subject in standing.jobs)
        case "measurement":
            return standing.measured.get(act.subject, {}).get(act.wanted["key"], 0)
        case "principal":
            return int(act.subject in standing.principals)
        case "word":
            return int(act.subject in standing.rejected)
        case "traffic":
            return 1
        case other:
            assert_never(other)


def _judge_job(act: Act, standing: Standing) -> Verdict:
    job = standing.jobs[act.subject]
    ends = standing.events.get(("jobs/end", f"jobs/{act.subject}"), 0)
    if job.status not in ENDED:
        yield "lost", f"has never ended: it is {job.status}"
    elif ends != 1:
        yield ("lost" if ends == 0 else "doubled"), f"has ended {ends} times in the chain"
    for step in job.steps:
        attempts = [run.attempt for run in standing.runs if (run.job, run.step) == (act.subject, step.name)]
        again = [name for name, times in Counter(attempts).items() if times > 1]
        if again:
            yield "doubled", f"attempt {again[0]} of step {step.name} ran {attempts.count(again[0])} times"
        if len(attempts) > step.attempts:
            yield "doubled", f"step {step.name} ran {len(attempts)} times in {step.attempts} attempts"
        if step.status == "completed" and not attempts:
            yield "lost", f"step {step.name} is completed, and its code never ran"
        alive = [name for name in attempts[:-1] if name not in standing.killed]
        if alive:
            yield "doubled", f"step {step.name} ran again after attempt {alive[0]}, whose supervisor nobody had killed"
        if step.status not in ENDED and job.status in ENDED:
            yield "broken", f"step {step.name} is {step.status} in a job that is {job.status}"


def _traffic(told: Sequence[Told], standing: Standing) -> Verdict:
    """Judge the moves of traffic, which one client makes one after another: the last word stands, each has its line."""
    moves = [one for one in told if one.act.kind == "traffic"]
    if not moves:
        return
    done = [place for place, one in enumerate(moves) if one.outcome == "ok"]
    may_stand = [one for one in moves[done[-1] if done else 0 :] if one.outcome != "failed"]
    if done and not any(one.act.wanted == standing.traffic for one in may_stand):
        yield "lost", f"traffic is {standing.traffic}, and the last that was acknowledged {moves[done[-1]].act.wanted}"
    what, subject = MOVED
    lines = standing.events.get((what, subject.format(moves[0].act.subject)), 0)
    most = len([one for one in moves if one.outcome != "failed"])
    if lines < len(done):
        yield "lost", f"{len(done)} moves of traffic were acknowledged, {lines} are in the chain"
    if lines > most:
        yield "doubled", f"{most} moves of traffic were asked for, {lines} are in the chain"
