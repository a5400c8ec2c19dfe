"""Words of endpoints and deployments."""

TEXTS: dict[str, tuple[str, str]] = {
    "serving.endpoint_exists": ("an endpoint called {name} exists in {stage}", "give another name"),
    "serving.deployment_exists": ("the endpoint {endpoint} has a deployment called {name}", "give another name"),
    "serving.no_such_endpoint": (
        "there is no endpoint {name} in {stage}",
        "see `bucle online-endpoint list --stage {stage}`",
    ),
    "serving.no_such_deployment": (
        "traffic goes to {deployment}, which the endpoint does not have",
        "create the deployment first",
    ),
    "serving.share": ("{percent} % is no share of the traffic of {deployment}", "give 0 to 100"),
    "serving.traffic_sum": ("the shares of the traffic sum to {percent} %", "let them sum to 100, or all be 0"),
    "serving.not_ready": (
        "the deployment {deployment} is {state}, and only one that is ready gets traffic",
        "see `bucle online-deployment get-logs`",
    ),
    "serving.traffic_moved": (
        "the traffic of {endpoint} was changed since it was looked at (revision {found}, not {expected})",
        "look again and decide again",
    ),
    "serving.has_traffic": (
        "the deployment {deployment} gets {percent} % of the traffic",
        "move its traffic to another deployment first",
    ),
    "serving.has_deployments": ("the endpoint {endpoint} has {count} deployments", "delete them first"),
    "serving.port_taken": ("the scoring port {port} is taken", "free it, or give another with --scoring-port"),
    "serving.did_not_start": ("the {process} did not start: {why}", "see {log}"),
}
