# Everything runs in .venv, which the first target that needs it makes. Needed beforehand: Python 3.11 and make.

VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
# Some tests wait: for times to pass, for servers, for other processes.
SIDE_BY_SIDE := -n $(shell expr \( $$(nproc) \* 3 + 1 \) / 2) --dist loadfile --no-loadscope-reorder
EXAMPLES := $(wildcard examples/[a-z]*.py)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lowest soak loads nightly check lint format types imports examples model bench mutants law numbers pins clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(VENV)/.run ## watch the main job run, from a signed consent to verified evidence
	@$(BIN)/consentgate demo

test: $(VENV)/.dev ## run all tests, with branch coverage
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term

# What older libraries take part in: the client's events, every way past the gate, what clients meet, both databases,
# keys, tokens, the command line.
lowest: $(LOWEST)/.lowest ## run the tests that older libraries take part in, on the oldest versions that pyproject.toml promises
	$(LOWEST)/bin/python -m pytest $(SIDE_BY_SIDE) \
	  tests/unit/aws tests/unit/crypto tests/unit/storage tests/functional/aws tests/functional/gate/bypass \
	  tests/functional/gate/operations tests/functional/gate/test_faults.py tests/functional/gate/test_vendor_errors.py \
	  tests/functional/interop tests/functional/keys tests/functional/storage tests/functional/testing \
	  tests/acceptance/test_cli_commands.py -k 'not postgresql or storage or bypass'

soak: export CONSENTGATE_SOAK ?= 180
soak: $(VENV)/.dev ## let a deployment work under random faults, and hold everything against everything (CONSENTGATE_SOAK seconds)
	$(BIN)/python -m tests.soak

loads: export CONSENTGATE_LOAD ?= 1
loads: $(VENV)/.dev ## run the long loads whole: 20,000 races on each database, storms of processes that are killed, 500 kills, interrupts at every line
	$(BIN)/python -m pytest --timeout 0 tests/functional/races tests/functional/crash tests/functional/kills \
	  tests/functional/gate/test_interrupts.py

nightly: export CONSENTGATE_SOAK ?= 1800
nightly: export CONSENTGATE_FUZZ ?= 1000000
nightly: export CONSENTGATE_LOAD ?= 2.5
nightly: $(VENV)/.dev ## run all tests, with a million inputs for each decoder, more races (CONSENTGATE_FUZZ, CONSENTGATE_LOAD), and a soak of half an hour
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --timeout 0
	$(BIN)/python -m tests.soak

check: lint types imports examples model test lowest ## run every gate

lint: $(VENV)/.dev ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## check the types
	$(BIN)/mypy

imports: $(VENV)/.dev ## check that imports go down only
	$(BIN)/lint-imports --no-logo --no-cache

examples: $(VENV)/.dev ## run the examples
	@set -e; for example in $(EXAMPLES); do echo "$$example"; $(BIN)/python -W error $$example >/dev/null; done

model: $(VENV)/.dev ## walk through every run of the protocol's models (docs/model); needs spin and gcc
	$(BIN)/python tools/model.py

bench: $(VENV)/.dev ## measure what the gate costs, beside the same work done by hand
	$(BIN)/python -m benchmarks --write docs/explanation

mutants: $(VENV)/.dev ## take the policy engine apart, piece by piece, and see that a test fails each time; half an hour
	$(BIN)/python -m tests.mutation

law: $(VENV)/.dev ## write the reference of jurisdictions anew from the packs (docs/law)
	$(BIN)/python -m tools.law_reference

numbers: $(VENV)/.dev ## write the table of telephone numbers anew from the pinned release of phonenumbers
	$(BIN)/python tools/numbers.py consentgate/policy/numbers.txt

pins: ## pin the newest versions anew
	tools/pin.sh --upgrade

clean: ## remove the environments and all caches
	rm -rf $(VENV) $(LOWEST) build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find consentgate tests migrations examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.run: constraints/run.txt pyproject.toml tools/venv.sh
	@tools/venv.sh run $(VENV)
	@touch $@

# dev.txt holds the very pins of run.txt and more.
$(VENV)/.dev: constraints/dev.txt constraints/run.txt constraints/apart.txt pyproject.toml tools/venv.sh
	@tools/venv.sh dev $(VENV)
	@touch $(VENV)/.run $@

$(LOWEST)/.lowest: constraints/lowest.txt constraints/apart.txt pyproject.toml tools/venv.sh
	@tools/venv.sh lowest $(LOWEST)
	@touch $@
