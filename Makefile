# Everything here works in a fresh clone with Python 3.11 or later, git and make; `make help` lists it.

PYTHON ?= python3
PORT ?= 3000
UV_VERSION := 0.13.9
OWN_UV := .cache/uv/bin/uv
UV := $(if $(shell uv --version 2>/dev/null),uv,$(OWN_UV))
BIN := .venv/bin

SAMPLE := $(CURDIR)/agentsview_assets/data/sample
SAMPLE_WAREHOUSE := $(CURDIR)/.cache/sample/warehouse.duckdb
HOME_ARCHIVE := $(shell test -f "$$HOME/.agentsview/sessions.db" && echo "$$HOME/.agentsview")
ifndef ARCHIVE
ARCHIVE := $(or $(AGENTSVIEW_ASSETS_ARCHIVE),$(AGENTSVIEW_DATA_DIR),$(HOME_ARCHIVE),$(SAMPLE))
endif
# An archive named for one run has to be named for the UI, too.
NAMED_ARCHIVE := $(if $(filter file,$(origin ARCHIVE)),, ARCHIVE="$(ARCHIVE)")
UI := make ui$(NAMED_ARCHIVE)
SERVE := make serve$(NAMED_ARCHIVE)
# The tests whose answers of agentsview are kept.
ASKED := $(addprefix tests/conformance/test_,\
	usage_daily.py activity_report.py session_export.py session_export_cursors.py)
BENCH_SIZE ?= large
BENCH_ARCHIVE := .cache/bench/$(BENCH_SIZE)

# Another project's environment must not be the one that is changed.
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT
# Without compiled files, every process spends seconds on compiling Dagster and pandas again.
unexport PYTHONDONTWRITEBYTECODE

run ui serve: export AGENTSVIEW_ASSETS_ARCHIVE := $(ARCHIVE)
ifeq ($(ARCHIVE),$(SAMPLE))
# The sample has a warehouse of its own, so that it never mixes with anyone's real one.
run ui serve: export AGENTSVIEW_ASSETS_WAREHOUSE := duckdb:///$(SAMPLE_WAREHOUSE)
# Its own first day, so that the UI does not show years of days without anything in them.
run ui serve: export AGENTSVIEW_ASSETS_START_DATE := 2026-10-29
ORIGIN := the bundled sample archive (no archive of yours was found; name one with ARCHIVE=PATH)
REPORT := usage daily --all
else
ORIGIN := $(ARCHIVE)
REPORT := usage daily
endif

.DEFAULT_GOAL := help
.PHONY: help run ui serve test fixtures matrix hostile test-all endurance installs live browser lint format docs bench sync sync-dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: sync ## Materialise an archive (ARCHIVE=PATH, or yours, or the sample) and show its daily usage
	@echo "Archive: $(ORIGIN)"
	@$(BIN)/agentsview-assets materialize
	@echo
	@$(BIN)/agentsview-assets $(REPORT)
	@printf '\nNext:\n'
	@printf '  1. Look at it, and ask for documents   %s\n' '$(SERVE)'
	@printf '  2. See the graph, its days and runs    %s\n' '$(UI)'
	@printf '  3. Point a BI tool at the warehouse    %s\n' \
		"$$($(BIN)/python -c 'from agentsview_assets.settings import *; print(load_settings().warehouse)')"

ui: sync ## Open the Dagster UI on the same state as `make run` (PORT=3000)
	@echo "Pages to look at, and documents over HTTP: $(SERVE)"
	@$(BIN)/agentsview-assets ui --port $(PORT)

serve: sync ## Serve the documents over HTTP, and pages, on the same state as `make run` (PORT=8080)
	@$(BIN)/agentsview-assets serve --port $(if $(filter file,$(origin PORT)),8080,$(PORT))

test: sync-dev ## Run the tests but for the long ones (ARGS= is passed to pytest)
	@$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

fixtures: sync-dev ## Ask agentsview anew what the tests keep of its answers (tests/conformance/kept)
	@AGENTSVIEW_ASSETS_ORACLE=write $(BIN)/pytest $(ASKED) $(ARGS)

matrix: sync-dev ## Compare generated command lines over all archives with agentsview, which is asked
	@$(BIN)/pytest -n auto --dist loadgroup -m "matrix and not endurance" \
		tests/conformance/test_kept.py tests/conformance/test_matrix.py \
		tests/conformance/test_session_export_cursors.py tests/conformance/test_http.py $(ARGS)

hostile: sync-dev ## Try attacks and losses in large numbers
	@$(BIN)/pytest -n auto --dist loadgroup -m "hostile and not endurance" tests/hostile $(ARGS)

test-all: sync-dev ## Run all tests, the conformance matrix included
	@$(BIN)/pytest -n auto --dist loadgroup -m "not browser and not endurance and not live" $(ARGS)

endurance: sync-dev ## Kill and interrupt runs at 250 moments; more seeds, questions and steps of a daemon's story
	@$(BIN)/pytest -n auto --dist loadgroup -m endurance $(ARGS)

installs: sync-dev ## Install the wheel by uv and pip for every Python here, lowest and newest packages
	@$(BIN)/pytest -m endurance tests/installs $(ARGS)

live: sync-dev ## Have a real daemon and web server carry out what they are asked for
	@$(BIN)/pytest -n auto --dist loadgroup -m "live and not endurance" tests/live $(ARGS)

browser: sync-dev ## Run the tests of the UI in Chromium (SCREENSHOTS=docs/images takes its pictures anew)
	@$(BIN)/pytest -m browser tests/browser $(ARGS)

lint: sync-dev ## Check format, style and types
	@failed=0; \
	for check in "ruff format --check ." "ruff check ." mypy; do $(BIN)/$$check || failed=1; done; \
	exit $$failed

format: sync-dev ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: sync-dev ## Write docs/tables.md, docs/openapi.json and schemas/v1/ from the contracts
	@$(BIN)/python -m docs.make_tables
	@$(BIN)/python -m docs.make_schemas
	@$(BIN)/python -m docs.make_openapi
	@$(BIN)/python -m docs.make_rules

bench: sync-dev $(BENCH_ARCHIVE) ## Measure beside agentsview on a made archive (BENCH_SIZE=large or xl)
	@$(BIN)/python -m benchmarks.run --archive $(BENCH_ARCHIVE)

$(BENCH_ARCHIVE): | sync-dev
	@$(BIN)/python -m benchmarks.make_archive --size $(BENCH_SIZE) --out $@

# uv looks at what is there and installs what is missing; nothing to do takes it milliseconds.
sync: $(filter $(OWN_UV),$(UV))
	@test -d .venv || echo "Installing into .venv; the first time takes a minute or so"
	@$(UV) sync --frozen --quiet --no-dev --inexact

sync-dev: $(filter $(OWN_UV),$(UV))
	@test -d .venv || echo "Installing into .venv; the first time takes a minute or so"
	@$(UV) sync --frozen --quiet

$(OWN_UV):
	@echo "uv is not here: installing it into .cache/uv"
	@$(PYTHON) -m venv .cache/uv
	@.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
