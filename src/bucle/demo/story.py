"""The story, hop by hop: each line is printed when it has happened, with the seconds that it took."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.client import Client
from bucle.demo.approving import approve, doubts, doubts_told
from bucle.demo.cars import Production
from bucle.demo.people import People, sign_in
from bucle.demo.production import tell_years
from bucle.demo.stage_set import StageSet

EXPERIMENT = "fuel-consumption"
MODEL = "fuel-consumption"


def tell(stage_set: StageSet) -> None:
    """Walk the whole way."""
    known = stage_set.build()
    hop("demo", lambda: f"{stage_set.folder}{' (was there: continuing)' if known else ''}")
    with stage_set.start() as administrator:
        hop("platform", lambda: _platform(administrator, stage_set.folder))
        with sign_in(administrator) as people:
            folder = stage_set.folder
            hop("data", lambda: _data(people, folder))
            hop("denied", lambda: _denied(people, stage_set))
            if people.ml_engineer.model.history(MODEL, stage="prod"):
                hop("prod", lambda: _serving(people))
                return
            hop("train", lambda: _train(people, folder))
            hop("package", lambda: _package(people))
            hop("preprod", lambda: _to_preprod(people))
            hop("prod", lambda: _to_prod(people))
            cooldown = stage_set.cooldown_years()
            cars = stage_set.cars()
            tell_years(Production(people=people, cars=cars, model=MODEL, cooldown_years=cooldown), hop)
            hop("audit", lambda: _audit(people))


def hop(name: str, act: Callable[[], str]) -> None:
    """Do one hop and print its line."""
    started = time.monotonic()
    told = act()
    print(f"{name:<10} {told}   {time.monotonic() - started:.1f} s", flush=True)


def _platform(administrator: Client, folder: Path) -> str:
    applied = administrator.platform.apply(folder / "platform.yml")
    for stage in ("preprod", "prod"):
        administrator.gate.set(folder / f"gate-{stage}.yml")
    stages = " → ".join(stage["name"] for stage in administrator.stage.list())
    people = len(administrator.principal.list())
    return f"{stages} · {people} principals · {len(applied['steps'])} changes applied, {applied['left']} left"


def _data(people: People, folder: Path) -> str:
    made = people.data_engineer.data.create(folder / "data.yml", stage="dev", assignments=("version=1",))
    return f"{made['name']}:{made['version']} {made['digest'][:19]}… ({made['class']}), by the data engineer"


def _denied(people: People, stage_set: StageSet) -> str:
    """Refuse twice: at the API, where the data scientist asks for prod; and by the kernel, inside a job of dev."""
    made = people.data_engineer.data.create(stage_set.folder / "data.yml", stage="prod", assignments=("version=1",))
    told = people.data_scientist.can.check("data/read", "/stages/prod")
    if told["allowed"]:
        raise errors.PlatformFault("demo.not_denied", said=str(told))
    path = next((stage_set.home / "datastores" / "prod").rglob("*.csv"))
    path.read_bytes()  # outside a job the file can be read: what refuses below is the job's isolation
    document = stage_set.folder / ".bucle" / "cat.yml"
    document.write_text(json.dumps({"command": f"cat {path}", "environment": {"image": "python"}}))
    begun = people.data_scientist.job.create(document, stage="dev")
    job = people.data_scientist.job.wait(begun["name"], stage="dev")
    said = people.data_scientist.job.log(begun["name"], stage="dev", step="main").decode().strip()
    if job["status"] != "failed" or "Permission denied" not in said:
        raise errors.PlatformFault("demo.not_denied", said=said)
    word = said.rpartition(": ")[2]
    return (
        f"data-scientist reads prod ({made['class']}): no at the API; `cat` inside his job: {word} (the kernel's word)"
    )


def _train(people: People, folder: Path) -> str:
    begun = people.data_scientist.job.create(folder / "pipeline.yml", stage="dev")
    job = people.data_scientist.job.wait(begun["name"], stage="dev")
    if job["status"] != "completed":
        raise errors.WorkFailed("job.failed", name=job["name"], state=job["status"], why="")
    metrics = json.loads(_log(people.data_scientist, job, "evaluate"))
    steps = " → ".join(step["name"] for step in job["steps"] if step["kind"] == "command")
    used = sum(step["cpu_s"] for step in job["steps"])
    told = f"MAE {metrics['mae']:.4f} mpg, R² {metrics['r2']:.3f} on {metrics['rows']} cars, cross-validated"
    return f"{steps}: {told}; {used:.1f} s of CPU"


def _package(people: People) -> str:
    """Package the model of the newest job; it is loaded in a clean process and predicts its example first."""
    client = people.data_scientist
    job = next(job for job in client.job.list(stage="dev") if job["experiment_name"] == EXPERIMENT)
    begun = client.model.create(job["name"], stage="dev")
    made = client.model.wait(begun["name"], begun["version"], stage="dev")
    release = made["release"]
    lock = release["manifest"]["environment"]["lock"][:19]
    told = f"{made['name']}:{made['version']} · release {release['alias']} {release['digest'][:19]}…"
    return f"{told} · {made['format']}, re-imported, environment locked {lock}…"


def _to_preprod(people: People) -> str:
    """Promote to preprod: requested by the data scientist, executed by the ML engineer from his inbox."""
    begun = people.data_scientist.promotion.request(f"{MODEL}:1", "preprod")
    done = approve(people, begun)
    standing = {check["name"]: check for check in done["standing_gate"]}
    passed = len([check for check in done["entry_gate"] if check["verdict"] == "pass"]) + len(standing)
    latency = standing["standing.latency"]["measured"]
    return f"gates: {passed} passed, {doubts_told(done)}; {standing['standing.errors']['measured']}, {latency}"


def _to_prod(people: People) -> str:
    """Promote to prod: requested by the ML engineer, whose own approval is refused."""
    begun = people.ml_engineer.promotion.request(f"{MODEL}:1", "prod")
    try:
        people.ml_engineer.promotion.approve(begun["name"], acknowledge=doubts(begun))
    except errors.Refused:
        refused = "the requester's own approval refused"
    else:
        raise errors.PlatformFault("demo.not_denied", said="the requester approved his own promotion")
    done = approve(people, begun)
    serving = people.ml_engineer.online_endpoint.show(MODEL, stage="prod")
    return f"requested by ml-engineer; {refused}; approved by approver; traffic {serving['traffic']} · {done['name']}"


def _serving(people: People) -> str:
    line = people.ml_engineer.model.history(MODEL, stage="prod")[0]
    return f"{line['model']} ({line['release']}) serves since {line['from_at']}; the story was told before"


def _audit(people: People) -> str:
    found = people.auditor.audit.verify()
    lines = sum(chain["lines"] for chain in found["chains"])
    return f"{lines} events in {len(found['chains'])} chains: {'intact' if found['intact'] else 'BROKEN'}"


def _log(client: Client, job: dict[str, Any], step: str) -> str:
    """Return the last line that a step wrote."""
    return client.job.log(job["name"], stage="dev", step=step).decode().splitlines()[-1]
