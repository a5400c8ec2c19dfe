"""Words of releases, promotions, approvals, rollback and trace."""

TEXTS: dict[str, tuple[str, str]] = {
    "release.not_found": ("there is no release {asked}", "give NAME:VERSION or an alias; see `bucle model list`"),
    "promotion.not_found": ("there is no promotion {name}", "see `bucle promotion list --stage STAGE`"),
    "promotion.not_next": (
        "a release in {source} cannot go to {to}",
        "the next stage on its path is: {following}",
    ),
    "promotion.serves_already": ("{alias} serves {stage} already", "see `bucle promotion list --stage {stage}`"),
    "promotion.another": (
        "the promotion {name} into {stage} is under way ({state})",
        "wait for it, or end it with `bucle promotion cancel {name}`",
    ),
    "promotion.refused": ("{name} was refused: {reason}", "see `bucle promotion show {name}`"),
    "promotion.returned": ("{name} returned: {reason}", "production serves what it served before"),
    "promotion.ended": ("{name} has ended as {state}", "see `bucle promotion show {name}`"),
    "promotion.wrong_state": ("{name} is {state}; this needs it to be {wanted}", "see `bucle promotion show {name}`"),
    "promotion.moved": (
        "what the plan of {name} stood on has changed: {what}",
        "plan again: `bucle promote {alias} --to {stage}`",
    ),
    "promotion.said_already": ("{approver} has spoken of {name} already", "another person may"),
    "promotion.not_acknowledged": (
        "{name} has inconclusive checks that an approver must take on: {checks}",
        "approve with `--acknowledge {first}` if you do",
    ),
    "promotion.not_compared": (
        "champion and candidate could not be compared: the job {job} is {state}",
        "see `bucle job show {job}`",
    ),
    "promotion.still_waiting": ("{name} is {state}", "see who may act: `bucle promotion show {name}`"),
    "rollback.nothing": ("nothing served {endpoint} in {stage} before", "promote another release"),
    "rollback.cold": (
        "the former deployment {deployment} of {endpoint} is gone",
        "promote its release again: `bucle promote {alias} --to {stage}`",
    ),
    "trace.not_found": ("no request {request} was collected here", "check the x-request-id of the answer"),
    "endpoint.round_the_gate": (
        "{stage} has a gate, and the release of {deployment} has no completed promotion to it",
        "bucle promote {model} --to {stage}",
    ),
}
