"""The grammar of MLflow searches: a filter is `[entity.]key op value` joined by AND, an order `[entity.]key [DESC]`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bucle import errors

Entity = Literal["attribute", "metric", "parameter", "tag", "dataset"]
Value = str | float | tuple[str, ...] | None

_ENTITIES: Mapping[str, Entity] = MappingProxyType(
    {
        "metric": "metric", "metrics": "metric",
        "parameter": "parameter", "parameters": "parameter", "param": "parameter", "params": "parameter",
        "tag": "tag", "tags": "tag",
        "attribute": "attribute", "attributes": "attribute", "attr": "attribute", "run": "attribute",
        "dataset": "dataset", "datasets": "dataset",
    }
)  # fmt: skip
_NUMERIC: AbstractSet[str] = frozenset({"=", "!=", ">", ">=", "<", "<="})
_TEXT: AbstractSet[str] = frozenset({"=", "!=", "LIKE", "ILIKE"})
_LISTS: AbstractSet[str] = frozenset({"IN", "NOT IN"})
_NULLS: AbstractSet[str] = frozenset({"IS NULL", "IS NOT NULL"})
_DATASET_KEYS: AbstractSet[str] = frozenset({"name", "digest", "context"})
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<word>AND|NOT\s+IN|IN|LIKE|ILIKE|IS\s+NOT\s+NULL|IS\s+NULL)(?![\w.])
    | (?P<operator>!=|>=|<=|=|>|<)
    | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])
    | (?P<name>(?:[A-Za-z_][\w/\-]*|`[^`]+`)(?:\.(?:`[^`]+`|"[^"]+"|[\w/\-.]+))?)
    | (?P<text>'(?:[^']|'')*'|"[^"]*")
    | (?P<mark>[(),])
    )""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One comparison: of what, how, with which value (None for IS NULL and IS NOT NULL)."""

    entity: Entity
    key: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One key of an order."""

    entity: Entity
    key: str
    ascending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What a search knows: its attributes (as written → as kept), which are numbers, which take lists."""

    entities: AbstractSet[Entity]
    attributes: Mapping[str, str]
    numeric: AbstractSet[str]
    lists: AbstractSet[str]


RUNS = Vocabulary(
    entities=frozenset({"attribute", "metric", "parameter", "tag", "dataset"}),
    attributes=MappingProxyType(
        {
            "status": "status", "artifact_uri": "artifact_uri", "start_time": "start_time", "end_time": "end_time",
            "user_id": "user_id", "run_name": "run_name", "run_id": "run_id", "created": "start_time",
            "Created": "start_time", "run name": "run_name", "Run name": "run_name", "Run Name": "run_name",
        }
    ),
    numeric=frozenset({"start_time", "end_time"}),
    lists=frozenset({"run_id"}),
)  # fmt: skip
EXPERIMENTS = Vocabulary(
    entities=frozenset({"attribute", "tag"}),
    attributes=MappingProxyType(
        {name: name for name in ("name", "experiment_id", "creation_time", "last_update_time")}
    ),
    numeric=frozenset({"creation_time", "last_update_time"}),
    lists=frozenset({"experiment_id"}),
)
MODELS = Vocabulary(
    entities=frozenset({"attribute", "metric", "parameter", "tag"}),
    attributes=MappingProxyType(
        {
            "name": "name", "model_id": "model_id", "model_type": "model_type", "status": "status",
            "source_run_id": "source_run_id", "creation_timestamp": "creation_timestamp", "creation_time":
            "creation_timestamp", "last_updated_timestamp": "last_updated_timestamp", "experiment_id": "experiment_id",
            "artifact_location": "artifact_location", "artifact_uri": "artifact_location",
        }
    ),
    numeric=frozenset({"creation_timestamp", "last_updated_timestamp"}),
    lists=frozenset({"name", "model_id", "model_type", "status", "source_run_id"}),
)  # fmt: skip

_Token = tuple[str, str]
MOST_CLAUSES = 100
MOST_KEYS = 30
LONGEST_TEXT = 10_000
LONGEST_LIST = 10_000
"""Beyond these a database refuses the query, which a client would take for a fault of the server and repeat."""


def parse_filter(text: str | None, vocabulary: Vocabulary) -> tuple[Clause, ...]:
    """Return the clauses of a filter; BadRequest for what the grammar does not know. No filter: no clauses."""
    if not text:
        return ()
    if not text.strip():
        raise errors.BadRequest("tracking.bad_filter", filter=text, why="it is blank")
    tokens = list(_tokens(text))
    clauses = []
    while tokens:
        clause, tokens = _clause(text, tokens, vocabulary)
        clauses.append(clause)
        if len(clauses) > MOST_CLAUSES:
            raise errors.BadRequest(
                "tracking.bad_filter", filter=text[:200], why=f"it has more than {MOST_CLAUSES} clauses"
            )
        if tokens and tokens.pop(0) != ("word", "AND"):
            raise errors.BadRequest("tracking.bad_filter", filter=text, why="clauses are joined by AND only")
    return tuple(clauses)


def parse_order(texts: Sequence[str], vocabulary: Vocabulary) -> tuple[Order, ...]:
    """Return the keys of an order: `[entity.]key [ASC|DESC]` each."""
    if len(texts) > MOST_KEYS:
        raise errors.BadRequest("tracking.bad_filter", filter=texts[0], why=f"it has more than {MOST_KEYS} keys")
    return tuple(_order(text, vocabulary) for text in texts)


