"""`bucle init`, `plan`, `apply`, `gate` as a person types them."""

import json
from pathlib import Path

import pytest

from bucle.spec.loading import load
from tests.conftest import Installation, write

KINDS = {
    "platform.yml": "platform",
    "hello.yml": "job",
    "train.yml": "job",
    "src/release.yml": "release",
    "src/monitor.yml": "monitor",
    "src/retrain.yml": "retrain",
    "gates/preprod.yml": "gate",
    "gates/prod.yml": "gate",
}


@pytest.mark.parametrize("governance", ["solo", "team"])
def test_init_writes_files_that_are_read(installation: Installation, tmp_path: Path, governance: str) -> None:
    """Every document of the sample is right in itself, and the platform is named after its folder."""
    folder = tmp_path / "my cars"
    assert installation.bucle("init", str(folder), f"--{governance}").code == 0
    for path, kind in KINDS.items():
        assert load((folder / path).read_bytes(), path, kind).kind
    document = load((folder / "platform.yml").read_bytes(), "platform.yml", "platform").document
    assert (document["name"], document["governance"]) == ("my-cars", governance)
    assert (folder / ".git").is_dir()


def test_init_overwrites_nothing(installation: Installation, tmp_path: Path) -> None:
    """One file of the sample's names in the folder is enough: nothing is written, and it stays as it is."""
    mine = write(tmp_path / "mine" / "train.yml", "mine")
    ran = installation.bucle("init", str(mine.parent))
    assert (ran.code, str(mine) in ran.err) == (5, True)
    assert [path.name for path in mine.parent.iterdir()] == ["train.yml"]
    assert mine.read_text() == "mine"
    assert installation.bucle("init", str(tmp_path / "other")).code == 0


def test_a_stranger_begins(installation: Installation, tmp_path: Path) -> None:
    """From an empty folder: init, up, apply twice, gates, and the first job says hello."""
    folder = tmp_path / "cars"
    installation.bucle("init", "--solo", str(folder))
    installation.up()
    file = str(folder / "platform.yml")
    planned = installation.bucle("plan", "-f", file, "-o", "table")
    assert (planned.code, "+ registry shared" in planned.out) == (0, True)
    first = installation.bucle("apply", "-f", file)
    assert (first.code, json.loads(first.out)["left"]) == (0, 0)
    assert installation.bucle("apply", "-f", file, "-o", "table").out.splitlines()[-1] == "0 changes"
    assert installation.bucle("gate", "set", "-f", str(folder / "gates" / "prod.yml")).code == 0
    shown = installation.bucle("gate", "show", "--stage", "prod", "--query", "gate.approvals")
    assert shown.json() == 1
    hello = installation.bucle("job", "create", "-f", str(folder / "hello.yml"), "--stream")
    assert (hello.code, "hello world" in hello.out) == (0, True), hello.err


def test_what_is_left_leaves_with_three(installation: Installation, tmp_path: Path) -> None:
    """A team's first AccessAdmin has to come in first: the rest is done, the step is named, and exit is 3."""
    folder = tmp_path / "cars"
    installation.bucle("init", "--team", str(folder))
    installation.up()
    file = str(folder / "platform.yml")
    first = installation.bucle("apply", "-f", file, "-o", "table")
    assert (first.code, "left: + AccessAdmin for access-admin at /" in first.out) == (3, True)
    code = installation.bucle("principal", "invite", "access-admin", "--query", "code", "-o", "tsv").out.strip()
    with installation.client() as anybody:
        anybody.sign_in.redeem(code, "correct horse battery")
    assert installation.bucle("apply", "-f", file).code == 0
    assert installation.bucle("stage", "list").json() == []


def test_faults_are_named_where_they_stand(installation: Installation, tmp_path: Path) -> None:
    """Garbage and a key written twice are faults of the file, with line and column; the mended file is planned."""
    installation.up()
    good = "name: cars\npaths: {main: [dev]}\nstages:\n  dev: {tier: dev}\n"
    for text, told in (
        (good + "name: other\n", "platform.yml:5:1"),
        (good.replace("tier: dev", "tier: develop"), "platform.yml:4:15"),
        ("\x00{[", "platform.yml:1:1"),
        (good.replace("[dev]", "[test]"), "test is no stage"),
    ):
        file = write(tmp_path / "platform.yml", text)
        ran = installation.bucle("plan", "-f", str(file))
        assert (ran.code, told in ran.err, "Traceback" in ran.err) == (2, True, False), ran.err
    assert installation.bucle("plan", "-f", str(write(tmp_path / "platform.yml", good))).code == 0


def test_prune_is_not_done_unasked(installation: Installation, tmp_path: Path) -> None:
    """Without a terminal nobody can be asked: --prune needs --yes, and then destroys what a file made."""
    installation.up()
    text = "name: cars\npaths: {{main: [dev]}}\nstages:\n  dev: {{tier: dev}}\nregistries: [{}]\n"
    file = str(write(tmp_path / "platform.yml", text.format("one")))
    assert installation.bucle("apply", "-f", file).code == 0
    write(Path(file), text.format("two"))
    ran = installation.bucle("apply", "-f", file, "--prune")
    assert (ran.code, "--yes" in ran.err) == (2, True)
    done = installation.bucle("apply", "-f", file, "--prune", "--yes", "-o", "table")
    assert (done.code, "- registry one" in done.out) == (0, True)
