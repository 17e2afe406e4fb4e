# Every target makes its own environment in .venv, with pip alone.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# What is meant for use from Python. Of named tuples, pdoc warns that it cannot look up the types; it shows them as they are.
API := haemsa.evo haemsa.cluster.api haemsa.model.spec haemsa.model.cost haemsa.model.schema haemsa.model.network.cohort \
	haemsa.model.training.pool haemsa.model.training.train haemsa.model.network.cohort_network haemsa.model.network.weights \
	haemsa.model.training.inference haemsa.model.predictor.predictor haemsa.model.metrics haemsa.model.data.dataset \
	haemsa.model.data.sources haemsa.model.data.store haemsa.model.data.builtin.planted haemsa.model.data.folds \
	haemsa.model.data.normalisation
QUIETLY := -W "ignore:Error parsing type annotation ForwardRef"

RESOLUTION_lowest := lowest-direct
RESOLUTION_newest := highest

PYTEST := $(BIN)/pytest --numprocesses auto

.PHONY: demo check test test-lowest test-newest docs notebooks bench bench-quick bench-full torture lint clean
.DEFAULT_GOAL := test

$(VENV)/installed: pyproject.toml constraints.txt
	@echo "Installing into $(VENV). This takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	touch $@

$(VENV)/peers: $(VENV)/installed # Syne Tune, which brings hundreds of megabytes
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench,peers]'
	touch $@

demo: $(VENV)/installed ## search made data, train the best network, and say where to look
	rm -rf runs/demo models/demo
	$(BIN)/haemsa search --data planted --evaluations 96 --population 24 --validation holdout --confirm 4 --mode generational --workers 2 --seed 0 --name demo --run runs/demo
	$(BIN)/haemsa train runs/demo --data planted --seeds 5 --out models/demo
	@echo "Look at the search with: $(BIN)/haemsa watch runs/demo, or in MLflow's page: $(BIN)/haemsa ui"

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## lint, types, import rules and the tests that need no Ray, server, browser or long training
	$(PYTEST) -m "not ray and not slow"

test: lint ## lint, types, import rules and all tests
	$(PYTEST)

test-lowest test-newest: test-%: ## all tests with the lowest, or the newest, version of each dependency: some gigabytes
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/pip install --quiet --disable-pip-version-check uv
	$(VENV)-$*/bin/uv pip install --quiet --python $(VENV)-$*/bin/python --resolution $(RESOLUTION_$*) --editable '.[test,bench]'
	$(VENV)-$*/bin/pytest --numprocesses auto

docs: $(VENV)/installed ## pages of the functions and classes for use from Python, in docs/api
	PDOC_ALLOW_EXEC=1 $(BIN)/python $(QUIETLY) -m pdoc --docformat google --output-directory docs/api $(API)

notebooks: $(VENV)/installed ## run the notebooks and keep what they show: under ten minutes
	$(BIN)/python notebooks/run.py

bench: $(VENV)/installed ## what is claimed about speed, measured beside the alternative: an hour
	$(BIN)/python -m tests.bench.driver.bench_driver
	$(BIN)/python -m tests.bench.driver.bench_scale
	$(BIN)/python -m tests.bench.evolution.bench_evolution
	$(BIN)/python -m tests.bench.networks.bench_cohort
	$(BIN)/python -m tests.bench.networks.bench_batch
	$(BIN)/python -m tests.bench.data.bench_data
	$(BIN)/python -m tests.bench.driver.bench_recording

bench-quick: $(VENV)/installed ## the same with fewer repetitions: under ten minutes
	$(BIN)/python -m tests.bench.driver.bench_driver --quick
	$(BIN)/python -m tests.bench.driver.bench_scale --quick
	$(BIN)/python -m tests.bench.evolution.bench_evolution --quick
	$(BIN)/python -m tests.bench.networks.bench_cohort --quick
	$(BIN)/python -m tests.bench.networks.bench_batch --quick
	$(BIN)/python -m tests.bench.data.bench_data --quick
	$(BIN)/python -m tests.bench.driver.bench_recording --quick

bench-full: $(VENV)/peers ## searches of ours and of peers on real data: many hours, goes on where it was cut off
	$(BIN)/python -m tests.bench.full.bench_full

torture: $(VENV)/installed ## searches killed at random, nodes that leave and join, ten faults in one: 20 minutes
	$(BIN)/python -m tests.torture.torture
	$(BIN)/python -m tests.torture.nodes
	$(BIN)/python -m tests.torture.faults

clean: ## remove what was made here, runs and models too
	rm -rf $(VENV) $(VENV)-lowest $(VENV)-newest build runs models tuned compared ablated mlruns mlartifacts mlflow.db* bench-results docs/api
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
