"""Keys and envelopes: what opens where, who may read the file, and a rotation that was cut off anywhere."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bucle import errors
from bucle.access import stage_secrets
from bucle.access.sealing import ring_of, seal, unseal, wrap_again
from bucle.access.secret_keys import SecretKeys
from bucle.store.tables.access import secret
from tests.access.conftest import House, house

__all__ = ["house"]
ABOUT = {"stage": "dev", "name": "password", "version": "1"}
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def test_envelope_by_another_implementation() -> None:
    """The value opens by plain AES-256-GCM: its own key under the key of the ring, with what it is about."""
    sealed = seal(ring_of(OLD), b"the value", ABOUT)
    about = b'{"name":"password","stage":"dev","version":"1"}'
    about_key = b'{"key":"%s","name":"password","stage":"dev","version":"1"}' % sealed.key_id.encode()
    wrapped, value = base64.b64decode(sealed.wrapped_key), base64.b64decode(sealed.sealed)
    own = AESGCM(OLD).decrypt(wrapped[:12], wrapped[12:], about_key)
    assert len(own) == 32
    assert AESGCM(own).decrypt(value[:12], value[12:], about) == b"the value"


@pytest.mark.parametrize("name", ["stage", "name", "version"])
def test_envelope_of_another(name: str) -> None:
    """What was sealed about one secret does not open as another, nor does a changed byte."""
    ring = ring_of(OLD)
    sealed = seal(ring, b"the value", ABOUT)
    assert unseal(ring, sealed, ABOUT) == b"the value"
    with pytest.raises(errors.PlatformFault, match="does not open"):
        unseal(ring, sealed, {**ABOUT, name: "2"})
    changed = base64.b64encode(base64.b64decode(sealed.sealed)[:-1] + b"x").decode()
    with pytest.raises(errors.PlatformFault, match="does not open"):
        unseal(ring, replace(sealed, sealed=changed), ABOUT)


def test_new_key_of_the_ring() -> None:
    """Wrapped again, it opens under the new key alone, and under the old one no more."""
    again = wrap_again(ring_of(NEW, OLD), seal(ring_of(OLD), b"the value", ABOUT), ABOUT)
    assert unseal(ring_of(NEW), again, ABOUT) == b"the value"
    with pytest.raises(errors.PlatformFault, match="which is not here"):
        unseal(ring_of(OLD), again, ABOUT)


def test_file_that_others_can_read(tmp_path: Path) -> None:
    """The file is made 0600 and read as such; open to others, missing or spoilt it is refused."""
    keys = SecretKeys(file=tmp_path / "keys.json")
    with pytest.raises(errors.PlatformFault, match="missing"):
        keys.ring()
    made = keys.first_ring()
    assert keys.file.stat().st_mode & 0o777 == 0o600
    assert keys.ring() == keys.first_ring() == made
    for mode in (0o640, 0o604):
        keys.file.chmod(mode)
        with pytest.raises(errors.PlatformFault, match="others can read") as refused:
            keys.ring()
        assert f"chmod 600 {keys.file}" in refused.value.hint
    keys.file.chmod(0o600)
    keys.file.write_text('{"keys": [{"key": "00"}]}')
    with pytest.raises(errors.PlatformFault, match="holds no key"):
        keys.ring()


def test_keys_from_the_environment(tmp_path: Path) -> None:
    """The first one seals, the second opens; no file is made, and what is no key is refused unseen."""
    new, old = (base64.b64encode(key).decode() for key in (NEW, OLD))
    ring = SecretKeys(file=tmp_path / "keys.json", given=(new, old)).first_ring()
    assert unseal(ring, seal(ring_of(OLD), b"v", ABOUT), ABOUT) == b"v"
    assert unseal(ring_of(NEW), seal(ring, b"v", ABOUT), ABOUT) == b"v"
    assert not (tmp_path / "keys.json").exists()
    with pytest.raises(errors.PlatformFault) as refused:
        SecretKeys(file=tmp_path / "keys.json", given=("c2hvcnQ=",)).ring()
    assert "c2hvcnQ=" not in str(refused.value)


def _set(house: House, name: str, value: str) -> None:
    headers = {"Authorization": f"Bearer {house.admin}"}
    answer = house.api.put(f"/api/v1/stages/dev/secrets/{name}", content=value, headers=headers)
    assert answer.status_code == 200, answer.text


def _values(house: House) -> dict[str, str]:
    with house.world.read() as rows:
        found = stage_secrets.of_stage(rows, "dev")
    return {one.name: one.value(house.world.secret_keys.ring()) for one in found}


def test_rows_that_changed_places(house: House) -> None:
    """Two envelopes put in each other's rows open in neither."""
    _set(house, "one", "value of one")
    _set(house, "two", "value of two")
    assert _values(house) == {"one": "value of one", "two": "value of two"}
    columns = (secret.c.key_id, secret.c.wrapped_key, secret.c.sealed)
    with house.world.records.write(house.clock()) as transaction:
        rows = transaction.rows
        held = {row.name: row._asdict() for row in rows.execute(sa.select(secret.c.name, *columns))}
        for name, other in (("one", "two"), ("two", "one")):
            put = {column.name: held[other][column.name] for column in columns}
            rows.execute(secret.update().where(secret.c.name == name).values(put))
    with pytest.raises(errors.PlatformFault, match="secret one of dev does not open"):
        _values(house)


