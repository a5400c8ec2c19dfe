"""Artifacts: sent, listed, read, deleted; a path is a text in the records and never one of the server's."""

import http.client
import json
import uuid
from contextlib import closing

import pytest

from tests.conftest import Installation
from tests.tracking.conftest import ARTIFACTS, Tracker

HOSTILE = [
    "../x", "a/../../x", "..", "a/..", "./x", "a//b", "%2e%2e/x", "%2e%2e%2fx", "%252e%252e%252fx", "..%2fx",
    "..%5cx", "a%5c..%5cx", "%5c%5chost%5cshare", "a%00b", "a%0ab", "%c0%ae%c0%ae/x", "%ef%bc%8e%ef%bc%8e/x",
    "%e2%80%a5/x", "/etc/passwd", "file:///etc/passwd", "%2fetc%2fpasswd", "a%e2%80%aeb", "%25252e%25252e/x", "a/",
    "%2e", "%2e%2e", "a/%2e/b", "a/%2e%2e", "a%2f..%2fx", "%252e%252e", "..%252fx", "%00", "a%0d%0ab", "a%09b",
    "a%7fb", "%e2%81%a6x", "C:%5cWindows", "%5c..%5c..%5cx", "%ed%a0%80x",
]  # fmt: skip
"""What somebody sends who wants another file than his own (CVE-2023-1177 and its kin), as it stands on the wire."""
HONEST = [
    "model.pkl", "a/b/c.txt", "with%20blank.txt", "100%25.txt", "caf%c3%a9.json", ".hidden", "a..b", "...",
    "data;v=1.csv", "q%3fa%23b.txt", "C:x",
]  # fmt: skip


@pytest.fixture(scope="module")
def home_of_run(tracker: Tracker) -> str:
    """Give the root of a run's artifacts, as it stands in addresses."""
    uri = tracker.shown(tracker.run())["info"]["artifact_uri"]
    return str(uri).removeprefix("mlflow-artifacts:/")


def _put(tracker: Tracker, path: str, content: bytes, **more: str) -> int:
    return tracker.send("PUT", f"{ARTIFACTS}/{path}", content=content, **more).status_code


def _listed(tracker: Tracker, path: str) -> list[tuple[str, object]]:
    found = tracker.send("GET", ARTIFACTS, params={"path": path}).json()["files"]
    return [(row["path"], row.get("file_size", "folder")) for row in found]


def test_round_trip(tracker: Tracker, home_of_run: str) -> None:
    """Bytes come back as they were sent, and a second sending takes the place of the first."""
    where = f"{home_of_run}/trip/x.bin"
    for content in (b"\x00first", b"second" * 300_000):
        assert _put(tracker, where, content) == 200
        assert tracker.send("GET", f"{ARTIFACTS}/{where}").content == content


