# The two commands of this project are `make demo` and `make test`; each makes what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Most tests wait for other processes; those of one file share what they start.
PARALLEL := -n 2 --dist loadfile
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-all test-postgresql servers faults check bench tools format lock clean

demo: $(VENV)/.installed
	$(BIN)/bucle demo

test: check
	$(BIN)/pytest -q $(PARALLEL)

test-all: check
	BUCLE_TEST_ALL=1 $(BIN)/pytest -q $(PARALLEL)

# The same tests with the records of every server in PostgreSQL.
test-postgresql: check
	BUCLE_TEST_RECORDS=postgresql $(BIN)/pytest -q $(PARALLEL)

# Two servers on one database, one of them killed every ten seconds: `make servers MINUTES=10 SEED=1`.
MINUTES ?= 10
servers: $(VENV)/.developing tools
	$(BIN)/python -m tests.servers --minutes $(MINUTES) --seed $(SEED)

# Kills, and what they must not do: `make faults N=1000 SEED=7`; see docs/faults.md.
N    ?= 200
SEED ?= 1
faults: $(VENV)/.developing tools
	$(BIN)/python -m tests.faults --faults $(N) --seed $(SEED)

check: $(VENV)/.developing tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.developing
	$(BIN)/python bench/run.py

format: $(VENV)/.developing
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .

# What a test needs beside Python packages. As root with apt it is installed; else the tests that need it are skipped,
# and each says which command would install it.
tools:
	@sh scripts/install_tools.sh

lock: $(VENV)/.developing
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --output-file requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml requirements/develop.in --output-file requirements/develop.txt

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bucle needs Python 3.11 to 3.13")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml requirements/runtime.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install --quiet --no-deps -e .
	touch $@

$(VENV)/.developing: $(VENV)/.installed requirements/develop.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/develop.txt
	touch $@

clean:
	rm -rf $(VENV) bucle-demo
