"""`bucle init`: a platform file and a sample project to begin with."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from bucle import errors
from bucle.cli.render import say

SUFFIX = ".template"
"""Keeps a stranger's project apart from the product: no tool of ours reads these files as its own."""
GOVERNANCES = ("solo", "team")


@click.command()
@click.argument("folder", default=".")
@click.option("--solo", "governance", flag_value="solo", help="One person holds every role (the default).")
@click.option("--team", "governance", flag_value="team", help="People named after their roles.")
def init(folder: str, governance: str | None) -> int:
    """Write platform.yml and a sample project to FOLDER; overwrite nothing. Python: edit the files yourself."""
    place = Path(folder)
    chosen = governance or "solo"
    texts = dict(_texts(chosen, _name_of(place)))
    for path in texts:
        if (place / path).exists():
            raise errors.Conflict("platform.folder_taken", path=place / path)
    for path, text in texts.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
        click.echo(str(place / path))
    _begin_repository(place)
    for command in _next(place, chosen):
        say(f"  {command}")
    return 0


def _texts(governance: str, name: str) -> Iterator[tuple[str, str]]:
    for path, file in _walk(files("bucle.cli") / "init_files", ""):
        other = path.startswith("platform-") and path != f"platform-{governance}.yml"
        if not other:
            target = "platform.yml" if path.startswith("platform-") else path
            yield (
                ".gitignore" if target == "gitignore" else target,
                file.read_text().replace("name: NAME", f"name: {name}"),
            )


def _walk(folder: Traversable, above: str) -> Iterator[tuple[str, Traversable]]:
    for child in sorted(folder.iterdir(), key=lambda child: child.name):
        if child.is_dir():
            yield from _walk(child, f"{above}{child.name}/")
        elif child.name.endswith(SUFFIX):
            yield above + child.name.removesuffix(SUFFIX), child


def _name_of(place: Path) -> str:
    """Return the folder's name as the name of a platform."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", place.resolve().name).strip("-._") or "platform"


def _begin_repository(place: Path) -> None:
    """Make the folder a git repository, where git is there and no repository holds it yet."""
    git = shutil.which("git")
    if git is None:
        return
    inside = subprocess.run([git, "rev-parse", "--git-dir"], cwd=place, capture_output=True, check=False)
    if inside.returncode != 0:
        subprocess.run([git, "init", "--quiet"], cwd=place, capture_output=True, check=False)


def _next(place: Path, governance: str) -> Iterator[str]:
    """Yield the commands that come next."""
    if place.resolve() != Path.cwd():
        yield f"cd {place}"
    yield "bucle up"
    yield "bucle plan"
    yield "bucle apply"
    yield "bucle gate set -f gates/preprod.yml && bucle gate set -f gates/prod.yml"
    if governance == "team":
        yield "bucle principal invite access-admin     # once he has signed in: bucle apply"
    yield "bucle job create -f hello.yml --stream"
    yield "git add --all && git commit -m 'A platform' && bucle job create -f train.yml --stream"
