"""Words of backup, restore and drill."""

TEXTS: dict[str, tuple[str, str]] = {
    "backup.not_empty": ("{folder} holds something already", "name a folder that is new or empty"),
    "backup.inside": (
        "{folder} lies in the state folder {home} itself",
        "name a folder outside it, best on another disk",
    ),
    "backup.no_records": ("{home} holds no records", "name the state folder with `--home`"),
    "backup.other_schema": (
        "the records are at schema {found}; this bucle writes {known}",
        "take the backup with the version that they are used with",
    ),
    "backup.failed": (
        "the backup in {folder} was not finished: {why}",
        "mend that, remove the folder and begin again; the platform was not touched",
    ),
    "backup.incomplete": (
        "{folder} is no whole backup: it has no {manifest}, which is written last",
        "use another one; remove this one if its backup was interrupted",
    ),
    "backup.manifest_damaged": ("{manifest} cannot be read: {why}", "use another backup"),
    "backup.damaged": (
        "{count} of {total} files of the backup are not what was backed up; the first is {file} ({why})",
        "use another backup; nothing was restored",
    ),
    "backup.used_home": (
        "{folder} cannot be restored into: it holds something already",
        "name a folder that is new or empty with `--home`",
    ),
    "backup.no_home": ("a restore needs to be told where to", "add `--home FOLDER`, or `--drill` to only try it out"),
    "backup.not_restored": (
        "{home} was not restored: {why}",
        "mend that and begin again; nothing of it was left behind",
    ),
    "backup.drill_failed": ("the drill failed: {why}", "use another backup, and find out what this one lacks"),
}
