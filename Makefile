# The two commands a user needs are `make demo` and `make test`; the others serve development.
# Everything lives in .venv; nothing needs activating.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two BLAS threads on a small machine fight each other inside the many small products of a test.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test lint types benchmark benchmark-accuracy study test-study clean

demo: $(VENV)/.demo
	$(BIN)/kernel-ot demo --out demo-output

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.test
	$(BIN)/mypy

benchmark: $(VENV)/.test
	$(BIN)/python -m benchmarks.solvers

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kernel-ot needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

# A stamp is touched only after its install succeeded, so an interrupted one is repeated.
$(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) demo-output benchmark-output .pytest_cache .mypy_cache .ruff_cache
