"""Words of the store."""

TEXTS: dict[str, tuple[str, str]] = {
    "store.key_reused": (
        "the idempotency key {key} was used for another request",
        "send a new Idempotency-Key, or repeat the first request as it was",
    ),
    "store.newer_schema": (
        "the records in {where} were written by a newer bucle (schema {found}; this one knows up to {known})",
        "install the newer version, or restore a backup of the older one",
    ),
    "store.object_missing": ("there is no object {digest} in this workspace", "upload its bytes first"),
    "store.digest_differs": (
        "the bytes sent are {found}, not {named}",
        "compute the digest again and send the file once more",
    ),
    "store.full": ("{where} cannot be written: {why}", "free some space; nothing was changed"),
    "store.bad_page_token": ("the page token is not one of ours", "start again without it"),
}
