"""Words of upgrades."""

TEXTS: dict[str, tuple[str, str]] = {
    "upgrade.differs": ("{what} is not as it was before the migration: {why}", "report it to us; nothing was changed"),
    "upgrade.not_done": (
        "the records were not brought from schema {found} to {known}: {why}; they are as they were",
        "mend that and run `bucle upgrade` again, or go on with the older bucle",
    ),
    "upgrade.returned": (
        "the records were damaged after the upgrade ({why}); they are at schema {found} again, from {snapshot}",
        "look at the disk, then run `bucle upgrade` again, or go on with the older bucle",
    ),
    "upgrade.no_room": (
        "the upgrade needs {needed} bytes at {where}; {free} are free",
        "free some space, then run `bucle upgrade` again",
    ),
    "upgrade.no_snapshot": (
        "{home} holds no snapshot of an upgrade",
        "restore a backup of the older version with `bucle restore`",
    ),
}
