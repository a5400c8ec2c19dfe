"""Owns the names that one part of `platform.yml` takes from another: stages, people, computes, registries."""

from collections import Counter
from collections.abc import Iterable, Iterator

from bucle.spec.document import Document
from bucle.spec.faults import Fault, FieldPath, nearest
from bucle.spec.platform import Platform


def faults_of_platform(platform: Platform, document: Document) -> Iterator[Fault]:
    """Yield each name that is used and not declared, and each that is declared twice."""
    stages = set(platform.stages)
    principals = {item.name for item in platform.principals}
    for at, name, known, what in _uses(platform, stages, principals):
        if name not in known:
            yield document.fault(at, f"{name} is no {what}{nearest(name, known)}")
    for key, names in _declarations(platform):
        for name, count in Counter(names).items():
            if count > 1:
                yield document.fault((key,), f"{name} is declared {count} times", at_key=True)
    for index, binding in enumerate(platform.bindings):
        if not _is_scope(binding.scope, stages, set(platform.registries)):
            message = f"{binding.scope} is no scope: /, /stages/NAME or /registries/NAME, of those declared here"
            yield document.fault(("bindings", index, "scope"), message)


Use = tuple[FieldPath, str, set[str], str]


def _uses(platform: Platform, stages: set[str], principals: set[str]) -> Iterator[Use]:
    computes, registries = {item.name for item in platform.computes}, set(platform.registries)
    for path, names in platform.paths.items():
        yield from ((("paths", path, index), name, stages, "stage") for index, name in enumerate(names))
    for index, store in enumerate(platform.datastores):
        yield ("datastores", index, "stage"), store.stage, stages, "stage"
    for index, group in enumerate(platform.groups):
        for place, member in enumerate(group.members):
            yield ("groups", index, "members", place), member, principals, "principal"
    holders = principals | {group.name for group in platform.groups}
    for index, binding in enumerate(platform.bindings):
        yield ("bindings", index, "principal"), binding.principal, holders, "principal"
    for part, owner in platform.owners.model_dump(exclude_none=True).items():
        yield ("owners", part), owner, principals, "principal"
    optional: list[tuple[FieldPath, str | None, set[str], str]] = [
        (("default_registry",), platform.default_registry, registries, "registry"),
        *((("computes", n, "stage"), it.stage, stages, "stage") for n, it in enumerate(platform.computes)),
        *((("principals", n, "owner"), it.owner, principals, "principal") for n, it in enumerate(platform.principals)),
        *(
            (("stages", n, "default_compute"), it.default_compute, computes, "compute")
            for n, it in platform.stages.items()
        ),
    ]
    yield from ((at, name, known, what) for at, name, known, what in optional if name is not None)


def _declarations(platform: Platform) -> Iterator[tuple[str, Iterable[str]]]:
    people = [item.name for item in platform.principals]
    yield "principals", people
    yield "groups", [item.name for item in platform.groups] + [name for name in people if name in _groups(platform)]
    yield "roles", [item.name for item in platform.roles]
    yield "computes", [item.name for item in platform.computes]
    yield "registries", platform.registries
    yield "datastores", [f"{item.stage}/{item.name}" for item in platform.datastores]


def _groups(platform: Platform) -> set[str]:
    return {item.name for item in platform.groups}


def _is_scope(scope: str, stages: set[str], registries: set[str]) -> bool:
    match scope.split("/"):
        case ["", ""]:
            return True
        case ["", "stages", name]:
            return name in stages
        case ["", "registries", name]:
            return name in registries
        case _:
            return False
