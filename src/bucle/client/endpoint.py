"""Online endpoints and deployments over HTTP, and their scoring addresses."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.client.http import Session
from bucle.client.local import load_plain

PREFIX = "/api/v1"
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineEndpoints:
    """Online endpoints."""

    session: Session

    def create(self, file: str | Path, *, stage: str = "dev", assignments: Sequence[str] = ()) -> dict[str, Any]:
        """Make an endpoint from its YAML; `assignments` are those of `--set`."""
        return dict(self.session.post(_path(stage), load_plain(file, "online_endpoint", assignments)))

    def update(
        self,
        name: str,
        *,
        stage: str = "dev",
        file: str | Path | None = None,
        traffic: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Change an endpoint by its YAML, or move its traffic (percent by deployment)."""
        document = {} if file is None else load_plain(file, "online_endpoint", ())
        if traffic is not None:
            document["traffic"] = dict(traffic)
        return dict(self.session.post(f"{_path(stage)}/{name}:update", document))

    def delete(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Remove an endpoint without deployments."""
        return _delete(self.session, f"{_path(stage)}/{name}")

    def list(self, *, stage: str = "dev") -> Sequence[dict[str, Any]]:
        """Return the endpoints of a stage by name."""
        return [*self.session.pages(_path(stage))]

    def show(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return an endpoint with what each deployment answers and uses."""
        return dict(self.session.get(f"{_path(stage)}/{name}"))

    def get_credentials(self, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return the keys of an endpoint."""
        return dict(self.session.post(f"{_path(stage)}/{name}:get-credentials"))

    def invoke(self, name: str, request: object, *, stage: str = "dev", deployment: str | None = None) -> Any:
        """Return what an endpoint, or one of its deployments, answers to a request."""
        path = f"{_path(stage)}/{name}:invoke"
        return self.session.send("POST", path, json=request, query={"deployment": deployment}).json()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineDeployments:
    """Models behind endpoints."""

    session: Session
    sleep: Callable[[float], None] = time.sleep

    def create(
        self, file: str | Path, *, stage: str = "dev", endpoint: str | None = None, assignments: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Put a registered model behind an endpoint, from its YAML; see `wait`."""
        document, behind = _deployment(file, endpoint, assignments)
        return dict(self.session.post(_deployments(stage, behind), document))

    def update(
        self, file: str | Path, *, stage: str = "dev", endpoint: str | None = None, assignments: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Change a deployment to what its YAML says."""
        document, behind = _deployment(file, endpoint, assignments)
        return dict(self.session.post(f"{_deployments(stage, behind)}/{document['name']}:update", document))

    def delete(self, endpoint: str, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Remove a deployment that gets no traffic."""
        return _delete(self.session, f"{_deployments(stage, endpoint)}/{name}")

    def list(self, endpoint: str, *, stage: str = "dev") -> Sequence[dict[str, Any]]:
        """Return the deployments of an endpoint, oldest first."""
        return [*self.session.pages(_deployments(stage, endpoint))]

    def show(self, endpoint: str, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Return a deployment: how it stands, what it answers, uses and costs."""
        return dict(self.session.get(f"{_deployments(stage, endpoint)}/{name}"))

    def get_logs(self, endpoint: str, name: str, *, stage: str = "dev", lines: int = 50) -> str:
        """Return the last lines that a deployment's worker wrote."""
        path = f"{_deployments(stage, endpoint)}/{name}/log"
        return self.session.send("GET", path, query={"lines": lines}).text

    def wait(self, endpoint: str, name: str, *, stage: str = "dev") -> dict[str, Any]:
        """Wait until a deployment is ready; WorkFailed with its reason when it is not to be."""
        while (found := self.show(endpoint, name, stage=stage))["state"] not in {"ready", "failed"}:
            self.sleep(LOOK_S)
        if found["state"] == "failed":
            raise errors.WorkFailed("deployment.ended", name=name, reason=found["error"])
        return found


def _path(stage: str) -> str:
    return f"{PREFIX}/stages/{stage}/online-endpoints"


def _deployments(stage: str, endpoint: str) -> str:
    return f"{_path(stage)}/{endpoint}/deployments"


def _deployment(file: str | Path, endpoint: str | None, assignments: Sequence[str]) -> tuple[dict[str, Any], str]:
    document = load_plain(file, "online_deployment", assignments)
    return document, endpoint or str(document["endpoint_name"])


def _delete(session: Session, path: str) -> dict[str, Any]:
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    return dict(session.send("DELETE", path, headers=headers).json())
