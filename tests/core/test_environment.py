"""An environment comes from one index, however a requirement is spelt (T23), and is built on what this host has."""

import pytest

from bucle import errors
from bucle.core.environment import Interpreters, ask_of_conda, choose, choose_curated
from bucle.spec.environment import InlineEnvironment
from bucle.spec.references import asset_named

HONEST = [
    "numpy", "numpy==2.1.0", "pandas>=2,<3", "scikit-learn[extra] ~= 1.5", "mlflow-skinny==3.17.2",
    "torch==2.5.1+cpu", "tomli>=2 ; python_version < '3.12'", "own @ https://example.org/own-1-py3-none-any.whl",
]  # fmt: skip
POISONED = [
    "--index-url http://poisoned.example/simple", "--extra-index-url=http://poisoned.example/simple",
    "-i http://poisoned.example", "-f http://poisoned.example", "-r other.txt", "-e .", "--find-links=/tmp",
    "numpy --extra-index-url http://poisoned.example", "numpy>=1 --extra-index-url http://poisoned.example",
    "numpy==1 -i http://poisoned.example", "numpy>=1\n--extra-index-url http://poisoned.example",
    "numpy ; python_version > '3' --index-url http://poisoned.example", "numpy>=1\t--extra-index-url=x",
    "numpy @ http://poisoned.example/numpy.whl", "numpy @ file:///etc/passwd", "git+https://poisoned.example/x",
    "./numpy", "/tmp/numpy.whl", "numpy>=1 \\\n--extra-index-url http://poisoned.example", "--trusted-host evil numpy",
]  # fmt: skip


@pytest.mark.parametrize("line", HONEST)
def test_honest_requirements_are_taken(line: str) -> None:
    """What people write for a package is what is asked for, letter by letter."""
    assert ask_of_conda({"dependencies": ["pip", {"pip": [line]}]}).requirements == (line,)


@pytest.mark.parametrize("line", POISONED)
def test_a_second_index_is_refused(line: str) -> None:
    """An option, wherever it stands, and any source but the index or https is refused as a requirement."""
    with pytest.raises(errors.BadRequest):
        ask_of_conda({"dependencies": ["pip", {"pip": [line]}]})


@pytest.mark.parametrize("line", POISONED)
def test_a_second_index_does_not_come_by_conda(line: str) -> None:
    """The same as a dependency of conda's is refused, or becomes one word that no index has."""
    try:
        asked = ask_of_conda({"dependencies": [line]}).requirements
    except errors.BadRequest:
        return
    assert not [word for one in asked for word in one.split() if word.startswith("-")]
    assert not any("\n" in one for one in asked)


def conda(python: str) -> InlineEnvironment:
    """Return an environment that asks for an interpreter."""
    return InlineEnvironment(conda_file={"dependencies": [f"python={python}", "pandas=2.2"]})


def test_the_nearest_newer_interpreter_stands_in() -> None:
    """What is asked for is taken where it is; else the next newer, with a note; never an older one."""
    found = Interpreters(here="3.11", installed=lambda: ["3.9", "3.11", "3.13"])
    chosen = {python: choose(conda(python), found) for python in ("3.8", "3.9", "3.10", "3.11", "3.12")}
    assert {python: one.ask.python for python, one in chosen.items()} == {
        "3.8": "3.9", "3.9": "3.9", "3.10": "3.11", "3.11": "3.11", "3.12": "3.13",
    }  # fmt: skip
    assert {python for python, one in chosen.items() if one.notes} == {"3.8", "3.10", "3.12"}
    assert chosen["3.8"].notes == ("Python 3.9 stands for 3.8, which this host does not have",)
    with pytest.raises(errors.BadRequest, match=r"Python 3.14.*found: 3.9, 3.11, 3.13"):
        choose(conda("3.14"), found)


def test_exact_takes_no_other_interpreter() -> None:
    """With `exact`, the interpreter that is there is taken, and one that is not is refused."""
    exact = Interpreters(here="3.11", installed=lambda: ["3.11", "3.12"], exact=True)
    assert choose(conda("3.12"), exact).ask.python == "3.12"
    with pytest.raises(errors.BadRequest, match=r"Python 3.10"):
        choose(conda("3.10"), exact)


def test_an_image_alone_is_the_servers_python_without_packages() -> None:
    """No container runs here: the image is noted."""
    chosen = choose(InlineEnvironment(image="python:3.9"), Interpreters(here="3.12", installed=lambda: ["3.12"]))
    assert (chosen.ask.python, chosen.ask.requirements) == ("3.12", ())
    assert "python:3.9" in chosen.notes[0]


@pytest.mark.parametrize(
    "reference",
    [
        "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
        "azureml://registries/azureml/environments/sklearn-1.5/versions/7",
        "azureml:sklearn-1.5@latest",
    ],
)
def test_curated_environments_by_each_of_their_names(reference: str) -> None:
    """Azure's three forms name one row; pandas follows the interpreter, and says so."""
    name, _ = asset_named(reference, "an environment")
    old, new = (
        choose_curated(name, Interpreters(here="3.11", installed=lambda only=only: [only])) for only in ("3.10", "3.12")
    )
    assert old is not None
    assert new is not None
    assert (old.ask.python, "pandas<2" in old.ask.requirements, old.notes) == ("3.10", True, ())
    assert (new.ask.python, "pandas==2.2.*" in new.ask.requirements, len(new.notes)) == ("3.12", True, 2)
    assert choose_curated("no-such", Interpreters(here="3.11", installed=lambda: ["3.11"])) is None
