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
    "platform.not_run": (
        "{field}: {value} is known, but this version does not do it",
        "write `{field}: {instead}`, or leave the line out",
    ),
    "platform.waits": ("`{step}` waits for `{other}`", "ask for that step first, then apply again"),
    "platform.first_admin": (
        "{principal} would be the first AccessAdmin and cannot sign in yet: nobody could invite anybody any more",
        "`bucle principal invite {principal}`, let him sign in, then apply again",
    ),
    "platform.one_workspace": (
        "stage {stage} has a workspace of its own, but in `layout: single` all stages share the workspace {name}",
        "leave its `workspace` out, or write `layout: separate`",
    ),
    "platform.workspace_taken": (
        "stage {stage} cannot have the workspace {workspace}: another stage or a registry has it",
        "give each stage a workspace of its own; names with `registry-` belong to registries",
    ),
    "platform.workspace_in_use": (
        "the objects of stage {stage} lie in the workspace {before}; it cannot become {after}",
        "write `workspace: {before}`, or make another stage",
    ),
    "platform.default_datastore": (
        "{name} cannot be the default datastore of stage {stage}, which has {default} as its default",
        "leave `default: true` out, or name the datastore {default}",
    ),
    "platform.datastore_folder": (
        "{path} cannot be the folder of a datastore: {why}",
        "give an absolute path of the server's machine that its user can write, or leave `path:` out",
    ),
    "platform.datastore_overlaps": (
        "{path} cannot be the folder of a datastore: it shares bytes with {other}",
        "give each datastore a folder of its own, outside the state folder",
    ),
    "platform.datastore_moved": (
        "the datastore {stage}/{name} holds data in {before} and cannot be moved",
        "write `path: {before}`, or declare a datastore of another name",
    ),
    "platform.datastore_in_use": (
        "assets of stage {stage} stand on its datastore {name}, which is not destroyed under them",
        "keep it in the file",
    ),
    "platform.stage_in_use": (
        "work was done in stage {stage}, which is not destroyed under it",
        "keep it in the file; leave it out of the paths to end its use",
    ),
    "platform.folder_taken": (
        "{path} exists already, and nothing is overwritten",
        "choose an empty folder: `bucle init FOLDER`",
    ),
    "gate.none": (
        "stage {stage} has no gate",
        "write one: `bucle gate set -f gate.yml`",
    ),
    "gate.other_stage": (
        "this gate is that of stage {named}, not of {stage}",
        "name the stage in the file's `stage:`",
    ),
}
