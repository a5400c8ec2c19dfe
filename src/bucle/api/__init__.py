"""The HTTP API: translate a request, call one verb of `ops`, translate back."""

from collections.abc import Sequence

from fastapi import APIRouter

from bucle.api import (
    asset,
    audit,
    binding,
    can,
    data,
    deployment,
    endpoint,
    gate,
    job,
    model,
    monitor,
    platform,
    platform_file,
    principal,
    promotion,
    replay,
    role,
    schedule,
    secret,
    sign_in,
    token,
    trace,
    uploads,
)


def routers() -> Sequence[APIRouter]:
    """Return the routers of every noun."""
    nouns = (
        platform,
        platform_file,
        gate,
        uploads,
        data,
        asset,
        job,
        model,
        promotion,
        monitor,
        endpoint,
        deployment,
        schedule,
        trace,
        replay,
        audit,
        sign_in,
        principal,
        binding,
        role,
        token,
        can,
        secret,
    )
    return [*(module.DOOR.router for module in nouns), platform.SCRAPED.router]
