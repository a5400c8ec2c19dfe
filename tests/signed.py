"""Releases that a test writes by hand, as a packaging would leave them: their model kept, and signed."""

from dataclasses import replace

from bucle.core.manifest import manifest_of
from bucle.ops.signing import signed_release
from bucle.ops.world import World
from bucle.release.releases import Release
from bucle.spec.digest import FolderEntry, canonical


def kept_model(world: World, workspace: str, content: bytes) -> str:
    """Keep a model of one file; return its digest."""
    kept = world.objects.put(workspace, (content,))
    files = manifest_of([FolderEntry(path="MLmodel", executable=False, size=kept.size, sha256=kept.digest)])
    world.objects.put(workspace, (canonical(files.document()),), named=files.digest)
    return files.digest


def signed(world: World, release: Release) -> Release:
    """Return the release with its signature."""
    return replace(release, statement=signed_release(world, release))
