#!/usr/bin/env bash
# A newcomer: the wheel, an empty HOME, an ordinary user, no repository in sight. From install to a curl on prod in ten
# commands, each echoed before it runs. Usage: tests/newcomer.sh WHEEL [PYTHON]   (as root it becomes nobody first)
set -euo pipefail
wheel=$(readlink -f "$1"); python=${2:-/usr/bin/python3}
place=$(mktemp -d /tmp/newcomer.XXXXXX)
cp "$wheel" "$place/"; wheel="$place/$(basename "$wheel")"
cleanup() { run "$place/venv/bin/bucle down --home $place/shop/.bucle" >/dev/null 2>&1 || true; rm -rf "$place"; }
trap cleanup EXIT
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$place"
    run() { setpriv --reuid=nobody --regid=nogroup --clear-groups env -i HOME="$place" PATH="$place/venv/bin:/usr/bin:/bin" \
        SSL_CERT_FILE="${SSL_CERT_FILE:-}" PIP_CERT="${PIP_CERT:-}" bash -c "cd $place && $1"; }
else
    run() { env -i HOME="$place" PATH="$place/venv/bin:/usr/bin:/bin" SSL_CERT_FILE="${SSL_CERT_FILE:-}" bash -c "cd $place && $1"; }
fi
say() { printf '\n$ %s\n' "$1"; run "$1"; }

say "$python -m venv venv && venv/bin/pip install --quiet $wheel"
say "bucle init --solo shop"
say "cd shop && bucle up --port 0"
say "cd shop && bucle apply -f platform.yml --yes --query summary"
say "cd shop && bucle job create -f train.yml --set name=first --stream"
say "cd shop && bucle model create --from-job first --query release.alias"
say "cd shop && bucle promote line:1 --to preprod --wait 300 --query state"
say "cd shop && bucle promote line:1 --to prod --wait 300 --query state"
say "cd shop && bucle online-endpoint get-credentials -n line --stage prod --query primaryKey -o tsv > key"
say "cd shop && curl -sf -H \"Authorization: Bearer \$(cat key)\" -H 'Content-Type: application/json' \
  -d '{\"input_data\": {\"columns\": [\"x\"], \"index\": [0], \"data\": [[3.0]]}}' \
  \$(bucle online-endpoint show -n line --stage prod --query scoring_uri -o tsv)"
printf '\nten commands\n'
say "cd shop && bucle job create -f hello.yml --stream"
cat > "$place/plain.py" <<'P'
import mlflow
from sklearn.linear_model import LinearRegression

mlflow.sklearn.autolog(log_models=False)
mlflow.set_experiment("plain")
with mlflow.start_run() as run:
    LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
print("tracked:", mlflow.get_run(run.info.run_id).data.metrics["training_r2_score"])
P
say "cd shop && MLFLOW_TRACKING_URI=\$(bucle status --query address -o tsv)/mlflow/dev \
  MLFLOW_TRACKING_TOKEN=\$(cat .bucle/admin-token) \$(ls -d .bucle/environments/dev/*/venv/bin/python | while read p; do \
  \$p -c 'import mlflow' 2>/dev/null && echo \$p && break; done) ../plain.py"
