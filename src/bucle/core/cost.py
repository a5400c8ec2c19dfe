"""Cost: what used CPU seconds and memory come to at the prices of the platform's file."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

HOUR_S = 3600
GIGABYTE = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was used: seconds of CPU time, and of memory gigabytes (10⁹ bytes) times the seconds they were held."""

    cpu_s: float
    memory_gb_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An amount with its currency, or the reason why there is none."""

    amount: str | None
    reason: str | None

    def document(self) -> dict[str, str | None]:
        """Return the cost as people see it."""
        return {"cost": self.amount, "cost_reason": self.reason}


def held(size_bytes: int, seconds: float) -> float:
    """Return the gigabyte-seconds of memory of this size, held this long."""
    return size_bytes / GIGABYTE * seconds


def cost_of(used: Used | None, prices: Mapping[str, str]) -> Cost:
    """Return what was used at `prices` (`cpu_hour`, `memory_gb_hour`: `0.12 EUR`); what has no price costs nothing."""
    if used is None:
        return Cost(amount=None, reason="its use has not been measured yet")
    amounts = {"cpu_hour": used.cpu_s, "memory_gb_hour": used.memory_gb_s}
    priced = {name: prices[name].partition(" ") for name in amounts if name in prices}
    if not priced:
        return Cost(amount=None, reason="platform.yml sets neither prices.cpu_hour nor prices.memory_gb_hour")
    currencies = sorted({currency for _, _, currency in priced.values()})
    if len(currencies) > 1:
        return Cost(amount=None, reason=f"platform.yml sets prices in several currencies: {', '.join(currencies)}")
    spent = sum(Decimal(price) * Decimal(str(amounts[name])) / HOUR_S for name, (price, _, _) in priced.items())
    return Cost(amount=f"{spent:.6f} {currencies[0]}", reason=None)
