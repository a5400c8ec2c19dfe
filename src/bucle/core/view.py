"""What a caller sees of a list: the same decision as `access.decide`, as a filter that the store compiles."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bucle.core.access import keeps_its_run
from bucle.core.actions import CLASSED, READING, Action
from bucle.core.classes import RANK, DataClass, effective_ceiling, lowest
from bucle.core.scopes import Scope, registry_scope, stage_scope
from bucle.core.snapshot import Caller, Holding, Snapshot, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A stage, a registry or one object, and the highest class seen there (None: class is not asked)."""

    scope: Scope
    ceiling: DataClass | None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The rows for which an action is allowed: those covered by a reach whose ceiling admits their class."""

    platform: bool
    """Whether rows of the platform itself are seen."""
    reaches: tuple[Reach, ...]
    unlabelled: bool
    """Whether rows without a class are seen (below a reach with a ceiling)."""

    def shows(self, scope: Scope, data_class: DataClass | None = None) -> bool:
        """Say whether one row is seen; the SQL that the store compiles must agree with it."""
        if not scope.parts:
            return self.platform
        return any(reach.scope.covers(scope) and self._admits(reach.ceiling, data_class) for reach in self.reaches)

    def _admits(self, ceiling: DataClass | None, data_class: DataClass | None) -> bool:
        if ceiling is None:
            return True
        return self.unlabelled if data_class is None else RANK[data_class] <= RANK[ceiling]


def visible(snapshot: Snapshot, caller: Caller, action: Action, *, now: datetime) -> View:
    """Return where the caller may do `action` now: equal, row by row, to what `decide` allows."""
    view = _view_of(snapshot, caller.principal_id, action, now)
    if keeps_its_run(snapshot, caller, action):
        kept = [Reach(scope=at, ceiling=None) for at in _everywhere(snapshot)]  # the windows narrow it to the run
        view = replace(view, reaches=_without_repeats((*view.reaches, *kept)))
    if caller.windows is not None:
        view = _through(view, tuple(window for window in caller.windows if window.passes(action)))
    if caller.identity_id is not None:
        view = _both(view, _view_of(snapshot, caller.identity_id, action, now))
    return view


def _view_of(snapshot: Snapshot, principal_id: str, action: Action, now: datetime) -> View:
    live = [held for held in snapshot.holdings(principal_id) if held.binding.live(now)]
    holding = [held for held in live if action in held.role.actions]
    reaches = [reach for held in holding for reach in _reaches(snapshot, held, classed=action in CLASSED)]
    if action in READING:
        reaches += _registry_reaches(snapshot, live)
    return View(
        platform=action not in CLASSED and any(not held.binding.scope.parts for held in holding),
        reaches=_without_repeats(reaches),
        unlabelled=action not in CLASSED,
    )


def _reaches(snapshot: Snapshot, held: Holding, *, classed: bool) -> Iterator[Reach]:
    """Yield what one binding reaches; one at the platform reaches each stage up to its own ceiling."""
    scope = held.binding.scope
    for at in (scope,) if scope.parts else _everywhere(snapshot):
        place = snapshot.place_of(at)
        if place is not None:
            yield Reach(scope=at, ceiling=effective_ceiling(held.role.ceiling, place) if classed else None)


def _everywhere(snapshot: Snapshot) -> Iterator[Scope]:
    yield from (stage_scope(stage) for stage in sorted(snapshot.stages))
    yield from (registry_scope(registry) for registry in sorted(snapshot.registries))


def _registry_reaches(snapshot: Snapshot, live: Iterable[Holding]) -> Iterator[Reach]:
    """Yield every registry for whoever holds a role in some stage, up to his own ceiling."""
    for held in live:
        stage = held.binding.scope.stage
        if stage is not None:
            ceiling = effective_ceiling(held.role.ceiling, snapshot.stages[stage])
            yield from (
                Reach(scope=registry_scope(registry), ceiling=ceiling) for registry in sorted(snapshot.registries)
            )


def _through(view: View, windows: tuple[Window, ...]) -> View:
    """Return what of the view a token lets through."""
    pairs = ((reach, _overlap(reach.scope, window.scope)) for reach in view.reaches for window in windows)
    return View(
        platform=view.platform and any(not window.scope.parts for window in windows),
        reaches=_without_repeats(
            Reach(scope=scope, ceiling=reach.ceiling) for reach, scope in pairs if scope is not None
        ),
        unlabelled=view.unlabelled,
    )


def _both(one: View, other: View) -> View:
    """Return what both views show."""
    pairs = ((left, right, _overlap(left.scope, right.scope)) for left in one.reaches for right in other.reaches)
    return View(
        platform=one.platform and other.platform,
        reaches=_without_repeats(
            Reach(scope=scope, ceiling=_lower(left.ceiling, right.ceiling))
            for left, right, scope in pairs
            if scope is not None
        ),
        unlabelled=one.unlabelled,
    )


def _overlap(one: Scope, other: Scope) -> Scope | None:
    """Return the deeper of two scopes where one covers the other, else None."""
    if one.covers(other):
        return other
    return one if other.covers(one) else None


def _lower(one: DataClass | None, other: DataClass | None) -> DataClass | None:
    if one is None or other is None:
        return one or other
    return lowest(one, other)


def _without_repeats(reaches: Iterable[Reach]) -> tuple[Reach, ...]:
    return tuple(dict.fromkeys(reaches))
