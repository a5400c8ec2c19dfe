"""The release: what a model is, as one immutable manifest whose digest everything later refers to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bucle.spec.digest import digest_of
from bucle.spec.release import Release as ReleaseWords

SAFE_FORMATS = frozenset({"skops", "onnx", "safetensors", "xgboost", "lightgbm", "catboost"})
"""Formats whose loading runs no code of the model's author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUsed:
    """A data version that a job read: as referenced, with its digest and class."""

    reference: str
    digest: str
    data_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the job that made a model says of it."""

    job: str
    step: str
    submitted_by: str
    code: str | None
    commit: Mapping[str, str]
    environment: str
    lock: str
    data: tuple[DataUsed, ...]
    data_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What the code snapshot says beside the training: words of the release, monitor and retraining policy."""

    release: ReleaseWords
    monitor: Mapping[str, Any] | None
    retrain: Mapping[str, Any] | None


def manifest_of(
    model: Mapping[str, Any], made: Made, policies: Policies, evaluation_digest: str, profile_digest: str
) -> dict[str, Any]:
    """Return the manifest: model, environment, code, data, evaluation, policies; its digest is the release's."""
    return {
        "model": dict(model),
        "environment": {"ask": made.environment, "lock": made.lock},
        "code": {"digest": made.code, **made.commit},
        "data": [{"reference": one.reference, "digest": one.digest, "class": one.data_class} for one in made.data],
        "class": made.data_class,
        "job": {"name": made.job, "step": made.step, "submitted_by": made.submitted_by},
        "evaluation": {"digest": evaluation_digest, "source": policies.release.evaluation},
        "profile": profile_digest,
        "release": policies.release.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "monitor": None if policies.monitor is None else dict(policies.monitor),
        "retrain": None if policies.retrain is None else dict(policies.retrain),
    }


def release_digest(manifest: Mapping[str, Any]) -> str:
    """Return the digest of a release."""
    return digest_of(manifest)


def commit_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return commit, branch, repository and cleanness that the client wrote into a job's properties (Azure's names)."""
    names = {
        "azureml.git.commit": "commit",
        "azureml.git.branch": "branch",
        "azureml.git.repository_uri": "repository",
        "azureml.git.dirty": "dirty",
    }
    return {short: str(properties[name]) for name, short in names.items() if name in properties}


def columns_of(words: ReleaseWords) -> Sequence[str]:
    """Return the columns by which predictions are told apart: segments and groups."""
    return [*words.segments, *(name for name in words.groups if name not in words.segments)]
