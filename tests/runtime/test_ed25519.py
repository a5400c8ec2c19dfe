"""Ed25519 by the standard library against another implementation, and the cases that tell implementations apart."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from bucle.runtime.ed25519 import verify

ORDER = 2**252 + 27742317777372353535851937790883648493
# RFC 8032, 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_vectors_of_the_standard(key: str, message: str, signature: str) -> None:
    """What RFC 8032 lists is accepted."""
    assert verify(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300), st.integers(0, 511), st.booleans())
def test_as_another_implementation_says(seed: bytes, message: bytes, bit: int, flip_key: bool) -> None:  # noqa: FBT001
    """A signature is accepted; with one bit of it or of the key flipped, it is what `cryptography` says."""
    made = Ed25519PrivateKey.from_private_bytes(seed)
    key = made.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = made.sign(message)
    assert verify(key, message, signature)
    assert not verify(key, message + b"x", signature)
    if flip_key:
        key = _flipped(key, bit % 256)
    else:
        signature = _flipped(signature, bit)
    assert verify(key, message, signature) == _other(key, message, signature)


def test_second_signature_is_none() -> None:
    """A scalar beyond the order, which would make another valid signature of the same, is refused."""
    made = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key, signature = made.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), made.sign(b"m")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert verify(key, b"m", signature)
    assert not verify(key, b"m", signature[:32] + scalar.to_bytes(32, "little"))
    assert not verify(key, b"m", signature[:63])
    assert not verify(key[:31], b"m", signature)


def _flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _other(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
