"""The catalogue of errors: every code that is raised has words, and the words name just the values that are given."""

import ast
import string
from pathlib import Path

from bucle.errors.catalogue import CATALOGUE

SOURCE = Path(__file__).resolve().parents[1] / "src" / "bucle"


def _raised() -> list[tuple[str, str, set[str]]]:
    """Return (place, code, names of the values) of every call that makes an error of ours from a literal code."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name) or not node.args:
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value in CATALOGUE:
                named = {keyword.arg for keyword in node.keywords if keyword.arg}
                starred = any(keyword.arg is None for keyword in node.keywords)
                if not starred:
                    found.append((f"{path.relative_to(SOURCE)}:{node.lineno}", first.value, named))
    return found


def _wanted(code: str) -> set[str]:
    text = CATALOGUE[code]
    fields = [*string.Formatter().parse(text.detail), *string.Formatter().parse(text.hint)]
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in fields if name}


def test_every_code_that_is_raised_has_words() -> None:
    """An error made with a literal code finds it in the catalogue."""
    unknown = []
    kinds = {
        "BadRequest",
        "NotSignedIn",
        "Refused",
        "NotFound",
        "Conflict",
        "TooMany",
        "WorkFailed",
        "StillWaiting",
        "PlatformFault",
    }
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in kinds:
                code = node.args[0] if node.args else None
                if isinstance(code, ast.Constant) and code.value not in CATALOGUE:
                    unknown.append(f"{path.relative_to(SOURCE)}:{node.lineno} {code.value}")
    assert unknown == []


def test_words_name_the_values_that_are_given() -> None:
    """No message can fail for want of a value when it is needed most."""
    short = [(place, code, _wanted(code) - named) for place, code, named in _raised() if _wanted(code) - named]
    assert short == []


def test_every_text_is_used() -> None:
    """The catalogue holds no word that nobody says, in full or as `f"group.{name}"`."""
    modules = [path.read_text() for path in SOURCE.rglob("*.py") if "errors/texts" not in path.as_posix()]
    source = "\n".join(modules)
    made = {code for code in CATALOGUE if f'f"{code.rpartition(".")[0]}.{{' in source}
    assert [code for code in CATALOGUE if f'"{code}"' not in source and code not in made] == []
