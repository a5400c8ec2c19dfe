"""Say how far the predictions lie off for the cars of each origin."""

import argparse
import csv
import json
from collections import defaultdict

parser = argparse.ArgumentParser()
parser.add_argument("--predictions", required=True)
asked = parser.parse_args()

by_origin = defaultdict(list)
with open(asked.predictions, newline="") as source:
    for row in csv.DictReader(source):
        by_origin[row["origin"]].append(abs(float(row["mpg"]) - float(row["prediction"])))
print(json.dumps({origin: {"mae": sum(off) / len(off), "rows": len(off)} for origin, off in sorted(by_origin.items())}))
