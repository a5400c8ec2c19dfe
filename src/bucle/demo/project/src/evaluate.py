"""Say how far the predictions for unseen cars lie from what was measured."""

import argparse
import csv
import json

parser = argparse.ArgumentParser()
parser.add_argument("--predictions", required=True)
asked = parser.parse_args()

with open(asked.predictions, newline="") as source:
    rows = [(float(row["mpg"]), float(row["prediction"])) for row in csv.DictReader(source)]
mean = sum(measured for measured, _ in rows) / len(rows)
left = sum((measured - predicted) ** 2 for measured, predicted in rows)
spread = sum((measured - mean) ** 2 for measured, _ in rows)
mae = sum(abs(measured - predicted) for measured, predicted in rows) / len(rows)
print(json.dumps({"mae": mae, "r2": 1 - left / spread, "rows": len(rows)}))
