"""What an environment asks for: an interpreter and requirements, read from Azure's forms of an environment."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bucle import errors
from bucle.core.curated import CURATED, minor_of
from bucle.spec.digest import digest_of
from bucle.spec.environment import InlineEnvironment

DEFAULT_PYTHON = "3.11"
NOT_PACKAGES = frozenset({"pip", "setuptools", "wheel", "conda"})
NAMES_ON_PYPI: Mapping[str, str] = {
    "pytorch": "torch",
    "py-xgboost": "xgboost",
    "msgpack-python": "msgpack",
    "pytables": "tables",
    "opencv": "opencv-python-headless",
    "matplotlib-base": "matplotlib",
}
"""Conda names whose package has another name on the Python package index."""
_DEPENDENCY = re.compile(r"(?:[\w.-]+::)?(?P<name>[A-Za-z0-9][\w.-]*)(?P<extras>\[[\w,.-]+\])?\s*(?P<version>.*)")
_PREFIX_MATCH = re.compile(r"=(?!=)\s*(?P<version>[\w.]+)(?:=\S+)?")
_MINOR = re.compile(r"3\.\d+")
_NO_OPTION = r"(?:(?!\s-)[^\n;])*"
_REQUIREMENT = re.compile(
    rf"[A-Za-z0-9][\w.-]*\s*(\[[\w,\s.-]+\])?\s*([<>=!~]{_NO_OPTION}|@\s*https://\S+)?(\s*;{_NO_OPTION})?"
)
"""A requirement of one package (PEP 508). What follows it may be no option: `--extra-index-url` behind a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of an environment: `python` as `3.11`, requirements sorted, an image if one was named.

    `digest` is its identity before it is resolved; the lock that resolving gives is the identity of what is built.
    """

    python: str
    requirements: tuple[str, ...]
    image: str | None = None

    @property
    def digest(self) -> str:
        """The digest of interpreter and requirements; an image changes nothing on a machine without containers."""
        return digest_of({"python": self.python, "requirements": list(self.requirements)})

    def document(self) -> dict[str, Any]:
        """Return the ask as plain JSON."""
        return {"python": self.python, "requirements": list(self.requirements), "image": self.image}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What an environment comes to on this host, and what of it is not as it was written."""

    ask: Ask
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreters:
    """The interpreters that environments can be built on here: the server's own, and all of them (looked for late).

    With `exact`, no other stands for the one that is asked for.
    """

    here: str
    installed: Callable[[], Collection[str]]
    exact: bool = False

    def nearest(self, python: str) -> tuple[str, str | None]:
        """Return the interpreter that stands for `python`: itself, else the next newer, with what is to be said of it.

        BadRequest("environment.python_missing") when there is none.
        """
        if python == self.here:
            return python, None
        found = sorted(self.installed(), key=minor_of)
        if python in found:
            return python, None
        newer = [one for one in found if minor_of(one) > minor_of(python)]
        if self.exact or not newer:
            raise errors.BadRequest("environment.python_missing", python=python, found=", ".join(found))
        return newer[0], f"Python {newer[0]} stands for {python}, which this host does not have"


def choose(wanted: InlineEnvironment, interpreters: Interpreters) -> Chosen:
    """Return what an environment comes to on this host."""
    if isinstance(wanted.conda_file, Mapping):
        ask = ask_of_conda(wanted.conda_file, wanted.image, default=interpreters.here)
        python, note = interpreters.nearest(ask.python)
        return Chosen(ask=replace(ask, python=python), notes=() if note is None else (note,))
    if wanted.build is not None:
        raise errors.BadRequest("environment.build_context")
    note = (
        f"no containers here: {wanted.image} is Python {interpreters.here} without packages" if wanted.image else None
    )
    ask = Ask(python=interpreters.here, requirements=(), image=wanted.image)
    return Chosen(ask=ask, notes=() if note is None else (note,))


def choose_curated(name: str, interpreters: Interpreters) -> Chosen | None:
    """Return what a curated environment comes to on this host; None when there is none of that name."""
    found = CURATED.get(name)
    if found is None:
        return None
    python, note = interpreters.nearest(found.python)
    requirements, differs = found.for_python(python)
    notes = tuple(one for one in (note, differs) if one is not None)
    return Chosen(ask=Ask(python=python, requirements=tuple(sorted(requirements))), notes=notes)


def ask_of_conda(conda: Mapping[str, Any], image: str | None = None, *, default: str = DEFAULT_PYTHON) -> Ask:
    """Return what a conda file asks for; BadRequest names a dependency that has no counterpart on the index."""
    python: str | None = None
    requirements: list[str] = []
    for dependency in _entries(conda.get("dependencies")):
        if isinstance(dependency, Mapping):
            requirements += [_pip(line) for line in _entries(dependency.get("pip"))]
            continue
        found = _DEPENDENCY.fullmatch(str(dependency).strip())
        if found is None:
            raise errors.BadRequest("environment.bad_dependency", dependency=dependency)
        name, version = found["name"].lower(), _pip_version(found["version"].strip())
        if name == "python":
            minor = _MINOR.search(version)
            python = minor[0] if minor else None
        elif name not in NOT_PACKAGES:
            requirements.append(NAMES_ON_PYPI.get(name, name) + (found["extras"] or "") + version)
    return Ask(python=python or default, requirements=tuple(sorted(set(requirements))), image=image)


def _entries(value: object) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return value
    raise errors.BadRequest("environment.bad_dependency", dependency=value)


def _pip(line: object) -> str:
    text = str(line).strip()
    if not _REQUIREMENT.fullmatch(text):  # options (`-r`, `--index-url`, `-e`) would reach beyond the one index
        raise errors.BadRequest("environment.bad_requirement", requirement=text[:200])
    return text


def _pip_version(version: str) -> str:
    """Return conda's version rule as pip's: `=1.5` means `==1.5.*`; build strings say nothing outside conda."""
    found = _PREFIX_MATCH.fullmatch(version)
    if found is None:
        return "".join(version.split())
    number = found["version"]
    return f"=={number}.*" if number.count(".") < 2 and "*" not in number else f"=={number}"
