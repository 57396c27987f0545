# `make` alone says what there is. Everything runs in .venv, which each target makes where it is missing.
SHELL := /bin/sh
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
# The first Python on the path that is new enough; another one: make setup PYTHON=/path/to/python3
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$p; break; fi; done)

.PHONY: help setup demo test verify conformance interop lint format bench fuzz profiles schema package pages

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

setup: ## a virtual environment with pinned dependencies; quick where nothing changed
	@if [ -z "$(PYTHON)" ]; then echo "fhir_mh needs Python 3.11 or later, and none is on the path." >&2; exit 1; fi
	@$(PYTHON) scripts/set_up.py

demo: setup ## three gateways on this machine, and a plan that follows the person
	@.venv/bin/fhir-mh demo

test: setup ## the tests
	$(PYTEST) -n logical --dist worksteal -m "not slow and not java and not browser"

verify: lint ## everything there is, with branch coverage; nothing may be skipped
	@$(PY) scripts/provide_tools.py sushi packages engine browser server
	$(PYTEST) -n logical --dist worksteal --fail-on-skip -m "not java" --hypothesis-profile=search --cov --cov-report=term
	$(PYTEST) --fail-on-skip -m java -s

conformance: setup ## HL7's validation engine over the package and every example; needs Java 17 and Maven
	@$(PY) scripts/provide_tools.py packages engine || echo "What needs HL7's engine is skipped."
	$(PYTEST) tests/conformance -s

interop: setup ## what is exchanged with any FHIR server, at FHIR_BASE=https://... (and FHIR_TOKEN=...), or with Medplum's
	@$(if $(FHIR_BASE),true,$(PY) scripts/provide_tools.py server || echo "There is no server to exchange with.")
	FHIR_MH_TEST_FHIR_BASE="$(FHIR_BASE)" FHIR_MH_TEST_FHIR_TOKEN="$(FHIR_TOKEN)" $(PYTEST) tests/interop

lint: setup ## style, types and arrows
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

format: setup ## put the style right
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: setup ## whole jobs, measured beside peers or a bare loop
	@$(PY) scripts/provide_tools.py peers || echo "What is not to be had is left out."
	@$(PY) -m benchmarks

fuzz: setup ## looks for bytes that break the validator, for SECONDS=300
	@$(PY) scripts/provide_tools.py atheris
	$(PY) -m scripts.fuzz --seconds $(or $(SECONDS),300)

profiles: setup ## FHIR Shorthand to the package and the facts that ship; needs Node
	@$(PY) scripts/provide_tools.py sushi packages
	@$(PY) -m scripts.build_profiles
	@$(PY) -m scripts.pages

schema: setup ## the JSON Schema of a record, written from its models
	@$(PY) -m scripts.build_schema

package: setup ## dist/fhir-mh.tgz: the FHIR package with snapshots, as SUSHI wants it; needs Node
	@$(PY) scripts/provide_tools.py sushi packages
	@$(PY) -m scripts.build_profiles --snapshots dist/fhir-mh.tgz

pages: setup ## the pages of profiles, crosswalk and codes, and the example resources, from what is there
	@$(PY) -m scripts.pages
