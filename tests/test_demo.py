"""The demo, whole, as a new user runs it: every line happens, and its figures are those of plain scikit-learn."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bucle.demo import story
from tests.oracle import fuel

PROJECT = Path(story.__file__).parent / "project"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the demo in an empty folder; give what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "bucle", "demo", "--folder", str(folder / "bucle-demo")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_training_error_is_the_oracles(told: str) -> None:
    """The cross-validated error printed by the demo is what scikit-learn gives without the product."""
    cars = fuel.read_cars(PROJECT / "data" / "auto_mpg.csv").of(1970, 1974)
    expected = fuel.cross_validated_mae(cars, alpha=1.0, folds=5, seed=0)
    found = re.search(r"^train .*MAE (\d+\.\d+) mpg", told, re.MULTILINE)
    assert found is not None, told
    assert float(found[1]) == pytest.approx(expected, abs=5e-5)  # four decimals are printed


def test_data_digest_is_that_of_the_bytes(told: str) -> None:
    """The digest printed is that of the manifest of the one file with the cars of those years, made here by hand."""
    digest = fuel.digest_of_years(PROJECT / "data" / "auto_mpg.csv", 1970, 1974)
    assert f"fuel:1 {digest[:19]}" in told


def test_model_is_packaged(told: str) -> None:
    """The model was imported in a clean process and has a release."""
    assert re.search(r"^package .*fuel-consumption:1 · release [a-z]+-[a-z]+.*re-imported", told, re.MULTILINE)


def test_kernel_denies(told: str) -> None:
    """The line about another stage's file is the kernel's refusal."""
    assert re.search(r"^denied .*Permission denied", told, re.MULTILINE)
