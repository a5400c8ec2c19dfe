"""Names and ids that the platform gives: UUIDv7 text, job names, release aliases, the next version."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ADJECTIVES = (
    "amber", "brave", "bright", "brisk", "calm", "clear", "clever", "crisp", "eager", "early", "fair",
    "fresh", "gentle", "glad", "golden", "grand", "green", "happy", "honest", "keen", "kind", "light",
    "lively", "lucid", "mellow", "merry", "mild", "modest", "neat", "noble", "patient", "plain",
    "polite", "proud", "quick", "quiet", "rapid", "ready", "serene", "sharp", "silent", "silver",
    "sincere", "smooth", "sober", "solid", "steady", "still", "strong", "subtle", "sunny", "swift",
    "tender", "tidy", "tranquil", "true", "upright", "vivid", "warm", "wise", "witty", "worthy",
    "young", "zesty",
)  # fmt: skip
BIRDS = (
    "avocet", "bittern", "bunting", "bustard", "chough", "condor", "coot", "cormorant", "crake",
    "crane", "curlew", "dipper", "dove", "dunlin", "eagle", "egret", "falcon", "finch", "fulmar",
    "gannet", "godwit", "grebe", "grouse", "gull", "harrier", "heron", "hobby", "hoopoe", "ibis",
    "jackdaw", "kestrel", "kite", "knot", "lapwing", "lark", "linnet", "magpie", "martin", "merlin",
    "nightjar", "oriole", "osprey", "owl", "petrel", "pipit", "plover", "puffin", "quail", "rail",
    "raven", "robin", "rook", "ruff", "shrike", "siskin", "skua", "snipe", "starling", "stilt", "stork",
    "swift", "teal", "tern", "wren",
)  # fmt: skip
_LETTERS = "bcdfghjklmnpqrstvwxyz23456789aeu"
"""32 letters, so that five bits are one letter; few vowels, so that no word is spelt by chance."""


def uuid7(now: datetime, random: bytes) -> str:
    """Return a version 7 UUID of `now` (to the millisecond) and ten random bytes.

    Source: RFC 9562, 5.7: 48 bits of Unix milliseconds, version, 12 random bits, variant, 62 random bits.
    """
    _require(random, 10)
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    head, tail = int.from_bytes(random[:2]), int.from_bytes(random[2:])
    number = milliseconds << 80 | 0x7 << 76 | (head & 0xFFF) << 64 | 0b10 << 62 | (tail & (1 << 62) - 1)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def job_name(random: bytes) -> str:
    """Return a job name in Azure's manner, `adjective_noun_xxxxxxxx`, from ten random bytes."""
    _require(random, 10)
    suffix = "".join(_LETTERS[byte % 32] for byte in random[2:10])
    return f"{_pick(ADJECTIVES, random[0])}_{_pick(BIRDS, random[1])}_{suffix}"


def release_alias(random: bytes, taken: Iterable[str]) -> str:
    """Return an alias such as `quiet-heron` from two random bytes, numbered from 2 where it is taken."""
    _require(random, 2)
    alias, used = f"{_pick(ADJECTIVES, random[0])}-{_pick(BIRDS, random[1])}", frozenset(taken)
    if alias not in used:
        return alias
    return next(f"{alias}-{number}" for number in range(2, len(used) + 3) if f"{alias}-{number}" not in used)


def next_version(versions: Iterable[str]) -> str:
    """Return the highest integer among the versions plus one, as text; words do not count."""
    numbers = (int(version) for version in versions if version.isascii() and version.isdigit())
    return str(max(numbers, default=0) + 1)


def _pick(words: tuple[str, ...], byte: int) -> str:
    return words[byte % len(words)]


def _require(random: bytes, length: int) -> None:
    if len(random) != length:
        message = f"{length} random bytes are needed, not {len(random)}"
        raise ValueError(message)
