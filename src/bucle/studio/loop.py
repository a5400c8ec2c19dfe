"""The Loop, which is home: lanes of every model, what waits for the reader, releases and where they served, events."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from bucle.ops import loop
from bucle.studio.door import SIGNED_IN, Asked, Door, Visited
from bucle.studio.words import instant

DOOR = Door()
TIMELINE_WIDTH, TIMELINE_HEIGHT = 300.0, 18.0
LEAST_BAR = 3.0
BAR_SHARE = 0.8
"""Of the height of a row, so that rows stand apart."""


@DOOR.page("GET", "/loop", permission=SIGNED_IN)
def show(visit: Visited) -> Response:
    """Show the loop."""
    document = loop.show(visit.world, visit.call)
    rows = [stage["name"] for stage in document["stages"]]
    bars = {model["name"]: timeline(model["releases"], rows, document["now"]) for model in document["models"]}
    return visit.render("loop.html", twin="/studio/loop.json", loop_data=document, bars_of=bars)


@DOOR.page("GET", "/loop.json", permission=SIGNED_IN)
def twin(asked: Asked) -> dict[str, Any]:
    """Return the same as data."""
    return loop.show(*asked)


def timeline(releases: Sequence[Mapping[str, Any]], stages: Sequence[str], now: str) -> dict[str, list[dict[str, Any]]]:
    """Return of each release the bars that show when it served which stage: one axis of time, one row a stage."""
    height = TIMELINE_HEIGHT / max(1, len(stages))
    starts = [instant(span["from_at"]) for release in releases for span in release["served"]]
    begin, end = min(starts, default=instant(now)), instant(now)
    seconds = max(1.0, (end - begin).total_seconds())
    bars: dict[str, list[dict[str, Any]]] = {}
    for release in releases:
        drawn = bars[release["alias"]] = []
        for span in release["served"]:
            left = (instant(span["from_at"]) - begin).total_seconds() / seconds * TIMELINE_WIDTH
            right = (instant(span["to_at"] or now) - begin).total_seconds() / seconds * TIMELINE_WIDTH
            width = max(LEAST_BAR, right - left)
            x = min(left, TIMELINE_WIDTH - width)
            place = {"x": x, "y": stages.index(span["stage"]) * height, "width": width, "height": height * BAR_SHARE}
            drawn.append({**span, **{name: round(value, 1) for name, value in place.items()}})
    return bars
