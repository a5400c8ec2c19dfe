"""Signatures of releases and approvals: what is tampered with is refused wherever a release goes on."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from bucle import errors
from bucle.access.stages import find_stage
from bucle.core.promotion import State
from bucle.ops import deploying, rollout
from bucle.ops.signing import check_approvals, check_release, sign_older, signed_approval, signed_release
from bucle.release import promotions, releases
from bucle.release.promotions import Approval, Served
from bucle.release.releases import Release
from bucle.store.tables.release import approval, promotion, release
from tests.access.conftest import House, house
from tests.endpoints.conftest import ENDPOINTS, Shelf, deployment, shelf
from tests.serving.conftest import models
from tests.studio.conftest import TEAM, let_in
from tests.studio.seed import SECOND, WAITING, Story, tell

__all__ = ["house", "models", "shelf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The team's installation with a promotion that waits for prod, and what somebody does to it behind our back."""

    house: House
    alias: str

    @property
    def release(self) -> Release:
        """The release as its row says now."""
        with self.house.world.read() as rows:
            found = releases.of_alias(rows, self.alias)
        assert found is not None
        return found

    def write(self, **values: Any) -> None:
        """Change the row of the release."""
        with self.house.world.records.write(self.house.clock()) as transaction:
            transaction.rows.execute(release.update().where(release.c.alias == self.alias).values(**values))

    def object(self, digest: str) -> Path:
        """Return the file of an object, made writable."""
        found = self.house.world.objects.path(self.release.workspace, digest)
        found.chmod(0o600)
        return found

    def files(self) -> Any:
        """Return the list of the model's files."""
        return json.loads(self.object(self.release.manifest["model"]["digest"]).read_bytes())

    def envelope(self) -> dict[str, Any]:
        """Return the release's envelope."""
        found: dict[str, Any] = json.loads(self.release.statement or "")
        return found


def _byte(told: Told) -> None:
    file = told.object(told.files()[0][3])
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(bytes(content))


def _file_list(told: Told) -> None:
    digest = told.release.manifest["model"]["digest"]
    rows = told.files()
    told.object(digest).write_text(json.dumps([*rows, ["more", False, *rows[0][2:]]]))


def _signature(told: Told) -> None:
    envelope = told.envelope()
    made = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
    made[5] ^= 1
    envelope["signatures"][0]["sig"] = base64.b64encode(bytes(made)).decode()
    told.write(statement=json.dumps(envelope))


def _statement(told: Told) -> None:
    envelope = told.envelope()
    payload = base64.b64decode(envelope["payload"]).replace(b'"sha256":"', b'"sha256":"0', 1)
    told.write(statement=json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}))


def _key(told: Told) -> None:
    """Sign the same statement with a key that nobody knows, under the id of the platform's."""
    envelope = told.envelope()
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    signed = Ed25519PrivateKey.generate().sign(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)
    envelope["signatures"][0]["sig"] = base64.b64encode(signed).decode()
    told.write(statement=json.dumps(envelope))


def _trust(told: Told) -> None:
    """Have the platform believe another key only."""
    raw = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    document = {"older_signed": True, "keys": [{"id": "0" * 16, "ed25519": raw.hex(), "p256": ""}]}
    told.house.world.home.trusted_keys.write_text(json.dumps(document))


def _nothing(told: Told) -> None:
    told.write(statement=None)


def _manifest(told: Told) -> None:
    told.write(manifest={**told.release.manifest, "class": "public"})


def _author(told: Told) -> None:
    told.write(author_id="somebody else")


def _of_another(told: Told) -> None:
    """Put the release's own signature under another release's."""
    with told.house.world.read() as rows:
        other = next(one for one in releases.every(rows) if one.alias != told.alias)
    told.write(statement=other.statement)


TAMPERED: list[tuple[Callable[[Told], None], str]] = [
    (_byte, "signature.bytes"),
    (_file_list, "signature.bytes"),
    (_signature, "signature.wrong"),
    (_statement, "signature.wrong"),
    (_key, "signature.wrong"),
    (_trust, "signature.wrong"),
    (_nothing, "signature.none"),
    (_manifest, "signature.bytes"),
    (_author, "signature.bytes"),
    (_of_another, "signature.bytes"),
]
SEEN_AT_ONCE = [one for one in TAMPERED if one[0] is not _byte]
"""What shows without reading the bytes, which is done when a promotion is requested, begins, and deploys."""
EACH = pytest.mark.parametrize(("tamper", "code"), TAMPERED, ids=[one.__name__ for one, _ in TAMPERED])


