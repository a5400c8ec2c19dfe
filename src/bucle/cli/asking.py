"""What every verb that asks a server takes: which server, which stage, and how the answer is shown."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bucle.cli.render import output_options, show
from bucle.cli.session import connect, server_options, stage_option
from bucle.client import Client
from bucle.config import default_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of one call, as a person gave them."""

    server: str | None
    home: str | None
    output: str | None
    query: str | None
    named_stage: str | None = None

    @property
    def stage(self) -> str:
        """The stage that is meant: the named one, else BUCLE_STAGE, else dev."""
        return default_stage(self.named_stage)

    def client(self) -> Client:
        """Return a client of the server that is meant."""
        return connect(self.server, self.home)

    def show(self, answer: Any, columns: Sequence[str] = ()) -> None:
        """Write an answer to stdout as it was asked for; `columns` are those of the table of a list."""
        show(answer, self.output, self.query, columns)


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--server`, `--home`, `--output` and `--query` to a command, which gets them as one value, its first."""

    @functools.wraps(command)
    def packed(*, server: str | None, home: str | None, output: str | None, query: str | None, **own: Any) -> Any:
        return command(Asked(server=server, home=home, output=output, query=query), **own)

    return server_options(output_options(packed))


def asking_in_stage(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same and `--stage`."""

    @functools.wraps(command)
    def packed(
        *,
        server: str | None,
        home: str | None,
        output: str | None,
        query: str | None,
        stage: str | None,
        **own: Any,
    ) -> Any:
        return command(Asked(server=server, home=home, output=output, query=query, named_stage=stage), **own)

    return stage_option(server_options(output_options(packed)))
