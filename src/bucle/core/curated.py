"""The curated environments: what Azure's ready-made images become here, by name, as an interpreter and requirements.

A stage that has an environment of that name of its own uses that one: the table is extended, and any row of it
replaced, by `bucle environment create`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_SCIENCE = ("joblib", "matplotlib", "mlflow-skinny>=2.22,<3", "scipy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curated:
    """A curated environment: the interpreter of Azure's image, and what is installed in it.

    `newer`, from the interpreter `since` on, stands in its place: older packages have no wheels for that one; `note`
    says what differs.
    """

    python: str
    requirements: tuple[str, ...]
    since: str = ""
    newer: tuple[str, ...] = ()
    note: str = ""

    def for_python(self, python: str) -> tuple[tuple[str, ...], str | None]:
        """Return the requirements for an interpreter, and what differs from Azure's image, if anything does."""
        if self.since and minor_of(python) >= minor_of(self.since):
            return self.newer, self.note
        return self.requirements, None


def minor_of(python: str) -> tuple[int, int]:
    """Return `3.11` as numbers that can be compared."""
    major, minor = python.split(".")[:2]
    return int(major), int(minor)


CURATED: Mapping[str, Curated] = {
    "sklearn-1.5": Curated(
        python="3.10",
        requirements=("numpy<2", "pandas<2", "scikit-learn==1.5.*", *_SCIENCE),
        since="3.12",
        newer=("numpy<2", "pandas==2.2.*", "scikit-learn==1.5.*", *_SCIENCE),
        note="pandas 2.2 stands for pandas 1.5, which knows no Python 3.12",
    ),
    "sklearn-1.1": Curated(
        python="3.9",
        requirements=("numpy<2", "pandas<2", "scikit-learn==1.1.*", *_SCIENCE),
        since="3.12",
        newer=("numpy<2", "pandas==2.2.*", "scikit-learn==1.5.*", *_SCIENCE),
        note="scikit-learn 1.5 stands for 1.1, which knows no Python 3.12",
    ),
    "lightgbm-3.3": Curated(
        python="3.9",
        requirements=("lightgbm==3.3.*", "numpy<2", "pandas<2", "scikit-learn==1.1.*", *_SCIENCE),
        since="3.12",
        newer=("lightgbm==4.*", "numpy<2", "pandas==2.2.*", "scikit-learn==1.5.*", *_SCIENCE),
        note="scikit-learn 1.5 and lightgbm 4 stand for 1.1 and 3.3, which know no Python 3.12",
    ),
}
"""By the name of Azure's environment in its registry `azureml`."""
