"""Words about local files on their way to the platform."""

TEXTS: dict[str, tuple[str, str]] = {
    "content.missing": (
        "there is no file or folder {path}",
        "check the path; it is relative to the YAML file that names it",
    ),
    "content.symlink": (
        "{path} is a symbolic link, and links are not sent",
        "replace it by the file, or list it in .amlignore",
    ),
    "content.unreadable": ("{path} cannot be read: {why}", "check its permissions"),
    "content.not_empty": ("{folder} holds something already", "name a folder that is new or empty"),
    "content.damaged": ("{path} did not arrive as it was signed", "download it again into another folder"),
}
