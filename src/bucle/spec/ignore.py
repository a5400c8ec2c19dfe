"""Ignore files (`.amlignore`, `.gitignore`): which paths of a folder stay behind (gitignore's pattern format)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line: the paths that it matches, whether it takes them back in, whether it is about folders only."""

    pattern: re.Pattern[str]
    negated: bool
    folders_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The rules of one ignore file; the last one that matches decides."""

    rules: tuple[Rule, ...]

    def matches(self, path: str, *, folder: bool) -> bool:
        """Say whether `path` (relative, `/`) itself is ignored; a walker does not go into an ignored folder."""
        for rule in reversed(self.rules):
            if (folder or not rule.folders_only) and rule.pattern.fullmatch(path):
                return not rule.negated
        return False


def read_ignored(lines: Iterable[str]) -> Ignored:
    """Return the rules of an ignore file's lines; comments and blank lines say nothing."""
    read = (_rule(line.rstrip()) for line in lines)
    return Ignored(rules=tuple(rule for rule in read if rule is not None))


def _rule(line: str) -> Rule | None:
    negated = line.startswith("!")
    body = line[1:] if negated else line
    if not body or body.startswith("#"):
        return None
    folders_only = body.endswith("/")
    body = body.rstrip("/").removeprefix("\\")
    anchored = "/" in body
    expression = _translate(body.removeprefix("/"))
    prefix = "" if anchored else "(?:.*/)?"
    return Rule(pattern=re.compile(prefix + expression), negated=negated, folders_only=folders_only)


def _translate(body: str) -> str:
    out, place = [], 0
    while place < len(body):
        rest = body[place:]
        if rest.startswith("**/"):
            out.append("(?:.*/)?")
            place += 3
        elif rest.startswith("**"):
            out.append(".*")
            place += 2
        elif rest[0] == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            out.append("[" + rest[1:end].replace("!", "^", 1).replace("\\", "\\\\") + "]")
            place += end + 1
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0])))
            place += 1
    return "".join(out)
