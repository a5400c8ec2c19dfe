"""Attested models: the signed statement of the release whose bytes a worker is to load, checked before it starts."""

import base64
import json
from pathlib import Path
from typing import Any

from bucle.runtime import ed25519

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_RELEASE = "urn:bucle:release:v1"


def refusal_of(envelope: str, keys: Path, model_digest: str) -> str | None:
    """Say why an envelope is no statement by a believed key about the release of this model; None: it is one.

    `keys` is the platform's file of public keys, `model_digest` the digest of the model's folder.
    """
    if not envelope:
        return "its release is not signed"
    try:
        document = json.loads(envelope)
        payload = base64.b64decode(document["payload"], validate=True)
        believed = {one["id"]: bytes.fromhex(one["ed25519"]) for one in json.loads(keys.read_bytes())["keys"]}
        known = [one for one in document["signatures"] if one["keyid"] in believed]
        if document["payloadType"] != _PAYLOAD_TYPE or not known:
            return "the signature of its release is of none of the platform's keys"
        for one in known:
            signature = base64.b64decode(one["sig"], validate=True)
            if not ed25519.verify(believed[one["keyid"]], _pre_authentication(payload), signature):
                return "the signature of its release was not made over this"
        return _refusal_of_statement(json.loads(payload), model_digest)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        return f"the signature of its release cannot be read: {type(fault).__name__}"


def _refusal_of_statement(statement: dict[str, Any], model_digest: str) -> str | None:
    if statement["predicateType"] != _RELEASE:
        return "what is signed is no release"
    found = statement["predicate"]["model"]["digest"]
    return None if found == model_digest else f"its release is signed for the model {found}, not {model_digest}"


def _pre_authentication(payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD_TYPE), _PAYLOAD_TYPE.encode(), len(payload), payload)
