"""Why a model is trained again: an incident that its policy answers, or a tick of the policy's own schedule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bucle.core.retraining import cooled_down
from bucle.core.schedule import due
from bucle.core.scheduling import trigger_of
from bucle.core.windows import Window, read_duration
from bucle.monitoring import findings
from bucle.monitoring.findings import Incident
from bucle.release import promotions, releases
from bucle.release.releases import Release
from bucle.serving import endpoints
from bucle.spec.retrain import Retrain
from bucle.store.instants import to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What calls for a new model behind an endpoint; `newest` are the rows it will be compared on.

    `document` names the incident or the tick: a cause is answered once.
    """

    stage: str
    endpoint: str
    why: str
    newest: Window
    document: Mapping[str, Any]


def of_incident(incident: Incident) -> Cause:
    """Return the cause that an incident is."""
    start, end = (incident.document[name] for name in ("window_start_at", "window_end_at"))
    return Cause(
        stage=incident.stage,
        endpoint=incident.endpoint,
        why=f"{incident.signal}: {incident.document['why']}",
        newest=Window(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end)),
        document={"incident": incident.id},
    )


def due_causes(rows: sa.Connection, now: datetime) -> Sequence[Cause]:
    """Return the ticks that have come of the schedules of what serves; missed ones are one.

    The newest rows are those of the policy's hold-out, else of its cooldown, until the tick.
    """
    busy = {(one.stage, one.endpoint) for one in findings.active_retrainings(rows)}
    served = (promotions.serving(rows, one.stage, one.name) for one in endpoints.every(rows))
    found = []
    for line in served:
        if line is None or (line.stage, line.endpoint) in busy:
            continue
        release = releases.of_id(rows, line.release_id)
        policy = policy_of(release)
        if policy is None or policy.schedule is None:
            continue
        last = findings.retrainings(rows, line.stage, line.endpoint)
        ticked = [one.created_at for one in last if "tick" in one.document]
        fire = due(trigger_of(policy.schedule, line.from_at), max([line.from_at, *ticked]), now)
        done = [one.holdout_end_at for one in last if one.state != "failed"]
        if fire is None or not cooled_down(policy, max(done, default=None), fire.due_at):
            continue
        start = read_duration(policy.holdout or policy.cooldown).before(fire.due_at)
        tick = to_text(fire.due_at)
        found.append(
            Cause(
                stage=line.stage,
                endpoint=line.endpoint,
                why=f"its schedule: {tick}",
                newest=Window(start=start, end=fire.due_at),
                document={"tick": tick, "champion": release.alias},
            )
        )
    return found


def policy_of(release: Release) -> Retrain | None:
    """Return the retraining policy of a release, or None where there is none or it is absent on purpose."""
    document = release.manifest["retrain"]
    return None if document is None or "none" in document else Retrain.model_validate(document)
