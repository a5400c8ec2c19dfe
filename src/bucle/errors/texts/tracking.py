"""Words of tracking: experiments, runs, what is logged on them, their search and their artifacts."""

TEXTS: dict[str, tuple[str, str]] = {
    "tracking.no_experiment": (
        "there is no experiment {experiment} in {stage}",
        "see the experiments of the stage: `mlflow.search_experiments()`",
    ),
    "tracking.experiment_exists": (
        "an experiment called {name} exists in {stage}",
        "use it: `mlflow.set_experiment({name!r})`; a deleted one is restored with `MlflowClient.restore_experiment`",
    ),
    "tracking.experiment_name": (
        "the experiment name {name!r} is empty or longer than {longest} characters",
        "give a shorter name",
    ),
    "tracking.artifact_location": (
        "artifacts of experiments are kept by the platform; {location} cannot be chosen",
        "leave `artifact_location` out",
    ),
    "tracking.deleted": (
        "{what} {id} is deleted; it takes nothing more",
        "restore it first",
    ),
    "tracking.not_deleted": ("{what} {id} is not deleted", "there is nothing to restore"),
    "tracking.no_run": ("there is no run {run} in {stage}", "check the run id and the workspace of the tracking URI"),
    "tracking.no_tag": ("{what} {id} has no tag {key}", "see its tags before deleting one"),
    "tracking.no_model": (
        "there is no logged model {model} in {stage}",
        "see `mlflow.search_logged_models()`",
    ),
    "tracking.parameter_changed": (
        "the parameter {key} of run {run} is {before!r} and cannot become {after!r}",
        "log the new value under another key, or in a new run",
    ),
    "tracking.key_length": (
        "the {kind} key {key!r} is empty or longer than {longest} characters",
        "give a shorter key",
    ),
    "tracking.key_name": (
        "the {kind} key {key!r} may hold letters, digits, _ - . space : and / only, and no path that leaves its folder",
        "rename it",
    ),
    "tracking.key_twice": ("the key {key} stands twice in one request", "send each key once"),
    "tracking.reserved_key": (
        "{key} is written by the platform only",
        "choose a key that does not begin with {prefix}",
    ),
    "tracking.batch_too_large": ("{count} {what} are more than the {most} of one request", "send smaller batches"),
    "tracking.missing_field": ("the required parameter {field} is missing", "send {field}"),
    "tracking.bad_field": ("{field} must be {wanted}, not {given!r}", "correct {field}"),
    "tracking.bad_body": ("the request is not a JSON object", "send a JSON object"),
    "tracking.bad_filter": (
        "the search {filter!r} cannot be read: {why}",
        "write it as in `metrics.accuracy > 0.9 AND params.depth = '3'`",
    ),
    "tracking.bad_page_token": ("the page token is not one of ours", "search again from the start"),
    "tracking.bad_status": ("{status!r} is not a status of {what}", "use one of {known}"),
    "tracking.bad_artifact_path": ("the artifact path {path} cannot be used: {why}", "rename the file"),
    "tracking.other_workspace": (
        "the address is that of the workspace {named}, and {other} was asked for",
        "use one workspace: leave the header out, or change MLFLOW_TRACKING_URI",
    ),
    "tracking.no_artifact": ("there is no artifact {path}", "list what is there: `mlflow.artifacts.list_artifacts`"),
    "tracking.no_workspace": (
        "there is no workspace {workspace}, or it lies outside your scope",
        "see `bucle stage list`",
    ),
}
