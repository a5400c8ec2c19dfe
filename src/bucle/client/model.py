"""Models over HTTP: package what a job made, wait for it, show, share."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucle import errors
from bucle.client.http import Session
from bucle.client.model_bundle import write_bundle

PREFIX = "/api/v1"
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Models."""

    session: Session
    sleep: Callable[[float], None] = time.sleep

    def create(
        self, job: str, *, stage: str = "dev", name: str | None = None, version: str | None = None
    ) -> dict[str, Any]:
        """Begin to package the model that a completed job made; see `wait`."""
        body = {"job": job, "name": name, "version": version}
        return dict(self.session.post(f"{PREFIX}/stages/{stage}/models", body))

    def wait(self, name: str, version: str, *, stage: str = "dev") -> dict[str, Any]:
        """Wait until a version is packaged; WorkFailed when its packaging failed."""
        while (found := self.show(name, version, stage=stage))["state"] == "running":
            self.sleep(LOOK_S)
        if found["state"] == "failed":
            raise errors.WorkFailed("model.packaging_failed", name=name, version=version, reason=found["reason"])
        return found

    def list(self, *, stage: str = "dev", name: str | None = None) -> Sequence[dict[str, Any]]:
        """Return model versions, newest first."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/models", name=name)]

    def show(self, name: str, version: str = "latest", *, stage: str = "dev") -> dict[str, Any]:
        """Return a version with its release."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/models/{name}/versions/{version}"))

    def lineage(self, name: str, version: str = "latest", *, stage: str = "dev") -> dict[str, Any]:
        """Return where a version comes from."""
        return dict(self.session.get(f"{PREFIX}/stages/{stage}/models/{name}/versions/{version}/lineage"))

    def share(self, name: str, version: str, registry: str, *, stage: str = "dev") -> dict[str, Any]:
        """Share a version to a registry."""
        path = f"{PREFIX}/stages/{stage}/models/{name}/versions/{version}:share"
        return dict(self.session.post(path, {"registry": registry}))

    def download(self, name: str, version: str, folder: str | Path, *, stage: str = "dev") -> dict[str, Any]:
        """Write a release into a new folder, with what verifies it offline; return what it is."""
        place = f"{PREFIX}/stages/{stage}/models/{name}/versions/{version}"
        bundle: dict[str, Any] = self.session.get(f"{place}/bundle")
        write_bundle(Path(folder), bundle, lambda digest: self.session.chunks(f"{place}/files/{digest}"))
        return {**{key: bundle[key] for key in ("model", "release", "digest")}, "folder": str(folder)}

    def history(self, name: str, *, stage: str, as_of: str | None = None) -> Sequence[dict[str, Any]]:
        """Return what served when, newest first; with `as_of` (RFC 3339), the release that served then."""
        return [*self.session.pages(f"{PREFIX}/stages/{stage}/models/{name}/history", as_of=as_of)]
