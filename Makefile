# engram: make setup, test, reproduce, thorough, networks, benchmark, lint, clean. Needs Python 3.11-3.13 with venv, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup reproduce thorough networks test benchmark lint clean

help:
	@echo "make setup      install into $(VENV) (another Python: make setup PYTHON=python3.12)"
	@echo "make reproduce  every figure and table, into report/"
	@echo "make thorough   the same with its long sections computed anew, and stored for every later report"
	@echo "make networks   the report's sections on spiking networks simulated anew, and stored likewise"
	@echo "make test       style, types and tests"
	@echo "make benchmark  speed, against what one would use instead"
	@echo "make lint       style and types only"
	@echo "make clean      delete what the other targets made, but keep $(VENV)"

setup: $(READY)

# done again only when the project's metadata or the pinned versions change
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "engram needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." \
	       "Name another one, for example: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || { \
	  echo "Creating $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "Installing the pinned dependencies (requirements.lock)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@echo "Installing engram, theory and fits from this folder"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

reproduce: $(READY)
	$(BIN)/engram reproduce --out report

# what fits/stored holds is shown by every report, also from an installed wheel
thorough: $(READY)
	$(BIN)/engram reproduce --thorough --out report
	rm -rf fits/stored
	cp -R report/sections fits/stored

# the same for the sections that simulate networks and rest on no fit
networks: $(READY)
	$(BIN)/python -m fits.simulated fits/stored

# pytest comes last, so that its closing line is the last line; files stay whole, as many share what they set up
test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

benchmark: $(READY)
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf build dist report engram.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
