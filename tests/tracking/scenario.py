"""What a data scientist does with MLflow, run by test_clients.py under MLflow 2 and 3; prints what it saw as JSON."""

import json
import math
import sys
import warnings
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
MAJOR = mlflow.__version__.partition(".")[0]
EXPERIMENT = f"scenario-{mlflow.__version__}"
seen = {"version": mlflow.__version__}
client = MlflowClient()
features, target = load_iris(return_X_y=True, as_frame=True)

mlflow.set_experiment(EXPERIMENT)
mlflow.sklearn.autolog()
with mlflow.start_run() as automatic:
    model = LogisticRegression(max_iter=300, C=0.5).fit(features, target)
mlflow.sklearn.autolog(disable=True)
run = client.get_run(automatic.info.run_id)
seen["autolog"] = [run.info.status, run.data.params["C"], "training_accuracy_score" in run.data.metrics]

with mlflow.start_run(run_name="by-hand") as by_hand:
    mlflow.log_params({"depth": 3, "kind": "x"})
    mlflow.log_metrics({"accuracy": 0.5, "loss": 2.0}, step=1)
    for step in range(5):
        mlflow.log_metric("falling", 1 / (step + 1), step=step)
    mlflow.set_tags({"colour": "red"})
    mlflow.log_dict({"a": 1}, "deep/x.json")
    mlflow.log_text("hello", "deep/y.txt")
    mlflow.log_input(mlflow.data.from_pandas(features, name="iris"), context="train")
    odd = [Metric("nan", math.nan, 1, 0), Metric("inf", math.inf, 1, 0)]
    client.log_batch(by_hand.info.run_id, odd, [Param("batch", "z")], [RunTag("mark", "y")])
    with mlflow.start_run(nested=True) as nested:
        mlflow.log_metric("inner", 1)
run_id = by_hand.info.run_id
run = client.get_run(run_id)
seen["params"] = dict(sorted(run.data.params.items()))
seen["accuracy"] = run.data.metrics["accuracy"]
seen["odd"] = [math.isnan(run.data.metrics["nan"]), run.data.metrics["inf"]]
seen["dataset"] = run.inputs.dataset_inputs[0].dataset.name
seen["history"] = [round(one.value, 3) for one in client.get_metric_history(run_id, "falling")]
seen["nested"] = client.get_run(nested.info.run_id).data.tags["mlflow.parentRunId"] == run_id
seen["listed"] = sorted(one.path for one in client.list_artifacts(run_id, "deep"))
seen["downloaded"] = sorted(path.name for path in Path(client.download_artifacts(run_id, "deep")).iterdir())
seen["text"] = mlflow.artifacts.load_text(f"runs:/{run_id}/deep/y.txt")

found = mlflow.search_runs(
    experiment_names=[EXPERIMENT],
    filter_string="metrics.accuracy > 0.1 and params.depth = '3' and tags.colour = 'red'",
    order_by=["metrics.accuracy DESC"],
)
seen["found"] = found["run_id"].tolist() == [run_id]

named = {"name": "model", "serialization_format": "cloudpickle"} if MAJOR == "3" else {"artifact_path": "model"}
with mlflow.start_run():
    logged = mlflow.sklearn.log_model(model, input_example=features[:2], **named)
loaded = mlflow.pyfunc.load_model(logged.model_uri)
seen["predicted"] = loaded.predict(features[:3]).tolist() == model.predict(features[:3]).tolist()
if MAJOR == "3":
    client.set_logged_model_tags(logged.model_id, {"z": "1"})
    there = mlflow.get_logged_model(logged.model_id)
    seen["logged model"] = [str(there.status.name), there.name, there.tags["z"]]

client.set_terminated(client.create_run(run.info.experiment_id).info.run_id, "KILLED")
client.delete_run(nested.info.run_id)
seen["deleted"] = client.get_run(nested.info.run_id).info.lifecycle_stage
json.dump(seen, sys.stdout)
