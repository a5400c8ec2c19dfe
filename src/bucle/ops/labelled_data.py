"""From traffic to training data: rows that were served, joined with their labels, as a data asset of their stage."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from bucle import errors
from bucle.access.stages import find_stage
from bucle.assets import datastores, versions
from bucle.assets.versions import Version
from bucle.core.classes import highest
from bucle.core.ids import next_version
from bucle.core.manifest import manifest_of
from bucle.core.windows import Window
from bucle.monitoring import traffic
from bucle.monitoring.traffic import Scored
from bucle.ops.data import path_of
from bucle.ops.world import Call, World
from bucle.release.releases import Release
from bucle.spec.digest import FolderEntry, canonical, digest_of
from bucle.store.instants import to_text
from bucle.store.records import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Labelled rows that an endpoint served in a stage: what they are for, and by what they were chosen."""

    release: Release
    stage: str
    name: str
    rows: Sequence[Scored]
    chosen: Mapping[str, str]


def served_in(rows: sa.Connection, stage: str, release: Release, window: Window, name: str) -> Served:
    """Return the labelled rows of a window of event time, served by the endpoint that `release` stands behind."""
    found = [one for one in traffic.in_window(rows, stage, release.name, window) if one.label is not None]
    chosen = {"from": to_text(window.start), "to": to_text(window.end)}
    return Served(release=release, stage=stage, name=name, rows=found, chosen=chosen)


def make_labelled(world: World, transaction: Transaction, call: Call, served: Served) -> Version:
    """Make a version of the data asset `<model>-<name>` of the labelled rows; BadRequest when there is none.

    The rows are ordered by event time and correlation id, so that the order, the repetition and the delay of labels
    change nothing. Its class is the highest of what it comes from; its document names the requests and labels.
    """
    rows, release, stage, found = transaction.rows, served.release, served.stage, served.rows
    name = f"{release.name}-{served.name}"
    if not found:
        raise errors.BadRequest("retrain.no_rows", count=0, least=1)
    content = "".join(_csv(found, release.manifest["release"]["target"])).encode()
    digest = f"sha256:{sha256(content).hexdigest()}"
    entry = FolderEntry(path=f"{name}.csv", executable=False, size=len(content), sha256=digest)
    files = manifest_of([entry])
    store = datastores.find(rows, stage, datastores.DEFAULT)
    store.receive(digest, (content,))
    store.place(files)
    place = find_stage(rows, stage)
    world.objects.put(place.workspace, (canonical(files.document()),), named=files.digest)
    made = Version(
        id=world.new_id(),
        scope=stage,
        kind="data",
        name=name,
        version=next_version(versions.versions_of(rows, stage, "data", name)),
        type="uri_file",
        digest=files.digest,
        data_class=highest([store.data_class, release.manifest["class"]]),
        size=files.size,
        document={
            "path": path_of(store.name, files.digest, entry.path),
            "datastore": store.name,
            "form": "file",
            "files": 1,
            "rows": len(found),
            "description": f"served by {release.name} in {stage} and labelled since",
            "tags": {},
            "made_of": {
                "endpoint": release.name,
                **served.chosen,
                "requests": digest_of([one.correlation_id for one in found]),
                "labels": digest_of([[one.correlation_id, one.label] for one in found]),
                "releases": sorted({one.release for one in found}),
            },
        },
        made_by=call.principal.name,
        created_at=transaction.now,
    )
    versions.add(transaction, made)
    for one in found:
        versions.connect(transaction, f"request/{one.correlation_id}", f"data/{made.id}", "labelled")
    after = {"digest": made.digest, "class": made.data_class, "rows": len(found)}
    transaction.record(call.event(stage, "datasets/create", f"data/{name}:{made.version}", after=after))
    return made


def _csv(found: Sequence[Scored], target: str) -> Iterator[str]:
    """Yield a table with every column that was sent, then the label, in the format that the release's job reads."""
    names = sorted({name for one in found for name in one.columns})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    rows = ([*(_cell(one.columns.get(name)) for name in names), _label(one.label)] for one in found)
    for row in ([*names, target], *rows):
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Any) -> Any:
    return "" if value is None else value


def _label(value: Any) -> Any:
    """Return a label as canonical JSON has it (RFC 8785), from every database: SQLite gives 19.0 back as 19."""
    return canonical(value).decode().strip('"') if isinstance(value, float) else _cell(value)
