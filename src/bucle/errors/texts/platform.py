"""Words of the platform file: stages, paths, principals that do not fit together."""

TEXTS: dict[str, tuple[str, str]] = {
    "platform.unknown_stage": (
        "{what} names the stage {stage}, which is not there",
        "declare it under `stages:`",
    ),
    "platform.path_order": (
        "{path} is not a way from dev by preprod to prod with each stage once",
        "order the path's stages by their tier",
    ),
    "platform.kind": (
        "{principal} is a {before} and cannot become a {after}",
        "declare another principal under another name",
    ),
    "platform.owner": (
        "the service {principal} has no owner who is a person of this file",
        "write `owner:` with the name of a person declared under `principals:`",
    ),
}
