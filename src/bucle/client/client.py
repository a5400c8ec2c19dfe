"""`bucle.Client`: one attribute a noun, one method a verb; what the CLI does, a script does with the same words."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from bucle.client.access import Bindings, Can, Principals, Roles, Tokens
from bucle.client.asset import Assets
from bucle.client.audit import Audit
from bucle.client.endpoint import OnlineDeployments, OnlineEndpoints
from bucle.client.http import Session
from bucle.client.job import Jobs
from bucle.client.local import DEFAULT_DATASTORE, Local
from bucle.client.model import Models
from bucle.client.monitor import Labels, Monitors
from bucle.client.platform_file import Gates, Platform
from bucle.client.promotion import Promotions
from bucle.client.replay import Replays
from bucle.client.schedule import Schedules
from bucle.client.secret import Secrets
from bucle.client.sign_in import SignIn

PREFIX = "/api/v1"


class Client:
    """A signed-in session with a server.

    `address` is the server's URL, `token` an API token or the text of a login session. Every method raises one
    of `bucle.errors`. `authority` is the PEM file of a certificate authority of one's own; else the system's.
    """

    def __init__(
        self, address: str, token: str | None = None, *, timeout_s: float = 60.0, authority: str | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        verify = True if authority is None else ssl.create_default_context(cafile=authority)
        self._http = httpx2.Client(base_url=address, headers=headers, timeout=timeout_s, trust_env=False, verify=verify)
        self.address = address
        session = Session(http=self._http)
        self.platform = Platform(session=session)
        self.stage = Stages(session=session)
        self.gate = Gates(session=session)
        self.data = Data(session=session)
        self.environment = Assets(session=session, noun="environment")
        self.component = Assets(session=session, noun="component")
        self.job = Jobs(session=session)
        self.model = Models(session=session)
        self.promotion = Promotions(session=session)
        self.label = Labels(session=session)
        self.monitor = Monitors(session=session)
        self.online_endpoint = OnlineEndpoints(session=session)
        self.online_deployment = OnlineDeployments(session=session)
        self.schedule = Schedules(session=session)
        self.replay = Replays(session=session)
        self.audit = Audit(session=session)
        self.sign_in = SignIn(session=session)
        self.principal = Principals(session=session)
        self.binding = Bindings(session=session)
        self.role = Roles(session=session)
        self.token = Tokens(session=session)
        self.can = Can(session=session)
        self.secret = Secrets(session=session)

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Stages."""

    session: Session

    def list(self) -> list[dict[str, Any]]:
        """Return the stages in which the caller may look."""
        return [*self.session.pages(f"{PREFIX}/stages")]

    def show(self, name: str) -> dict[str, Any]:
        """Return one stage."""
        return dict(self.session.get(f"{PREFIX}/stages/{name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Data assets."""

    session: Session

    def create(self, file: str | Path, *, stage: str = "dev", assignments: Sequence[str] = ()) -> dict[str, Any]:
        """Make a version of a data asset from its YAML; a local path in it is uploaded first.

        `assignments` are those of `--set`, such as `version=3`.
        """
        local = Local()
        loaded = local.load(file, "data", assignments)
        store = loaded.document.get("datastore") or DEFAULT_DATASTORE
        local.send(self.session, f"{PREFIX}/stages/{stage}/datastores/{store}/files")
        return dict(self.session.post(f"{PREFIX}/stages/{stage}/data", loaded.document))

    def list(self, *, stage: str = "dev", name: str | None = None) -> list[dict[str, Any]]:
        """Return versions of data assets, newest first."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/data", name=name)]

    def show(self, name: str, version: str = "latest", *, stage: str = "dev") -> dict[str, Any]:
        """Return one version."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/data/{name}/versions/{version}"))
