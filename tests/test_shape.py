"""The structure of the house: budgets of size, names, where imports may stand, contracts that cover every package."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "bucle"
MODULES = sorted(SOURCE.rglob("*.py"))
OWN = [
    path for path in MODULES if "migrations/versions" not in path.as_posix() and "demo/project" not in path.as_posix()
]
FORBIDDEN_MODULES = {"common", "shared", "types", "utils", "helpers", "misc"}
FORBIDDEN_ENDINGS = ("Manager", "Handler", "Helper", "Util", "Utils", "Base", "Impl")
# Where a function may import: the command line (lazy nouns), and the package's lazy `Client`.
IMPORTS_INSIDE = ("cli/", "__init__.py")


def _percentile(sizes: list[int], share: float) -> int:
    return sorted(sizes)[int(len(sizes) * share)]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _size(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def test_no_module_is_too_long() -> None:
    """A module holds at most 500 lines, nine of ten at most 300: a longer one holds a second concept."""
    sizes = {path: len(path.read_text().splitlines()) for path in OWN}
    assert {str(path): size for path, size in sizes.items() if size > 500} == {}
    assert _percentile(list(sizes.values()), 0.9) <= 300


def test_no_function_is_too_long() -> None:
    """A function holds at most 60 lines, nine of ten at most 25."""
    sizes = {(path.name, node.name): _size(node) for path in OWN for node in _functions(path)}
    assert {place: size for place, size in sizes.items() if size > 60} == {}
    assert _percentile(list(sizes.values()), 0.9) <= 25


def test_no_function_takes_too_much() -> None:
    """A function takes at most 6 parameters, a Click command or a composition root at most 10."""
    greedy = {}
    for path in OWN:
        limit = 10 if path.is_relative_to(SOURCE / "cli") or path.is_relative_to(SOURCE / "server") else 6
        for node in _functions(path):
            taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([one for one in taken if one.arg not in {"self", "cls"}])
            if count > limit:
                greedy[f"{path.relative_to(SOURCE)}:{node.name}"] = count
    assert greedy == {}


def test_names_are_words_of_the_field() -> None:
    """No module is a drawer, no class an -er that says nothing."""
    drawers = [path for path in MODULES if path.stem in FORBIDDEN_MODULES or path.parent.name in FORBIDDEN_MODULES]
    classes = [
        node.name for path in OWN for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    assert drawers == []
    assert [name for name in classes if name.endswith(FORBIDDEN_ENDINGS)] == []


def test_imports_stand_at_the_top() -> None:
    """Only the command line and the package's lazy attribute import inside a function."""
    inside = []
    for path in OWN:
        place = path.relative_to(SOURCE).as_posix()
        if place.startswith(IMPORTS_INSIDE):
            continue
        for function in _functions(path):
            inside += [
                f"{place}:{node.lineno}" for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
            ]
    assert inside == []


def test_every_module_says_what_it_owns() -> None:
    """Each module opens with a sentence."""
    assert [str(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_contracts_cover_every_package() -> None:
    """No contract ignores an import, and each forbidden list names every package that it does not allow."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    packages = {
        f"bucle.{path.stem}"
        for path in SOURCE.iterdir()
        if path.stem not in {"__init__", "__main__", "__pycache__", "py"}
    }
    clients = next(one for one in contracts if one["name"] == "cli and demo speak HTTP only")
    allowed = {"bucle.client", "bucle.spec", "bucle.errors", "bucle.config"}
    assert set(clients["forbidden_modules"]) | set(clients["source_modules"]) | allowed == packages
    assert [one["name"] for one in contracts if "ignore_imports" in one] == []
    tables = {path.stem for path in (SOURCE / "store" / "tables").glob("*.py")} - {"__init__", "store"}
    assert {one["name"] for one in contracts if one["name"].endswith("knows its tables")} == {
        f"only {table} knows its tables" for table in tables
    }


def test_environment_is_read_in_one_place() -> None:
    """Only `config` reads environment variables."""
    readers = [
        path.relative_to(SOURCE).as_posix()
        for path in OWN
        if "os.environ" in path.read_text() or "os.getenv" in path.read_text()
    ]
    assert readers == ["config.py"]