def test_rotation(house: House) -> None:
    """Every secret opens under the new key; the old one is gone from the file."""
    _set(house, "one", "value of one")
    before = house.world.secret_keys.ring()
    done = house.done("POST", "/secrets:rotate-key", house.admin)
    after = house.world.secret_keys.ring()
    assert (done, len(after.keys)) == ({"key": after.sealing, "secrets": 1}, 1)
    assert after.sealing != before.sealing
    assert _values(house) == {"one": "value of one"}


def test_rotation_that_was_cut_off(house: House) -> None:
    """Stopped before its commit or after it, everything opens, and the next one ends it under the same new key."""
    _set(house, "one", "value of one")
    begun = house.world.secret_keys.begin_rotation()
    assert _values(house) == {"one": "value of one"}
    _set(house, "two", "value of two")
    with house.world.records.write(house.clock()) as transaction:
        assert stage_secrets.rewrap(transaction, begun) == 1
    assert _values(house) == {"one": "value of one", "two": "value of two"}
    assert house.done("POST", "/secrets:rotate-key", house.admin)["key"] == begun.sealing
    assert json.loads(house.world.home.secret_keys.read_bytes())["keys"][0]["id"] == begun.sealing
    assert (len(house.world.secret_keys.ring().keys), len(_values(house))) == (1, 2)


def test_keys_that_are_missing(house: House) -> None:
    """Without the file no new key is made beside secrets that it would not open."""
    _set(house, "one", "value of one")
    away = house.world.home.secret_keys.rename(house.world.home.root / "away")
    headers = {"Authorization": f"Bearer {house.admin}"}
    answer = house.api.put("/api/v1/stages/dev/secrets/two", content="value of two", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "secret.key_missing")
    away.rename(house.world.home.secret_keys)
    _set(house, "two", "value of two")


def test_version_counts_on(house: House) -> None:
    """What was sealed before a deletion does not open after it: its version never comes back."""
    _set(house, "one", "value of one")
    with house.world.read() as rows:
        old = stage_secrets.of_stage(rows, "dev")[0]
    house.done("DELETE", "/stages/dev/secrets/one", house.admin)
    assert house.done("GET", "/stages/dev/secrets", house.admin)["value"] == []
    _set(house, "one", "another value")
    with house.world.read() as rows:
        now = stage_secrets.of_stage(rows, "dev")[0]
    assert (old.version, now.version) == (1, 2)
    with pytest.raises(errors.PlatformFault, match="does not open"):
        replace(now, envelope=old.envelope).value(house.world.secret_keys.ring())
