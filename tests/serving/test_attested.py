"""Attested workers: none starts whose release's statement is missing, forged, or about other bytes."""

import base64
import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bucle.core.routing import DeploymentRoute, Worker
from tests.serving.conftest import RELEASE, House, attested, await_true, kill, split


def _changed(envelope: str, part: str) -> str:
    document: dict[str, Any] = json.loads(envelope)
    if part == "payload":
        payload = base64.b64decode(document["payload"]) + b" "
        return json.dumps({**document, "payload": base64.b64encode(payload).decode()})
    made = bytearray(base64.b64decode(document["signatures"][0]["sig"]))
    made[0] ^= 1
    document["signatures"][0]["sig"] = base64.b64encode(bytes(made)).decode()
    return json.dumps(document)


def _bad(good: Worker) -> dict[str, tuple[str, str]]:
    """Return envelopes by the names of their workers, each with what is to be said of it."""
    statement, digest = good.statement, good.model_digest
    other = json.loads(statement)
    other["signatures"][0]["keyid"] = "unknown"
    return {
        "unsigned": ("", "not signed"),
        "garbage": ("{}", "cannot be read"),
        "flipped": (_changed(statement, "signature"), "not made over this"),
        "rewritten": (_changed(statement, "payload"), "not made over this"),
        "stranger": (attested(digest, Ed25519PrivateKey.generate()), "not made over this"),
        "unknown": (json.dumps(other), "none of the platform's keys"),
        "another": (attested("sha256:" + "0" * 64), "is signed for the model"),
        "no-release": (attested(digest, kind="urn:bucle:approval:v1"), "no release"),
    }


def test_start_of_each(house: House) -> None:
    """The attested worker is ready; each of the others fails at its start, and says why."""
    good = house.models.worker("awkward", "good")
    bad = _bad(good)
    assert json.loads(base64.b64decode(json.loads(good.statement)["payload"]))["predicateType"] == RELEASE
    workers = {"good": good} | {name: replace(good, id=name, statement=text) for name, (text, _) in bad.items()}
    routes = {name: DeploymentRoute(name=name, release="r1", worker=worker) for name, worker in workers.items()}
    house.route(split("fuel", {"good": 1000}, **routes))
    house.await_ready("good")
    for name, (_, why) in bad.items():
        await_true(lambda name=name: house.worker(name).get("state") == "failed", f"{name} has failed")
        assert why in house.worker(name)["last_error"], name
        assert house.worker(name)["pid"] is None


def test_each_start_anew(house: House) -> None:
    """What was attested once is asked again at the next start: believed no more, it does not come back."""
    good = house.models.worker("awkward", "good")
    house.route(split("fuel", {"good": 1000}, good=DeploymentRoute(name="good", release="r1", worker=good)))
    first = house.await_ready("good")
    kill(first)
    second = house.await_ready("good", other_than=first)
    (house.root / "trusted-keys.json").write_text('{"keys": []}')
    kill(second)
    await_true(lambda: house.worker("good").get("state") == "failed", "it does not start")
    assert "none of the platform's keys" in house.worker("good")["last_error"]
