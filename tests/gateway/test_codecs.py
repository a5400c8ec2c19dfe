"""The codecs under arbitrary bytes: frames, payloads, segments, histograms."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle.gateway.collect import Collector
from bucle.gateway.counts import Histogram, quantile
from bucle.gateway.seen import Seen
from bucle.runtime.frame import HEADER, Decoder, Frame, FrameError, encode
from bucle.runtime.payload import Column, PayloadError, Schema, decode
from bucle.runtime.segment import MAGIC, Collected, read_segment
from bucle.runtime.segment import encode as encode_record

META = st.none() | st.dictionaries(st.text(max_size=10), st.text(max_size=10) | st.integers(), max_size=3)
FRAMES = st.builds(
    Frame,
    request_id=st.integers(0, 2**32 - 1),
    kind=st.integers(1, 6),
    protocol=st.integers(0, 127),
    status=st.integers(0, 65535),
    aux=st.integers(0, 2**32 - 1),
    meta=META,
    body=st.binary(max_size=200),
)


@given(st.lists(FRAMES, max_size=6), st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_frames_survive_any_cut(frames: list[Frame], cuts: list[int]) -> None:
    """Frames come out as they went in, in order, wherever the stream is cut."""
    stream, decoder, found = b"".join(map(encode, frames)), Decoder(1 << 20), []
    at = 0
    while at < len(stream):
        step = cuts[at % len(cuts)]
        found += decoder.feed(stream[at : at + step])
        at += step
    assert found == frames


@given(st.binary(max_size=400))
def test_garbage_is_no_frame(data: bytes) -> None:
    """Arbitrary bytes give frames or FrameError, nothing else."""
    with suppress(FrameError):
        assert all(1 <= found.kind <= 6 for found in Decoder(1 << 10).feed(data))


def test_header_is_as_written_down() -> None:
    """The 16 bytes lie where the design says: little endian, length, id, kind, protocol, status, aux."""
    made = encode(Frame(request_id=2, kind=2, protocol=1, status=424, aux=9, body=b"abc"))
    assert made == bytes.fromhex("03000000 02000000 02 01 a801 09000000") + b"abc"


def test_frame_over_the_limit_is_refused() -> None:
    """A length over the limit is refused before its bytes are waited for; one at the limit is taken."""
    assert Decoder(8).feed(HEADER.pack(8, 1, 1, 0, 0, 0) + b"12345678")[0].body == b"12345678"
    with pytest.raises(FrameError, match="9 bytes is over the limit of 8"):
        Decoder(8).feed(HEADER.pack(9, 1, 1, 0, 0, 0))


SCHEMA = Schema(
    columns=(
        Column(name="a", kind="double"),
        Column(name="b", kind="long", required=False),
        Column(name="c", kind="string"),
        Column(name="d", kind="boolean", required=False),
    ),
    pass_through=("p",),
    most_rows=5,
)
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)
RECORDS = st.lists(st.dictionaries(st.sampled_from("abcdpq"), VALUES, max_size=5), max_size=6)


def _rows_or_refusal(records: list[dict[str, Any]]) -> list[list[Any]] | PayloadError:
    try:
        return decode(json.dumps(records).encode(), SCHEMA)
    except PayloadError as refused:
        return refused


@given(RECORDS)
def test_payloads_are_typed_or_refused(records: list[dict[str, Any]]) -> None:
    """Whatever is sent, each value that reaches the model has its column's type, or the request is refused."""
    kinds: list[tuple[type, ...]] = [(float,), (int, type(None)), (str,), (bool, type(None))]
    found = _rows_or_refusal(records)
    if isinstance(found, PayloadError):
        assert found.status in {400, 413}
        assert found.path.startswith("$")
        return
    rows = found
    assert 0 < len(rows) == len(records) <= 5
    for row in rows:
        assert all(type(value) in kind for value, kind in zip(row, kinds, strict=True))
        assert math.isfinite(row[0])


