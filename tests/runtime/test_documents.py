"""The documents of an attempt folder: what is written is read back, and nothing else is taken for it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle.runtime.attempt import (
    AttemptSpec,
    Attested,
    Exit,
    Isolation,
    Limits,
    Verified,
    decode_exit,
    decode_run,
    decode_spec,
    encode,
)

TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)
COUNT = st.integers(0, (1 << 63) - 1)
ISOLATIONS = st.builds(
    Isolation,
    mode=st.sampled_from(["auto", "none"]),
    read=st.lists(TEXT).map(tuple),
    write=st.lists(TEXT).map(tuple),
    connect_tcp=st.lists(st.integers(1, 65535)).map(tuple),
)
LIMITS = st.builds(Limits, address_space_bytes=st.none() | COUNT, cpu_s=st.none() | COUNT)
SPECS = st.builds(
    AttemptSpec,
    argv=st.lists(TEXT.filter(bool), min_size=1).map(tuple),
    env=st.dictionaries(TEXT.filter(lambda name: name and "=" not in name), TEXT),
    cwd=TEXT,
    isolation=ISOLATIONS,
    timeout_s=st.none() | st.floats(0, 1e9),
    grace_s=st.floats(0, 1e9),
    limits=LIMITS,
    verify=st.lists(st.builds(Verified, path=TEXT, digest=TEXT)).map(tuple),
    log_limit_bytes=COUNT,
    umask=st.integers(0, 0o777),
    sealed=st.lists(TEXT).map(tuple),
    attested=st.none() | st.builds(Attested, envelope=TEXT, keys=TEXT, model_digest=TEXT),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
WALLS = {"mode": "auto", "read": [], "write": [], "connect_tcp": []}
GOOD = AttemptSpec(argv=("true",), env={"A": "b"}, cwd="/", isolation=Isolation(mode="auto"))


@given(SPECS)
def test_order_is_read_as_it_was_written(spec: AttemptSpec) -> None:
    """Every order survives the way through its document."""
    assert decode_spec(encode(spec)) == spec


def test_order_of_an_older_bucle() -> None:
    """An order that was written before there were secrets and statements is read as one without them."""
    document = {name: value for name, value in json.loads(encode(GOOD)).items() if name not in {"sealed", "attested"}}
    assert decode_spec(json.dumps(document).encode()) == GOOD
    del document["argv"]
    with pytest.raises(ValueError, match="must hold"):
        decode_spec(json.dumps(document).encode())


@given(st.sampled_from(sorted(json.loads(encode(GOOD)))), JSON)
def test_field_of_another_shape(name: str, value: Any) -> None:
    """Whatever stands in a field, the order is read and says the same again, or is a ValueError."""
    document = json.dumps({**json.loads(encode(GOOD)), name: value}).encode()
    try:
        spec = decode_spec(document)
    except ValueError:
        return
    assert decode_spec(encode(spec)) == spec


@given(st.binary(max_size=60))
def test_foreign_bytes(document: bytes) -> None:
    """Bytes that are no document of ours are refused by ValueError and by nothing else."""
    for decode in (decode_spec, decode_run, decode_exit):
        with pytest.raises(ValueError, match=r"\S"):
            decode(document)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"argv": []}, "argv must not be empty"),
        ({"argv": ["a\0b"]}, "argv must be text without NUL"),
        ({"env": {"A=B": "c"}}, "env must map names without '=' to text"),
        ({"timeout_s": -1}, "timeout_s must be seconds"),
        ({"timeout_s": True}, "timeout_s must be seconds"),
        ({"umask": "077"}, "umask must be a whole number"),
        ({"isolation": {**WALLS, "mode": "auto-or-none"}}, "auto, strict, none"),
        (
            {"isolation": {**WALLS, "connect_tcp": [0]}},
            "ports from 1 to 65535",
        ),
        ({"more": 1}, "document must hold .* and nothing else"),
    ],
)
def test_fault_is_named(change: dict[str, Any], words: str) -> None:
    """A fault of an order is told by the field it is in; without it the order is read."""
    document = json.loads(encode(GOOD))
    assert decode_spec(json.dumps(document).encode()) == GOOD
    with pytest.raises(ValueError, match=words):
        decode_spec(json.dumps({**document, **change}).encode())


def test_report_on_disk() -> None:
    """The report's instants are RFC 3339 in UTC, and it is read as it was written."""
    at = datetime(2026, 3, 1, 12, 30, 0, 5, tzinfo=UTC)
    report = Exit(
        why="failed",
        rc=-9,
        reason=None,
        detail=None,
        started_at=at,
        ended_at=at,
        cpu_s=0.25,
        max_rss_bytes=1,
        log_bytes=2,
        log_dropped_bytes=3,
        processes_left=0,
    )
    assert json.loads(encode(report))["ended_at"] == "2026-03-01T12:30:00.000005Z"
    assert decode_exit(encode(report)) == report
