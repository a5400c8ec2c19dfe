"""The demo, whole, as a new user runs it: every line happens, and its figures are those of plain scikit-learn."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bucle.demo import story
from tests.conftest import Installation
from tests.oracle import fuel

PROJECT = Path(story.__file__).parent / "project"
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

    def findings(self) -> dict[int, dict[str, Any]]:
        """Return what each year's window said of the performance."""
        return {
            int(one["window_start_at"][:4]): one
            for one in self.monitor["findings"]
            if one["signal"] == "performance" and one["value"] is not None
        }


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Run the demo in an empty folder, then ask its platform."""
    folder = tmp_path_factory.mktemp("demo") / "bucle-demo"
    command = [sys.executable, "-m", "bucle", "demo", "--folder", str(folder)]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    installation = Installation(home=folder / ".bucle")
    installation.up()
    with installation.client() as client:
        monitor = client.monitor.show(MODEL, stage=STAGE)
        yield Told(text=done.stdout, monitor=monitor, verified=client.platform.status())
    installation.bucle("down")


@pytest.fixture(scope="module")
def played() -> fuel.Played:
    """Play the declared policy with plain scikit-learn."""
    return fuel.play(fuel.read_cars(PROJECT / "data" / "auto_mpg.csv"), declared())


def declared() -> fuel.Policy:
    """Read what the demo's files declare."""
    pipeline = yaml.safe_load((PROJECT / "pipeline.yml").read_text())
    monitor = yaml.safe_load((PROJECT / "src" / "monitor.yml").read_text())
    retrain = yaml.safe_load((PROJECT / "src" / "retrain.yml").read_text())
    signal = monitor["create_monitor"]["monitoring_signals"]["performance"]
    return fuel.Policy(
        alpha=pipeline["inputs"]["alpha"],
        bound=signal["metric_thresholds"]["regression"]["mae"],
        window_years=int(retrain["window"].strip("PY")),
    )


def test_training_error_is_the_oracles(told: Told) -> None:
    """The cross-validated error printed by the demo is what scikit-learn gives without the product."""
    cars = fuel.read_cars(PROJECT / "data" / "auto_mpg.csv").of(1970, 1974)
    expected = fuel.cross_validated_mae(cars, alpha=1.0, folds=5, seed=0)
    found = re.search(r"MAE (\d+\.\d+) mpg", told.line("train"))
    assert found is not None
    assert float(found[1]) == pytest.approx(expected, abs=5e-5)  # four decimals are printed


def test_data_digest_is_that_of_the_bytes(told: Told) -> None:
    """The digest printed is that of the manifest of the one file with the cars of those years, made here by hand."""
    digest = fuel.digest_of_years(PROJECT / "data" / "auto_mpg.csv", 1970, 1974)
    assert f"fuel:1 {digest[:19]}" in told.line("data")


def test_years_are_the_oracles(told: Told, played: fuel.Played) -> None:
    """Error, bound and verdict of every year agree with plain scikit-learn to 1e-6, before and after the retraining."""
    findings = told.findings()
    assert sorted(findings) == [year.year for year in played.years]
    for year in played.years:
        found = findings[year.year]
        assert (found["labelled"], found["verdict"] == "alert") == (year.rows, year.alert)
        assert found["value"] == pytest.approx(year.mae, abs=1e-6)
        assert found["low"] == pytest.approx(year.low, abs=1e-6)


def test_retraining_is_the_oracles(told: Told, played: fuel.Played) -> None:
    """One retraining, after the year that the oracle says, and its candidate gains what the oracle says."""
    (retraining,) = told.monitor["retrainings"]
    assert (retraining["state"], played.retrained_after) == ("done", 1979)
    assert retraining["gain"] == pytest.approx(played.gain, abs=1e-6)
    assert retraining["bound"] == pytest.approx(played.gain_bound, abs=1e-6)


def test_retraining_is_worth_it(told: Told, played: fuel.Played) -> None:
    """Over the years after the retraining the error is at least 20 % below never-retrained, as printed."""
    found = re.search(r"MAE (\S+) retrained, (\S+) had nothing been done", told.line("gained"))
    assert found is not None
    assert (float(found[1]), float(found[2])) == pytest.approx((played.since, played.without), abs=5e-5)
    assert played.since <= 0.8 * played.without


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


def test_flipped_label_changes_the_oracle(played: fuel.Played) -> None:
    """One label altered changes what the oracle says: agreement with it is not blind."""
    cars = fuel.read_cars(PROJECT / "data" / "auto_mpg.csv")
    place = int(cars.year.searchsorted(1976))
    cars.mpg[place] += 10
    assert fuel.play(cars, declared()).gain != pytest.approx(played.gain, abs=1e-6)
