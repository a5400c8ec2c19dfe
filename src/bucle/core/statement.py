"""Statements: what is signed of a release, an approval, the heads of the event chains, as in-toto v1 in DSSE envelopes.

https://github.com/in-toto/attestation/tree/main/spec/v1 and https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bucle.core.manifest import Manifest
from bucle.spec.digest import canonical, digest_of

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RELEASE = "urn:bucle:release:v1"
APPROVAL = "urn:bucle:approval:v1"
HEADS = "urn:bucle:audit-heads:v1"
MODEL_SIGNATURE = "https://model_signing/signature/v1.0"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An envelope that was read: the bytes that were signed, and each signature by the id of its key."""

    payload: bytes
    signatures: Mapping[str, bytes]


def pre_authentication(payload: bytes) -> bytes:
    """Return the bytes that a DSSE signature is made over (PAE)."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def envelope_of(payload: bytes, key_id: str, signature: bytes) -> dict[str, Any]:
    """Return a DSSE envelope as JSON."""
    made = {"keyid": key_id, "sig": base64.b64encode(signature).decode()}
    return {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": [made]}


def read_envelope(text: str) -> Signed:
    """Return what an envelope holds; ValueError when it is none of ours."""
    try:
        found = json.loads(text)
        if found["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(found["payloadType"])
        signatures = {str(one["keyid"]): base64.b64decode(one["sig"], validate=True) for one in found["signatures"]}
        return Signed(payload=base64.b64decode(found["payload"], validate=True), signatures=signatures)
    except (KeyError, TypeError, binascii.Error) as fault:
        raise ValueError(str(fault)) from fault


def statement_of(subject: Sequence[tuple[str, str]], kind: str, predicate: Mapping[str, Any]) -> bytes:
    """Return a statement about things, each a name and a `sha256:…`, as canonical JSON."""
    things = [{"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}} for name, digest in subject]
    return canonical({"_type": STATEMENT_TYPE, "subject": things, "predicateType": kind, "predicate": dict(predicate)})


def release_statement(
    files: Manifest, release: Mapping[str, Any], manifest: Mapping[str, Any], signed: Mapping[str, Any]
) -> bytes:
    """Return what is signed of a release: each file of its model, and what made them.

    `release` is its alias, digest and the like, `manifest` its own, `signed` when and why the signature was made.
    """
    named = ("model", "job", "code", "data", "environment")
    parts = {name: manifest[name] for name in named if name in manifest}
    subject = [(entry.path, entry.sha256) for entry in files.entries]
    return statement_of(subject, RELEASE, {"release": dict(release), **parts, "signed": dict(signed)})


def approval_statement(approval: Mapping[str, Any], signed: Mapping[str, Any]) -> bytes:
    """Return what is signed of an approval: the digest of its canonical JSON, and all that it says."""
    subject = [(f"approval of {approval['promotion']}", digest_of(dict(approval)))]
    return statement_of(subject, APPROVAL, {"approval": dict(approval), "signed": dict(signed)})


def model_statement(name: str, files: Manifest) -> bytes:
    """Return the statement of OpenSSF's model signing, version 1, over every file of a model, none ignored."""
    ordered = sorted(files.entries, key=lambda entry: entry.path)
    digests = [entry.sha256.removeprefix("sha256:") for entry in ordered]
    whole = sha256(b"".join(bytes.fromhex(digest) for digest in digests)).hexdigest()
    resources = [
        {"name": entry.path, "algorithm": "sha256", "digest": digest}
        for entry, digest in zip(ordered, digests, strict=True)
    ]
    how = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []}
    return statement_of([(name, whole)], MODEL_SIGNATURE, {"serialization": how, "resources": resources})


def model_bundle(payload: bytes, signature: bytes, public_key: bytes) -> dict[str, Any]:
    """Return the Sigstore bundle that holds such a statement; `public_key` is the PEM that verifies it."""
    envelope = envelope_of(payload, "", signature)
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": sha256(public_key).hexdigest()}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
