"""`bucle model`: package, list, show, share."""

from pathlib import Path

import click

from bucle.cli.asking import Asked, asking_in_stage

COLUMNS = ("name", "version", "type", "class", "size", "job", "digest")


@click.group()
def model() -> None:
    """Models: packaged, evaluated, each born with its release."""


@model.command()
@click.option("--from-job", "job", required=True, help="The completed job that made it; its code holds release.yml.")
@click.option("-n", "--name", default=None, help="Default: the name in release.yml.")
@click.option("-v", "--version", default=None, help="Default: the next number.")
@click.option("--no-wait", is_flag=True, help="Return when packaging has begun.")
@asking_in_stage
def create(asked: Asked, job: str, name: str | None, version: str | None, no_wait: bool) -> None:
    """Package the model that a job made. Python: `Client.model.create(job, stage=…)`."""
    with asked.client() as client:
        begun = client.model.create(job, stage=asked.stage, name=name, version=version)
        if not no_wait:
            begun = client.model.wait(begun["name"], begun["version"], stage=asked.stage)
        asked.show(begun)


@model.command("list")
@click.option("-n", "--name", default=None)
@asking_in_stage
def listed(asked: Asked, name: str | None) -> None:
    """List model versions. Python: `Client.model.list(stage=…)`."""
    with asked.client() as client:
        asked.show(client.model.list(stage=asked.stage, name=name), COLUMNS)


@model.command("show")
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", default="latest", show_default=True)
@click.option("--lineage", "wanted", is_flag=True, help="Where it comes from.")
@asking_in_stage
def shown(asked: Asked, name: str, version: str, wanted: bool) -> None:
    """Show a version with its release. Python: `Client.model.show(name, version)`, `Client.model.lineage(…)`."""
    with asked.client() as client:
        look = client.model.lineage if wanted else client.model.show
        asked.show(look(name, version, stage=asked.stage))


@model.command()
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", required=True)
@click.option("--registry-name", "registry", required=True)
@asking_in_stage
def share(asked: Asked, name: str, version: str, registry: str) -> None:
    """Share a version to a registry. Python: `Client.model.share(name, version, registry)`."""
    with asked.client() as client:
        asked.show(client.model.share(name, version, registry, stage=asked.stage))


@model.command()
@click.option("-n", "--name", required=True)
@click.option("-v", "--version", default="latest", show_default=True)
@click.option("-p", "--download-path", "folder", type=click.Path(path_type=Path), required=True, help="A new folder.")
@asking_in_stage
def download(asked: Asked, name: str, version: str, folder: Path) -> None:
    """Write a release into a folder, with what verifies it offline. Python: `Client.model.download(name, version, …)`.

    `model_signing verify key model --signature model.sig --public_key model-key.pem --no-ignore-git-paths` verifies
    its files; compare both keys with those of `bucle audit key`, seen when you had reason to believe them.
    """
    with asked.client() as client:
        asked.show(client.model.download(name, version, folder, stage=asked.stage))


@model.command()
@click.option("-n", "--name", required=True)
@click.option("--as-of", default=None, help="An instant, as 2026-03-01T00:00:00Z.")
@asking_in_stage
def history(asked: Asked, name: str, as_of: str | None) -> None:
    """Show what served when. Python: `Client.model.history(name, stage=…, as_of=…)`."""
    with asked.client() as client:
        asked.show(client.model.history(name, stage=asked.stage, as_of=as_of))