def test_listing(tracker: Tracker) -> None:
    """A folder lists what lies right below it, files with their sizes; names that only begin alike are others."""
    root = tracker.shown(tracker.run())["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    for path in ("d/x.json", "d/deep/y.txt", "D/z.txt", "d2.txt"):
        _put(tracker, f"{root}/{path}", b"12345")
    assert _listed(tracker, root) == [("D", "folder"), ("d", "folder"), ("d2.txt", 5)]
    assert _listed(tracker, f"{root}/d") == [("deep", "folder"), ("x.json", 5)]
    assert _listed(tracker, f"{root}/nowhere") == []


def test_listing_of_a_run(tracker: Tracker) -> None:
    """The call that names the run gives paths below the run's root."""
    run = tracker.run()
    root = tracker.shown(run)["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    _put(tracker, f"{root}/d/x.json", b"1")
    found = tracker.done("GET artifacts/list", run_id=run, path="d")
    assert found["files"] == [{"path": "d/x.json", "is_dir": False, "file_size": 1}]


def test_folder_and_file_of_one_name(tracker: Tracker, home_of_run: str) -> None:
    """No name is a file and a folder, so that a listing can always be laid out on a disk."""
    assert _put(tracker, f"{home_of_run}/one/x", b"1") == 200
    assert _put(tracker, f"{home_of_run}/one", b"1") == 400
    assert _put(tracker, f"{home_of_run}/one/x/y", b"1") == 400


def test_deleting(tracker: Tracker, home_of_run: str) -> None:
    """A deleted folder is gone with all below it; its neighbour stays."""
    for path in ("gone/x", "gone/deep/y", "gone-not/z"):
        _put(tracker, f"{home_of_run}/{path}", b"1")
    assert tracker.send("DELETE", f"{ARTIFACTS}/{home_of_run}/gone").status_code == 200
    assert tracker.send("GET", f"{ARTIFACTS}/{home_of_run}/gone/x").status_code == 404
    assert tracker.send("GET", f"{ARTIFACTS}/{home_of_run}/gone-not/z").content == b"1"


def test_artifacts_of_another_workspace(tracker: Tracker, home_of_run: str) -> None:
    """A path of another workspace is refused, whichever address it is sent to, and reads nothing."""
    assert _put(tracker, f"{home_of_run}/mine", b"1") == 200
    assert tracker.send("GET", f"{ARTIFACTS}/{home_of_run}/mine").status_code == 200
    other = home_of_run.replace("dev/", "preprod/", 1)
    assert tracker.send("GET", f"{ARTIFACTS}/{home_of_run}/mine", workspace="preprod").status_code == 400
    assert tracker.send("GET", f"{ARTIFACTS}/{other}/mine", workspace="preprod").status_code == 404
    assert tracker.send("GET", f"{ARTIFACTS}/{other}/mine").status_code == 400


def test_bytes_are_addressed_by_workspace(tracker: Tracker, home_of_run: str) -> None:
    """The bytes lie among the objects of the workspace, under their digest; no name of the client's is on the disk."""
    name = f"secret-{uuid.uuid4().hex}"
    assert _put(tracker, f"{home_of_run}/{name}", name.encode()) == 200
    root = tracker.world.home.root
    assert [path for path in root.rglob("*") if name in path.name] == []
    objects = [path for path in (root / "objects" / "dev").rglob("*") if path.is_file()]
    assert name.encode() in [path.read_bytes() for path in objects]


@pytest.fixture(scope="module")
def root_on_wire(shared_installation: Installation) -> str:
    """Give the root of a run of a real server, where no client tidies a path before it is sent."""
    made = _wire(shared_installation, "POST", "/api/2.0/mlflow/runs/create", b'{"experiment_id": "0"}')
    return str(json.loads(made[1])["run"]["info"]["artifact_uri"]).removeprefix("mlflow-artifacts:/")


def _wire(installation: Installation, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(installation.address.removeprefix("http://"))) as connection:
        connection.request(method, f"/mlflow/dev{path}", body, {"Authorization": f"Bearer {installation.token}"})
        with connection.getresponse() as answer:
            return answer.status, answer.read()


@pytest.mark.parametrize("name", HONEST)
def test_honest_names(shared_installation: Installation, root_on_wire: str, name: str) -> None:
    """Names that people give to files are taken and come back."""
    where = f"{ARTIFACTS}/{root_on_wire}/{name}"
    assert _wire(shared_installation, "PUT", where, name.encode())[0] == 200
    assert _wire(shared_installation, "GET", where) == (200, name.encode())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_paths(shared_installation: Installation, root_on_wire: str, name: str) -> None:
    """No path leaves the run, however it is written: it is refused for writing, for reading and for listing."""
    honest = f"{ARTIFACTS}/{root_on_wire}/honest"
    assert _wire(shared_installation, "PUT", honest, b"1")[0] == 200
    for method in ("PUT", "GET", "DELETE"):
        status, _ = _wire(shared_installation, method, f"{ARTIFACTS}/{root_on_wire}/{name}", b"1")
        assert status in {400, 404}
    listing = _wire(shared_installation, "GET", f"{ARTIFACTS}?path={root_on_wire}/{name.rstrip('/')}/..")
    assert listing[0] == 400
