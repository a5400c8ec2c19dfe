"""Words of the gateway: what it answers by itself, before or without a worker."""

TEXTS: dict[str, tuple[str, str]] = {
    "gateway.malformed": ("the request is not well-formed HTTP/1.1", ""),
    "gateway.no_host": ("the request names no host, or two", "send one Host header"),
    "gateway.twice": ("the header {header} stands twice", "send it once"),
    "gateway.upgrade": ("the connection cannot be upgraded", "use plain HTTP/1.1"),
    "gateway.no_key": ("the request carries no key", "send `Authorization: Bearer KEY` with a key of this endpoint"),
    "gateway.wrong_key": (
        "the key is not one of this endpoint",
        "read it with `bucle online-endpoint get-credentials`",
    ),
    "gateway.other_endpoint": ("the key belongs to another endpoint", "use a key of {endpoint}"),
    "gateway.no_path": ("there is nothing at this path", "POST to /STAGE/ENDPOINT/score"),
    "gateway.no_endpoint": ("there is no endpoint {endpoint} in {stage}", ""),
    "gateway.no_deployment": (
        "the endpoint {endpoint} has no deployment {deployment}",
        "leave the header azureml-model-deployment out",
    ),
    "gateway.only_post": ("scoring is asked for by POST", ""),
    "gateway.slow": ("the request did not arrive within {seconds} s", ""),
    "gateway.large_body": ("the body is larger than {most} bytes", "send fewer rows at once"),
    "gateway.long_url": ("the URL is longer than {most} bytes", ""),
    "gateway.not_json": ("the body must be application/json", "send `Content-Type: application/json`"),
    "gateway.shed": ("the deployment {deployment} has its {most} requests in flight", "try again in a second"),
    "gateway.large_headers": ("the headers are larger than {most} bytes", ""),
    "gateway.worker_died": ("the worker of {deployment} died while it had this request", "see its log"),
    "gateway.no_traffic": ("the endpoint {endpoint} sends its traffic nowhere", "give a deployment traffic"),
    "gateway.no_replica": ("no replica of {deployment} is ready", "try again in a second"),
    "gateway.full": ("the gateway has its {most} connections", "try again in a second"),
    "gateway.deadline": ("the deployment {deployment} did not answer within {most} ms", ""),
}
