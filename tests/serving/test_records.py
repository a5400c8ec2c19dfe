"""Endpoints and deployments in the records, the table that is drawn from them, and the rows that are collected."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from bucle import errors
from bucle.core.manifest import manifest_of
from bucle.core.routing import DeploymentState
from bucle.runtime.codecheck import digest_of
from bucle.runtime.segment import Collected
from bucle.serving import deployments, endpoints
from bucle.serving.deployments import Deployment, Settings
from bucle.serving.endpoints import Endpoint
from bucle.serving.model_folders import lay_model
from bucle.serving.routes import Place, Routes, digest_of_key
from bucle.serving.segments import event_instant, rows_of
from bucle.spec.digest import FolderEntry
from bucle.store.migrate import migrate
from bucle.store.records import Records

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def derive(text: str) -> str:
    """Stand where the key file's HMAC stands."""
    return sha256(b"pepper" + text.encode()).hexdigest()


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    """Give empty records."""
    made = Records(f"sqlite:///{tmp_path / 'records.db'}")
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def fuel(records: Records) -> Endpoint:
    """Give an endpoint of `dev`."""
    made = endpoints.new_endpoint("e1", "dev", {"name": "fuel"}, made_by="p1", now=NOW)
    with records.write(NOW) as transaction:
        return endpoints.create(transaction, made)


def deployment(name: str, state: DeploymentState = "ready") -> Deployment:
    """Return a deployment to be added."""
    return Deployment(
        id=f"w-{name}", endpoint_id="e1", name=name, release_digest="sha256:r", model_digest="sha256:m",
        environment="sha256:e", document={}, pass_through=("car",), event_time="at",
        settings=Settings(timeout_ms=700), state=state, reason=None, made_by="p1", created_at=NOW,
    )  # fmt: skip


def routes(records: Records, folder: Path) -> Routes:
    """Return the routes of a folder."""
    python = folder / "env" / "bin" / "python"
    place = Place(
        python=python, read=(folder / "env",), lock=folder / "lock", lock_digest="sha256:l", model=folder / "model",
        statement="{}", isolation="auto",
    )  # fmt: skip
    return Routes(folder=folder, records=records, derive=derive, place_of=lambda _rows, _endpoint, _deployment: place)


def test_records_give_back_what_they_were_given(records: Records, fuel: Endpoint) -> None:
    """An endpoint and its deployments come back equal; a second of the name is refused."""
    blue = deployment("blue")
    with records.write(NOW) as transaction:
        deployments.add(transaction, fuel, blue)
    with records.read() as rows:
        assert endpoints.find(rows, "dev", "fuel") == fuel
        assert endpoints.find(rows, "prod", "fuel") is None
        assert deployments.of_endpoint(rows, fuel) == [blue]
    with pytest.raises(errors.Conflict, match="deployment called blue"), records.write(NOW) as transaction:
        deployments.add(transaction, fuel, blue)
    with pytest.raises(errors.Conflict, match="endpoint called fuel"), records.write(NOW) as transaction:
        endpoints.create(transaction, replace(fuel, id="e2"))


@pytest.mark.parametrize(
    ("traffic", "code"),
    [
        ({"blue": 1000}, None),
        ({"blue": 900, "green": 100}, None),
        ({}, None),
        ({"blue": 999}, "serving.traffic_sum"),
        ({"blue": 1100, "green": -100}, "serving.share"),
        ({"blue": 500, "starting": 500}, "serving.not_ready"),
        ({"blue": 500, "none": 500}, "serving.no_such_deployment"),
    ],
)
def test_traffic_goes_where_it_may(records: Records, fuel: Endpoint, traffic: dict[str, int], code: str | None) -> None:
    """Traffic sums to all or nothing and reaches only what is ready; a refusal changes nothing."""
    with records.write(NOW) as transaction:
        for name in ("blue", "green"):
            deployments.add(transaction, fuel, deployment(name))
        deployments.add(transaction, fuel, deployment("starting", "starting"))
    found: str | None = None
    try:
        with records.write(NOW) as transaction:
            endpoints.set_traffic(transaction, fuel, traffic)
    except errors.BucleError as refused:
        found = refused.code
    with records.read() as rows:
        kept = endpoints.find(rows, "dev", "fuel")
    assert found == code
    assert kept == (replace(fuel, traffic=traffic, traffic_revision=1) if code is None else fuel)


