"""The ground of a job: its components found, its environments chosen, its inputs and the places of its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import Stage
from bucle.assets import datastores
from bucle.core import job as planning
from bucle.core.actions import Action
from bucle.core.classes import RANK, DataClass, highest
from bucle.core.environment import Chosen, Interpreters, choose, choose_curated
from bucle.core.ids import job_name
from bucle.core.job import Found, Ground, JobDocument, Nodes
from bucle.core.job_graph import Component, nodes_of
from bucle.core.job_node import Node, Source
from bucle.execution.environments import HERE
from bucle.ops import asset
from bucle.ops.authority import authorise
from bucle.ops.job_inputs import find_source
from bucle.ops.world import Call, World
from bucle.spec.command_component import CommandComponent
from bucle.spec.environment import InlineEnvironment
from bucle.spec.loading import load_body
from bucle.spec.pipeline_job import PipelineComponent
from bucle.spec.references import asset_named

RANDOM_OF_A_NAME = 10
EXACT = ("bucle.python", "exact")
"""A property of a job: no other interpreter may stand for the one that its environment asks for."""


def nodes_in(world: World, rows: sa.Connection, call: Call, stage: str, asked: JobDocument) -> Nodes:
    """Return the nodes of a job, registered components read from the stage."""

    @cache
    def component_of(reference: str) -> Component:
        authorise(world, rows, call, "components/read", stage)
        name, version = asset_named(reference, "a component")
        found = asset.COMPONENT.find(rows, stage, name, version)
        if found is None:
            raise errors.NotFound("asset.not_found", kind="component", name=f"{name}:{version}", stage=stage)
        value = load_body({"name": name, **found.document}, "component").value
        assert isinstance(value, CommandComponent | PipelineComponent), "only such a component was registered"
        return value

    return nodes_of(asked, component_of)


def ground_of(world: World, rows: sa.Connection, call: Call, stage: Stage, asked: JobDocument, nodes: Nodes) -> Ground:
    """Find everything that the plan of a job stands on; each input is authorised by its own class."""
    name = asked.name or job_name(world.random(RANDOM_OF_A_NAME))
    store = datastores.find(rows, stage.name, datastores.DEFAULT)
    asking = _Asking(world=world, rows=rows, call=call, stage=stage)
    environments, chosen = world.environments(stage.tier), _environments(asking, asked, nodes)
    for one in chosen.values():
        environments.announce(one.ask)
    sources = {source: find_source(world, rows, call, stage, source) for source in planning.sources_of(nodes)}
    return Ground(
        stage=stage.name,
        name=name,
        sources=sources,
        environments=chosen,
        built=frozenset(one.ask.digest for one in chosen.values() if environments.find(one.ask.digest)),
        outputs=str(store.root / "jobs" / name),
        published=_published(asking, name, nodes, sources),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Who asks in which stage, and the state of the records that answers."""

    world: World
    rows: sa.Connection
    call: Call
    stage: Stage

    def may(self, action: Action, data_class: DataClass | None = None) -> None:
        authorise(self.world, self.rows, self.call, action, self.stage.name, data_class=data_class)


def _environments(asking: _Asking, asked: JobDocument, nodes: Nodes) -> Mapping[str, Chosen]:
    name, value = EXACT
    exact = str((asked.properties or {}).get(name, "")) == value
    interpreters = Interpreters(here=HERE, installed=asking.world.pythons, exact=exact)
    return {node.name: _environment(asking, node, interpreters) for node in nodes}


def _environment(asking: _Asking, node: Node, interpreters: Interpreters) -> Chosen:
    """Return what a node's environment comes to: written in place, an asset of the stage, or a curated one."""
    if not isinstance(node.environment, str):
        return choose(node.environment, interpreters)
    asking.may("environments/read")
    stage, (name, version) = asking.stage.name, asset_named(node.environment, "an environment")
    found = asset.ENVIRONMENT.find(asking.rows, stage, name, version)
    if found is not None:
        value = load_body({"name": name, **found.document}, "environment").value
        assert isinstance(value, InlineEnvironment), "only an environment was registered"
        return choose(value, interpreters)
    curated = choose_curated(name, interpreters)
    if curated is None:
        raise errors.NotFound("job.environment_unknown", reference=node.environment, stage=stage, name=name)
    return curated


def _published(
    asking: _Asking, name: str, nodes: Nodes, sources: Mapping[Source, Found]
) -> Mapping[tuple[str, str], str]:
    """Return the folders and files at which outputs are laid besides; who may not write there is refused.

    What a job reads may not come to lie in a datastore of a lower class.
    """
    rows, stage = asking.rows, asking.stage.name
    default = datastores.find(rows, stage, datastores.DEFAULT)
    reads = highest(one.data_class for one in sources.values())
    found = {}
    for key, place in planning.published_of(nodes, name, default.name).items():
        store = datastores.find(rows, stage, place.datastore)
        asking.may("data/write", store.data_class)
        if RANK[reads] > RANK[store.data_class]:
            raise errors.Refused(
                "job.output_class", output=".".join(key), datastore=store.name, holds=store.data_class, reads=reads
            )
        found[key] = str(store.inside(place.path))
    return found