@pytest.mark.parametrize(
    ("kind", "sent", "read"),
    [
        ("double", "3", 3.0),
        ("double", "1e308", 1e308),
        ("double", "true", None),
        ("double", '"3"', None),
        ("float", "1e39", None),
        ("float", "1.5", 1.5),
        ("long", "9223372036854775807", 2**63 - 1),
        ("long", "9223372036854775808", None),
        ("long", "1.0", None),
        ("integer", "2147483647", 2**31 - 1),
        ("integer", "2147483648", None),
        ("string", '"\\ud800"', None),
        ("string", '"å"', "å"),
        ("boolean", "true", True),
        ("boolean", "1", None),
        ("binary", '"aGk="', b"hi"),
        ("binary", '"a"', None),
        ("datetime", '"soon"', None),
    ],
)
def test_values_of_each_type(kind: str, sent: str, read: object) -> None:
    """Each of MLflow's types takes its own values and no other; None here means refused."""
    schema = Schema(columns=(Column(name="x", kind=kind),))
    body = f'[{{"x": {sent}}}]'.encode()
    if read is None:
        with pytest.raises(PayloadError):
            decode(body, schema)
    else:
        assert decode(body, schema) == [[read]]


def record(number: int, **rest: Any) -> Collected:
    """Return a request as it is collected."""
    given = {"stage": "dev", "endpoint": "e", "deployment": "d", "release": "r", "model": "m", "replayed": False}
    sizes = {"accepted_us": number, "status": 200, "latency_us": 5, "took_us": 1, "request": b"q", "response": b"[1]"}
    return Collected(request_id=f"id-{number}", **{**given, **sizes, **rest})


def test_segment_that_was_cut_keeps_its_whole_records(tmp_path: Path) -> None:
    """Cut anywhere, a segment gives the records that are whole, and says how many bytes are not."""
    records = [record(number, request=b"x" * number) for number in range(3)]
    whole = MAGIC + b"".join(map(encode_record, records))
    ends = [len(MAGIC) + sum(len(encode_record(one)) for one in records[:count]) for count in range(4)]
    for length in range(len(MAGIC), len(whole) + 1):
        (tmp_path / "s").write_bytes(whole[:length])
        count = sum(end <= length for end in ends) - 1
        assert read_segment(tmp_path / "s") == (records[:count], length - ends[count])


def test_segment_that_was_changed_ends_there(tmp_path: Path) -> None:
    """A flipped byte in the second record's body ends the segment before it."""
    first, second = encode_record(record(1)), bytearray(encode_record(record(2)))
    (tmp_path / "s").write_bytes(MAGIC + first + second)
    assert len(read_segment(tmp_path / "s")[0]) == 2
    second[-1] ^= 1
    (tmp_path / "s").write_bytes(MAGIC + first + second)
    assert read_segment(tmp_path / "s")[0] == [record(1)]


def test_collector_drops_rather_than_grows(tmp_path: Path) -> None:
    """What does not fit the buffer is counted; what fits is in the sealed segment."""
    collector = Collector(tmp_path / "segments", buffer_bytes=1000)
    for number in range(5):
        collector.put(record(number, request=b"x" * 390))
    collector.start()
    collector.close()
    (segment,) = (tmp_path / "segments").glob("*.sealed")
    assert [one.accepted_us for one in read_segment(segment)[0]] == [0, 1]
    assert (collector.written, collector.dropped) == (2, 3)


def test_quantiles_are_within_a_bucket() -> None:
    """Of 1 to 1000 ms the median is at most 19 % over 500 ms, and p99 over 990 ms."""
    histogram = Histogram()
    for milliseconds in range(1, 1001):
        histogram.add(milliseconds * 1000)
    for share, true_us in ((0.5, 500_000), (0.99, 990_000)):
        found = quantile(histogram.counts, share)
        assert found is not None
        assert true_us <= found <= true_us * 1.19
    assert quantile(Histogram().counts, 0.5) is None


def test_ids_are_remembered_for_a_day() -> None:
    """An id is refused a second time within a day, taken again after two, and the memory has a bound."""
    now = [0.0]
    seen = Seen(lambda: now[0], most=2)
    assert seen.name("a") == "a"
    now[0] = 23 * 3600.0
    assert seen.name("a") != "a"
    now[0] = 49 * 3600.0
    seen.name("b")
    now[0] = 74 * 3600.0
    assert seen.name("a") == "a"
    for number in range(10):
        seen.name(str(number))
    assert len(seen._new) + len(seen._old) <= 4
