"""Words of assets: manifests, datastores, data, code, models, environments."""

TEXTS: dict[str, tuple[str, str]] = {
    "manifest.too_many": (
        "the folder holds {count} files; {most} are the most",
        "pack them, or reference them in place",
    ),
    "manifest.bad_row": (
        "a row of the manifest is not [path, executable, size, sha256]: {row}",
        "see docs/api.md",
    ),
    "manifest.bad_path": ("the file name {path} cannot be kept: {why}", "rename the file"),
    "data.not_found": ("there is no data {name} in {stage}", "see `bucle data list --stage {stage}`"),
    "data.exists": (
        "data {name}:{version} exists in {stage} with other content ({digest})",
        "leave the version out to make the next one",
    ),
    "data.bytes_missing": (
        "{count} files of this data are not in the datastore {datastore} (the first: {digest})",
        "upload them first: PUT /api/v1/stages/{stage}/datastores/{datastore}/files/<digest>",
    ),
    "data.not_here_yet": ("data of the form {form} is not read here yet", "give a local file or folder"),
    "asset.not_found": (
        "there is no {kind} {name} in {stage}",
        "see `bucle {kind} list --stage {stage}`",
    ),
    "asset.exists": (
        "the {kind} {name}:{version} exists in {stage} with other content",
        "leave the version out to make the next one",
    ),
    "datastore.outside": ("the path {path} leads out of the datastore {name}", "name a path within it"),
    "mirror.unreadable": ("the mirror {file} cannot be read: {why}", "write `ADDRESS: PATH` lines into it"),
    "datastore.not_found": (
        "there is no datastore {name} in {stage}",
        "see `bucle datastore list --stage {stage}`",
    ),
    "code.bytes_missing": (
        "{count} files of this code are not in the workspace of {stage} (the first: {digest})",
        "upload them first: PUT /api/v1/stages/{stage}/code/<digest>",
    ),
    "code.not_found": ("there is no code {digest} in the workspace of {stage}", "upload it first"),
    "stage.not_found": ("there is no stage {stage}", "see `bucle stage list`"),
}
