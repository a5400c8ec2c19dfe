"""Data classes: their order, the ceiling of each tier, and what derived data inherits."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

DataClass = Literal["public", "internal", "non-production", "production", "restricted"]
Tier = Literal["dev", "preprod", "prod"]
Place = Literal["platform", "shared", "dev", "preprod", "prod"]
"""Where something lives: the platform itself, a registry (`shared`), or a stage of a tier."""

ORDER: tuple[DataClass, ...] = ("public", "internal", "non-production", "production", "restricted")
RANK: Mapping[DataClass, int] = MappingProxyType({name: rank for rank, name in enumerate(ORDER)})
TIERS: tuple[Tier, ...] = ("dev", "preprod", "prod")

CEILING: Mapping[Place, DataClass] = MappingProxyType(
    {
        "shared": "restricted",  # a registry takes what its stages share; each reader brings his own ceiling
        "dev": "non-production",
        "preprod": "production",
        "prod": "restricted",
    }
)
"""The most sensitive class that may be at a place; the platform itself holds no data at all."""
DEFAULT_CLASS: Mapping[Tier, DataClass] = MappingProxyType(
    {"dev": "non-production", "preprod": "production", "prod": "production"}
)


def lowest(first: DataClass, *others: DataClass) -> DataClass:
    """Return the least sensitive of the classes."""
    return min((first, *others), key=RANK.__getitem__)


def highest(classes: Iterable[DataClass]) -> DataClass:
    """Return what data derived from inputs of these classes inherits: the most sensitive one.

    Nothing read means nothing to protect: `public`.
    """
    return max(classes, key=RANK.__getitem__, default="public")


def effective_ceiling(ceiling: DataClass, place: Place) -> DataClass:
    """Return the most sensitive class that a role of `ceiling` reaches at a stage or in a registry."""
    return lowest(ceiling, CEILING[place])


def within(data_class: DataClass | None, ceiling: DataClass, place: Place) -> bool:
    """Say whether the class is known and neither above the role's ceiling nor above that of the place."""
    if data_class is None:  # unlabelled: refused
        return False
    rank, limit = RANK[data_class], CEILING.get(place)
    return limit is not None and rank <= RANK[ceiling] and rank <= RANK[limit]


def attachable(data_class: DataClass, tier: Tier) -> bool:
    """Say whether a datastore of this class may be attached to a stage of this tier at all."""
    return RANK[data_class] <= RANK[CEILING[tier]]


def creatable(data_class: DataClass, tier: Tier) -> bool:
    """Say whether a new datastore may carry this class: attachable, and not below the default of the tier."""
    return RANK[DEFAULT_CLASS[tier]] <= RANK[data_class] and attachable(data_class, tier)