def test_traffic_that_moved_is_not_overwritten(records: Records, fuel: Endpoint) -> None:
    """Whoever decided on an older revision is refused; on the present one he is not."""
    with records.write(NOW) as transaction:
        deployments.add(transaction, fuel, deployment("blue"))
        moved = endpoints.set_traffic(transaction, fuel, {"blue": 1000}, expected_revision=0)
    with pytest.raises(errors.Conflict, match="revision 1, not 0"), records.write(NOW) as transaction:
        endpoints.set_traffic(transaction, fuel, {}, expected_revision=0)
    with records.write(NOW) as transaction:
        assert endpoints.set_traffic(transaction, moved, {}).traffic_revision == 2


def test_nothing_that_is_used_is_deleted(records: Records, fuel: Endpoint) -> None:
    """A deployment with traffic stays, an endpoint with deployments stays; without, both go."""
    with records.write(NOW) as transaction:
        blue = deployments.add(transaction, fuel, deployment("blue"))
        used = endpoints.set_traffic(transaction, fuel, {"blue": 1000})
    with pytest.raises(errors.Conflict, match=r"100\.0 %"), records.write(NOW) as transaction:
        deployments.remove(transaction, used, blue)
    with pytest.raises(errors.Conflict, match="1 deployments"), records.write(NOW) as transaction:
        endpoints.delete(transaction, used)
    with records.write(NOW) as transaction:
        deployments.remove(transaction, endpoints.set_traffic(transaction, used, {}), blue)
        endpoints.delete(transaction, used)
    with records.read() as rows:
        assert endpoints.page(rows, "dev", limit=10, after=None) == []


def test_table_follows_the_records(records: Records, fuel: Endpoint, tmp_path: Path) -> None:
    """Each change raises the generation; the table holds digests of keys, never keys, and no deployment's document."""
    with records.write(NOW) as transaction:
        deployments.add(transaction, fuel, deployment("blue"))
        endpoints.set_traffic(transaction, fuel, {"blue": 1000})
    made = routes(records, tmp_path)
    assert made.publish() == 3
    text = (tmp_path / "routes.json").read_text()
    document = json.loads(text)
    (drawn,) = document["endpoints"]
    (worker,) = document["workers"]
    assert (drawn["traffic"], drawn["deployments"][0]["timeout_ms"]) == ({"blue": 1000}, 700)
    assert (worker["id"], worker["pass_through"], worker["model"]) == ("w-blue", ["car"], str(tmp_path / "model"))
    assert drawn["keys"][0] == digest_of_key(document["salt"], fuel.key("primary", derive))
    assert fuel.key("primary", derive) not in text
    assert made.replay_token() not in text


def test_deployment_without_a_place(records: Records, fuel: Endpoint, tmp_path: Path) -> None:
    """While its environment is not built, its endpoint is served by nobody and another goes on; then it is served."""
    with records.write(NOW) as transaction:
        deployments.add(transaction, fuel, deployment("blue"))
        endpoints.set_traffic(transaction, fuel, {"blue": 1000})
        other = endpoints.new_endpoint("e2", "dev", {"name": "wear"}, made_by="p1", now=NOW)
        endpoints.create(transaction, other)
        deployments.add(transaction, other, replace(deployment("green"), endpoint_id="e2"))
        endpoints.set_traffic(transaction, other, {"green": 1000})
    built = routes(records, tmp_path)
    half = replace(built, place_of=lambda *of: None if of[2].name == "blue" else built.place_of(*of))

    half.publish()
    assert traffic_in(tmp_path) == {"fuel": {}, "wear": {"green": 1000}}
    before = (tmp_path / "routes.json").stat().st_ino
    half.catch_up()
    assert (tmp_path / "routes.json").stat().st_ino == before
    built.catch_up()
    assert traffic_in(tmp_path) == {"fuel": {"blue": 1000}, "wear": {"green": 1000}}


