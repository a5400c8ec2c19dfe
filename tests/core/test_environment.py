"""An environment comes from one index: no spelling of a requirement brings another one in (T23)."""

import pytest

from bucle import errors
from bucle.core.environment import ask_of_conda

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
