"""Words of the wire: requests, documents, idempotency, the server's own faults."""

TEXTS: dict[str, tuple[str, str]] = {
    "wire.as_sent": ("{detail}", "{hint}"),
    "wire.fault": (
        "the platform met a fault of its own ({error}); it is in the log as {request_id}",
        "see `bucle doctor`",
    ),
    "wire.unknown_route": ("there is no {method} {path} here", "see /api/v1/openapi.json"),
    "wire.bad_body": ("the request body is at fault: {faults}", "see /api/v1/openapi.json"),
    "wire.key_not_wanted": (
        "an upload is named by its digest and needs no Idempotency-Key",
        "leave the header out",
    ),
    "wire.key_too_long": ("an Idempotency-Key has at most {most} characters", "send a UUID"),
    "wire.nul": ("the address holds the character NUL", "take %00 out of it"),
    "wire.too_large": (
        "the body is larger than {limit} bytes",
        "split it, or reference the data in place in a datastore",
    ),
}
