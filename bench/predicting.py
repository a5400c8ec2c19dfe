"""Runs in a model's own environment: loads it as MLflow does, and says the seconds of one `predict` for every line."""

import json
import sys
import time

import mlflow.pyfunc
import pandas as pd

model = mlflow.pyfunc.load_model(sys.argv[1])
row = pd.DataFrame(**json.loads(sys.argv[2]))
for _ in sys.stdin:
    began = time.perf_counter()
    model.predict(row)
    print(time.perf_counter() - began, flush=True)
