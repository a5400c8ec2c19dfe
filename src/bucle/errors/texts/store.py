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
    "store.busy": ("the records are busy", "try again in a moment; the same idempotency key does nothing twice"),
    "store.unreachable": (
        "the records cannot be reached: {why}",
        "see whether the database runs and takes connections; the server goes on by itself when it does",
    ),
    "store.failing": (
        "the records cannot be written: {why}",
        "free some space; whether this change was made is not known, so look before you repeat it",
    ),
    "store.no_driver": ("records in PostgreSQL need a driver that is not installed", "pip install 'bucle[postgres]'"),
    "store.not_an_address": (
        "{url} is no address of records",
        "give postgresql://USER:PASSWORD@HOST/DATABASE, or leave it out for a file in the state folder",
    ),
    "store.held": (
        "another server ({node}) works on these records, with a state folder of its own; its lease lasts {left_s} s",
        "stop it, or start this one on the same state folder; when it was killed, wait until its lease has ended",
    ),
    "store.other_version": (
        "a server of another version ({node}) works on these records",
        "stop all servers with `bucle down`, then start them again with the newer version",
    ),
    "store.superseded": (
        "another server has taken these records over while this one was away",
        "stop this server; nothing that it would write now is taken",
    ),
    "store.other_records": (
        "this state folder keeps its records in {kept}, not in {asked}",
        "move them with `bucle db migrate --to …`, or leave `--records` out",
    ),
    "store.not_empty": (
        "the database {where} holds records already ({table}: {rows} rows)",
        "give an empty database: `createdb NAME`",
    ),
    "store.moved_wrong": (
        "{table} is not the same on both sides: {why}; nothing was switched",
        "the records stay where they were; drop the new database and try again",
    ),
    "store.bad_page_token": ("the page token is not one of ours", "start again without it"),
}
