"""Words of signatures."""

TEXTS: dict[str, tuple[str, str]] = {
    "signature.none": (
        "{what} is not signed",
        "it was not made by this platform, or its signature was removed: find out who changed the records",
    ),
    "signature.wrong": (
        "the signature of {what} does not hold: {why}",
        "find out who changed the records; package the model again to have a release that can be believed",
    ),
    "signature.bytes": (
        "{what} is not what was signed: {why}",
        "find out who changed the objects; package the model again to have a release that can be believed",
    ),
    "signature.key_open": ("others can read {file}", "run: chmod 600 {file}"),
    "signature.key_unreadable": ("{file} holds no keys", "restore the file"),
}
