# Everything a person or CI runs. Each target works as the first command on a fresh clone:
# whatever is missing is installed into .venv from requirements.lock first.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing from requirements.lock (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: help setup demo test walks crash check format lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.ready  ## make .venv with clusterbot in it

demo: .venv/.ready  ## the main job on the embedded sandbox (ARGS=--headless plays it in the terminal)
	@$(BIN)/clusterbot demo $(ARGS)

test: .venv/.ready  ## all tests (ARGS="-k name" to choose)
	@$(BIN)/pytest -n auto --dist loadfile $(ARGS)

walks: .venv/.ready  ## ten thousand random walks over the create form (SEED=n to repeat, WALKS=n for another number)
	@seed=$${SEED:-$$(date +%s)}; echo "$${WALKS:-10000} walks; the same ones again: make walks SEED=$$seed"; \
	WALKS=$${WALKS:-10000} $(BIN)/pytest -n 2 --hypothesis-seed=$$seed tests/unit/test_form_walks.py $(ARGS)

crash: .venv/.ready  ## kill the bot 200 times while people ask for clusters (SEED=n, KILLS=n, CLUSTERS=n)
	@seed=$${SEED:-$$(date +%s)}; echo "the same attack again: make crash SEED=$$seed"; \
	SEED=$$seed KILLS=$${KILLS:-200} CLUSTERS=$${CLUSTERS:-80} $(BIN)/pytest -s tests/crash $(ARGS)

check: .venv/.ready  ## lint, format, types, architecture rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/.ready  ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: .venv/.ready  ## make requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" --extra dev pyproject.toml -o requirements.lock --upgrade

clean:  ## remove what make made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
