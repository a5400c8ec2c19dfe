"""What the records say must lie in the folders: objects of workspaces, and folders whose digest is known."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import sqlalchemy as sa

from bucle.store.metadata import METADATA
from bucle.store.objects import hex_of
from bucle.store.tables.access import stage
from bucle.store.tables.assets import asset, datastore
from bucle.store.tables.execution import attempt, job, step
from bucle.store.tables.release import release
from bucle.store.tables.serving import deployment, endpoint
from bucle.store.tables.tracking import artifact, logged_model, run

DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
TELLS_ONLY = frozenset(
    {"event", "chain_head", "answer", "scored", "label", "metric", "latest_metric", "model_metric", "token", "session"}
)
"""Tables whose rows need no bytes: history, measurements, ways in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectNamed:
    """An object of a workspace; of a `tree` it is the manifest, and every file in it is named too."""

    workspace: str
    digest: str
    tree: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderNamed:
    """A folder outside the objects (a file's is the one it lies in), whose files have this digest together."""

    path: str
    digest: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServed:
    """The model that the workers of a deployment load."""

    stage: str
    digest: str
    by: str


def objects_named(rows: sa.Connection) -> Iterator[ObjectNamed]:
    """Yield every object that a row names."""
    workspaces = _workspaces(rows)
    for owner in (run, logged_model):
        query = sa.select(owner.c.artifact_root, artifact.c.path, artifact.c.digest).where(
            artifact.c.owner == owner.c.id
        )
        for root, path, digest in rows.execute(query):
            yield ObjectNamed(workspace=root.partition("/")[0], digest=digest, tree=False, by=f"artifact {path}")
    for row in rows.execute(sa.select(release.c.workspace, release.c.alias, release.c.manifest)):
        digest = row.manifest["model"]["digest"]
        yield ObjectNamed(workspace=row.workspace, digest=digest, tree=True, by=f"release {row.alias}")
    kept = sa.select(asset).where(asset.c.kind.in_(("model", "data")), asset.c.scope.in_(workspaces))
    for row in rows.execute(kept):
        name = f"{row.kind} {row.name}:{row.version}"
        # the files of data lie in its datastore, those of a model are objects
        tree = row.kind == "model"
        yield ObjectNamed(workspace=workspaces[row.scope], digest=row.digest, tree=tree, by=name)
    for row in rows.execute(sa.select(step.c.stage, step.c.plan, job.c.name).join(job, job.c.id == step.c.job_id)):
        if row.plan["code"] is not None:
            code = row.plan["code"]
            yield ObjectNamed(workspace=workspaces[row.stage], digest=code, tree=True, by=f"code of job {row.name}")


def folders_named(rows: sa.Connection) -> Iterator[FolderNamed]:
    """Yield every folder that a row names with its digest: versions of data, outputs of jobs."""
    roots = {(row.stage, row.name): row.path for row in rows.execute(sa.select(datastore))}
    for row in rows.execute(sa.select(asset).where(asset.c.kind == "data")):
        root = roots.get((row.scope, row.document["datastore"]))
        if root is not None:
            path = f"{root}/uploads/{hex_of(row.digest)}"
            yield FolderNamed(path=path, digest=row.digest, by=f"data {row.name}:{row.version}")
    ended = sa.select(step.c.outputs, job.c.name).join(job, job.c.id == step.c.job_id)
    for outputs, name in rows.execute(ended.where(step.c.state == "completed")):
        for output, made in (outputs or {}).items():
            path = str(PurePosixPath(made["path"]).parent) if made["form"] == "file" else made["path"]
            yield FolderNamed(path=path, digest=made["digest"], by=f"output {output} of job {name}")


def models_served(rows: sa.Connection) -> Iterator[ModelServed]:
    """Yield the model of every deployment."""
    query = sa.select(endpoint.c.stage, endpoint.c.name.label("endpoint"), deployment.c.name, deployment.c.model_digest)
    for row in rows.execute(query.join(endpoint, endpoint.c.id == deployment.c.endpoint_id)):
        by = f"deployment {row.name} of {row.endpoint} in {row.stage}"
        yield ModelServed(stage=row.stage, digest=row.model_digest, by=by)


def digests_said(rows: sa.Connection) -> frozenset[str]:
    """Return every digest, in hexadecimal, that stands anywhere in a row that may need its bytes.

    More than what is named above, and on purpose: whoever removes bytes must not miss a column that came later.
    """
    found: set[str] = set()
    for table in METADATA.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, sa.Text | sa.JSON)]
        if table.name not in TELLS_ONLY and columns:
            for row in rows.execute(sa.select(*(sa.cast(column, sa.Text) for column in columns))):
                for value in row:
                    found.update(DIGEST.findall(value or ""))
    return frozenset(found)


def stages_of_attempts(rows: sa.Connection) -> Mapping[str, str]:
    """Return the stage of every attempt, by its id."""
    found = rows.execute(sa.select(attempt.c.id, step.c.stage).join(step, step.c.id == attempt.c.step_id))
    return {row.id: row.stage for row in found}


def _workspaces(rows: sa.Connection) -> dict[str, str]:
    return {row.name: row.workspace for row in rows.execute(sa.select(stage.c.name, stage.c.workspace))}
