"""The keys that the platform signs with, and those that it believes: Ed25519 for statements, P-256 for model bundles.

The private keys lie in a file of their own (0600). The public ones, also of earlier keys, lie in another that goes
into backups: what was signed once stays verifiable. Neither is ever taken from the records.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bucle import errors
from bucle.config import open_to_others
from bucle.core.statement import envelope_of, pre_authentication, read_envelope
from bucle.store.objects import write_file


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeys:
    """What verifies: the id and PEM of the Ed25519 key, the PEM of the P-256 key."""

    id: str
    statements: str
    bundles: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The two files of keys; read at each use, so that a spoilt or open one is refused at once."""

    private: Path
    trusted: Path

    def prepare(self) -> bool:
        """Make the keys where there are none; return whether what is older than signing waits for its signature."""
        if not self.private.exists():
            _write_private(self.private)
        public = _public(*self._keys())
        document = self._document() or {"older_signed": False, "keys": []}
        if all(one["id"] != public["id"] for one in document["keys"]):
            document["keys"].append(public)
            self._write(document)
        return not document["older_signed"]

    def older_signed(self) -> None:
        """Note that everything is signed: what has no signature from now on is refused."""
        self._write({**(self._document() or {}), "older_signed": True})

    def sign(self, payload: bytes) -> str:
        """Return the DSSE envelope of a statement."""
        statements, bundles = self._keys()
        signature = statements.sign(pre_authentication(payload))
        return json.dumps(envelope_of(payload, _public(statements, bundles)["id"], signature))

    def sign_bundle(self, payload: bytes) -> bytes:
        """Return the ECDSA signature of a model bundle's statement."""
        return self._keys()[1].sign(pre_authentication(payload), ec.ECDSA(SHA256()))

    def public(self) -> PublicKeys:
        """Return the present public keys."""
        found = _public(*self._keys())
        raw = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found["ed25519"]))
        return PublicKeys(id=found["id"], statements=_pem(raw), bundles=found["p256"])

    def opened(self, envelope: str | None, kind: str, what: str) -> dict[str, Any]:
        """Return the statement of an envelope that a believed key has signed; Refused otherwise.

        `kind` is its predicate type, `what` names in words what it should be about.
        """
        if envelope is None:
            raise errors.Refused("signature.none", what=what)
        try:
            signed = read_envelope(envelope)
            statement: dict[str, Any] = json.loads(signed.payload)
        except ValueError as fault:
            raise errors.Refused("signature.wrong", what=what, why="it cannot be read") from fault
        keys = {one["id"]: bytes.fromhex(one["ed25519"]) for one in (self._document() or {"keys": []})["keys"]}
        known = [(keys[name], signature) for name, signature in signed.signatures.items() if name in keys]
        if not known:
            raise errors.Refused("signature.wrong", what=what, why="its key is none of the platform's")
        for key, signature in known:
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature, pre_authentication(signed.payload))
            except InvalidSignature as fault:
                raise errors.Refused("signature.wrong", what=what, why="it was not made over this") from fault
        if statement.get("predicateType") != kind:
            raise errors.Refused("signature.wrong", what=what, why="it says something else")
        return statement

    def _keys(self) -> tuple[Ed25519PrivateKey, ec.EllipticCurvePrivateKey]:
        with self.private.open("rb") as stream:
            if open_to_others(stream.fileno()):
                raise errors.PlatformFault("signature.key_open", file=self.private)
            content = stream.read()
        try:
            found = json.loads(content)
            statements = load_pem_private_key(found["ed25519"].encode(), None)
            bundles = load_pem_private_key(found["p256"].encode(), None)
        except (ValueError, KeyError, TypeError) as fault:
            raise errors.PlatformFault("signature.key_unreadable", file=self.private) from fault
        if not isinstance(statements, Ed25519PrivateKey) or not isinstance(bundles, ec.EllipticCurvePrivateKey):
            raise errors.PlatformFault("signature.key_unreadable", file=self.private)
        return statements, bundles

    def _document(self) -> dict[str, Any] | None:
        if not self.trusted.exists():
            return None
        try:
            found: dict[str, Any] = json.loads(self.trusted.read_bytes())
        except ValueError as fault:
            raise errors.PlatformFault("signature.key_unreadable", file=self.trusted) from fault
        return found

    def _write(self, document: dict[str, Any]) -> None:
        write_file(self.trusted, json.dumps(document, indent=1).encode())


def _write_private(file: Path) -> None:
    how = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    texts = {
        "ed25519": Ed25519PrivateKey.generate().private_bytes(*how).decode(),
        "p256": ec.generate_private_key(ec.SECP256R1()).private_bytes(*how).decode(),
    }
    write_file(file, json.dumps(texts, indent=1).encode())


def _public(statements: Ed25519PrivateKey, bundles: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    raw = statements.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"id": sha256(raw).hexdigest()[:16], "ed25519": raw.hex(), "p256": _pem(bundles.public_key())}


def _pem(key: Ed25519PublicKey | ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
