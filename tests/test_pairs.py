"""Every operation of the API has a method of the client and a verb of the command line, and the other way round."""

import inspect

import click

from bucle.api import routers
from bucle.cli.root import LazyCommands, bucle
from bucle.client import Client

# Parts of a verb: the client calls them on its way; a person never does.
PARTS = {"data.announce", "data.upload", "code.announce", "code.upload", "model.file"}
# Operations whose verb stands alone on the command line.
VERB_FIRST = {
    "platform.status": "status",
    "platform.metrics": "metrics",
    "platform.whoami": "whoami",
    "platform.plan": "plan",
    "platform.apply": "apply",
    "sign_in.login": "login",
    "sign_in.redeem": "login",
    "sign_in.logout": "logout",
    "can.check": "can",
    "can.matrix": "can",
    "can.why_denied": "why-denied",
    "model.lineage": "model show",
    "platform.trace": "trace",
    "replay.create": "replay",
    "replay.show": "replay",
    "promotion.plan": "promote",
    "promotion.request": "promote",
    "promotion.approve": "approve",
    "promotion.reject": "reject",
    "promotion.rollback": "rollback",
    "promotion.inbox": "inbox",
    "audit.compare": "audit verify",
}
# Verbs that concern this machine or follow an operation on the terminal.
LOCAL = {
    "init",
    "up",
    "down",
    "doctor",
    "validate",
    "demo",
    "job stream",
    "db migrate",
    "backup",
    "restore",
    "upgrade",
    "gc",
    "disk",
}
# Methods that go on where an operation ends.
ON_TOP = {"online_deployment.wait"}


def _operations() -> set[str]:
    return {route.operation_id for router in routers() for route in router.routes} - PARTS


def _methods() -> set[str]:
    with Client("http://127.0.0.1:1") as client:
        nouns = {name: value for name, value in vars(client).items() if not name.startswith("_") and name != "address"}
        return {
            f"{noun}.{verb}"
            for noun, value in nouns.items()
            for verb, _ in inspect.getmembers(type(value), inspect.isfunction)
            if not verb.startswith("_")
        }


def _verbs() -> set[str]:
    assert isinstance(bucle, LazyCommands)
    found = set()
    context = click.Context(bucle)
    for name in bucle.list_commands(context):
        command = bucle.get_command(context, name)
        if isinstance(command, click.Group):
            found |= {f"{name} {verb}" for verb in command.commands}
        else:
            found.add(name)
    return found


def test_operations_and_methods_pair() -> None:
    """What the API can do, the client can; `wait` and `stream` are loops over operations."""
    assert (
        _methods() - {"job.wait", "job.stream", "model.wait", "promotion.wait", "replay.wait", *ON_TOP} == _operations()
    )


def test_operations_and_verbs_pair() -> None:
    """What the API can do, a person can do from the command line."""
    words = {VERB_FIRST.get(name, name.replace(".", " ").replace("_", "-")) for name in _operations()}
    assert _verbs() - LOCAL == words
