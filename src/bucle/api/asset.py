"""Operations on assets that are a document, environments and components: the same verbs for each."""

from typing import Annotated, Any

from fastapi import Body, Query

from bucle.api.door import Called, Door, TheWorld
from bucle.api.paging import AskedPage, page_of
from bucle.ops.asset import COMPONENT, ENVIRONMENT, DocumentAsset
from bucle.spec.loading import load_body

DOOR = Door()


def _add(asset: DocumentAsset, one: str) -> None:
    """Add the operations of a kind; `one` is it with its article."""
    noun, place = asset.kind, f"/stages/{{stage}}/{asset.kind}s"

    def create(world: TheWorld, call: Called, stage: str, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        return asset.create(world, call, stage, load_body(body, noun).document)

    def listed(
        world: TheWorld, call: Called, stage: str, page: AskedPage, name: Annotated[str | None, Query()] = None
    ) -> dict[str, Any]:
        rows, last = asset.listed(world, call, stage, name=name, limit=page.limit, after=page.after)
        return page_of(world, rows, last)

    def show(world: TheWorld, call: Called, stage: str, name: str, version: str) -> dict[str, Any]:
        return asset.show(world, call, stage, name, version)

    create.__doc__ = f"Make a version of {one}; the body is the YAML document as JSON."
    listed.__doc__ = f"List versions of {noun}s, newest first."
    show.__doc__ = f"Show one version of {one}; `latest` is the newest."
    DOOR.operation("POST", place, name=f"{noun}.create", permission=asset.write, status=201)(create)
    DOOR.operation("GET", place, name=f"{noun}.list", permission=asset.read)(listed)
    DOOR.operation("GET", f"{place}/{{name}}/versions/{{version}}", name=f"{noun}.show", permission=asset.read)(show)


_add(ENVIRONMENT, "an environment")
_add(COMPONENT, "a component")
