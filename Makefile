# `make run` and `make test` are all one needs on a fresh machine. See README.md.

LIBRARY ?=
SAMPLE := .sample-library
VENV := .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(if \
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(name))))
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Tests of one file stay together and in order, the longest files first (tests/conftest.py), so that all workers end at
# about the same time. `make test WORKERS=` runs them in one process.
WORKERS := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
BENCHES := $(filter-out __init__,$(basename $(notdir $(wildcard tests/bench/*_bench.py))))

.PHONY: help run test lint bench clean pin install programs
.DEFAULT_GOAL := help

help: ## Show what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: install programs ## Start everything on LIBRARY=~/Pictures, or on a sample library
ifeq ($(strip $(LIBRARY)),)
	@PYTHONSAFEPATH=1 $(BIN)/python -m deployments.sample.draw $(SAMPLE)
	@exec $(BIN)/darkroom up $(SAMPLE)
else
	@library='$(subst ','\'',$(value LIBRARY))'; case "$$library" in "~"|"~/"*) library="$$HOME$${library#\~}";; esac; \
	exec $(BIN)/darkroom up "$$library"
endif

# Tests start a thousand processes: each would compile our modules anew where the environment forbids to keep them.
test: export PYTHONDONTWRITEBYTECODE =
test: install programs ## Run the whole test suite
	$(BIN)/python -m pytest $(WORKERS) --durations=10 $(ARGS)

lint: install ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install programs ## Run every benchmark (minutes); prints tables
	@for bench in $(BENCHES); do echo "== $$bench"; $(BIN)/python -m tests.bench.$$bench || exit 1; echo; done

clean: ## Remove what make made here; the catalog in DARKROOM_HOME stays
	rm -rf $(VENV) $(SAMPLE) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

pin: install ## Write the versions of this environment to constraints.txt
	@{ echo "# Versions this was tested with, for pip install -c; written by make pin."; \
	$(BIN)/python -m pip freeze --exclude-editable | grep == | grep -v ^darkroom== | sed 's/+.*//'; } > constraints.txt

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Darkroom needs Python 3.11 or newer, and found none: apt install python3, brew install python, or make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "the virtual environment could not be made; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

programs:
	@deployments/programs.sh
