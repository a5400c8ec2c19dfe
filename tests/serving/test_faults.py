"""Faults: workers, keeper and gateway killed, models changed under way, versions replaced, everything stopped."""

import shutil
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from bucle.core.routing import DeploymentRoute
from bucle.runtime.codecheck import digest_of
from bucle.serving.processes import DataPlane, running
from bucle.serving.segments import requests_of, sealed
from tests.serving.conftest import REPLAY_TOKEN, House, acts, await_true, endpoint, is_running, kill, split


def test_killed_worker_is_replaced(awkward_house: House) -> None:
    """Kill -9 under load: in flight 502, meanwhile 503, and the next incarnation answers; nothing else is seen."""
    house = awkward_house
    restarts = house.worker("w")["restarts"]
    first, statuses, ending = house.await_ready("w"), Counter[int](), threading.Event()

    def ask() -> None:
        while not ending.is_set():
            status = house.score(acts("a"), endpoint="awkward").status
            statuses[status] += 1
            time.sleep(0 if status == 200 else 0.1)

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    kill(first)
    house.await_ready("w", other_than=first)
    before = statuses[200]
    await_true(lambda: statuses[200] > before, "the new worker answers")
    ending.set()
    for thread in asking:
        thread.join()
    assert set(statuses) <= {200, 502, 503}
    assert house.worker("w")["restarts"] == restarts + 1
    assert house.worker("w")["last_error"] == "killed by signal 9"


def test_killed_keeper_leaves_the_workers(awkward_house: House) -> None:
    """Kill -9 of the keeper: the worker answers on; the next keeper adopts it, and replaces it when it dies."""
    house = awkward_house
    worker, keeper = house.await_ready("w"), house.pid("keeper")
    kill(keeper)
    await_true(lambda: not is_running(keeper), "the keeper is gone")
    assert house.score(acts("bb"), endpoint="awkward").body == [2.0]
    house.plane.ensure()
    assert house.pid("keeper") != keeper
    await_true(lambda: house.read("workers").get("keeper") == house.pid("keeper"), "the new keeper tells")
    assert (house.worker("w")["pid"], house.worker("w")["state"]) == (worker, "ready")
    kill(worker)
    house.await_ready("w", other_than=worker)
    house.await_served("awkward", acts("a"))


def test_killed_gateway_finds_the_workers(awkward_house: House) -> None:
    """Kill -9 of the gateway: the next one serves on the same port with the same worker."""
    house = awkward_house
    worker, port, gateway = house.await_ready("w"), house.port, house.pid("gateway")
    kill(gateway)
    await_true(lambda: running(house.folder, "gateway") is None, "the gateway is gone")
    found = house.plane.ensure()
    house.await_served("awkward", acts("a"))
    assert (found.port, house.await_ready("w")) == (port, worker)
    assert found.pid != gateway


def test_later_server_keeps_or_replaces(awkward_house: House) -> None:
    """A later server of the same version keeps both processes, one of another version replaces them; workers stay."""
    house = awkward_house
    worker, before = house.await_ready("w"), (house.pid("keeper"), house.pid("gateway"))
    house.plane.ensure()
    assert (house.pid("keeper"), house.pid("gateway")) == before
    plane = house.plane
    house.plane = DataPlane(folder=plane.folder, log=plane.log, host=plane.host, port=0, version="2")
    house.plane.started.update(plane.started)
    house.plane.ensure()
    assert not {house.pid("keeper"), house.pid("gateway")} & set(before)
    house.await_served("awkward", acts("a"))
    assert house.await_ready("w") == worker


def test_stop_leaves_nothing(house: House) -> None:
    """After stop no worker, keeper or gateway runs, though the keeper had been killed before."""
    house.route(endpoint("awkward", house.models.worker("awkward", "w")))
    worker, keeper, gateway = house.await_ready("w"), house.pid("keeper"), house.pid("gateway")
    kill(keeper)
    await_true(lambda: not is_running(keeper), "the keeper is gone")
    house.plane.stop()
    assert not any(is_running(pid) for pid in (worker, keeper, gateway))
    assert list((house.folder / "workers").iterdir()) == []


def test_deployment_that_leaves_is_drained(house: House) -> None:
    """Its last request is answered though the table names it no more; then its worker ends, and the other serves."""
    awkward = house.models.worker("awkward", "old")
    blue = DeploymentRoute(name="blue", release="r1", worker=awkward)
    green = DeploymentRoute(name="green", release="r2", worker=replace(awkward, id="new"))
    house.route(split("awkward", {"blue": 1000}, blue=blue, green=green))
    house.await_served("awkward", acts("a"))
    old, _ = house.await_ready("old"), house.await_ready("new")
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(house.score(acts("sleep1.5"), endpoint="awkward").status))
    asking.start()
    await_true(lambda: house.read("stats")["in_flight"] == 1, "it is in flight")
    house.route(split("awkward", {"green": 1000}, green=green))
    asking.join()
    assert answers == [200]
    await_true(lambda: not is_running(old), "the old worker ends")
    assert house.score(acts("a"), endpoint="awkward").headers["azureml-model-deployment"] == "green"


def test_changed_model_does_not_start(house: House, tmp_path: Path) -> None:
    """A folder whose bytes are not those of its digest is refused before it is loaded; as it was, it starts."""
    copy = tmp_path / "model"
    shutil.copytree(house.models.folder / "together", copy)
    worker = replace(house.models.worker("together", "good"), model=str(copy))
    house.route(endpoint("good", worker))
    house.await_ready("good")
    (copy / "together.py").write_text((copy / "together.py").read_text() + "\n")
    house.route(endpoint("changed", replace(worker, id="changed")))
    await_true(lambda: house.worker("changed").get("state") == "failed", "it has failed")
    assert f"not {worker.model_digest}" in house.worker("changed")["last_error"]
    assert digest_of(str(copy)) in house.worker("changed")["last_error"]


def test_model_of_whole_batches_is_never_batched(house: House) -> None:
    """A model whose answer depends on its neighbours is told apart, and each request keeps a batch of its own."""
    house.route(endpoint("awkward", house.models.worker("together", "w")))
    house.await_ready("w")
    house.await_served("awkward", acts("a"))
    assert house.worker("w")["hello"]["row_wise"] is False
    answers: list[object] = []
    asking = [
        threading.Thread(target=lambda: answers.append(house.score(acts("a", "b"), endpoint="awkward").body))
        for _ in range(8)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert answers == [[2.0, 2.0]] * 8


def test_replayed_requests_lie_apart(awkward_house: House) -> None:
    """What the server asks with its own token is answered alike and never among live requests."""
    house = awkward_house
    house.score(acts("live"), endpoint="awkward", x_request_id="live-1")
    house.score(acts("again"), endpoint="awkward", key=REPLAY_TOKEN, x_request_id="again-1")
    segments = house.folder / "segments"

    def ids(*, replayed: bool) -> set[str]:
        return {one.request_id for path in sealed(segments, replayed=replayed) for one in requests_of(path)}

    await_true(lambda: "live-1" in ids(replayed=False) and "again-1" in ids(replayed=True), "both are sealed")
    assert "again-1" not in ids(replayed=False)
    assert ids(replayed=True) == {"again-1"}
