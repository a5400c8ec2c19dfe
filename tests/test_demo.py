"""The demo, whole, as a new user runs it: every line happens, and its figures are those of plain scikit-learn."""

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bucle.demo import story
from bucle.demo.stage_set import StageSet
from tests.conftest import Installation
from tests.oracle import fuel

PROJECT = Path(story.__file__).parent / "project"
TABLE = PROJECT / "data" / "auto_mpg.csv"
MODEL, STAGE = "fuel-consumption", "prod"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the demo printed, and what its platform says of the endpoint afterwards."""

    text: str
    monitor: dict[str, Any]
    verified: dict[str, Any]

    def line(self, name: str) -> str:
        """Return the line of a hop."""
        found = re.search(rf"^{name} .*$", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[0]

    def gained(self) -> tuple[float, float]:
        """Return the error since the first retraining, and what it had been without, as printed."""
        found = re.search(r"MAE (\S+) retrained, (\S+) had nothing been done", self.line("gained"))
        assert found is not None
        return float(found[1]), float(found[2])

    def findings(self) -> dict[int, dict[str, Any]]:
        """Return what each year's window said of the performance."""
        return {
            int(one["window_start_at"][:4]): one
            for one in self.monitor["findings"]
            if one["signal"] == "performance" and one["value"] is not None
        }


@contextmanager
def run(folder: Path, *options: str) -> Iterator[Told]:
    """Run the demo in an empty folder, then ask its platform."""
    command = [sys.executable, "-m", "bucle", "demo", "--folder", str(folder), *options]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    installation = Installation(home=folder / ".bucle")
    installation.up()
    try:
        with installation.client() as client:
            monitor = client.monitor.show(MODEL, stage=STAGE)
            yield Told(text=done.stdout, monitor=monitor, verified=client.platform.status())
    finally:
        installation.bucle("down")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Give the story as everybody sees it."""
    with run(tmp_path_factory.mktemp("demo") / "bucle-demo") as told:
        yield told


@pytest.fixture(scope="module")
def played() -> fuel.Played:
    """Play the declared policy with plain scikit-learn."""
    return fuel.play(fuel.read_cars(TABLE), declared())


def declared(retrain: str = "project") -> fuel.Policy:
    """Read what the demo's files declare; `retrain` is the folder of the retraining policy."""
    pipeline = yaml.safe_load((PROJECT / "pipeline.yml").read_text())
    monitor = yaml.safe_load((PROJECT / "src" / "monitor.yml").read_text())
    again = yaml.safe_load((PROJECT.parent / retrain / "src" / "retrain.yml").read_text())
    checks = yaml.safe_load((PROJECT / "gate-prod.yml").read_text())["checks"]
    signal = monitor["create_monitor"]["monitoring_signals"]["performance"]
    return fuel.Policy(
        alpha=pipeline["inputs"]["alpha"],
        folds=pipeline["inputs"]["folds"],
        seed=pipeline["inputs"]["seed"],
        bound=signal["metric_thresholds"]["regression"]["mae"],
        window_years=int(again["window"].strip("PY")),
        cooldown_years=int(again["cooldown"].strip("PY")),
        most_mae=checks["bounds"]["mae"]["max"],
        most_gap=checks["groups"]["gap"],
        least_rows=checks["groups"]["minimum_rows"],
    )


def agree(told: Told, played: fuel.Played) -> None:
    """Hold every year, every retraining and what they gained against plain scikit-learn, to 1e-6."""
    findings = told.findings()
    assert sorted(findings) == [year.year for year in played.years]
    for year in played.years:
        found = findings[year.year]
        assert (found["labelled"], found["verdict"] == "alert") == (year.rows, year.alert)
        assert (found["value"], found["low"]) == pytest.approx((year.mae, year.low), abs=1e-6)
    retrainings = told.monitor["retrainings"][::-1]
    assert [one["state"] == "done" for one in retrainings] == [one.promoted for one in played.retrained]
    for retraining, expected in zip(retrainings, played.retrained, strict=True):
        assert retraining["training_rows"] == expected.rows
        figures = (expected.gain, expected.gain_bound)
        assert (retraining["gain"], retraining["bound"]) == pytest.approx(figures, abs=1e-6)
    assert told.gained() == pytest.approx((played.since, played.without), abs=5e-5)  # four decimals are printed


