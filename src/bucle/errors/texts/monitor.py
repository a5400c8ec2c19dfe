"""Words of monitors, labels and retraining."""

TEXTS: dict[str, tuple[str, str]] = {
    "monitor.bad_duration": ("{text} is not a duration", "write one in ISO 8601, such as P7D or PT1H"),
    "monitor.none": (
        "no release with a monitor serves {endpoint} in {stage}",
        "promote one whose code has a monitor.yml",
    ),
    "label.unknown_request": (
        "no request with the correlation id {correlation_id} was scored by {endpoint} in {stage}",
        "use the x-request-id of the answer; a request is known some seconds after it was answered",
    ),
    "retrain.no_rows": (
        "{count} labelled rows lie in the window of the policy; {least} are needed",
        "wait for labels, or widen the window in retrain.yml",
    ),
    "retrain.no_principal": (
        "no service holds the role MonitorAgent in {stage}, and what the platform runs by itself runs as nobody else",
        "bind one: `bucle binding create --role MonitorAgent --scope /stages/{stage} …`",
    ),
    "retrain.no_such_input": ("the job has no data input {name} that retrain.yml could bind", "name one of its inputs"),
}
