"""Words of models, their packaging and registries."""

TEXTS: dict[str, tuple[str, str]] = {
    "model.not_found": ("there is no model {name} in {stage}", "see `bucle model list --stage {stage}`"),
    "model.exists": ("the model {name}:{version} exists in {stage}", "leave the version out to make the next one"),
    "model.job_not_completed": (
        "the job {job} is {state}; a model is made of a completed job",
        "wait for it: `bucle job stream -n {job}`",
    ),
    "model.no_release": (
        "the code of the job {job} holds no release.yml",
        "add one beside the training script: name, model, task, target, metric, direction, evaluation_data",
    ),
    "model.no_such_output": ("the job {job} has no output {output}", "name one of its outputs in release.yml"),
    "model.not_a_folder": (
        "the output {output} of the job {job} is a file; an MLflow model is a folder",
        "declare it as `type: mlflow_model` and save the model there",
    ),
    "model.packaging_failed": ("the model {name}:{version} could not be packaged: {reason}", "mend it and train again"),
    "registry.not_found": ("there is no registry {registry}", "declare it in platform.yml under `registries:`"),
}
