# The commands of this house; `make help` lists them. They need Python 3.11+, pip and make.
PY ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy

.PHONY: help demo test check bench resolve hooks propagation soak kills simulate reliability format clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/.stamp ## Watch five stores being brought into agreement (SERVE=1 stays up)
	@$(BIN)/stocksync demo $(if $(SERVE),--serve)

test: .venv/.stamp ## Run every test
	@$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

check: .venv/.stamp ## Lint, format, types, layers, lock file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config pyproject.toml
	@$(UV) lock --check -q

bench: .venv/.stamp ## Measure cycles beside their raw floor (SKUS=100000)
	@$(BIN)/python -m tests.benchmarks.cycle --skus $(or $(SKUS),100000)

resolve: .venv/.stamp ## Measure how fast targets are worked out (SKUS=100000)
	@$(BIN)/python -m tests.benchmarks.resolve --skus $(or $(SKUS),100000)

hooks: .venv/.stamp ## Measure how many webhooks a second are taken durably
	@$(BIN)/python -m tests.benchmarks.webhooks

propagation: .venv/.stamp ## Measure how long a sale takes to reach the other stores (SALES=100)
	@$(BIN)/python -m tests.benchmarks.propagation --sales $(or $(SALES),100)

soak: .venv/.stamp ## Let the service run with shoppers and faults; nothing may grow (MINUTES=30)
	@$(BIN)/python -m tests.benchmarks.soak --minutes $(or $(MINUTES),30)

kills: .venv/.stamp ## Kill the running service under load, for a night (KILLS=500 SEED=1 DATABASE=sqlite)
	@KILLS=$(or $(KILLS),500) SEED=$(or $(SEED),1) DATABASE=$(or $(DATABASE),sqlite) \
		$(BIN)/pytest -q -s tests/e2e/test_kills.py tests/e2e/test_pauses.py

simulate: .venv/.stamp ## Run whole worlds from a seed each (SEEDS=500 FIRST=0)
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),500) --first $(or $(FIRST),0) --jobs 2

reliability: .venv/.stamp ## Print what was proved, figure by figure (SEEDS=500 EACH=1)
	@$(BIN)/python -m tests.simulation.figures --seeds $(or $(SEEDS),500) --each $(or $(EACH),1)

format: .venv/.stamp ## Let the formatter and the linter mend what they can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove the environment and what tools left behind
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist

.uv/bin/uv:
	@$(PY) -m pip install --quiet --disable-pip-version-check --target .uv "uv==0.13.9"

.venv/.stamp: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --quiet --frozen --all-extras --python $(PY)
	@touch $@
