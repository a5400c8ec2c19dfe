"""Assets that are a document, environments and components: make a version, list, show, find by reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from bucle import errors
from bucle.assets import versions
from bucle.assets.versions import Version
from bucle.core.actions import Action
from bucle.core.classes import DataClass
from bucle.core.ids import next_version
from bucle.ops.authority import authorise
from bucle.ops.world import Call, World
from bucle.spec.digest import digest_of
from bucle.store.instants import to_text

CLASS: DataClass = "internal"
"""Of a document that holds no data."""
OF_THE_FILE = frozenset({"$schema", "name", "version"})
"""Fields that name a version and are no part of what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAsset:
    """A kind of such assets, and the permissions that its verbs need."""

    kind: Literal["environment", "component"]
    read: Action
    write: Action

    def create(self, world: World, call: Call, stage: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Make a version; its digest is that of its document without its name and version.

        A version that exists with the same digest is answered as it is; with another it is a Conflict.
        """
        name, wanted = str(document["name"]), document.get("version")
        content = {key: value for key, value in document.items() if key not in OF_THE_FILE}
        digest = digest_of(content)
        with world.write(call) as transaction:
            rows = transaction.rows
            authorise(world, rows, call, self.write, stage)
            version = str(wanted or next_version(versions.versions_of(rows, stage, self.kind, name)))
            earlier = versions.find(rows, stage, self.kind, name, version)
            if earlier is not None and earlier.digest != digest:
                raise errors.Conflict("asset.exists", kind=self.kind, name=name, version=version, stage=stage)
            if earlier is not None:
                return transaction.answers(document_of(earlier))
            made = Version(
                id=world.new_id(),
                scope=stage,
                kind=self.kind,
                name=name,
                version=version,
                type=str(document.get("type") or ("command" if self.kind == "component" else self.kind)),
                digest=digest,
                data_class=CLASS,
                size=0,
                document=content,
                made_by=call.principal.name,
                created_at=transaction.now,
            )
            versions.add(transaction, made)
            subject = f"{self.kind}s/{name}:{version}"
            transaction.record(call.event(stage, f"{self.kind}s/create", subject, after={"digest": digest}))
            return transaction.answers(document_of(made))

    def listed(
        self, world: World, call: Call, stage: str, *, name: str | None, limit: int, after: tuple[Any, ...] | None
    ) -> tuple[list[dict[str, Any]], tuple[Any, ...] | None]:
        """Return a page of versions, newest first, and the key behind which more follow."""
        with world.read() as rows:
            authorise(world, rows, call, self.read, stage)
            found = versions.page(rows, stage, self.kind, limit=limit + 1, after=after, name=name)
        shown = found[:limit]
        return [document_of(one) for one in shown], versions.page_key(shown[-1]) if len(found) > limit else None

    def show(self, world: World, call: Call, stage: str, name: str, version: str) -> dict[str, Any]:
        """Return one version; `latest` is the newest."""
        with world.read() as rows:
            authorise(world, rows, call, self.read, stage)
            found = self.find(rows, stage, name, version)
        if found is None:
            raise errors.NotFound("asset.not_found", kind=self.kind, name=f"{name}:{version}", stage=stage)
        return document_of(found)

    def find(self, rows: sa.Connection, stage: str, name: str, version: str) -> Version | None:
        """Return a version of a stage, the newest for `latest`; None when it has none of that name."""
        return versions.wanted(rows, stage, self.kind, name, version)


def document_of(version: Version) -> dict[str, Any]:
    """Return a version as people see it."""
    return {
        "name": version.name,
        "version": version.version,
        "type": version.type,
        "digest": version.digest,
        "stage": version.scope,
        "created_by": version.made_by,
        "created_at": to_text(version.created_at),
        "document": dict(version.document),
    }


ENVIRONMENT = DocumentAsset(kind="environment", read="environments/read", write="environments/write")
COMPONENT = DocumentAsset(kind="component", read="components/read", write="components/write")
