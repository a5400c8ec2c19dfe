"""Cost: amounts worked out by hand, and the reasons why there is none."""

import pytest

from bucle.core.cost import Used, cost_of, held

HOUR = Used(cpu_s=3600.0, memory_gb_s=7200.0)
BLINK = Used(cpu_s=0.5, memory_gb_s=0.1)


@pytest.mark.parametrize(
    ("used", "prices", "amount"),
    [
        (HOUR, {"cpu_hour": "0.12 EUR"}, "0.120000 EUR"),
        (HOUR, {"memory_gb_hour": "0.01 USD"}, "0.020000 USD"),
        (HOUR, {"cpu_hour": "0.12 EUR", "memory_gb_hour": "0.01 EUR", "gpu_hour": "9 CHF"}, "0.140000 EUR"),
        (BLINK, {"cpu_hour": "0.12 EUR"}, "0.000017 EUR"),
        (HOUR, {"cpu_hour": "0 EUR"}, "0.000000 EUR"),
    ],
)
def test_amount(used: Used, prices: dict[str, str], amount: str) -> None:
    """CPU hours and gigabyte hours at their prices, in the currency as it is written, to a millionth."""
    assert cost_of(used, prices).document() == {"cost": amount, "cost_reason": None}


@pytest.mark.parametrize(
    ("used", "prices", "reason"),
    [
        (HOUR, {}, "neither prices.cpu_hour nor prices.memory_gb_hour"),
        (HOUR, {"gpu_hour": "9 CHF"}, "neither prices.cpu_hour nor prices.memory_gb_hour"),
        (HOUR, {"cpu_hour": "0.12 EUR", "memory_gb_hour": "0.01 USD"}, "several currencies: EUR, USD"),
        (None, {"cpu_hour": "0.12 EUR"}, "not been measured"),
    ],
)
def test_no_amount_and_why(used: Used | None, prices: dict[str, str], reason: str) -> None:
    """No price, two currencies or no measurement: no amount is made up, and the reason stands in its place."""
    found = cost_of(used, prices)
    assert (found.amount, reason in (found.reason or "")) == (None, True)


def test_memory_is_held_over_time() -> None:
    """Half a gigabyte of 10^9 bytes for ten seconds is five gigabyte-seconds."""
    assert held(500_000_000, 10.0) == 5.0
