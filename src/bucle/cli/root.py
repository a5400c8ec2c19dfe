"""The root command: which module holds which noun or verb, and how an error becomes a sentence and an exit code."""

import sys
from importlib import import_module
from typing import Any

import click

from bucle import errors

NOUNS = {
    "data": "bucle.cli.data",
    "environment": "bucle.cli.asset",
    "component": "bucle.cli.asset",
    "job": "bucle.cli.job",
    "model": "bucle.cli.model",
    "promotion": "bucle.cli.promotion",
    "monitor": "bucle.cli.monitor",
    "label": "bucle.cli.monitor",
    "online-endpoint": "bucle.cli.online_endpoint",
    "online-deployment": "bucle.cli.online_deployment",
    "schedule": "bucle.cli.schedule",
    "stage": "bucle.cli.stage",
    "gate": "bucle.cli.gate",
    "audit": "bucle.cli.audit",
    "principal": "bucle.cli.principal",
    "binding": "bucle.cli.binding",
    "role": "bucle.cli.role",
    "token": "bucle.cli.token",
    "db": "bucle.cli.db",
    "secret": "bucle.cli.secret",
}
VERBS = {
    "replay": "bucle.cli.replay",
    "trace": "bucle.cli.trace",
    "promote": "bucle.cli.promotion",
    "approve": "bucle.cli.promotion",
    "reject": "bucle.cli.promotion",
    "rollback": "bucle.cli.promotion",
    "inbox": "bucle.cli.promotion",
    "init": "bucle.cli.init",
    "plan": "bucle.cli.apply",
    "apply": "bucle.cli.apply",
    "validate": "bucle.cli.validation",
    "doctor": "bucle.cli.doctor",
    "demo": "bucle.cli.demo",
    "up": "bucle.cli.life",
    "down": "bucle.cli.life",
    "status": "bucle.cli.life",
    "backup": "bucle.cli.backup",
    "restore": "bucle.cli.backup",
    "whoami": "bucle.cli.whoami",
    "login": "bucle.cli.login",
    "logout": "bucle.cli.login",
    "can": "bucle.cli.can",
    "why-denied": "bucle.cli.can",
    "upgrade": "bucle.cli.upgrade",
    "gc": "bucle.cli.disk",
    "metrics": "bucle.cli.metrics",
    "disk": "bucle.cli.disk",
}


class LazyCommands(click.Group):
    """A group that imports a noun only when it is named: `bucle --help` must stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all nouns and verbs."""
        return sorted({**NOUNS, **VERBS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, importing its module."""
        place = {**NOUNS, **VERBS}.get(cmd_name)
        if place is None:
            return None
        command: click.Command = getattr(import_module(place), cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names without importing what is behind them."""
        with formatter.section("Nouns"):
            formatter.write_text("  ".join(sorted(NOUNS)))
        with formatter.section("Verbs"):
            formatter.write_text("  ".join(sorted(VERBS)))


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bucle")
def bucle() -> None:
    """Run the whole MLOps loop: platform, data, jobs, models, releases, serving, monitoring, retraining."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; a person never sees a traceback."""
    args = sys.argv[1:] if arguments is None else arguments
    if args[:1] == ["ml"]:  # `bucle ml job create` is `az ml job create` with one word replaced
        args = args[1:]
    sys.exit(run(args))


def run(args: list[str]) -> int:
    """Run one command; return its exit code."""
    try:
        done: Any = bucle.main(args, prog_name="bucle", standalone_mode=False)
    except errors.BucleError as error:
        return _say(error.detail, error.hint, error.exit_status)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    return done if isinstance(done, int) else 0


def _say(detail: str, hint: str, status: int) -> int:
    click.echo(f"error: {detail}", err=True)
    if hint:
        click.echo(f"  try: {hint}", err=True)
    return status
