"""From an alert to training data: the asset of what was served, its class, the cooldown, and who may do it."""

import csv
import hashlib
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from bucle.monitoring import findings
from tests.access.conftest import House
from tests.faults.house import die_at
from tests.monitoring.conftest import STAGE, Watched, cars, labels

YEARS = (1975, 1976, 1977)


@pytest.fixture
def agent(house: House) -> None:
    """Give prod its service."""
    hire(house)


def hire(house: House) -> None:
    """Make a service of somebody's, and let it watch prod."""
    house.person("owner")
    house.service("robot", "owner", ("MonitorAgent", f"/stages/{STAGE}"))


def alert(watched: Watched, given: list[tuple[str, Any]]) -> dict[str, Any]:
    """Score three years, post labels, close the years, and let the policy look."""
    watched.score([row for year in YEARS for row in cars(year)])
    watched.label(given)
    watched.close(1977)
    return watched.retrained()


def given() -> list[tuple[str, Any]]:
    """Return labels of two good years and a bad one."""
    return [*labels(1975, 1.0), *labels(1976, 2.0), *labels(1977, 5.0)]


@pytest.mark.usefixtures("agent")
def test_an_alert_makes_the_data_it_is_trained_on(watched: Watched) -> None:
    """The two years before the bad one, joined with their labels; the bad one is held out; the incident is answered."""
    told = alert(watched, given())
    (begun,) = told["retrainings"]
    assert (begun["training_rows"], begun["holdout_rows"]) == (60, 30)
    asset, content = watched.asset("fuel-labelled")
    rows = [*csv.DictReader(io.StringIO(content.decode()))]
    assert [*rows[0]] == ["origin", "weight", "mpg"]
    assert [row["mpg"] for row in rows] == ["19"] * 30 + ["18"] * 30
    assert asset.document["made_of"]["releases"] == [told["findings"][0]["release"]]
    assert told["incidents"][0]["answered_by"] == f"retraining {begun['id']}"
    assert asset.made_by == "robot"


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize(
    "point",
    [
        "before commit: INSERT INTO retraining ",
        "after commit: INSERT INTO retraining ",
    ],
)
def test_a_killed_policy_answers_once(watched: Watched, tmp_path: Path, point: str) -> None:
    """Killed as it begins, whoever looks next finds one retraining, on one version of the data."""
    watched.score([row for year in YEARS for row in cars(year)])
    watched.label(given())
    assert watched.close(1977)["retrainings"] == []
    die_at(tmp_path, point, "tests.monitoring.look_once", str(watched.house.world.home.root))
    told = watched.judged()
    if not told["retrainings"]:
        told = watched.retrained()
    (begun,) = told["retrainings"]
    assert told["incidents"][0]["answered_by"] == f"retraining {begun['id']}"
    asset, _ = watched.asset("fuel-labelled")
    assert asset.version == "1"


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("data_class", ["restricted", "production"])
def test_its_class_is_the_highest_of_what_it_comes_from(house: House, data_class: str) -> None:
    """What was served in prod is production data; a model made of restricted data makes it restricted."""
    watched = Watched(house=house)
    watched.serve(data_class=data_class)
    alert(watched, given())
    assert watched.asset("fuel-labelled")[0].data_class == data_class


@pytest.mark.usefixtures("agent")
def test_the_way_of_the_labels_changes_nothing(watched: Watched) -> None:
    """Shuffled, in two deliveries, some twice, the last ones late: the digest is that of the plain way."""
    shuffled = given()
    random.Random(5).shuffle(shuffled)
    watched.score([row for year in reversed(YEARS) for row in reversed(cars(year))])
    watched.label(shuffled[:50])
    watched.close(1977)
    watched.label(shuffled[40:])
    watched.judged()
    watched.retrained()
    assert watched.asset("fuel-labelled")[0].digest == PLAIN_DIGEST


@pytest.mark.usefixtures("agent")
def test_one_altered_label_changes_it(watched: Watched) -> None:
    """One car of ninety: another digest; unaltered: the plain one."""
    altered = [(name, value + (name == "car-1976-7") * 0.5) for name, value in given()]
    alert(watched, altered)
    assert watched.asset("fuel-labelled")[0].digest != PLAIN_DIGEST


def plain_digest() -> str:
    """Return the digest of the folder of one file with these rows in their order, worked out without the product."""
    lines = ["origin,weight,mpg"]
    for year, mpg in ((1975, "19"), (1976, "18")):
        numbers = sorted(range(30), key=lambda number: (number % 28, f"car-{year}-{number}"))
        lines += [f"{'usa' if number % 2 else 'japan'},{1500.0 + number},{mpg}" for number in numbers]
    content = ("\n".join(lines) + "\n").encode()
    row = ["fuel-labelled.csv", False, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}"]
    manifest = json.dumps([row], separators=(",", ":")).encode()
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


PLAIN_DIGEST = plain_digest()


@pytest.mark.usefixtures("agent")
def test_the_plain_way_gives_the_digest_worked_out_by_hand(watched: Watched) -> None:
    """Rows by event time, then by correlation id."""
    alert(watched, given())
    assert watched.asset("fuel-labelled")[0].digest == PLAIN_DIGEST


@pytest.mark.usefixtures("agent")
def test_the_cooldown_runs_on_event_time(watched: Watched) -> None:
    """The year after the first retraining is within its two years, whatever the wall clock says."""
    (first,) = alert(watched, given())["retrainings"]
    _end(watched, first["id"])
    for year in (1978, 1979):
        watched.score(cars(year), f"live-{year}")
        watched.label(labels(year, 5.0))
        watched.house.clock.forward(days=3650)
        watched.close(year)
        counted = len(watched.retrained()["retrainings"])
        assert counted == (1 if year == 1978 else 2)


def _end(watched: Watched, retraining: str) -> None:
    """End a retraining as one that was promoted."""
    world = watched.house.world
    with world.records.write(world.clock()) as transaction:
        (found,) = [one for one in findings.active_retrainings(transaction.rows) if one.id == retraining]
        findings.move_retraining(transaction, found, "done")


def test_without_an_agent_it_is_refused_and_nothing_is_lost(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """The log says which role is missing where; the incident stays open, and is answered when there is an agent."""
    told = alert(watched, given())
    assert told["retrainings"] == []
    assert [one["closed"] for one in told["incidents"]] == [False]
    assert "MonitorAgent" in caplog.text
    assert STAGE in caplog.text
    hire(watched.house)
    assert len(watched.retrained()["retrainings"]) == 1


@pytest.mark.usefixtures("agent")
def test_too_few_rows_to_train_on_are_refused(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """Nineteen labelled rows before the bad year: the log counts them, and no asset is made."""
    told = alert(watched, [*labels(1976, 1.0, count=19), *labels(1977, 5.0)])
    assert told["retrainings"] == []
    assert "19" in caplog.text
    watched.label(labels(1976, 1.0, count=20))
    assert [one["training_rows"] for one in watched.retrained()["retrainings"]] == [20]
