# Fullcourt. `make` lists what there is; everything is installed into .venv, from the pinned requirements.txt.

PYTHON ?= python3

BIN := .venv/bin
STAMP := .venv/.installed
OLDEST_PYTHON := $(shell sed -n 's/^requires-python = ">=\(.*\)"/\1/p' pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-bigquery proof check up backfill down doctor alert-test bench bench-growth
.PHONY: bench-peers ddl lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

setup: $(BIN)/fullcourt ## Install everything into .venv, once

# The file is complete: without --no-deps, pip would look for extras of packages that it pins in their newest version.
$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < tuple(map(int, "$(OLDEST_PYTHON)".split("."))))' || { \
		echo "error: Python $(OLDEST_PYTHON) or later is needed, and $(PYTHON) is not: name one with PYTHON=" >&2; exit 1; }
	@echo "Installing into .venv (once, about a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@touch $(STAMP)

$(BIN)/fullcourt: pyproject.toml $(STAMP)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Replay the incident on a synthetic league, in .fullcourt/demo.duckdb
	@$(BIN)/fullcourt demo

# More processes than two cores have work for: a test waits half of its time, for a server or for a process of its own.
# They keep bytecode, whatever the environment says: each of them would compile every test again.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test: setup ## Run the tests, without those marked slow, on a real DuckDB and a real Prefect server
	$(PYTEST) -m "not slow"

test-all: setup ## Run every test: also every behaviour on BigQuery, kills, more seeds, real seasons
	$(PYTEST)

# Table names are fixed by the table folders: a project that holds one of their datasets is refused. What the tests make
# in it is deleted at the end. They bill less than 2 GiB of reading.
test-bigquery: setup ## Run the contract tests on a real BigQuery project, an empty one: PROJECT=my-project
	@if [ -z "$(PROJECT)" ]; then echo "error: name an empty project: make test-bigquery PROJECT=my-project" >&2; exit 1; fi
	FULLCOURT_TEST_BIGQUERY_PROJECT=$(PROJECT) $(BIN)/python -m pytest tests/bigquery/contract -W default::UserWarning

proof: setup ## Damage leagues at random, and let no day of them pass that is not whole: LEAGUES=2000
	@$(BIN)/python -m tests.proof $(or $(LEAGUES),200)

check: setup ## Run ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

up: setup ## Start a Prefect server (PORT=4200) and a worker, and register the deployments
	@$(BIN)/fullcourt up

backfill: setup ## Run the backfill on the worker and watch it: FROM=2023-01-20 TO=2023-01-31 ARGS="-p force=true"
	@$(BIN)/fullcourt run backfill $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) $(ARGS)

down: ## Stop what `make up` started, and nothing else
	@if [ -x $(BIN)/fullcourt ]; then $(BIN)/fullcourt down; else echo "Nothing is running."; fi

bench: setup ## Measure the backfill against its limits, for 1 and 4 seasons: ARGS="--seasons 1 --rounds 1"
	@$(BIN)/python -m benchmarks.backfill $(ARGS)

bench-growth: setup ## Measure how the backfill grows, from 1 season to 16, which takes long: ARGS="--seasons 1 2"
	@$(BIN)/python -m benchmarks.backfill --growth $(ARGS)

bench-peers: setup ## Measure the same season by Fullcourt and by other tools: ARGS="--days 20 --peers dbt sqlmesh"
	@$(BIN)/python -m benchmarks.peers.runner $(ARGS)

doctor: setup ## Say what of the warehouse and Prefect can be reached and would run, what is missing, and what to do
	@$(BIN)/fullcourt doctor

alert-test: setup ## Send a test the way that alerts go, and say whether it was taken
	@$(BIN)/fullcourt alert-test

ddl: setup ## Write the statements that create the tables, to deployments/bigquery/
	@$(BIN)/fullcourt ddl write

lock: ## Compile requirements.txt from requirements.in
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; \
	"$$tools/bin/python" -m pip install --quiet --quiet --disable-pip-version-check uv; \
	"$$tools/bin/uv" pip compile requirements.in --output-file requirements.txt --quiet --universal \
		--python-version $(OLDEST_PYTHON) --generate-hashes --no-emit-index-url --no-annotate --no-header

clean: down ## Remove .venv and caches; what is in .fullcourt stays: warehouses and the run history
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
