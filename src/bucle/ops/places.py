"""Places: in which workspace the steps of a stage run, and how many at once."""

import os
from collections.abc import Mapping

import sqlalchemy as sa

from bucle.access.computes import list_computes
from bucle.access.stages import list_stages
from bucle.execution.queue import Place

SLOTS = max(2, os.cpu_count() or 2)
"""Steps at once in a stage that says nothing of it."""


def places_of(rows: sa.Connection) -> Mapping[str, Place]:
    """Return what may run where: a stage's own slots, else those of its default compute, else this machine's."""
    computes = {compute.name: compute.slots for compute in list_computes(rows)}
    return {
        stage.name: Place(
            workspace=stage.workspace, slots=stage.slots or computes.get(stage.default_compute or "", SLOTS)
        )
        for stage in list_stages(rows)
    }
