"""`bucle replay`: a past prediction computed again."""

import click

from bucle.cli.asking import Asked, asking


@click.command()
@click.argument("request_id")
@asking
def replay(asked: Asked, request_id: str) -> int:
    """Compute a past prediction again; leave with 1 when it differs. Python: `Client.replay.create(request_id)`."""
    with asked.client() as client:
        client.replay.create(request_id)
        found = client.replay.wait(request_id)
        asked.show(found)
    return 0 if found["equal"] else 1
