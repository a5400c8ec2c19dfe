"""Names and ids against RFC 9562's example, the standard library's reader, and Azure's form."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle.core.ids import ADJECTIVES, BIRDS, job_name, next_version, release_alias, uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 4_000_000_000_000_000).map(lambda count: EPOCH + timedelta(microseconds=count))
TEN_BYTES = st.binary(min_size=10, max_size=10)


def test_the_example_of_the_rfc() -> None:
    """RFC 9562, A.6: 2022-02-22T19:22:22Z with rand_a CC3 and rand_b 18C4DC0C0C07398F."""
    random = bytes.fromhex("0CC3") + bytes.fromhex("18C4DC0C0C07398F")
    assert uuid7(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC), random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(now=TIMES, random=TEN_BYTES)
def test_the_standard_library_reads_a_version_7(now: datetime, random: bytes) -> None:
    """Version and variant bits stand whatever the random bytes are, and the time comes back."""
    read = uuid.UUID(uuid7(now, random))
    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert 0 <= now.timestamp() * 1000 - (read.int >> 80) < 1.01  # the float rounds, the id does not


@given(earlier=TIMES, later=TIMES, random=TEN_BYTES)
def test_ids_sort_by_time(earlier: datetime, later: datetime, random: bytes) -> None:
    """Text order is time order, to the millisecond."""
    if (later - earlier).total_seconds() >= 0.002:
        assert uuid7(earlier, random) < uuid7(later, random)


@given(TEN_BYTES)
def test_a_job_is_named_in_azures_manner(random: bytes) -> None:
    """Adjective, noun and eight letters; the words are distinct, so that none is likelier than another."""
    assert re.fullmatch(r"[a-z]+_[a-z]+_[a-z0-9]{8}", job_name(random))
    assert len(set(ADJECTIVES)) == len(set(BIRDS)) == 64


def test_too_few_random_bytes_are_a_fault_of_ours() -> None:
    """Ten bytes make a name; nine are refused rather than stretched."""
    assert job_name(bytes(10))
    with pytest.raises(ValueError, match="10 random bytes"):
        job_name(bytes(9))


def test_a_taken_alias_is_numbered() -> None:
    """The same bytes twice give two aliases."""
    first = release_alias(b"\x00\x00", ())
    assert first == "amber-avocet"
    assert release_alias(b"\x00\x00", (first,)) == "amber-avocet-2"
    assert release_alias(b"\x00\x00", (first, "amber-avocet-2")) == "amber-avocet-3"


@pytest.mark.parametrize(
    ("versions", "following"), [((), "1"), (("1", "2", "10"), "11"), (("main", "3"), "4"), (("v7", "²"), "1")]
)
def test_the_next_version_is_the_highest_integer_plus_one(versions: tuple[str, ...], following: str) -> None:
    """Integers count as integers, words do not count."""
    assert next_version(versions) == following
