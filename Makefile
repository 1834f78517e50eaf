# The two commands a user needs are `make demo` and `make test`; the others serve development.
# `make docs` builds the site into docs/_build/html.
# Everything lives in .venv; nothing needs activating.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two BLAS threads on a small machine fight each other inside the many small products of a test.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test docs release-check test-oldest lint types benchmark benchmark-accuracy fuzz study study-matrix study-real test-study clean

demo: $(VENV)/.demo
	$(BIN)/kernel-ot demo --out demo-output

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

# Examples that have not changed are not run again; `make clean` forgets them.
docs: $(VENV)/.docs
	rm -rf docs/reference/generated
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python docs/_sphinx/check_site.py docs/_build/html
	$(BIN)/python -m pytest -q docs/guide

release-check: $(VENV)/.release
	$(BIN)/python packaging/release_check.py

# Every dependency at its lower bound in pyproject.toml, in an environment of its own. Without the variable
# scikit-learn 1.6.0's checks cannot be imported beside array-api-compat, which anndata brings.
OLDEST := .venv-oldest

test-oldest:
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet uv
	VIRTUAL_ENV=$(OLDEST) $(OLDEST)/bin/uv pip install --quiet --resolution lowest-direct --editable '.[demo,single-cell,check,tables]' \
		'pytest>=8' 'pytest-timeout>=2.3' 'hypothesis>=6.100' 'polars>=1.0'
	SCIPY_ARRAY_API=1 $(OLDEST)/bin/python -m pytest -W default tests/_arrays tests/kernels tests/problem tests/estimator tests/io tests/cli tests/plots

lint: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.test
	$(BIN)/mypy

# SECTION is solvers, fit (default fits beside an older version and Sinkhorn), scale (large samples),
# two_sample, divergences, generative, domain_adaptation, screen, workers, verdict or backends.
SECTION ?= solvers

benchmark: $(VENV)/.test
	$(BIN)/python -m benchmarks.$(SECTION)

# The campaign behind the guide's page on reliability; MINUTES at most for each of its seven parts.
MINUTES ?= 30
fuzz: $(VENV)/.test
	$(BIN)/python -m benchmarks.fuzz --minutes $(MINUTES) --out benchmarks/results

benchmark-accuracy: $(VENV)/.test
	$(BIN)/python -m benchmarks.accuracy

# The contamination study is a package of its own, with its own environment (it needs PyTorch).
STUDY := .venv-study

study: $(STUDY)/.study
	$(STUDY)/bin/poisoning-study run studies/poisoning/configs/reduced --out study-output --workers 2

# Every attack against every defence and victim: about three times as long.
study-matrix: $(STUDY)/.study
	$(STUDY)/bin/poisoning-study run studies/poisoning/configs/matrix --out study-matrix-output --workers 2

# The same questions on real signs: DATA is a folder of the benchmark's archives, whole or a part.
DATA ?= ../shared/data/gtsrb

study-real: $(STUDY)/.study
	$(STUDY)/bin/poisoning-study run studies/poisoning/configs/real --data $(DATA) --partial --out study-real-output --workers 2

test-study: $(STUDY)/.study
	cd studies/poisoning && ../../$(STUDY)/bin/mypy
	$(STUDY)/bin/python -m pytest studies/poisoning/tests

# One command installs both, so that everything that needs PyTorch agrees on its pinned build.
$(STUDY)/.study: pyproject.toml studies/poisoning/pyproject.toml
	test -x $(STUDY)/bin/python || $(PYTHON) -m venv $(STUDY)
	$(STUDY)/bin/python -m pip install --quiet -e . -e 'studies/poisoning[test,real]'
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kernel-ot needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

# A stamp is touched only after its install succeeded, so an interrupted one is repeated.
$(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) $(STUDY) demo-output benchmark-output study-output study-matrix-output study-real-output docs/_build docs/gallery docs/reference/generated docs/reference/backreferences \
		.pytest_cache .mypy_cache .ruff_cache
