"""The kinds of a campaign's faults: who is killed, at random or at a named point, and how things go on."""

import os
import random
import signal
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from tests.faults.house import House, is_alive

Found = TypeVar("Found", bound=Collection[Any])
Fault = Callable[[House, random.Random], bool]
"""Makes one fault and has things go on; False when there was nobody to kill."""
POINT_S = 4.0
"""A point that no client comes by in that time is met by chance: the server is killed wherever it is."""
FOUND_S = 2.0
PAUSE_S = 1.5
POINTS = (
    "before commit: INSERT INTO job ",
    "after commit: INSERT INTO job ",
    "before commit: INSERT INTO attempt ",
    "after commit: INSERT INTO attempt ",
    "before commit: UPDATE attempt ",
    "after commit: UPDATE attempt ",
    "after fork",
    "after fork, supervisor too",
    "before rename: /objects/",
    "after rename: /objects/",
    "before rename: /datastores/",
    "after rename: /datastores/",
    "before commit: INSERT INTO asset ",
    "after commit: INSERT INTO asset ",
    "before commit: INSERT INTO metric ",
    "after commit: INSERT INTO metric ",
    "before commit: INSERT INTO principal ",
    "after commit: INSERT INTO principal ",
)
POINTS_OF_SERVING = (
    "before commit: UPDATE endpoint ",
    "after commit: UPDATE endpoint ",
    "before rename: /routes.json",
    "after rename: /routes.json",
)


def kinds(*, serving: bool) -> Mapping[str, Fault]:
    """Return the faults by name: those of a serving platform too where a model can be served."""
    random_ones: dict[str, Fault] = {
        "kill -9 server": kill_server,
        "kill -9 supervisor": kill_supervisor,
        "kill -9 user code": lambda house, chance: kill_one(house.user_code, chance),
        "kill -9 spawner": lambda house, chance: kill_one(house.spawners, chance),
        "kill -9 server and supervisor": kill_server_and_supervisor,
        "kill -9 keeper": lambda house, chance: kill_one(lambda: house.of_plane("keeper"), chance),
        "kill -9 gateway": lambda house, chance: kill_one(lambda: house.of_plane("gateway"), chance),
        "kill -9 server, keeper and gateway": kill_three,
        "SIGSTOP server": lambda house, _chance: pause(lambda: [house.pid]),
        "SIGSTOP supervisor": lambda house, _chance: pause(lambda: [*house.supervisors()]),
    }
    of_serving: dict[str, Fault] = {
        "kill -9 worker": lambda house, chance: kill_one(house.workers, chance),
        "SIGSTOP worker": lambda house, _chance: pause(house.workers),
    }
    points = {f"kill -9 server {name.strip()}": at(name) for name in (*POINTS, *(POINTS_OF_SERVING if serving else ()))}
    return {**random_ones, **(of_serving if serving else {}), **points}


def kill_server(house: House, chance: random.Random) -> bool:
    """Kill the server at any instant."""
    time.sleep(chance.uniform(0.05, 0.4))
    house.kill_server()
    house.start()
    return True


def kill_one(find: Callable[[], Collection[int]], chance: random.Random) -> bool:
    """Kill one of those that are found; wait a moment for somebody to be there."""
    time.sleep(chance.uniform(0, 0.2))
    found = sorted(somebody(find))
    if not found:
        return False
    with suppress(ProcessLookupError):
        os.kill(chance.choice(found), signal.SIGKILL)
    return True


def kill_supervisor(house: House, chance: random.Random) -> bool:
    """Kill a supervisor; what it had begun may run once more."""
    time.sleep(chance.uniform(0, 0.2))
    found = somebody(house.supervisors)
    if not found:
        return False
    house.kill(chance.choice(sorted(found)))
    return True


def kill_server_and_supervisor(house: House, chance: random.Random) -> bool:
    """Kill both, in either order."""
    if chance.random() < 1 / 2:
        house.kill_server()
        kill_supervisor(house, chance)
    else:
        kill_supervisor(house, chance)
        house.kill_server()
    house.start()
    return True


def kill_three(house: House, chance: random.Random) -> bool:
    """Kill everything that serves but the workers."""
    victims = [house.pid, *house.of_plane("keeper"), *house.of_plane("gateway")]
    chance.shuffle(victims)
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    house.await_death()
    house.start()
    return True


def pause(find: Callable[[], Collection[int]]) -> bool:
    """Stop a process for longer than anybody waits for word of it, then let it go on."""
    found = [*somebody(find)][:1]
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(PAUSE_S if number == signal.SIGSTOP else 0)
    return bool(found)


def somebody(find: Callable[[], Found]) -> Found:
    """Return what is found within a moment, or the nothing that was found last."""
    until = time.monotonic() + FOUND_S
    while not (found := find()) and time.monotonic() < until:
        time.sleep(0.01)
    return found


def at(point: str) -> Fault:
    """Return the fault by which a server dies at a point."""

    def fault(house: House, _chance: random.Random) -> bool:
        house.arm(point)
        until = time.monotonic() + POINT_S
        while is_alive(house.pid) and time.monotonic() < until:
            time.sleep(0.005)
        met = not is_alive(house.pid)
        house.kill_server()
        house.start()
        return met

    return fault