def order_key(text: str, vocabulary: Vocabulary, *, ascending: bool) -> Order:
    """Return one key of an order that says its direction apart."""
    entity, key = _identified(text, text.strip(), vocabulary)
    if entity == "dataset":
        raise errors.BadRequest("tracking.bad_filter", filter=text, why="nothing is ordered by its datasets")
    return Order(entity=entity, key=key, ascending=ascending)


def _order(text: str, vocabulary: Vocabulary) -> Order:
    name, _, direction = text.strip().rpartition(" ")
    if name and direction.lower() in {"asc", "desc"}:
        return order_key(name, vocabulary, ascending=direction.lower() == "asc")
    return order_key(text, vocabulary, ascending=True)


def _tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise errors.BadRequest("tracking.bad_filter", filter=text, why=f"nothing is known at character {place}")
        word = found[found.lastgroup]
        yield found.lastgroup, " ".join(word.upper().split()) if found.lastgroup == "word" else word
        place = found.end()


def _clause(text: str, tokens: list[_Token], vocabulary: Vocabulary) -> tuple[Clause, list[_Token]]:
    """Return the first clause and the tokens behind it."""
    if len(tokens) < 2 or tokens[0][0] != "name" or tokens[1][0] not in {"word", "operator"}:
        raise errors.BadRequest("tracking.bad_filter", filter=text, why="a clause is `key operator value`")
    entity, key = _identified(text, tokens[0][1], vocabulary)
    operator, rest = tokens[1][1], tokens[2:]
    _check_operator(text, entity, key, operator, vocabulary)
    if operator in _NULLS:
        return Clause(entity=entity, key=key, operator=operator, value=None), rest
    if operator in _LISTS:
        listed, rest = _list(text, rest)
        return Clause(entity=entity, key=key, operator=operator, value=listed), rest
    value = _value(text, entity, key, rest[:1], vocabulary)
    return Clause(entity=entity, key=key, operator=operator, value=value), rest[1:]


def _identified(text: str, name: str, vocabulary: Vocabulary) -> tuple[Entity, str]:
    first, dot, second = ("", "", name) if _quoted(name) else name.partition(".")
    entity = _ENTITIES.get(first.strip("`")) if dot else "attribute"
    key = (second if dot or not first else first).strip('`"')
    if entity is None or entity not in vocabulary.entities:
        raise errors.BadRequest("tracking.bad_filter", filter=text, why=f"{first} is nothing that is searched by")
    if entity == "attribute":
        if key not in vocabulary.attributes:
            raise errors.BadRequest("tracking.bad_filter", filter=text, why=f"there is no attribute {key}")
        return entity, vocabulary.attributes[key]
    if entity == "dataset" and key not in _DATASET_KEYS:
        raise errors.BadRequest("tracking.bad_filter", filter=text, why=f"a dataset has no {key}")
    return entity, key


def _quoted(name: str) -> bool:
    return len(name) > 2 and name[0] == name[-1] == "`" and "`" not in name[1:-1]


def _check_operator(text: str, entity: Entity, key: str, operator: str, vocabulary: Vocabulary) -> None:
    known: AbstractSet[str]
    if entity == "metric" or (entity == "attribute" and key in vocabulary.numeric):
        known = _NUMERIC
    elif entity == "attribute":
        known = _TEXT | _LISTS if key in vocabulary.lists else _TEXT
    elif entity == "dataset":
        known = _TEXT | _LISTS
    else:
        known = _TEXT | _NULLS
    if operator not in known:
        raise errors.BadRequest("tracking.bad_filter", filter=text, why=f"{operator} does not compare {entity} {key}")


def _value(text: str, entity: Entity, key: str, found: list[_Token], vocabulary: Vocabulary) -> Value:
    kind, word = found[0] if found else ("", "nothing")
    if entity == "metric" or (entity == "attribute" and key in vocabulary.numeric):
        if kind != "number":
            raise errors.BadRequest("tracking.bad_filter", filter=text, why=f"a number is wanted, not {word}")
        return float(word)
    if kind != "text":
        raise errors.BadRequest("tracking.bad_filter", filter=text, why=f"a quoted text is wanted, not {word}")
    if len(word) > LONGEST_TEXT:
        raise errors.BadRequest("tracking.bad_filter", filter=text[:200], why=f"a text holds at most {LONGEST_TEXT}")
    return word[1:-1]


def _list(text: str, tokens: list[_Token]) -> tuple[tuple[str, ...], list[_Token]]:
    marks = [place for place, token in enumerate(tokens) if token == ("mark", ")")]
    inside = tokens[1 : marks[0]] if marks and tokens[0] == ("mark", "(") else []
    values, commas = inside[::2], inside[1::2]  # Python's ('a',), which people paste in, counts
    if not values or any(token != ("mark", ",") for token in commas):
        raise errors.BadRequest("tracking.bad_filter", filter=text, why="a list is ('a', 'b')")
    if len(values) > LONGEST_LIST:
        raise errors.BadRequest("tracking.bad_filter", filter=text[:200], why=f"a list holds at most {LONGEST_LIST}")
    if any(kind != "text" for kind, _ in values):
        raise errors.BadRequest("tracking.bad_filter", filter=text, why="a list holds quoted texts")
    return tuple(word[1:-1] for _, word in values), tokens[marks[0] + 1 :]
