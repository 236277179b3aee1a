# Each target makes the virtual environment it needs by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := benchmarks/peers/node_modules
BROWSER := tests/browser/node_modules

# What pytest is told, beside a folder. Playwright cannot be patched by gevent, so what is above the
# browser's folder is not for it.
only_browser := --confcutdir=tests/browser --timeout=120 --ignore-glob='*/test_example*'
only_examples := --confcutdir=tests/browser --timeout=120
where_examples := tests/browser/test_example*.py
covers = --cov=piehub.$(1) --cov-branch --cov-fail-under=100
only_wire := $(call covers,wire)
only_protocol := $(call covers,protocol)
only_rooms := $(call covers,rooms)
# Most tests wait most of the time, so these folders run beside each other: the longest first.
ALONE := soak e2e examples browser web robustness client rooms commands net deploy wire protocol

.DEFAULT_GOAL := help
.PHONY: help run test test-others $(addprefix test-,$(ALONE)) fuzz soak lint bench bench-quick docs clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run ## Start the hub on port 8080, or on PORT
	$(BIN)/gunicorn -k gevent wsgi:app

test: $(VENV)/.dev ## Run all tests; wire, protocol and rooms must be covered whole by their own
	@$(MAKE) --no-print-directory --jobs=5 test-others $(addprefix test-,$(filter-out soak,$(ALONE)))
	@$(MAKE) --no-print-directory test-soak  # which measures: nothing else is to run

# What they print is kept until they end.
$(addprefix test-,$(ALONE)): test-%: $(VENV)/.dev
	@mkdir -p build
	@COVERAGE_FILE=build/.coverage-$* $(BIN)/python -m pytest $(only_$*) $(or $(where_$*),tests/$*) > build/test-$*.txt 2>&1 \
	  || { cat build/test-$*.txt; exit 1; }
	@echo; sed -n '/^SKIPPED/p;$$p' build/test-$*.txt

test-browser test-examples: $(BROWSER)/.installed

test-others: $(VENV)/.dev
	$(BIN)/python -m pytest $(addprefix --ignore=tests/,$(ALONE)) tests

fuzz: $(VENV)/.fuzz ## Look for inputs that break the hub, a minute a target (FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz

soak: $(VENV)/.dev ## Ten minutes of crowds and faults; SOAK_MINUTES=60 stretches them
	$(BIN)/python -m tests.soak

lint: $(VENV)/.dev ## Check style, types, the README's commands, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict piehub
	$(BIN)/python tools/check_readme.py
	$(BIN)/python tools/audit.py

bench: $(VENV)/.bench $(PEERS)/.installed ## Measure the hub and its peers; write docs/benchmarks.md
	$(BIN)/python -m benchmarks

bench-quick: $(VENV)/.bench $(PEERS)/.installed ## The same in two minutes, to build/benchmarks
	$(BIN)/python -m benchmarks --quick

docs: $(VENV)/.run ## Write docs/settings.md anew
	$(BIN)/python -c 'from piehub.settings import document; print(document(), end="")' \
	  > docs/settings.md

clean: ## Remove the virtual environment
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "piehub needs Python 3.10 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "On Debian and Ubuntu, first: apt install python3-venv"; exit 1; }

$(VENV)/.run: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.fuzz: tests/fuzz/requirements.txt $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/fuzz/requirements.txt
	@touch $@

$(VENV)/.bench: benchmarks/requirements.txt requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

# Without it, the tests that need it are skipped, and say so.
$(BROWSER)/.installed: tests/browser/package.json $(VENV)/.dev
	@cd tests/browser && PATH="$(CURDIR)/$(BIN):$$PATH" npm install --silent --no-audit --no-fund \
	  && touch node_modules/.installed || echo "npm could not install what the browser tests need"

# Without npm the benchmarks still run, and name what is missing.
$(PEERS)/.installed: benchmarks/peers/package.json
	@cd benchmarks/peers && npm install --silent --no-audit --no-fund && touch node_modules/.installed \
	  || echo "npm could not install the benchmarks' peers: those on Bun and Node will be missing"
