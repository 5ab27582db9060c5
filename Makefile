# Everything happens inside this folder: the environment is .venv, pip's cache is not used.
# `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_WORKERS ?= 2
PYTEST_ARGS ?=

export PIP_NO_CACHE_DIR ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.DEFAULT_GOAL := install
.PHONY: install demo test lint docs notebooks wheel clean help

install: $(STAMP)  ## create .venv and install hpq_hls with everything it can use (the default)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "error: $(PYTHON) is missing or older than 3.10; name another one with 'make PYTHON=...'" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar off -e '.[all]' -c constraints.txt
	@touch $@

demo: $(STAMP)  ## train, quantize, generate and verify the demo network; results in demo/
	$(BIN)/hpq demo

test: $(STAMP)  ## check the tools, the style and the types, then run all tests
	$(BIN)/hpq doctor
	$(MAKE) --no-print-directory lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

lint: $(STAMP)  ## style and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict hpq_hls

docs: $(STAMP)  ## build the documentation into build/docs; a warning is an error
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

notebooks: $(STAMP)  ## run the tutorials again, and keep what they print in their files
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.docs.notebooks

wheel: $(STAMP)  ## build dist/hpq_hls-*.whl
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

clean:  ## remove what the targets above made, .venv included
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## show this list
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
