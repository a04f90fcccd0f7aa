# Needs git, make and Python 3.11 or later with its venv module. Everything else lands in .venv.
# Another Python: make PYTHON=python3.13 test. Without make: README.md has the same lines by hand.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraints constraints.txt

.PHONY: demo test test-long campaign bench lint constraints clean

demo: .venv/.installed          ## simulate, compare, replay a rush, judge it: one page, in two minutes
	$(BIN)/quotalab demo

test: .venv/.installed-test     ## everything but the long tests
	$(BIN)/python -m pytest -n 2

test-long: .venv/.installed-test
	$(BIN)/python -m pytest -n 2 -m long

campaign: .venv/.installed-test ## load tests in full, on every store; goes on where it was stopped
	$(BIN)/python -m tests.campaign

bench: .venv/.installed-test    ## measure, and append to results/benchmarks.jsonl
	$(BIN)/python -m tests.bench

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

constraints: $(BIN)/uv          ## resolve again, as of the date in pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --all-extras --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links pyproject.toml --output-file constraints.txt

clean:                          ## caches and builds; .venv and results stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

# One stamp a set of packages. Order-only on uv: a .venv that exists is used, never made again.
.venv/.installed: pyproject.toml constraints.txt | $(BIN)/uv
	$(INSTALL) --editable .
	@touch $@

.venv/.installed-test: pyproject.toml constraints.txt | $(BIN)/uv
	$(INSTALL) --editable ".[test,fast,servers,cluster]"
	@touch $@ .venv/.installed

$(BIN)/uv: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("quotalab needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
