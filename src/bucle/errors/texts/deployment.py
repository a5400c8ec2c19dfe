"""Words of online deployments."""

TEXTS: dict[str, tuple[str, str]] = {
    "deployment.not_run": (
        "{what} is not run here yet (`{part}`)",
        "name a registered MLflow model, `model: azureml:NAME:VERSION`, and leave `{part}` out otherwise",
    ),
    "deployment.none": (
        "the endpoint {endpoint} has no deployment {name}",
        "see `bucle online-deployment list -e {endpoint}`",
    ),
    "deployment.name_taken": (
        "{name} is the alias of another release: a promotion will want this name",
        "give the deployment another name",
    ),
    "deployment.alias_taken": (
        "the endpoint {endpoint} has a deployment {name} with the bytes of another release",
        "remove it with `bucle online-deployment delete -e {endpoint} -n {name}`, then promote again",
    ),
    "deployment.serves": (
        "the deployment {name} gets {percent} % of the traffic, and another model or other variables need a new worker",
        "make a second deployment and move the traffic, or take the traffic away first",
    ),
    "deployment.ended": ("the deployment {name} failed: {reason}", "see `bucle online-deployment get-logs -n {name}`"),
}
