"""The cars that come year by year, and how the endpoint in production is asked about them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from bucle import errors
from bucle.demo.people import People

STAGE = "prod"
FIRST_YEAR, LAST_YEAR = 1975, 1982
NUMBERS = ("cylinders", "displacement_cu_in", "horsepower", "weight_lb", "acceleration_s")
SENT = ("name", *NUMBERS, "origin", "model_year")

Ask = Callable[[dict[str, str], str | None], float]
"""Asks for one car: under a request id with its event time, or without both; gives the prediction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """The cars, the people who run the model that tells what they consume, and what has been seen so far."""

    people: People
    cars: Sequence[dict[str, str]]
    model: str
    cooldown_years: int
    """How long the policy waits after a retraining, in years."""
    answers: dict[str, float] = field(default_factory=dict)
    """Correlation id → prediction of every car that was scored."""
    untouched: dict[str, float] = field(default_factory=dict)
    """Correlation id → what the first release says of the cars that came after its first successor."""
    retrainings: dict[int, bool] = field(default_factory=dict)
    """Year of an alert that was answered by a retraining → whether its candidate came to serve."""

    def years(self) -> list[int]:
        """Return the years in which cars were measured, from the first in production on."""
        years = {int(car["model_year"]) for car in self.cars}
        return sorted(year for year in years if FIRST_YEAR <= year <= LAST_YEAR)

    def of(self, first: int, last: int) -> list[dict[str, str]]:
        """Return the cars of some years."""
        return [car for car in self.cars if first <= int(car["model_year"]) <= last]

    def id_of(self, car: dict[str, str]) -> str:
        """Return the request id under which a car is scored."""
        return f"car-{self.cars.index(car)}"

    def promoted(self) -> list[int]:
        """Return the years whose retraining came to serve."""
        return [year for year, served in self.retrainings.items() if served]

    def policy_asks(self, year: int) -> bool:
        """Say whether an alert in a year leads to a retraining: none came to serve within the cooldown."""
        return all(year - last >= self.cooldown_years for last in self.promoted())

    @contextmanager
    def asking(self, deployment: str | None = None) -> Iterator[Ask]:
        """Yield a function that asks the endpoint, or one of its deployments, over one connection."""
        client = self.people.ml_engineer.online_endpoint
        address = client.show(self.model, stage=STAGE)["scoring_uri"]
        headers = {"Authorization": f"Bearer {client.get_credentials(self.model, stage=STAGE)['primaryKey']}"}
        headers |= {"azureml-model-deployment": deployment} if deployment else {}
        with httpx2.Client(headers=headers, timeout=30.0, trust_env=False) as http:

            def ask(car: dict[str, str], request: str | None) -> float:
                named = {"x-request-id": request} if request else {}
                answer = http.post(address, json={"input_data": _table(car, timed=bool(request))}, headers=named)
                if answer.status_code != 200:
                    raise errors.WorkFailed("demo.not_scored", status=answer.status_code, said=answer.text[:300])
                return float(answer.json()[0])

            yield ask


def _table(car: dict[str, str], *, timed: bool) -> dict[str, Any]:
    """Return a table of one row; without an event time it is in no window of the monitor."""
    columns = [*SENT]
    row: list[float | str | None] = [
        float(car[name]) if name in NUMBERS and car[name] else car[name] or None for name in SENT
    ]
    if timed:
        columns.append("measured_at")
        row.append(f"{car['model_year']}-07-01T00:00:00Z")
    return {"columns": columns, "index": [0], "data": [row]}
