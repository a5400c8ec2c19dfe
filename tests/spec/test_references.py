"""References: each form is one value, and no path leaves its root."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucle import errors
from bucle.spec.references import (
    Asset,
    DatastorePath,
    LocalPath,
    OutputOfJob,
    Reference,
    RegistryAsset,
    RunPath,
    Url,
    parse,
)

SKLEARN = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("azureml:cpu-cluster", Asset(name="cpu-cluster")),
        ("azureml:data:1.10", Asset(name="data", version="1.10")),
        ("azureml:data@latest", Asset(name="data", label="latest")),
        (
            SKLEARN,
            RegistryAsset(registry="azureml", collection="environments", name="sklearn-1.5", label="latest"),
        ),
        ("azureml://datastores/d/paths/a//b/./c/", DatastorePath(datastore="d", path="a/b/c/")),
        ("azureml://datastores/d", DatastorePath(datastore="d", path="")),
        (
            "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/x",
            DatastorePath(datastore="d", path="x", workspace="w"),
        ),
        ("azureml://jobs/j/outputs/o/paths/p", OutputOfJob(job="j", output="o", path="p")),
        ("runs:/r/model", RunPath(run="r", path="model")),
        ("https://x.example/a.csv", Url(scheme="https", url="https://x.example/a.csv")),
        ("wasbs://c@a.example/", Url(scheme="wasbs", url="wasbs://c@a.example/")),
        ("file:./x.yml", LocalPath(path="./x.yml")),
        ("../src", LocalPath(path="../src")),
    ],
)
def test_each_form_is_one_value(text: str, reference: Reference) -> None:
    """Every form in use in Azure's examples is read."""
    assert parse(text) == reference


@pytest.mark.parametrize("path", ["..", "a/../../b", "a/..", "%2e%2e/b", "a\\..\\b", "a\0b", "a\nb", "a/%2E%2e"])
@pytest.mark.parametrize("root", ["azureml://datastores/d/paths/", "azureml://jobs/j/outputs/o/paths/", "runs:/r/"])
def test_no_path_leaves_its_root(root: str, path: str) -> None:
    """Dots, backslashes, NULs and their encoded forms are refused; an ordinary path is not."""
    assert not isinstance(parse(root + "a..b/c"), LocalPath)
    with pytest.raises(errors.BadRequest) as caught:
        parse(root + path)
    assert caught.value.code == "spec.bad_reference"


@pytest.mark.parametrize("text", ["", "azureml:", "azureml:a:b:c", "azureml://nothing/x", "ftp://x/y", "runs:x"])
def test_what_points_nowhere_is_refused(text: str) -> None:
    """A text of azureml's or a scheme of nobody's is a fault, not a local path."""
    with pytest.raises(errors.BadRequest):
        parse(text)


@given(st.text(max_size=60).map(lambda tail: f"azureml://datastores/d/paths/{tail}"))
def test_a_datastore_path_stays_inside(text: str) -> None:
    """Whatever the tail, the path read has no step upwards and does not begin at the root."""
    try:
        found = parse(text)
    except errors.BadRequest:
        return
    assert isinstance(found, DatastorePath)
    assert ".." not in found.path.split("/")
    assert not found.path.startswith("/")
