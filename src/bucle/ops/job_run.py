"""The runs of jobs: one for each job, one below it for each attempt of a command step, with a token of its own."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from bucle.access import tokens
from bucle.core.delegation import job_windows
from bucle.core.ids import job_name
from bucle.core.job_plan import StepPlan
from bucle.core.release import commit_of
from bucle.execution import attempts, jobs
from bucle.execution.attempts import Try
from bucle.execution.fold import Why
from bucle.execution.jobs import Job
from bucle.execution.launcher import Starting
from bucle.ops.world import World
from bucle.store.instants import to_micros
from bucle.store.records import Transaction
from bucle.tracking import experiments, inputs, job_runs, parameters, runs
from bucle.tracking.experiments import Experiment
from bucle.tracking.inputs import DatasetInput
from bucle.tracking.job_runs import JobRun
from bucle.tracking.rules import LONGEST_KEY, LONGEST_PARAMETER, LONGEST_TAG
from bucle.tracking.runs import NewRun, Status

LONGEST_TOKEN = timedelta(hours=24)
"""The life of a token whose step names no timeout."""
_ENDS: Mapping[Why, Status] = MappingProxyType(
    {"ok": "FINISHED", "failed": "FAILED", "timeout": "FAILED", "canceled": "KILLED", "lost": "FAILED"}
)
_GIT_TAGS: Mapping[str, str] = MappingProxyType(
    {
        "commit": "mlflow.source.git.commit",
        "branch": "mlflow.source.git.branch",
        "repository": "mlflow.source.git.repoURL",
    }
)
_JOB_ENDS: Mapping[str, Status] = MappingProxyType({"completed": "FINISHED", "failed": "FAILED", "canceled": "KILLED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """An attempt about to start, with everything that its run tells of it."""

    starting: Starting
    job: Job
    tried: Try
    folder: Experiment
    parent_id: str


def variables(world: World, address: Callable[[], str | None], starting: Starting) -> Mapping[str, str]:
    """Make the run of an attempt and its token; return what user code needs to log to it.

    Called again for the same attempt (by a server that took over from one that died), the run stays and the
    earlier token is revoked: it reached nobody. Builds and system steps run no user code and get nothing.
    """
    where = address()
    if starting.plan.kind != "command" or where is None:
        return {}
    with world.records.write(world.clock()) as transaction:
        beginning = _begin(world, transaction, starting)
        known = job_runs.of_attempt(transaction.rows, starting.attempt_id)
        run_id = known.run_id if known else _make_attempt_run(world, transaction, beginning)
        token = _mint(world, transaction, beginning, known)
        job_runs.give_token(transaction, run_id, token.id)
    return {
        "MLFLOW_TRACKING_URI": f"{where}/mlflow/{starting.workspace}",
        "MLFLOW_TRACKING_TOKEN": token.text,
        "MLFLOW_RUN_ID": run_id,
        "MLFLOW_EXPERIMENT_NAME": beginning.job.experiment,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }


def settle(transaction: Transaction) -> None:
    """Give the runs of ended attempts and jobs their end, and revoke the tokens of those attempts.

    The engine calls this in the transaction that folds the ends: whatever user code said of its run, or failed
    to say, the run's status is the attempt's.
    """
    rows = transaction.rows
    found = job_runs.open_ones(rows)
    if not found:
        return
    ends = attempts.ends(rows, [one.attempt_id for one in found if one.attempt_id])
    ended = attempts.ended_jobs(rows, [(one.stage, one.job) for one in found if one.attempt_id is None])
    for one in found:
        if one.attempt_id is None:
            state = ended.get((one.stage, one.job))
            status = None if state is None else _JOB_ENDS[state]
        else:
            why = ends.get(one.attempt_id)
            status = None if why is None else _ENDS[why]
        if status is not None:
            _end(transaction, one, status)


def source_tags(job: Job) -> dict[str, str]:
    """Return MLflow's own tags of the commit that a job's code comes from; empty where its client knew none."""
    found = commit_of(job.document.get("properties") or {})
    return {_GIT_TAGS[name]: value[:LONGEST_TAG] for name, value in found.items() if name in _GIT_TAGS}


def _end(transaction: Transaction, one: JobRun, status: Status) -> None:
    runs.end(transaction, one.run_id, status, transaction.now)
    if one.attempt_id is None:
        runs.end_left(transaction, one.stage, one.job, status)
    if one.token_id is not None:
        tokens.revoke(transaction, one.token_id)
    job_runs.settle(transaction, one.run_id)


def _begin(world: World, transaction: Transaction, starting: Starting) -> _Beginning:
    rows = transaction.rows
    job = jobs.find(rows, starting.stage, starting.job)
    assert job is not None, "an attempt belongs to a job"
    folder = experiments.ensure(transaction, job.stage, job.experiment)
    if folder.lifecycle != "active":
        experiments.set_lifecycle(transaction, folder, "active")
        folder = experiments.find(rows, job.stage, str(folder.id))
    parent = job_runs.of_job(rows, job.stage, job.name)
    return _Beginning(
        starting=starting,
        job=job,
        tried=attempts.find(rows, starting.attempt_id),
        folder=folder,
        parent_id=parent.run_id if parent else _make_job_run(world, transaction, job, folder, starting.workspace),
    )


def _make_job_run(world: World, transaction: Transaction, job: Job, folder: Experiment, workspace: str) -> str:
    tags = {
        "mlflow.user": job.submitter_name,
        "mlflow.source.name": job.name,
        "mlflow.source.type": "JOB",
        **source_tags(job),
        "bucle.job": job.name,
        "bucle.job.document": job.document_digest,
        "bucle.class": job.data_class,
        **{key[:LONGEST_KEY]: value for key, value in job.tags.items() if not key.startswith("bucle.")},
    }
    made = runs.create(transaction, folder, workspace, _new(world, transaction, job, job.display_name, tags))
    job_runs.add(transaction, JobRun(run_id=made.id, stage=job.stage, job=job.name, attempt_id=None, token_id=None))
    return made.id


def _make_attempt_run(world: World, transaction: Transaction, beginning: _Beginning) -> str:
    starting, job = beginning.starting, beginning.job
    number = beginning.tried.number
    name = f"{job.display_name}/{starting.plan.name}" + (f"/{number}" if number > 1 else "")
    new = _new(world, transaction, job, name, dict(_tags(beginning)))
    made = runs.create(transaction, beginning.folder, starting.workspace, new)
    parameters.log(transaction, made.id, dict(_parameters(starting.plan)))
    inputs.log_datasets(transaction, made.id, tuple(_datasets(starting.plan)))
    job_runs.add(
        transaction,
        JobRun(run_id=made.id, stage=job.stage, job=job.name, attempt_id=starting.attempt_id, token_id=None),
    )
    return made.id


def _new(world: World, transaction: Transaction, job: Job, name: str, tags: Mapping[str, str]) -> NewRun:
    return NewRun(
        id=world.random(16).hex(),
        job=job.name,
        data_class=job.data_class,
        name=name or job_name(world.random(10)),
        user_id=job.submitter_name,
        started_at=to_micros(transaction.now),
        tags=tags,
    )


def _tags(beginning: _Beginning) -> Iterator[tuple[str, str]]:
    """Yield what can be believed of the attempt: it is written here, and no client may change it."""
    plan = beginning.starting.plan
    yield runs.PARENT_TAG, beginning.parent_id
    yield "mlflow.user", beginning.job.submitter_name
    yield "mlflow.source.name", beginning.job.name
    yield "mlflow.source.type", "JOB"
    yield from source_tags(beginning.job).items()
    yield "bucle.job", beginning.job.name
    yield "bucle.step", plan.name
    yield "bucle.attempt", str(beginning.tried.number)
    yield "bucle.class", beginning.job.data_class
    if plan.code is not None:
        yield "bucle.code", plan.code
    if plan.environment is not None:
        yield "bucle.environment", plan.environment
    for mount in plan.inputs:
        if mount.digest is not None:
            yield f"bucle.input.{mount.name}"[:LONGEST_KEY], mount.digest


def _parameters(plan: StepPlan) -> Iterator[tuple[str, str]]:
    """Yield the literal inputs of the step."""
    for name, text in plan.values.items():
        yield f"bucle.{name}"[:LONGEST_KEY], text[:LONGEST_PARAMETER]


def _datasets(plan: StepPlan) -> Iterator[DatasetInput]:
    """Yield the data that the step reads, as MLflow shows datasets (whose digests hold at most 36 characters)."""
    for mount in plan.inputs:
        if mount.digest is None:
            continue
        digest = mount.digest.removeprefix("sha256:")[:36]
        dataset = {
            "name": mount.name,
            "digest": digest,
            "source_type": "bucle",
            "source": mount.reference or mount.digest,
        }
        tags = [{"key": "mlflow.data.context", "value": mount.name}]
        document = {"tags": tags, "dataset": dataset}
        yield DatasetInput(name=mount.name, digest=digest, context=mount.name, document=document)


def _mint(world: World, transaction: Transaction, beginning: _Beginning, known: JobRun | None) -> tokens.Minted:
    if known is not None and known.token_id is not None:
        tokens.revoke(transaction, known.token_id)
    timeout_s = beginning.starting.plan.timeout_s
    windows = job_windows(beginning.job.stage, beginning.job.name, reads=(), writes=())
    scopes = {"windows": [{"scope": str(one.scope), "actions": sorted(one.actions or ())} for one in windows]}
    return tokens.mint(
        transaction,
        world.keys,
        beginning.job.submitted_by,
        purpose="job",
        lifetime=LONGEST_TOKEN if timeout_s is None else timedelta(seconds=timeout_s),
        scopes=scopes,
    )
