"""`bucle environment` and `bucle component`: assets that are a document, each with the same verbs."""

import click

from bucle.cli.asking import Asked, asking_in_stage

COLUMNS = ("name", "version", "type", "digest", "created_by", "created_at")


def _verbs(noun: str, article: str, what: str) -> click.Group:
    """Return the commands of a noun."""
    group = click.Group(noun, help=what)

    @group.command("create", help=f"Make a version of {article} {noun}. Python: `Client.{noun}.create(file, stage=…)`.")
    @click.option("-f", "--file", "file", required=True, help=f"YAML of the {noun}.")
    @click.option("--set", "assignments", multiple=True, help="Override a field: --set version=3.")
    @asking_in_stage
    def create(asked: Asked, file: str, assignments: tuple[str, ...]) -> None:
        with asked.client() as client:
            asked.show(getattr(client, noun).create(file, stage=asked.stage, assignments=assignments))

    @group.command("list", help=f"List {noun}s. Python: `Client.{noun}.list(stage=…)`.")
    @click.option("-n", "--name", default=None, help=f"Versions of this {noun} only.")
    @asking_in_stage
    def listed(asked: Asked, name: str | None) -> None:
        with asked.client() as client:
            asked.show(getattr(client, noun).list(stage=asked.stage, name=name), COLUMNS)

    @group.command("show", help=f"Show one version. Python: `Client.{noun}.show(name, version, stage=…)`.")
    @click.option("-n", "--name", required=True)
    @click.option("-v", "--version", default="latest", show_default=True)
    @asking_in_stage
    def shown(asked: Asked, name: str, version: str) -> None:
        with asked.client() as client:
            asked.show(getattr(client, noun).show(name, version, stage=asked.stage))

    return group


environment = _verbs("environment", "an", "Environments: the packages that jobs and deployments run with.")
component = _verbs("component", "a", "Components: steps that pipelines reuse.")
