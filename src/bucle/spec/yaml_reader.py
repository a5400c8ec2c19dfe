"""Owns the reading of YAML: from bytes to a document or to its faults, expanding nothing that it refuses."""

from dataclasses import dataclass, field

import yaml

from bucle.spec.document import Document, Place
from bucle.spec.faults import Fault, FaultyDocument, FieldPath, name_of
from bucle.spec.scalars import Scalar

MAX_BYTES = 4 * 1024 * 1024
MAX_ALIASES = 100
MAX_DEPTH = 64
MAX_VALUES_WITH_ALIASES = 50_000
_MAX_NUMBER_CHARACTERS = 400

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "value"))
_MERGE = _TAG + "merge"
# YAML 1.1 reads these as truth values; as a key (`on:`) or in a text field they mean themselves.
_WORDS_OF_YAML_1_1 = frozenset({"on", "off", "yes", "no", "y", "n"})


def parse(text: bytes, path: str) -> Document:
    """Return the one document of a YAML file; raise `FaultyDocument` with every fault found."""
    node = _compose(_decode(text, path), path)
    _refuse_explosion(node, path)
    reading = _Reading(path=path)
    reading.places[()] = reading.place(node, node)
    tree = reading.value(node, ())
    if reading.faults:
        raise FaultyDocument(path, reading.faults)
    return Document(path=path, tree=tree, places=reading.places)


def _fault(path: str, line: int, column: int, message: str, at: FieldPath = ()) -> Fault:
    return Fault(path=path, line=line + 1, column=column + 1, field=name_of(at), message=message)


def _decode(text: bytes, path: str) -> str:
    if len(text) > MAX_BYTES:
        raise FaultyDocument(path, [_fault(path, 0, 0, f"{len(text)} bytes; a document holds at most {MAX_BYTES}")])
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        line, column = before.count(b"\n"), error.start - (before.rfind(b"\n") + 1)
        raise FaultyDocument(path, [_fault(path, line, column, "the text is not UTF-8")]) from error


def _compose(source: str, path: str) -> yaml.Node:
    """Return the node of the one document; an alias stays a pointer to its node."""
    try:
        _watch_events(source, path)
        node = yaml.compose(source, Loader=yaml.CSafeLoader)
    except yaml.reader.ReaderError as error:
        before = source[: error.position]
        line, column = before.count("\n"), error.position - (before.rfind("\n") + 1)
        raise FaultyDocument(path, [_fault(path, line, column, str(error.reason))]) from error
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        line, column = (at.line, at.column) if at else (0, 0)
        message = ", ".join(words for words in (error.problem, error.context) if words)
        raise FaultyDocument(path, [_fault(path, line, column, message)]) from error
    if node is None:
        raise FaultyDocument(path, [_fault(path, 0, 0, "the document is empty")])
    return node


def _watch_events(source: str, path: str) -> None:
    """Refuse depth, aliases and second documents while nothing is built yet, so that nothing can explode."""
    depth = aliases = documents = 0
    for event in yaml.parse(source, Loader=yaml.CSafeLoader):
        depth += isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
        depth -= isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
        aliases += isinstance(event, yaml.AliasEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        message = ""
        if depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
        elif aliases > MAX_ALIASES:
            message = f"more than {MAX_ALIASES} aliases"
        elif documents > 1:
            message = "a second document; a file holds one"
        if message:
            mark = event.start_mark
            line, column = (mark.line, mark.column) if mark else (0, 0)
            raise FaultyDocument(path, [_fault(path, line, column, message)])


def _refuse_explosion(root: yaml.Node, path: str) -> None:
    """Count what the aliases would expand to, each node once, before anything is expanded."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    nodes = 0

    def size(node: yaml.Node) -> int:
        nonlocal nodes
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_nodes:
            mark = node.start_mark
            raise FaultyDocument(path, [_fault(path, mark.line, mark.column, "the value contains itself")])
        open_nodes.add(id(node))
        nodes += 1
        total = 1 + sum(size(child) for child in _children(node))
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    expanded = size(root)
    if expanded > nodes and expanded > MAX_VALUES_WITH_ALIASES:
        message = f"its aliases expand to {expanded} values; at most {MAX_VALUES_WITH_ALIASES} are read"
        raise FaultyDocument(path, [_fault(path, 0, 0, message)])


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What one pass over the nodes gathers."""

    path: str
    places: dict[FieldPath, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place(self, key: yaml.Node, value: yaml.Node) -> Place:
        start, begin = key.start_mark, value.start_mark
        return Place(
            path=self.path,
            key_line=start.line + 1,
            key_column=start.column + 1,
            line=begin.line + 1,
            column=begin.column + 1,
        )

    def refuse(self, node: yaml.Node, message: str, at: FieldPath) -> None:
        self.faults.append(_fault(self.path, node.start_mark.line, node.start_mark.column, message, at))

    def value(self, node: yaml.Node, at: FieldPath) -> object:
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self.mapping(node, at)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return self.sequence(node, at)
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALAR_TAGS:
            return self.scalar(node, at)
        self.refuse(node, f"the tag {node.tag} is not read here", at)
        return None

    def sequence(self, node: yaml.SequenceNode, at: FieldPath) -> list[object]:
        items: list[object] = []
        for index, item in enumerate(node.value):
            self.places[*at, index] = self.place(item, item)
            items.append(self.value(item, (*at, index)))
        return items

    def mapping(self, node: yaml.MappingNode, at: FieldPath) -> dict[str, object]:
        found: dict[str, object] = {}
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self.key(key_node, at)
            if key is None:
                continue
            if key in first_lines:
                message = f"the key stands twice; it stands first on line {first_lines[key]}"
                self.refuse(key_node, message, (*at, key))
                continue
            first_lines[key] = key_node.start_mark.line + 1
            self.places[*at, key] = self.place(key_node, value_node)
            found[key] = self.value(value_node, (*at, key))
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                self.merge(value_node, at, found)
        return found

    def merge(self, node: yaml.Node, at: FieldPath, found: dict[str, object]) -> None:
        """Add what `<<` brings; a key of the mapping itself wins, then the earlier source."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self.refuse(source, "<< takes a mapping, or a list of mappings", at)
                continue
            inner = _Reading(path=self.path)
            brought = inner.mapping(source, at)
            self.faults.extend(inner.faults)
            new = brought.keys() - found.keys()
            found.update({key: brought[key] for key in brought if key in new})
            self.places.update({where: place for where, place in inner.places.items() if where[len(at)] in new})

    def key(self, node: yaml.Node, at: FieldPath) -> str | None:
        text = str(node.value)
        if isinstance(node, yaml.ScalarNode):
            if node.tag in {_TAG + "str", _TAG + "value"} or text.lower() in _WORDS_OF_YAML_1_1:
                return text
            if node.tag in _SCALAR_TAGS and text:
                self.refuse(node, f"the key {text} is not text; write it in quotes", at)
                return None
        self.refuse(node, "a key is text", at)
        return None

    def scalar(self, node: yaml.ScalarNode, at: FieldPath) -> object:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if kind == "null":
            return None
        # 12:30 is a number in base 60 to YAML 1.1, and a time of day to everybody else.
        if kind in {"str", "timestamp", "value"} or (":" in text and kind != "bool"):
            return text
        if len(text) > _MAX_NUMBER_CHARACTERS:
            self.refuse(node, f"a number of more than {_MAX_NUMBER_CHARACTERS} characters", at)
            return None
        try:
            value = yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.refuse(node, f"{text} is not a {kind}", at)
            return None
        return Scalar(value=value, text=text)
