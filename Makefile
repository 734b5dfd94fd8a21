# `make demo` and `make test` do all the set-up themselves, in .venv; a second run is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The oldest release of Dask that is supported, and what else was current then.
DASK_OLDEST := dask[array,dataframe]==2025.4.1 distributed==2025.4.1 numpy<2.4 pandas<3
OLDEST := $(VENV)/dask-oldest
# The files with tests that are marked so.
DASK_TESTS = $(shell grep -rl "mark\.dask" tests --include="test_*.py")

# What gradients are compared with, besides the development dependencies: large, and not everywhere.
ORACLES := torch==2.13.0 jax

.PHONY: help demo test quick exhaustive oracles dask-oldest dask-range lint bench faults clean

help:
	@echo "make demo   set up, then run the main job on the standard library's sources"
	@echo "make test   set up, then run the tests, the slow ones too (some minutes)"
	@echo "make quick  set up, then run the tests but the slow ones"
	@echo "make exhaustive  set up, then what takes many minutes: every failing system call, a million tasks of each shape"
	@echo "make oracles  set up, then install torch and JAX: some tests compare gradients with theirs"
	@echo "make dask-range  set up, then run Dask's tests on the oldest and the newest release (1 min)"
	@echo "make lint   set up, then ruff, mypy and the floors"
	@echo "make faults set up, then kill workers, parents, memory, and count what is lost (5 min)"
	@echo "make bench  set up, then time this library beside Dask (some ten minutes)"

# The dependencies are installed again when pyproject.toml has changed.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('lazygraph needs Python 3.11 or newer; set PYTHON=') if sys.version_info < (3, 11) else None"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

demo: $(VENV)/.ready
	$(BIN)/python -m lazygraph demo

# A file's tests run one after the other, in as many processes as there are cores, at most four.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# What counts all that a process leaves behind, and how soon, wants the machine for itself.
ALONE := tests/benchmarks/test_fault_bench.py

test: $(VENV)/.ready
	$(PYTEST) --ignore $(ALONE)
	$(BIN)/python -m pytest $(ALONE)

quick: $(VENV)/.ready
	$(PYTEST) -m "not slow and not exhaustive"

exhaustive: $(VENV)/.ready
	$(BIN)/python -m pytest -m exhaustive

oracles: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(ORACLES)

$(OLDEST)/.ready: pyproject.toml Makefile | $(VENV)/.ready
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		--editable . $(foreach need,$(DASK_OLDEST),"$(need)") "graphviz>=0.20" "hypothesis>=6.100" "pytest>=8.2"
	touch $@

dask-oldest: $(OLDEST)/.ready
	$(OLDEST)/bin/python -m pytest -m "dask and not slow" $(DASK_TESTS)

dask-range: $(VENV)/.ready dask-oldest
	$(BIN)/python -m pytest -m "dask and not slow" $(DASK_TESTS)

lint: $(VENV)/.ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.ready
	$(BIN)/python -m benchmarks

faults: $(VENV)/.ready
	$(BIN)/python -m benchmarks.faults

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
