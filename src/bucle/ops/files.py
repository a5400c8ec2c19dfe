"""Files kept: a folder's files and its manifest become objects of a workspace."""

from pathlib import Path

from bucle.execution.outputs import folder_manifest
from bucle.ops.world import World
from bucle.spec.digest import canonical

CHUNK = 1 << 20


def keep_folder(world: World, workspace: str, folder: Path) -> str:
    """Keep every file of `folder` and their manifest as objects; return the manifest's digest."""
    files = folder_manifest(folder)
    for entry in files.entries:
        with (folder / entry.path).open("rb") as stream:
            world.objects.put(workspace, iter(lambda: stream.read(CHUNK), b""), named=entry.sha256)
    world.objects.put(workspace, (canonical(files.document()),), named=files.digest)
    return files.digest
