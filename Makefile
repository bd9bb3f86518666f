# Every target of a fresh machine: installs what it needs (Debian's packages when root, PyPI, npm).
SHELL := /bin/bash
PY ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test bench lint pages clean

setup: ## .venv with everything in it, the pages built
	@bash tools/setup.sh

demo: setup ## a demonstration county on http://localhost:$(PORT)
	@PORT=$(PORT) $(BIN)/villagecall demo --port $(PORT)

test: setup ## every test: units, contracts on real PostgreSQL/Redis/S3/CUPS, journeys in Chromium
	@bash tools/test.sh

lint: setup
	@bash tools/lint.sh

bench: setup ## every figure of the goals; ONLY=journal|scan|live|web for one group
	@$(BIN)/python -m bench $(ONLY)

pages: ## only the pages
	@bash tools/pages.sh

clean:
	rm -rf $(VENV) web/node_modules villagecall/http/pages var
