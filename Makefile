# Needs git, make and Python 3.11 or newer; everything else is installed into .venv and kept in .hokusai.
SHELL := /bin/sh
PYTHON := .venv/bin/python
STAMP := .venv/.installed
# A virtual environment whose interpreter is gone (moved folder, upgraded system) counts as missing.
BROKEN := $(shell $(PYTHON) -c '' 2>/dev/null || echo broken)
COMPILE := .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo run down test coverage lock bench clean broken

help: ## Show this list
	@echo "make demo     Start everything, tell the story of a model that gets better, stay up"
	@echo "              (EXIT=1: end after the story, with its status)"
	@echo "make run      Start everything without the story"
	@echo "make down     End what runs"
	@echo "make test     Run every check and test"
	@echo "make coverage Run the tests and tell which lines none of them reached"
	@echo "make bench    Measure against the peers named in bench/"
	@echo "make lock     Resolve requirements/*.in (UPGRADE=1: to the newest versions)"
	@echo "make clean    Remove .venv and caches (DATA=1: also the data in .hokusai)"

$(STAMP): requirements/dev.txt .ci/venv $(if $(BROKEN),broken)
	@.ci/venv

broken:

demo: $(STAMP)
	@$(PYTHON) -m hokusai.embedded demo $(if $(filter 1,$(EXIT)),--exit)

run: $(STAMP)
	@$(PYTHON) -m hokusai.embedded up

down: $(STAMP)
	@$(PYTHON) -m hokusai.embedded down

test: $(STAMP)
	@.ci/checks

coverage: $(STAMP)
	@$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov

lock: $(STAMP)
	@for name in base ml lightgbm dev production; do \
		$(COMPILE) requirements/$$name.in -o requirements/$$name.txt \
			$(if $(filter 1,$(UPGRADE)),--upgrade) --quiet || exit 1; \
	done

bench: $(STAMP)
	@$(PYTHON) -m bench.run

clean:
	@if [ -z "$(BROKEN)" ] && [ -d .hokusai ]; then $(PYTHON) -m hokusai.embedded down; fi
	@$(if $(filter 1,$(DATA)),rm -rf .hokusai)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache htmlcov .coverage* \
		staticfiles test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