def test_training_error_is_the_oracles(told: Told) -> None:
    """The cross-validated error printed by the demo is what scikit-learn gives without the product."""
    cars = fuel.read_cars(TABLE).of(1970, 1974)
    expected = fuel.held_out(cars, alpha=1.0, folds=5, seed=0).mean()
    found = re.search(r"MAE (\d+\.\d+) mpg", told.line("train"))
    assert found is not None
    assert float(found[1]) == pytest.approx(expected, abs=5e-5)  # four decimals are printed


def test_data_digest_is_that_of_the_bytes(told: Told) -> None:
    """The digest printed is that of the manifest of the one file with the cars of those years, made here by hand."""
    digest = fuel.digest_of_years(TABLE, 1970, 1974)
    assert f"fuel:1 {digest[:19]}" in told.line("data")


def test_years_and_retraining_are_the_oracles(told: Told, played: fuel.Played) -> None:
    """Every figure of the years agrees with plain scikit-learn; there is one retraining, after 1979."""
    agree(told, played)
    assert [(one.after, one.promoted) for one in played.retrained] == [(1979, True)]


def test_retraining_is_worth_it(told: Told) -> None:
    """Over the years after the retraining the error is at least 20 % below never-retrained, as printed."""
    now, then = told.gained()
    assert now <= 0.8 * then


def test_refusals_are_told(told: Told) -> None:
    """The API, the kernel and the approval rule each said no, each after the same act was possible for another."""
    assert "Permission denied" in told.line("denied")
    assert "the requester's own approval refused; approved by approver" in told.line("prod")


def test_model_is_packaged_and_traced(told: Told) -> None:
    """The model was imported in a clean process, has a release, and an answer leads back to people and data."""
    assert re.search(r"fuel-consumption:1 · release [a-z]+-[a-z]+.*re-imported", told.line("package"))
    assert "approved by approver" in told.line("trace")
    assert "fuel-consumption-labelled:1; computed again: equal" in told.line("trace")


def test_nothing_was_tampered_with(told: Told) -> None:
    """The auditor finds every chain of events intact."""
    assert "intact" in told.line("audit")


def test_full_is_another_cooldown_and_nothing_else(tmp_path: Path) -> None:
    """The policy that `--full` lays out is the shipped one, but for a cooldown of one year instead of four."""
    usual, full = StageSet(folder=tmp_path / "usual"), StageSet(folder=tmp_path / "full", full=True)
    usual.build()
    full.build()
    assert (usual.cooldown_years(), full.cooldown_years()) == (4, 1)
    policies = [yaml.safe_load((one.folder / "src" / "retrain.yml").read_text()) for one in (usual, full)]
    assert [one.pop("cooldown") for one in policies] == ["P4Y", "P1Y"]
    assert policies[0] == policies[1]


@pytest.mark.slow
def test_every_year_retrained_is_the_oracles(tmp_path: Path) -> None:
    """`--full`: each alert leads to a retraining; the gate refuses the last candidate, and both sides say so."""
    played = fuel.play(fuel.read_cars(TABLE), declared("full"))
    assert [(one.after, one.promoted) for one in played.retrained] == [(1979, True), (1980, True), (1982, False)]
    with run(tmp_path / "bucle-demo", "--full") as told:
        agree(told, played)
        assert f"refused by the gate of preprod (bound.mae: {played.retrained[-1].mae:.4g} " in told.text


@pytest.mark.slow
def test_flipped_label_changes_both_alike(tmp_path: Path, played: fuel.Played) -> None:
    """One label of 1976 altered: the figures of the demo are no longer those of the shipped cars, and the oracle's."""
    table = flipped(tmp_path / "cars.csv")
    expected = fuel.play(fuel.read_cars(table), declared())
    assert expected.retrained[0].gain != pytest.approx(played.retrained[0].gain, abs=1e-3)
    with run(tmp_path / "bucle-demo", "--cars", str(table)) as told:
        agree(told, expected)


def flipped(path: Path) -> Path:
    """Write the cars with one consumption of 1976 raised by ten, to `path`."""
    with TABLE.open(newline="") as stream:
        rows = [*csv.DictReader(stream)]
    car = next(row for row in rows if row["model_year"] == "1976")
    car["mpg"] = str(float(car["mpg"]) + 10)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
