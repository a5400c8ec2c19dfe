"""Scopes: the places at which a role is held and an action is asked for."""

from dataclasses import dataclass, field
from re import compile as pattern_of

from bucle import errors

STAGE_KINDS = frozenset(
    {
        "jobs",
        "pipelines",
        "components",
        "environments",
        "experiments",
        "datasets",
        "datastores",
        "models",
        "endpoints",
        "monitors",
        "schedules",
        "computes",
        "secrets",
    }
)
REGISTRY_KINDS = frozenset({"models", "components", "environments"})
_NAME = pattern_of(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


@dataclass(frozen=True, slots=True)
class Scope:
    """A node of the tree `/` → `/stages/{stage}` | `/registries/{registry}` → `…/{kind}/{name}`.

    Make one with `parse_scope`, `stage_scope` or `registry_scope`: they check the grammar.
    """

    parts: tuple[str, ...] = ()
    lineage: tuple["Scope", ...] = field(init=False, repr=False, compare=False)
    """The scope itself and everything above it, from the platform down."""

    def __post_init__(self) -> None:
        above = Scope(self.parts[:-2]).lineage if self.parts else ()
        object.__setattr__(self, "lineage", (*above, self))

    def __str__(self) -> str:
        return "/" + "/".join(self.parts)

    @property
    def stage(self) -> str | None:
        """The stage that holds this scope, or None at the platform and in registries."""
        return self.parts[1] if self.parts and self.parts[0] == "stages" else None

    @property
    def registry(self) -> str | None:
        """The registry that holds this scope, or None elsewhere."""
        return self.parts[1] if self.parts and self.parts[0] == "registries" else None

    def covers(self, other: "Scope") -> bool:
        """Say whether `other` is this scope or lies below it."""
        return other.parts[: len(self.parts)] == self.parts


PLATFORM = Scope()


def parse_scope(text: str) -> Scope:
    """Read a scope as people write it; raise BadRequest `access.bad_scope` for anything else."""
    if text == "/":
        return PLATFORM
    root, *parts = text.split("/")
    kinds = {"stages": STAGE_KINDS, "registries": REGISTRY_KINDS}.get(parts[0] if parts else "")
    named = all(_NAME.fullmatch(name) for name in parts[1::2])
    if root or kinds is None or not named or not (len(parts) == 2 or (len(parts) == 4 and parts[2] in kinds)):
        raise errors.BadRequest("access.bad_scope", scope=text)
    return Scope(tuple(parts))


def stage_scope(stage: str, kind: str | None = None, name: str | None = None) -> Scope:
    """Return the scope of a stage, or of the `kind` called `name` in it."""
    return parse_scope("/".join(("/stages", stage, *(part for part in (kind, name) if part is not None))))


def registry_scope(registry: str) -> Scope:
    """Return the scope of a registry."""
    return parse_scope(f"/registries/{registry}")
