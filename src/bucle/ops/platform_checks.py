"""What must hold of a platform file beside the planner's rules: names, workspaces, folders, defaults."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa

from bucle import errors
from bucle.access import principals
from bucle.access.stages import list_stages
from bucle.assets import datastores
from bucle.assets.datastores import DEFAULT
from bucle.config import Home
from bucle.core.platform import Datastore, Platform
from bucle.ops.world import World
from bucle.spec.platform import Platform as PlatformFile

REGISTRY_PREFIX = "registry-"
"""Objects of a registry lie in a workspace of this name, which no stage may take."""


def refuse_not_run(file: PlatformFile) -> None:
    """Raise BadRequest for what a file may say and this version does not do."""
    own = [name for name, stage in file.stages.items() if stage.workspace is not None]
    if file.layout == "single" and own:
        raise errors.BadRequest("platform.one_workspace", stage=own[0], name=file.name)
    if file.isolation == "none":
        raise errors.BadRequest("platform.not_run", field="isolation", value=file.isolation, instead="auto")


def refuse_unfit(world: World, rows: sa.Connection, wanted: Platform) -> None:
    """Raise for a name, a workspace or a folder that cannot be taken."""
    _refuse_disabled(rows, wanted)
    _refuse_workspaces(world, rows, wanted)
    _refuse_second_default(rows, wanted)
    _refuse_folders(world.home, rows, wanted)


def _refuse_disabled(rows: sa.Connection, wanted: Platform) -> None:
    gone = {known.name for known in principals.list_principals(rows) if known.disabled_at is not None}
    for member in wanted.principals:
        if member.name in gone:
            raise errors.Conflict("principal.disabled", name=member.name)


def _refuse_workspaces(world: World, rows: sa.Connection, wanted: Platform) -> None:
    """Refuse a workspace that two stages would have, that looks like a registry's, or that objects would leave."""
    before = {stage.name: stage.workspace for stage in list_stages(rows)}
    after = before | {stage.name: stage.workspace or before.get(stage.name, stage.name) for stage in wanted.stages}
    counts = Counter(after.values())
    for stage, workspace in after.items():
        if counts[workspace] > 1 or workspace.startswith(REGISTRY_PREFIX):
            raise errors.BadRequest("platform.workspace_taken", stage=stage, workspace=workspace)
        old = before.get(stage, workspace)
        if old != workspace and (world.objects.root / old).exists():
            raise errors.Conflict("platform.workspace_in_use", stage=stage, before=old, after=workspace)


def _refuse_second_default(rows: sa.Connection, wanted: Platform) -> None:
    """Refuse to make another datastore a stage's default: what was written names the one that it has."""
    has = {store.stage: store.name for store in datastores.every(rows) if store.default or store.name == DEFAULT}
    for store in wanted.datastores:
        if (store.default or store.name == DEFAULT) and has.setdefault(store.stage, store.name) != store.name:
            raise errors.BadRequest(
                "platform.default_datastore", stage=store.stage, name=store.name, default=has[store.stage]
            )


def _refuse_folders(home: Home, rows: sa.Connection, wanted: Platform) -> None:
    """Refuse a folder that cannot be made, lies in the state folder, or holds another datastore's data.

    Whoever attaches a folder reads it under the class that he gives it: two datastores never share bytes.
    """
    taken = {f"{store.stage}/{store.name}": store.root.resolve() for store in datastores.every(rows)}
    for store in wanted.datastores:
        if store.path is None:
            continue
        name = f"{store.stage}/{store.name}"
        root = Path(store.path)
        if not root.is_absolute() or ".." in root.parts:
            raise errors.BadRequest("platform.datastore_folder", path=root, why="it is not an absolute path")
        if taken.get(name) == root.resolve():
            continue
        if not datastores.is_makeable(root):
            raise errors.BadRequest("platform.datastore_folder", path=root, why="the server cannot write there")
        for other in _overlapping(root.resolve(), {**_others(taken, name), "the state folder": home.root.resolve()}):
            raise errors.BadRequest("platform.datastore_overlaps", path=root, other=other)
        _refuse_move(store, taken.get(name))
        taken[name] = root.resolve()


def _refuse_move(store: Datastore, old: Path | None) -> None:
    if old is not None and old.exists() and any(os.scandir(old)):
        raise errors.Conflict("platform.datastore_moved", stage=store.stage, name=store.name, before=old)


def _others(taken: Mapping[str, Path], name: str) -> dict[str, Path]:
    return {other: root for other, root in taken.items() if other != name}


def _overlapping(root: Path, taken: Mapping[str, Path]) -> Iterator[str]:
    for other, place in taken.items():
        if root == place or place in root.parents or root in place.parents:
            yield other
