"""Measurements are what happened, in a format that Prometheus' own parser reads; who may not measure is told so."""

from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from bucle.client import Client
from tests.conftest import Installation, write


def measured(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(client.platform.metrics())
        for sample in family.samples
    }


def test_what_happened_is_measured(installation: Installation, tmp_path: Path) -> None:
    """A job that fails, a request that no route answers, the lines of the chains: each is counted where it belongs."""
    installation.up()
    with installation.client() as client:
        before = measured(client)
        job = client.job.create(write(tmp_path / "job.yml", "command: exit 3\nenvironment: {image: python}\n"))
        assert client.job.wait(job["name"])["status"] == "failed"
        assert httpx2.get(f"{installation.address}/api/v1/nothing/{job['name']}").status_code == 404
        after = measured(client)
        lines = len(client.audit.list("dev"))
    failed = (("stage", "dev"), ("state", "failed"))
    assert after["bucle_jobs", failed] == 1
    unknown = (("method", "unknown"), ("route", "unknown"), ("status", "404"))
    assert after["bucle_requests_total", unknown] == 1
    created = (("method", "POST"), ("route", "/api/v1/stages/{stage}/jobs"), ("status", "201"))
    assert (before.get(("bucle_requests_total", created)), after["bucle_requests_total", created]) == (None, 1)
    assert after["bucle_events_total", (("chain", "dev"),)] == lines
    assert after["process_resident_memory_bytes", ()] > 1e6


def test_who_may_not_measure(installation: Installation) -> None:
    """The administrator, alone, measures; nobody and a credential that does not open are refused."""
    installation.up()
    assert installation.bucle("metrics").out.startswith("# HELP bucle_info")
    address = f"{installation.address}/metrics"
    assert httpx2.get(address, headers={"Authorization": f"Bearer {installation.token}"}).status_code == 200
    assert httpx2.get(address).status_code == 401
