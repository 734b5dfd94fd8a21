# `make demo` and `make test` do all the set-up themselves, in .venv; a second run is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test quick lint bench faults clean

help:
	@echo "make demo   set up, then run the main job on the standard library's sources"
	@echo "make test   set up, then run the tests, the slow ones too (some minutes)"
	@echo "make quick  set up, then run the tests but the slow ones"
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

test: $(VENV)/.ready
	$(BIN)/python -m pytest

quick: $(VENV)/.ready
	$(BIN)/python -m pytest -m "not slow"

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