@pytest.fixture
def told(house: House) -> Told:
    """Give the installation in which a promotion waits."""
    let_in(house)
    tell(Story(world=house.world, team=TEAM, now=house.clock()))
    return Told(house=house, alias=SECOND)


@EACH
def test_request(told: Told, tamper: Callable[[Told], None], code: str) -> None:
    """An engineer asks for a promotion and is heard, until somebody has touched the release."""
    session = told.house.login(TEAM.requester).json()["session"]
    body = {"release": SECOND, "to": "prod"}
    control = told.house.ask("POST", "/promotions", session, body)
    assert control.json()["code"] == "promotion.another"  # it was looked at, and is on its way already
    tamper(told)
    answer = told.house.ask("POST", "/promotions", session, body)
    assert (answer.status_code, answer.json()["code"]) == (403, code)


@pytest.mark.parametrize(("tamper", "code"), SEEN_AT_ONCE, ids=[one.__name__ for one, _ in SEEN_AT_ONCE])
def test_execution(told: Told, tamper: Callable[[Told], None], code: str) -> None:
    """An engineer takes a promotion for execution, until somebody has touched the release."""
    session = told.house.login(TEAM.requester).json()["session"]
    assert told.house.ask("POST", f"/promotions/{WAITING}:execute", session).status_code == 200
    tamper(told)
    answer = told.house.ask("POST", f"/promotions/{WAITING}:execute", session)
    assert (answer.status_code, answer.json()["code"]) == (403, code)


@EACH
def test_deployment(house: House, shelf: Shelf, tamper: Callable[[Told], None], code: str) -> None:
    """A data scientist deploys his model in dev, until somebody has touched the release."""
    scientist = house.person("scientist", ("DataScientist", "/stages/dev"))
    house.done("POST", ENDPOINTS, scientist, {"name": "car"})
    path = f"{ENDPOINTS}/car/deployments"
    shelf.release("van", house.world.objects.root / "dev")
    assert house.ask("POST", path, scientist, deployment("blue")).status_code == 201
    tamper(Told(house=house, alias="car-1-alias"))
    answer = house.ask("POST", path, scientist, deployment("green"))
    assert (answer.status_code, answer.json()["code"]) == (403, code)


def _approve(told: Told) -> None:
    session = told.house.login(TEAM.approver).json()["session"]
    doubts = [check["name"] for check in told.house.done("GET", f"/promotions/{WAITING}", session)["entry_gate"]]
    body = {"acknowledge": doubts}
    told.house.done("POST", f"/promotions/{WAITING}:approve", session, body)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"plan_digest": "sha256:" + "0" * 64}, "signature.bytes"),
        ({"person_id": "somebody else"}, "signature.bytes"),
        ({"acknowledged": []}, "signature.bytes"),
        ({"statement": None}, "signature.none"),
    ],
)
def test_approval_that_was_changed(told: Told, values: dict[str, Any], code: str) -> None:
    """An approval whose row says something else than was signed lets nothing be executed or begun."""
    _approve(told)
    session = told.house.login(TEAM.requester).json()["session"]
    told.house.done("POST", f"/promotions/{WAITING}:execute", session)
    with told.house.world.records.write(told.house.clock()) as transaction:
        transaction.rows.execute(approval.update().where(approval.c.promotion == WAITING).values(**values))
    answer = told.house.ask("POST", f"/promotions/{WAITING}:execute", session)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert _after_a_tick(told) == "refused"


@pytest.mark.parametrize(("tamper", "state"), [(None, "deploying"), (_byte, "refused"), (_signature, "refused")])
def test_beginning(told: Told, tamper: Callable[[Told], None] | None, state: State) -> None:
    """What was approved and taken is begun; with a byte or a signature changed since, it ends there."""
    _approve(told)
    told.house.done("POST", f"/promotions/{WAITING}:execute", told.house.login(TEAM.requester).json()["session"])
    if tamper is not None:
        tamper(told)
    assert _after_a_tick(told) == state


def _after_a_tick(told: Told) -> State:
    rollout.advance(told.house.world)
    with told.house.world.read() as rows:
        found = promotions.find(rows, WAITING)
    assert found is not None
    return found.state


