"""Azure's own first jobs run as they are: unmodified files of azureml-examples (MIT), to exit 0."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucle import errors
from bucle.client import Client
from tests.conftest import SHARED, Installation, write

EXAMPLES = SHARED / "conformance" / "azureml-examples" / "cli"
JOBS = EXAMPLES / "jobs"
BASICS = JOBS / "basics"
SAID = {
    "hello-world.yml": "hello world\n",
    "hello-world-org.yml": "hello world\n",
    "hello-world-env-var.yml": "hello world\n",
    "hello-world-input.yml": "hello world\n42\n",
    "hello-world-output.yml": "",
    "hello-world-output-data.yml": "",
}
PIPELINES = "pipelines-with-components/basics"
RUN = [
    *(f"basics/hello-{name}.yml" for name in (
        "code", "data-uri-folder", "dataset", "iris-datastore-file", "iris-datastore-folder", "iris-file", "mlflow",
        "model-as-input", "model-as-output",
    )),
    *(f"basics/hello-pipeline{name}{how}.yml" for how in ("", "-serverless") for name in (
        "", "-abc", "-customize-output-file", "-customize-output-folder", "-default-artifacts", "-io", "-settings",
    )),
    *(f"{PIPELINES}/{name}.yml" for name in (
        "1a_e2e_local_components/pipeline", "1b_e2e_registered_components/pipeline",
        "1b_e2e_registered_components/pipeline-serverless", "2a_basic_component/pipeline",
        "2b_component_with_input_output/pipeline", "3a_basic_pipeline/pipeline", "3b_pipeline_with_data/pipeline",
        "4a_local_data_input/pipeline", "4b_datastore_datapath_uri/pipeline", "4c_web_url_input/pipeline",
        "4d_data_input/pipeline", "5a_env_public_docker_image/pipeline", "5b_env_registered/pipeline",
    )),
]  # fmt: skip
REFUSED = {
    "basics/hello-automl/hello-automl-job-basic.yml": "spec.kind_not_run",
    "basics/hello-sweep.yml": "spec.kind_not_run",
    "basics/hello-interactive.yml": "job.environment_unknown",
    f"{PIPELINES}/6a_tf_hello_world/pipeline.yml": "job.environment_unknown",
    f"{PIPELINES}/6b_pytorch_hello_world/pipeline.yml": "job.environment_unknown",
    f"{PIPELINES}/6c_r_iris/pipeline.yml": "environment.build_context",
}
MIRRORED = {
    "https://azuremlexamples.blob.core.windows.net/datasets/": EXAMPLES / "assets" / "data" / "example-data",
    "https://dprepdata.blob.core.windows.net/demo/Titanic.csv": EXAMPLES / "assets/data/sample-data/titanic.csv",
}
pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="the examples of azureml-examples are not beside this checkout"
)


@pytest.mark.parametrize("name", sorted(SAID))
def test_hello_world_runs(client: Client, name: str) -> None:
    """The job completes and prints what its author meant."""
    job = client.job.wait(client.job.create(Path(BASICS / name))["name"])
    assert (job["status"], client.job.log(job["name"], step="main").decode()) == ("completed", SAID[name])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Give a workspace as the examples' own instructions prepare it: data, components, files; copies of the network."""
    made = Installation(home=tmp_path_factory.mktemp("azure") / "home")
    made.up()
    store = made.home / "datastores" / "dev" / "workspaceblobstore"
    shutil.copytree(EXAMPLES / "assets" / "data" / "example-data", store / "example-data")
    write(store / "azureml" / "4b_datastore_datapath_uri" / "hello-world.txt", "hello\n")
    write(made.home / "mirror.yml", "".join(f"{address}: {place}\n" for address, place in MIRRORED.items()))
    with made.client() as client:
        client.data.create(
            EXAMPLES / "assets" / "data" / "local-folder-sampledata.yml", assignments=("name=sampledata",)
        )
        client.data.create(JOBS / PIPELINES / "4d_data_input" / "data.yml")
        for name in ("train", "score", "eval"):
            client.component.create(JOBS / PIPELINES / "1b_e2e_registered_components" / f"{name}.yml")
        yield client
    made.bucle("down")


@pytest.mark.parametrize("name", RUN)
def test_runs_unmodified(prepared: Client, name: str) -> None:
    """The file, as it is, runs to completed."""
    made = prepared.job.create(JOBS / name)["name"]
    assert prepared.job.wait(made)["status"] == "completed", prepared.job.why(made)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_reason(prepared: Client, name: str) -> None:
    """What is not run here is refused as it is submitted, by the code that names the reason."""
    with pytest.raises(errors.BucleError) as refused:
        prepared.job.create(JOBS / name)
    assert refused.value.code == REFUSED[name]
