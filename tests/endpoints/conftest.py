"""The installation of tests/access with registered models in it, as packaging leaves them behind."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from bucle.access import principals
from bucle.assets import versions
from bucle.assets.versions import Version
from bucle.config import Home
from bucle.core.environment import Ask
from bucle.core.promotion import State
from bucle.ops.files import keep_folder
from bucle.ops.world import World
from bucle.release import gates, promotions, releases
from bucle.release.promotions import Promotion
from bucle.release.releases import Release
from bucle.server.compose import Installation
from bucle.spec.digest import digest_of
from tests.access.conftest import House, house
from tests.conftest import composed
from tests.serving.conftest import Models, models
from tests.signed import signed

__all__ = ["house", "models"]

ASK = Ask(python="3.11", requirements=("a-model-package",))
ENDPOINTS = "/stages/dev/online-endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where a test puts models and promotions."""

    world: World

    def release(self, name: str, folder: Path, *, retrain: Mapping[str, Any] | None = None) -> Release:
        """Register a model of a folder as a packaging does."""
        digest = keep_folder(self.world, "dev", folder)
        words = {
            "name": name, "model": "model", "task": "regression", "target": "mpg", "metric": "mae",
            "direction": "minimize", "evaluation_data": "rows",
        }  # fmt: skip
        manifest: dict[str, Any] = {
            "model": {"name": name, "version": "1", "digest": digest, "format": "skops"},
            "environment": {"ask": ASK.digest, "lock": digest_of("lock")},
            "release": words,
            "retrain": retrain,
        }
        now = self.world.clock()
        born = Release(
            id=self.world.new_id(), alias=f"{name}-1-alias", digest=digest_of(manifest), stage="dev", name=name,
            version="1", workspace="dev", manifest=manifest, evaluation={}, profile={}, sample={},
            author_id=self.bootstrap(), created_at=now,
        )  # fmt: skip
        born = signed(self.world, born)
        with self.world.records.write(now) as transaction:
            releases.add_release(transaction, born)
        return born

    def register(self, name: str, folder: Path) -> Release:
        """Register it with its model version, so that it can be downloaded."""
        born = self.release(name, folder)
        made = Version(
            id=self.world.new_id(), scope="dev", kind="model", name=name, version="1", type="mlflow_model",
            digest=born.manifest["model"]["digest"], data_class="non-production", size=1, document={},
            made_by="p", created_at=born.created_at,
        )  # fmt: skip
        with self.world.records.write(born.created_at) as transaction:
            versions.add(transaction, made)
        return born

    def environment(self, venv: Path, *tiers: Literal["dev", "preprod", "prod"]) -> None:
        """Have the environment of every release stand built in these tiers."""
        for tier in tiers:
            place = self.world.environments(tier)
            place.announce(ASK)
            folder = place.folder(ASK.digest)
            (folder / "venv").symlink_to(venv)
            (folder / "lock.txt").write_text("")
            lock = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            (folder / "environment.json").write_text(json.dumps({"lock": lock}))

    def promote(self, release: Release, stage: str, state: State, number: int = 1) -> None:
        """Write a promotion as it stands."""
        begun = Promotion(
            name=f"{release.alias}-to-{stage}-{number}", release_id=release.id, source="dev", stage=stage,
            endpoint=release.name, deployment=release.alias, state=state, reason=None, plan={}, plan_digest="p",
            entry=[], entry_digest="e", standing=None, rollout={"shifts": [], "at": None, "former": None},
            requester_id=self.bootstrap(), executor_id=None, revision=0, created_at=self.world.clock(), ended_at=None,
        )  # fmt: skip
        with self.world.records.write(self.world.clock()) as transaction:
            promotions.add(transaction, begun)
            gates.set_gate(transaction, stage, {"stage": stage, "approvals": 1})

    def find(self, name: str) -> Release:
        """Return the first version of a model."""
        with self.world.read() as rows:
            found = releases.of_version(rows, "dev", name, "1")
        assert found is not None
        return found

    def environment_file(self, tier: Literal["dev", "preprod", "prod"]) -> Path:
        """Return the file without which the environment is not built."""
        return self.world.environments(tier).folder(ASK.digest) / "environment.json"

    def bootstrap(self) -> str:
        """Return the id of the first administrator."""
        with self.world.read() as rows:
            return principals.list_principals(rows)[0].id

    def workers_ready(self, *ids: str, up_s: float = 0, rss_bytes: int = 1) -> None:
        """Write what keeper and gateway write of workers that answer, and have run this long."""
        start = (time.clock_gettime(time.CLOCK_BOOTTIME) - up_s) * os.sysconf("SC_CLK_TCK")
        seen = {
            "state": "ready", "pid": 1, "restarts": 0, "given_up": False, "last_error": None, "tail": "",
            "log": "/none", "cpu_s": 36.0, "rss_bytes": rss_bytes, "hello": None,
            "start": int(start),
        }  # fmt: skip
        folder = self.world.home.gateway
        (folder / "workers.json").write_text(json.dumps({"workers": dict.fromkeys(ids, seen)}))
        (folder / "applied.json").write_text(json.dumps({"generation": 10_000, "linked": list(ids)}))


@pytest.fixture
def shelf(house: House, tmp_path: Path) -> Shelf:
    """Give a model `car:1` of dev, its environment built in every tier; no worker runs here."""
    made = Shelf(world=house.world)
    model = tmp_path / "car"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}\n")
    made.release("car", model)
    made.environment(tmp_path, "dev", "preprod", "prod")
    made.workers_ready()
    return made


@pytest.fixture(scope="module")
def plane(models: Models) -> Iterator[tuple[Installation, Shelf]]:
    """Give an installation whose keeper and gateway run; a test turns the clock."""
    root = Path(tempfile.mkdtemp(prefix="bucle-endpoints-"))
    home = Home(root=root / "home")
    with composed(home) as installation:
        installation.world.routes.publish()
        installation.plane.ensure()
        shelf = Shelf(world=installation.world)
        shelf.environment(models.environment, "dev")
        try:
            yield installation, shelf
        finally:
            installation.plane.stop()
    shutil.rmtree(root, ignore_errors=True)


def deployment(name: str = "blue", **more: Any) -> dict[str, Any]:
    """Return a deployment's document."""
    return {"name": name, "endpoint_name": "car", "model": "azureml:car:1", "instance_type": "here", **more}


def id_of(world: World, stage: str, name: str = "blue") -> str:
    """Return the id of a deployment's worker, as the routing table has it."""
    with world.read() as rows:
        drawn = world.routes.draw(rows)["endpoints"]
    (found,) = [
        one["worker"]
        for endpoint in drawn
        if endpoint["stage"] == stage
        for one in endpoint["deployments"]
        if one["name"] == name
    ]
    return str(found)