def traffic_in(folder: Path) -> dict[str, dict[str, int]]:
    """Return the traffic of each endpoint in the table of a folder."""
    return {one["name"]: one["traffic"] for one in json.loads((folder / "routes.json").read_text())["endpoints"]}


def test_regenerated_key_replaces_one(records: Records, fuel: Endpoint, tmp_path: Path) -> None:
    """A new primary key is another one; the secondary stays as it was; the table says so."""
    with records.write(NOW) as transaction:
        changed = endpoints.regenerate_key(transaction, fuel, "primary")
    assert changed.key("primary", derive) != fuel.key("primary", derive)
    assert changed.key("secondary", derive) == fuel.key("secondary", derive)
    routes(records, tmp_path).publish()
    document = json.loads((tmp_path / "routes.json").read_text())
    expected = [digest_of_key(document["salt"], changed.key(slot, derive)) for slot in ("primary", "secondary")]
    assert document["endpoints"][0]["keys"] == expected


def collected(body: object, response: object, **rest: object) -> Collected:
    """Return a request that was collected."""
    given = {
        "request_id": "r", "accepted_us": 1_772_366_400_000_000, "stage": "dev", "endpoint": "fuel",
        "deployment": "blue", "release": "sha256:r", "model": "sha256:m", "replayed": False, "status": 200,
        "latency_us": 1, "took_us": 1, "request": json.dumps(body).encode(), "response": json.dumps(response).encode(),
    }  # fmt: skip
    return Collected(**{**given, **rest})  # type: ignore[arg-type]  # typed where it is called


def test_rows_carry_id_time_and_prediction() -> None:
    """One row answers to the bare id, several to id and index; event time is the column's, in UTC."""
    rows = list(rows_of(collected([{"a": 1, "at": "2014-05-01T02:00:00+02:00"}, {"a": 2}], [10.5, 11]), "at"))
    assert [row.correlation_id for row in rows] == ["r_0", "r_1"]
    assert [row.event_at for row in rows] == [datetime(2014, 5, 1, tzinfo=UTC), None]
    assert (rows[0].columns, rows[0].prediction) == ({"a": 1, "at": "2014-05-01T02:00:00+02:00"}, 10.5)
    (alone,) = rows_of(collected({"input_data": {"columns": ["a"], "data": [[3]]}}, ["x"]), None)
    assert (alone.correlation_id, alone.event_at, alone.prediction) == ("r", NOW, "x")
    assert list(rows_of(collected([], {"error": {}}, status=424), None)) == []


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2014-05-01", datetime(2014, 5, 1, tzinfo=UTC)),
        ("2014-05-01T10:00:00Z", datetime(2014, 5, 1, 10, tzinfo=UTC)),
        ((NOW + timedelta(minutes=5)).isoformat(), NOW + timedelta(minutes=5)),
        ((NOW + timedelta(minutes=5, seconds=1)).isoformat(), None),
        ("1899-12-31T23:59:59Z", None),
        ("soon", None),
        (20140501, None),
        (None, None),
    ],
)
def test_event_times_that_cannot_be_are_faults(value: object, instant: datetime | None) -> None:
    """More than five minutes ahead, before 1900, or no instant at all: a fault, not a time."""
    assert event_instant(value, NOW) == instant


def test_model_is_laid_out_once(tmp_path: Path) -> None:
    """The folder has the manifest's digest by the supervisor's own measure, and is made once."""
    contents = {"MLmodel": b"flavors: {}", "data/model.bin": b"\0\1"}
    objects = {f"sha256:{sha256(content).hexdigest()}": content for content in contents.values()}
    for digest, content in objects.items():
        (tmp_path / digest[7:]).write_bytes(content)
    manifest = manifest_of(
        FolderEntry(path=path, executable=False, size=len(content), sha256=f"sha256:{sha256(content).hexdigest()}")
        for path, content in contents.items()
    )
    laid = [lay_model(tmp_path / "models", manifest, lambda digest: tmp_path / digest[7:]) for _ in range(2)]
    assert laid[0] == laid[1]
    assert digest_of(str(laid[0])) == manifest.digest
    assert [path.name for path in (tmp_path / "models").iterdir()] == [laid[0].name]
