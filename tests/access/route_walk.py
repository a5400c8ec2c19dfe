"""Everybody who walks the routes: one principal for each role at each place, and a request for each route."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from httpx2 import Response

from bucle.access import principals, tokens
from bucle.monitoring import traffic
from bucle.monitoring.traffic import Scored
from bucle.ops.files import keep_folder
from bucle.ops.sign_in import seat
from bucle.release import releases
from bucle.spec.digest import digest_of
from tests.access.conftest import House, open_house
from tests.signed import signed
from tests.studio.conftest import OWN, TEAM, let_in
from tests.studio.seed import FIRST, MODEL, WAITING, Story, tell

TABLE = Path(__file__).parent / "route_matrix.tsv"
ROLES = {
    "DataScientist": "dev",
    "MLEngineer": "preprod prod",
    "Approver": "preprod prod",
    "DataEngineer": "dev preprod prod",
    "DataSteward": "dev preprod prod",
    "InfraEngineer": "/ dev preprod prod",
    "Reader": "dev preprod prod",
    "Auditor": "/",
    "CIBuilder": "dev",
    "CIReleaser": "preprod prod",
    "MonitorAgent": "preprod prod",
    "EmergencyOperator": "preprod prod",
    "AccessAdmin": "/",
}
"""Where each role may be assigned; the first AccessAdmin ends the bootstrap, so that it comes last."""
SERVICES = frozenset({"CIBuilder", "CIReleaser", "MonitorAgent"})
SHARED = "plain-swan"
"""The release in dev that is asked to be promoted."""
REQUEST = "told-request"
NOTHING = "nothing-of-this-name"
EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
JOB: dict[str, Any] = {"type": "command", "command": "true", "environment": {"image": "python"}}
STAGED = "/api/v1/stages/{stage}"
BODIES: dict[str, Any] = {
    f"POST {STAGED}/gate": {"stage": "?", "approvals": 1},
    f"POST {STAGED}/datastores/{{store}}/files:announce": {"files": []},
    f"POST {STAGED}/code:announce": {"files": []},
    f"POST {STAGED}/data": {
        "name": "rows", "version": "1", "type": "uri_file", "path": {"kind": "file", "digest": EMPTY, "origin": "rows"},
    },
    f"POST {STAGED}/environments": {"name": "tools", "image": "python"},
    f"POST {STAGED}/components": {"name": "greet", "command": "echo", "environment": "azureml:tools:1"},
    f"POST {STAGED}/jobs": JOB,
    f"POST {STAGED}/models": {"job": "calm_heron"},
    f"POST {STAGED}/models/{{name}}/versions/{{version}}:share": {"registry": "shared"},
    "POST /api/v1/promotions:plan": {"release": SHARED, "to": "preprod"},
    "POST /api/v1/promotions": {"release": SHARED, "to": "preprod"},
    "POST /api/v1/promotions/{name}:approve": {},
    "POST /api/v1/promotions/{name}:reject": {},
    f"POST {STAGED}/endpoints/{{endpoint}}/labels": {"labels": [{"correlation_id": "none", "label": 1}]},
    f"POST {STAGED}/endpoints/{{endpoint}}/watermark": {"at": "1970-01-01T00:00:00Z"},
    f"POST {STAGED}/online-endpoints": {"name": "car"},
    f"POST {STAGED}/online-endpoints/{{name}}:update": {"traffic": {}},
    f"POST {STAGED}/online-endpoints/{{name}}:invoke": {"input_data": []},
    f"POST {STAGED}/online-endpoints/{{endpoint}}/deployments": {
        "name": "blue", "model": f"azureml:{MODEL}:9", "instance_type": "here",
    },
    f"POST {STAGED}/online-endpoints/{{endpoint}}/deployments/{{name}}:update": {
        "model": f"azureml:{MODEL}:9", "instance_type": "here",
    },
    f"POST {STAGED}/schedules": {
        "name": "nightly", "trigger": {"type": "cron", "expression": "0 0 * * *"}, "create_job": JOB,
    },
    "POST /api/v1/audit:compare": {},
    "POST /api/v1/principals": {"name": "newcomer", "kind": "person"},
    "POST /api/v1/principals/{name}:invite": {"kind": None},
    "POST /api/v1/bindings": {"principal": "dummy", "role": "Approver", "scope": "/stages/prod"},
}  # fmt: skip
METRIC = {"key": "a", "value": 1, "timestamp": 1}
CALLS: dict[str, Any] = {
    "experiments/create": {"name": "twin"},
    "experiments/get-by-name": {"experiment_name": "Default"},
    "experiments/update": {"new_name": "renamed"},
    "experiments/set-experiment-tag": {"key": "a", "value": "1"},
    "experiments/delete-experiment-tag": {"key": "a"},
    "runs/search": {"experiment_ids": ["0"]},
    "metrics/get-history": {"metric_key": "a"},
    "runs/log-metric": METRIC,
    "runs/log-parameter": {"key": "a", "value": "1"},
    "runs/set-tag": {"key": "a", "value": "1"},
    "runs/delete-tag": {"key": "a"},
    "runs/log-batch": {"metrics": [METRIC]},
    "runs/log-model": {"model_json": "{}"},
    "logged-models": {"name": "m"},
    "logged-models/search": {"experiment_ids": ["0"]},
    "logged-models/{model_id}": {"status": "LOGGED_MODEL_READY"},
}
"""What an MLflow call says beside the ids of its experiment, run and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the reviewed table: a route, its permission, where it is asked, the roles that hold it."""

    method: str
    path: str
    permission: str
    at: str
    roles: frozenset[str]

    @property
    def name(self) -> str:
        """The route as a test is named."""
        return f"{self.method} {self.path}"

    @property
    def is_by_name(self) -> bool:
        """Whether what it is about is looked up by its name alone: to whoever may not see it, it is unknown."""
        return self.at in {"source", "target", "served"} or self.name == "DELETE /api/v1/bindings/{binding_id}"

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages at which the route is walked; empty: the platform."""
        once = {"source": "dev", "target": "prod", "served": "prod", "granted": "prod"}
        return () if self.at == "platform" else (once[self.at],) if self.at in once else ("dev", "prod")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Somebody with one role at one place (`/` or a stage), or with none."""

    role: str
    place: str
    credential: str

    def expected(self, row: Row, stage: str | None) -> int:
        """Return what the access page says: 200 stands for whatever comes after `yes`."""
        if self.role == "none":
            return 404 if row.is_by_name else 403
        if stage is not None and self.place not in {"/", stage}:
            return 404
        may = self.role in row.roles and (self.place == "/" or stage is not None)
        return 200 if may else 403


def table() -> list[Row]:
    """Read the reviewed table."""
    with TABLE.open(newline="") as stream:
        lines = list(csv.DictReader(stream, delimiter="\t"))
    every = frozenset(ROLES)
    return [
        Row(
            method=line["method"],
            path=line["path"],
            permission=line["permission"],
            at=line["at"],
            roles=every if line["roles"] == "every role" else frozenset(line["roles"].split()) - {"-"},
        )
        for line in lines
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The installation with its story, and everybody who walks."""

    house: House
    walkers: tuple[Walker, ...]
    binding: str
    tracked: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which objects are asked for, and that of nothing."""
        return WAITING, SHARED, REQUEST, NOTHING

    def ask(
        self, row: Row, stage: str | None, credential: str | None, body: Any = None, *, unknown: bool = False
    ) -> Response:
        """Send one request for a route, as somebody or as nobody; `unknown`: about something that is not there."""
        values = self._values(row, stage or "dev")
        if unknown:
            values |= {"name": NOTHING, "request": NOTHING, "binding_id": self.binding[::-1]}
            body = {"release": NOTHING, "to": "preprod"} if row.at == "source" else body
        path = row.path
        for name, value in values.items():
            path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
        if path.startswith("/studio"):
            return self._page(row, path, credential)
        headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
        sent = body if body is not None else self._body(row, stage or "dev", values)
        form: dict[str, Any] = {"content": b""} if row.method == "PUT" and sent is None else {"json": sent}
        if row.method == "GET":
            form = {"params": sent}
        return self.house.api.request(row.method, path, headers=headers, follow_redirects=False, **form)

    def _page(self, row: Row, path: str, credential: str | None) -> Response:
        """Send what a browser sends; services have none, and read twins with their token."""
        headers, form = dict(OWN), {}
        if credential is not None and credential.startswith("bcl_"):
            headers["authorization"] = f"Bearer {credential}"
        elif credential is not None:
            headers["cookie"] = f"bucle_session={credential}"
            form = {"form_token": seat(self.house.world, credential).form_token}
        data = form if row.method == "POST" else None
        return self.house.api.request(row.method, path, headers=headers, data=data, follow_redirects=False)

    def _values(self, row: Row, stage: str) -> dict[str, str]:
        """Return what stands in a route's address; a tracking call gets an experiment, a run, a model of its own."""
        name = WAITING if "/promotions/" in row.path else "dummy" if "/principals/" in row.path else MODEL
        values = {
            "stage": stage, "workspace": stage, "name": name, "version": "9", "endpoint": MODEL, "request": REQUEST,
            "store": "workspaceblobstore", "digest": EMPTY, "binding_id": self.binding, "token_id": "00000000",
            "tag_key": "a", "rest": "nothing", "path": "nothing",
        }  # fmt: skip
        if row.at != "workspace":
            return values
        if stage not in {"dev", "prod"}:
            return values | {"experiment_id": "0", "run_id": "0", "model_id": "m-0", "path": f"{stage}/0/0/artifacts/x"}
        if (row.name, stage) not in self.tracked:
            self.tracked[row.name, stage] = self._track(row, stage)
        return values | self.tracked[row.name, stage]

    def _track(self, row: Row, stage: str) -> dict[str, str]:
        """Make what a tracking call is about, as one who may."""
        holder = next(one for one in self.walkers if one.place == stage and one.role in {"DataScientist", "MLEngineer"})
        experiment = self._made(stage, holder, "experiments/create", name=f"of {row.name}")["experiment_id"]
        run = self._made(stage, holder, "runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
        model = self._made(stage, holder, "logged-models", experiment_id=experiment)["model"]["info"]["model_id"]
        path = f"{stage}/{experiment}/{run}/artifacts/note.txt"
        self.house.api.put(
            f"/mlflow/{stage}/api/2.0/mlflow-artifacts/artifacts/{path}",
            content=b"x",
            headers={"Authorization": f"Bearer {holder.credential}"},
        )
        return {"experiment_id": experiment, "run_id": run, "model_id": model, "path": path}

    def _made(self, stage: str, holder: Walker, call: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {holder.credential}"}
        answer = self.house.api.post(f"/mlflow/{stage}/api/2.0/mlflow/{call}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _body(self, row: Row, stage: str, values: Mapping[str, str]) -> Any:
        if row.at != "workspace":
            body = BODIES.get(row.name)
            return body | {"stage": stage} if isinstance(body, dict) and "stage" in body else body
        ids = {name: values[name] for name in ("experiment_id", "run_id", "model_id")}
        call = row.path.rpartition("/mlflow/")[2] if "/mlflow/" in row.path[1:] else ""
        if row.method == "PUT":
            return None
        return ids | ({"path": values["path"]} if row.path.endswith("/artifacts") else CALLS.get(call, {}))


@contextmanager
def open_walk(root: Path) -> Iterator[Walk]:
    """Give an installation with a promotion that waits, a release to promote, a request that was scored."""
    with open_house(root) as house:
        let_in(house)
        tell(Story(world=house.world, team=TEAM, now=house.clock(), serving=True))
        _serve(house, root.parent / "model")
        house.done("POST", "/principals", house.admin, {"name": "dummy", "kind": "person"})
        granted = {"principal": "dummy", "role": "Reader", "scope": "/stages/prod"}
        binding = house.done("POST", "/bindings", house.admin, granted)["id"]
        house.person("owner")
        walkers = [Walker(role="none", place="-", credential=house.person("nobody"))]
        for role, places in ROLES.items():
            walkers += [_walker(house, role, place) for place in places.split()]
        yield Walk(house=house, walkers=tuple(walkers), binding=binding)


def _walker(house: House, role: str, place: str) -> Walker:
    name = f"{role}-{place.strip('/') or 'platform'}"
    held = (role, "/" if place == "/" else f"/stages/{place}")
    if role not in SERVICES:
        return Walker(role=role, place=place, credential=house.person(name, held))
    house.service(name, "owner", held)
    with house.world.records.write(house.clock()) as transaction:  # the owner holds no role to give on by himself
        known = principals.find(transaction.rows, name)
        assert known is not None
        made = tokens.mint(transaction, house.world.keys, known.id, purpose="api", lifetime=timedelta(hours=1))
    return Walker(role=role, place=place, credential=made.text)


def _serve(house: House, folder: Path) -> None:
    """Register a release whose bytes are there, and write that prod answered a request with it."""
    world = house.world
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    with world.read() as rows:
        first = next(one for one in releases.every(rows) if one.alias == FIRST)
    kept = keep_folder(world, "dev", folder)
    manifest = {**first.manifest, "model": {**first.manifest["model"], "digest": kept}}
    born = replace(
        first, id=world.new_id(), alias=SHARED, version="9", digest=digest_of(manifest), manifest=manifest,
        created_at=house.clock(),
    )  # fmt: skip
    scored = Scored(
        stage="prod", endpoint=MODEL, correlation_id="c", request_id=REQUEST, deployment=SHARED, release=born.digest,
        accepted_at=house.clock(), event_at=None, columns={"x": 1}, prediction=1.0,
    )  # fmt: skip
    with world.records.write(house.clock()) as transaction:
        releases.add_release(transaction, signed(world, born))
        traffic.keep(transaction, "told", [scored])
