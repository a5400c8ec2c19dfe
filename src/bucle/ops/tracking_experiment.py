"""Experiments of a workspace: make, find, search, rename, tag, delete, restore."""

from collections.abc import Sequence

from bucle import errors
from bucle.ops.secret import without_secrets
from bucle.ops.tracking_place import enter
from bucle.ops.world import Call, World
from bucle.tracking import experiments, rules
from bucle.tracking.experiments import Experiment, Lifecycle, Search


def create(world: World, call: Call, workspace: str, name: str, tags: Sequence[tuple[str, str]]) -> Experiment:
    """Make an experiment."""
    with world.write(call) as transaction:
        place = enter(world, transaction.rows, call, workspace, "experiments/write")
        rules.refuse_reserved([key for key, _ in tags])
        return experiments.create(transaction, place.stage, name, tags)


def show(world: World, call: Call, workspace: str, experiment_id: str) -> Experiment:
    """Return an experiment by its id."""
    with world.read() as rows:
        place = enter(world, rows, call, workspace, "experiments/read")
        return experiments.find(rows, place.stage, experiment_id)


def show_by_name(world: World, call: Call, workspace: str, name: str) -> Experiment:
    """Return an experiment by its name; NotFound is what tells a client to make it."""
    with world.read() as rows:
        place = enter(world, rows, call, workspace, "experiments/read")
        found = experiments.find_by_name(rows, place.stage, name)
    if found is None:
        raise errors.NotFound("tracking.no_experiment", experiment=name[:80], stage=place.stage)
    return found


def search(world: World, call: Call, workspace: str, asked: Search) -> Sequence[Experiment]:
    """Return the experiments that pass a filter."""
    with world.read() as rows:
        place = enter(world, rows, call, workspace, "experiments/read")
        return experiments.search(rows, place.stage, asked)


def rename(world: World, call: Call, workspace: str, experiment_id: str, name: str) -> None:
    """Give an experiment another name."""
    with world.write(call) as transaction:
        place = enter(world, transaction.rows, call, workspace, "experiments/write")
        experiments.rename(transaction, experiments.find(transaction.rows, place.stage, experiment_id), name)


def set_lifecycle(world: World, call: Call, workspace: str, experiment_id: str, lifecycle: Lifecycle) -> None:
    """Delete or restore an experiment with its runs."""
    with world.write(call) as transaction:
        place = enter(world, transaction.rows, call, workspace, "experiments/write")
        found = experiments.find(transaction.rows, place.stage, experiment_id)
        experiments.set_lifecycle(transaction, found, lifecycle)
        what = "experiments/delete" if lifecycle == "deleted" else "experiments/restore"
        transaction.record(call.event(place.stage, what, f"experiments/{found.name}"))


def set_tag(world: World, call: Call, workspace: str, experiment_id: str, tag: tuple[str, str]) -> None:
    """Set a tag of an experiment."""
    key, value = tag
    with world.write(call) as transaction:
        place = enter(world, transaction.rows, call, workspace, "experiments/write")
        rules.refuse_reserved([key])
        found = experiments.active(experiments.find(transaction.rows, place.stage, experiment_id))
        for kept, shown in without_secrets(world, transaction.rows, (place.stage, place.job), [(key, value)]):
            experiments.set_tag(transaction, found.id, kept, shown)


def delete_tag(world: World, call: Call, workspace: str, experiment_id: str, key: str) -> None:
    """Take a tag of an experiment away."""
    with world.write(call) as transaction:
        place = enter(world, transaction.rows, call, workspace, "experiments/write")
        rules.refuse_reserved([key])
        found = experiments.active(experiments.find(transaction.rows, place.stage, experiment_id))
        experiments.delete_tag(transaction, found.id, key)
