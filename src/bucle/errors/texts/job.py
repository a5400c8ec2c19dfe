"""Words of jobs and their environments."""

TEXTS: dict[str, tuple[str, str]] = {
    "job.not_found": ("there is no job {name} in {stage}", "see `bucle job list --stage {stage}`"),
    "job.exists": ("a job called {name} exists in {stage}", "give another name, or none to have one made"),
    "job.bad_limit": (
        "{text!r} is no amount for {option} in `resources.docker_args`",
        "write it as Docker does: `--memory 2g --pids-limit 200`",
    ),
    "job.no_nodes": ("the pipeline has no jobs", "add at least one under `jobs:`"),
    "job.node_not_run": (
        "the node {node} is of the type {type}, which is not run here yet",
        "use command nodes",
    ),
    "job.node_incomplete": (
        "the node {node} has neither a component nor a command with an environment",
        "give `component:`, or `command:` and `environment:`",
    ),
    "job.points_nowhere": (
        "the node {node} reads {expression}, which nothing here makes",
        "check its spelling",
    ),
    "job.no_such_output": (
        "the node {node} reads the output {output} of {step}, which declares no such output",
        "declare it under the `outputs:` of {step}",
    ),
    "job.circle": ("the nodes wait for each other in a circle; {node} is one of them", "break the circle"),
    "job.code_not_uploaded": (
        "the code {code} was not uploaded",
        "send the job with the client, which uploads it",
    ),
    "job.kind_not_run": ("a job of the type {type} is not run here yet", "use a command or pipeline job"),
    "job.input_unreadable": (
        "the input {reference} is of a form that is not read here yet",
        "upload it, or name a data asset",
    ),
    "job.environment_unknown": (
        "there is no environment {reference} in {stage}, and no curated one of that name",
        "make it: `bucle environment create -f FILE` with `name: {name}` and a conda_file",
    ),
    "job.too_deep": (
        "the pipeline {node} lies within more than {most} others",
        "flatten it; a component cannot hold itself",
    ),
    "job.input_missing": (
        "the node {node} is given no {input}, which its component needs",
        "give it under the `inputs:` of the node",
    ),
    "job.input_kept": (
        "{reference} lies among what the platform keeps",
        "name the data asset (azureml:NAME:VERSION) or the job's output (azureml://jobs/JOB/outputs/OUTPUT)",
    ),
    "job.input_missing_there": ("there is nothing at {reference}", "check the path, or upload it first"),
    "job.input_not_mirrored": (
        "{url} is not fetched: jobs read what is here",
        "have a copy declared in {file} of the state folder, or make it a data asset: `bucle data create`",
    ),
    "job.output_not_found": (
        "{count} outputs are called {reference}, and exactly one is needed",
        "see the outputs of its steps: `bucle job show`",
    ),
    "job.output_path": (
        "the path {path} of {where} is no path in a datastore",
        "write azureml://datastores/NAME/paths/FOLDER/${{{{name}}}}",
    ),
    "job.output_path_kept": (
        "the path {path} of {where} lies among what the platform keeps",
        "choose another folder than uploads, jobs and arrived",
    ),
    "job.output_class": (
        "{output} would come to lie in {datastore}, which holds {holds} data at most; the job reads {reads} data",
        "choose a datastore of that class, or leave the path out",
    ),
    "job.output_not_laid": ("the output {output} cannot be laid at {path}: {why}", "choose another path for it"),
    "job.failed": ("the job {name} ended as {state}{why}", "read its log with `bucle job stream -n {name}`"),
    "environment.bad_dependency": (
        "the conda dependency {dependency} cannot be read",
        "write `name`, `name=1.5` or `name>=1,<2`",
    ),
    "environment.bad_requirement": (
        "the requirement {requirement} is not a package and its versions",
        "options, local paths and other indexes do not belong into an environment; name packages only",
    ),
    "environment.build_context": ("a docker build context cannot be built here", "give a conda_file"),
    "environment.python_missing": (
        "the environment asks for Python {python}, which this host does not have (found: {found})",
        "ask for one of those in the conda file",
    ),
    "environment.not_built": ("the environment of the step {step} is not built", "submit the job again"),
    "job.output_missing": (
        "the step wrote no file where its output {output} was declared",
        "write to ${{{{outputs.{output}}}}}",
    ),
    "job.output_link": (
        "the symbolic link {path} lies among the outputs",
        "write a file; links are not kept",
    ),
}
