# `make demo`, `make start` and `make test` need Python 3.11, 3.12, 3.13 or 3.14 and the package registries.
# A certain Python: make PYTHON=python3.12 test
# Options of the stack: make start ARGS="--port 8080 --speed 10"

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup start demo test conformance chaos fuzz lint format lock package bill
.PHONY: upgrade bench-litellm test-clients studio
.PHONY: arrivals bench-bodies infra-snapshots infra-lint clean

# The one in use, else the first that runs: version managers put names on the PATH that don't.
PYTHON ?= $(shell for name in .venv/bin/python python3.11 python3.12 python3.13 python3.14 python3 python; do \
	if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
		2>/dev/null; then echo "$$name"; break; fi; done)
RUN := .venv/bin/python
# Test files that run at a time: much of a test is waiting, and a stack is some processes.
WORKERS ?= 3
COMPILE := $(RUN) -m scripts.uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

help:
	@echo "make demo    two videos, from a prompt and from a dropped image, into out/"
	@echo "make start   the app on this machine, with all that it needs (ARGS=\"--port 8080\")"
	@echo "make test    lint, types and all tests"
	@echo "make conformance  what any host does that serves the app (STACK=.local/ready.json)"
	@echo "make chaos   hundreds of videos while worker and host are killed (ARGS=\"--seed 7\")"
	@echo "make fuzz    10,000 requests made up from the OpenAPI document (FUZZ_SEED=1)"
	@echo "make arrivals  500 of each kind of request that never gets to the worker (ARRIVALS=500)"
	@echo "make upgrade 200 videos under way while a new version is deployed (UPGRADE_VIDEOS=200)"
	@echo "make studio  builds the page at /studio, as start, test and package do"
	@echo "make lint    lint and types only;  make format puts the code in order"
	@echo "make package builds the zip that is deployed (ARGS=\"--for 3.12\": on that Python)"
	@echo "make bill    tells what is in it: out/dailies.cdx.json, out/dailies.licences.md"
	@echo "make infra-snapshots writes down what the templates would make (needs the Bicep compiler)"
	@echo "make infra-lint      the compiler's warnings, old versions of Azure's interfaces too"
	@echo "make test-clients  LiteLLM's client and BytePlus's, and the snippets of documentation"
	@echo "make bench-litellm the app beside LiteLLM's proxy; bench/README.md has the results"
	@echo "make bench-bodies  what the largest and oddest bodies cost the worker"
	@echo "make lock    requirements*.txt and Azurite's lock from what they are made of"
	@echo "make clean   removes what the others made, the local stack's videos among it"

setup:
	@if [ -z "$(PYTHON)" ]; then \
		echo "setup: Python 3.11 to 3.14 is needed and none was found on the PATH;" \
			"install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@"$(PYTHON)" local/setup.py

start: setup
	@exec $(RUN) -m local start $(ARGS)

demo: setup
	@exec $(RUN) -m local demo $(ARGS)

studio:
	@"$(PYTHON)" local/setup.py --studio

chaos: setup
	@exec $(RUN) -m tests.chaos $(ARGS)

lint: setup
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m local.studio
	$(RUN) -m mypy

conformance: setup
	$(RUN) -m pytest tests/conformance $(if $(STACK),--stack $(STACK)) $(ARGS)

# The types are checked beside the first tests: a minute of one core, on which no test depends.
test: setup
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m local.studio
	@command -v chromium >/dev/null || printf '%s\n' "$$(printf '#%.0s' $$(seq 80))" \
		"# NO CHROMIUM: the studio is NOT tried in a browser in this run; those tests are skipped." \
		"# On Debian: apt-get install chromium" "$$(printf '#%.0s' $$(seq 80))" >&2
	@mkdir -p out; $(RUN) -m mypy > out/mypy.log 2>&1 & types=$$!; \
		echo '$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)'; \
		$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS); tests=$$?; \
		wait $$types || { cat out/mypy.log; exit 1; }; exit $$tests

fuzz: setup
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-400} $(RUN) -m pytest -s tests/e2e/test_other_clients.py -k openapi

upgrade: setup
	UPGRADE_VIDEOS=$${UPGRADE_VIDEOS:-200} $(RUN) -m pytest tests/e2e/test_upgrade.py

arrivals: setup
	ARRIVALS=$${ARRIVALS:-500} $(RUN) -m pytest tests/e2e/test_arrivals.py

format: setup
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

lock: setup
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) requirements-node.in -o requirements-node.txt
	$(COMPILE) requirements-audit.in -o requirements-audit.txt
	$(COMPILE) requirements-uv.in -o requirements-uv.txt
	cd local/azurite && npm install --package-lock-only --no-audit --no-fund
	cd tests/queries/parser && npm install --package-lock-only --no-audit --no-fund
	cd studio && npm install --package-lock-only --no-audit --no-fund

package: setup
	$(RUN) -m scripts.build_package out/dailies.zip $(ARGS)

bill:
	$(RUN) -m scripts.bill_of_materials out/dailies.zip $(ARGS)

infra-snapshots: setup
	$(RUN) -m tests.infra.snapshots

infra-lint: setup
	$(RUN) -m tests.infra.compiler

bench-litellm: setup
	$(RUN) -m bench.litellm $(ARGS)

bench-bodies: setup
	$(RUN) -m bench.bodies $(ARGS)

test-clients: setup
	$(RUN) -m bench.litellm.environment
	$(RUN) -m pytest -m "" tests/clients $(ARGS)

clean:
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis out .local
	rm -rf local/azurite/node_modules tests/queries/parser/node_modules local.settings.json
	rm -rf studio/node_modules studio/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