def _serve(shelf: Shelf, born: Release) -> str:
    """Put a release behind the endpoint of cars in prod, approved; return its deployment."""
    world, name = shelf.world, f"{born.alias}-to-prod-1"
    shelf.promote(born, "prod", "completed")
    said = Approval(
        id=born.alias, promotion=name, verdict="approved", approver_id="a", person_id="a", release_digest=born.digest,
        plan_digest="p", entry_digest="e", acknowledged=(), comment=None, created_at=world.clock(),
        expires_at=world.clock(), used_at=None,
    )  # fmt: skip
    with world.records.write(world.clock()) as transaction:
        promotions.add_approval(transaction, replace(said, statement=signed_approval(world, said)))
        stage = find_stage(transaction.rows, "prod")
        made = deploying.start_deployment(world, transaction, stage, "car", born, by=shelf.bootstrap())
    _serves(shelf, born)
    return made.id


def _serves(shelf: Shelf, born: Release) -> None:
    line = Served(
        seq=0, stage="prod", endpoint="car", release_id=born.id, deployment=born.alias,
        promotion=f"{born.alias}-to-prod-1", why="promotion", from_at=shelf.world.clock(),
    )  # fmt: skip
    with shelf.world.records.write(shelf.world.clock()) as transaction:
        promotions.serve(transaction, line)


@pytest.mark.parametrize(("what", "values"), [(release, {"statement": None}), (approval, {"comment": "other words"})])
def test_rollback(house: House, shelf: Shelf, tmp_path: Path, what: sa.Table, values: dict[str, Any]) -> None:
    """Traffic goes back to the release before, until somebody has touched it or what was said of it."""
    engineer = house.person("engineer", ("MLEngineer", "/stages/prod"))
    newer = shelf.release("van", tmp_path / "car")
    shelf.workers_ready(*(_serve(shelf, born) for born in (shelf.find("car"), newer)))
    path = "/stages/prod/online-endpoints/car:rollback"
    assert house.done("POST", path, engineer)["release"] == "car-1-alias"
    _serves(shelf, newer)
    with house.world.records.write(house.clock()) as transaction:
        transaction.rows.execute(what.update().values(**values))
    answer = house.ask("POST", path, engineer)
    assert (answer.status_code, answer.json()["code"][:10]) == (403, "signature.")


def test_release_made_before_signing(told: Told) -> None:
    """At the first start that signs it is signed, and says so; at a later one nothing is: unsigned stays refused."""
    world = told.house.world
    told.write(statement=None)
    with world.records.write(world.clock()) as transaction:
        transaction.rows.execute(approval.update().values(statement=None))
    with pytest.raises(errors.Refused, match="is not signed"):
        check_release(world, told.release)
    document = json.loads(world.home.trusted_keys.read_bytes())
    assert not world.signing.prepare()
    world.home.trusted_keys.write_text(json.dumps({**document, "older_signed": False}))
    assert world.signing.prepare()
    sign_older(world)
    check_release(world, told.release)
    with world.read() as rows:
        for name in rows.execute(sa.select(promotion.c.name)).scalars():
            check_approvals(world, rows, name)
    statement = json.loads(base64.b64decode(told.envelope()["payload"]))
    assert statement["predicate"]["signed"]["why"] == "upgrade"
    assert not world.signing.prepare()


def test_new_key_beside_the_old(told: Told) -> None:
    """Once the private keys are lost, new ones sign, and what the old ones signed still holds."""
    world = told.house.world
    before = world.signing.public().id
    world.home.signing_keys.unlink()
    assert not world.signing.prepare()
    assert world.signing.public().id != before
    check_release(world, told.release)
    check_release(world, replace(told.release, statement=signed_release(world, told.release)))
    world.home.signing_keys.chmod(0o644)
    with pytest.raises(errors.PlatformFault, match="others can read"):
        world.signing.sign(b"{}")


def test_statement_by_another_implementation(told: Told) -> None:
    """The envelope is DSSE over in-toto v1, its subject the model's files, and verifies with the exported key alone."""
    session = told.house.login(TEAM.author).json()["session"]
    key = load_pem_public_key(told.house.done("GET", "/audit:key", session)["statements"].encode())
    assert isinstance(key, Ed25519PublicKey)
    envelope = told.envelope()
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed + b" ")
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert [f"sha256:{one['digest']['sha256']}" for one in statement["subject"]] == [row[3] for row in told.files()]
    predicate = statement["predicate"]
    assert predicate["release"]["alias"] == SECOND
    assert predicate["environment"]["lock"] == told.release.manifest["environment"]["lock"]
    assert predicate["job"]["name"] == "train_2"
