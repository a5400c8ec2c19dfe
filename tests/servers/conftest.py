"""Servers that the tests of this folder share; each test sees to it that two of them run."""

from collections.abc import Iterator

import pytest

from tests.conftest import Installation
from tests.faults.conftest import Ledger, ledger
from tests.postgresql import cluster
from tests.servers.house import House

__all__ = ["Ledger", "ledger"]


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a state folder with records in PostgreSQL."""
    made = House(
        installation=Installation(home=tmp_path_factory.mktemp("servers") / "home"), records=cluster().database()
    )
    yield made
    made.installation.bucle("down")


@pytest.fixture
def house(shared_house: House) -> House:
    """Give it with two servers, one of which drives."""
    shared_house.two()
    return shared_house
