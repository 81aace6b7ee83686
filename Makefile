# `make nightly` and `make test` do all their own set-up; they need Python 3.13, make and git.
.DELETE_ON_ERROR:
.PHONY: nightly build test sam-local test-database test-fallback test-pgtap deployment-walk deployment-tools faults portal-seeds year mutants bench slow-database schema migration check check-database setup format clean requirements compile requirements-in-step

PYTHON ?= python3
VENV := .venv
TOOLS := .tools
LAYERS := shared http
UV := $(VENV)/bin/uv
COMPILE := $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url \
	--python-version 3.13 --custom-compile-command "make requirements"
UPGRADE ?=
NAME ?=
BENCH ?=
SLOW ?=
MUTANTS ?=
SEEDS ?= 100
FIRST ?= 0
TRACE ?=
NIGHTS ?= 400
SEED ?= 0
FROM ?= 2019-12-30
KINDS ?=
POSTGRES_BIN ?= /usr/lib/postgresql/15/bin
ON_POSTGRES = MENTOR_PAUSE_POSTGRES_BIN=$(POSTGRES_BIN)

nightly: setup
	$(VENV)/bin/mentor-pause nightly

# What `sam deploy` deploys, in .aws-sam/build.
build: setup $(TOOLS)/sam/.done
	$(VENV)/bin/python -m local.sam build

test: setup $(TOOLS)/portal-sdk/.done $(TOOLS)/schemathesis/.done $(TOOLS)/sam/.done $(TOOLS)/runtime/.done
	$(VENV)/bin/python -m pytest

# Every sample event through `sam local invoke`, in Docker: events/README.md
sam-local: setup $(TOOLS)/sam/.done
	$(VENV)/bin/python -m local.sam_local

# The tests that need a database, on another PostgreSQL: make test-database POSTGRES_BIN=DIR
test-database: setup $(TOOLS)/portal-sdk/.done
	$(ON_POSTGRES) $(VENV)/bin/python -m pytest --database-only tests/integration tests/contract tests/properties

# All that may start a night, in the same second; with pg_cron where POSTGRES_BIN comes with it.
test-fallback: setup
	$(ON_POSTGRES) $(VENV)/bin/python -m pytest -n 0 tests/e2e/test_fallbacks.py

# The same access matrix as in the tests above, run by pgTAP.
test-pgtap: setup
	$(ON_POSTGRES) $(VENV)/bin/python -m local.scratch pg_prove supabase/tests/database/*.test.sql

# What docs/deployment.md types: SAM, AWS's and Supabase's command lines.
deployment-tools: setup $(TOOLS)/sam/.done $(TOOLS)/awscli/.done $(TOOLS)/npm/.done

# Types docs/deployment.md, smoke-test.md and runbook.md into an empty emulator and an empty database; prints a table.
deployment-walk: deployment-tools
	$(ON_POSTGRES) $(VENV)/bin/python -m pytest -n 0 -s tests/e2e/test_deployment_walk.py

# Nights in a storm of faults, each of a seed of its own: make faults SEEDS=200 FIRST=0; TRACE=--trace shows all
faults: setup
	PYTHONPATH=tests $(VENV)/bin/python -m faults --seeds $(SEEDS) --first $(FIRST) $(TRACE)

# Portal syncs while HLF edits and requests fail, each of a seed of its own: make portal-seeds SEEDS=250 FIRST=0
portal-seeds: setup
	PYTHONPATH=tests $(VENV)/bin/python -m portal_seeds --seeds $(SEEDS) --first $(FIRST)

# Simulated nights beside an oracle that knows the rules (docs/decisions/0034): make year NIGHTS=400 SEED=0. The day before the
# first night is FROM; KINDS='--only "NAME"' draws one kind of event, TRACE=--trace shows every step. Needs Debian's faketime.
year: setup
	PYTHONPATH=tests $(VENV)/bin/python -m year --nights $(NIGHTS) --seed $(SEED) --first $(FROM) $(KINDS) $(TRACE)

# Changes ledger, lock and loop, and says which changes no test notices (docs/mutants.md). Takes an hour or more; some
# of them: make mutants MUTANTS='mentor_pause.lock.*'
mutants: setup $(TOOLS)/mutants/.done
	$(VENV)/bin/python -m local.mutants $(MUTANTS)

# What it costs (docs/benchmarks.md): make bench, or one of them: make bench BENCH=loop
bench: setup $(TOOLS)/sam/.done $(TOOLS)/runtime/.done $(if $(shell command -v npm),$(TOOLS)/supabase-js/.done)
	PYTHONPATH=tests $(VENV)/bin/python -m bench $(BENCH)

# Nights while the database is slow, locked, away or misconfigured (docs/benchmarks.md). Takes half an hour; some of
# them: make slow-database SLOW="latency-100 locked"
slow-database: setup
	PYTHONPATH=tests $(VENV)/bin/python -m bench.slow_database $(SLOW)

# Writes the pages that a test compares with their source: the tables (from the migrated database), the HTTP entry's
# OpenAPI document (from its routes), the database errors (from their table), and where each requirement is cited.
schema: setup
	$(VENV)/bin/python -m local.schema > docs/schema.md
	$(VENV)/bin/python -m local.openapi > docs/openapi.json
	$(VENV)/bin/python -m local.database_errors > docs/database-errors.md
	$(VENV)/bin/python -m local.citations

# Starts a migration from the difference between supabase/schemas and supabase/migrations: make migration NAME=add_x
migration: setup
	$(VENV)/bin/python -m local.migration "$(NAME)"

check: setup requirements-in-step $(TOOLS)/lint/.done $(TOOLS)/checkov/.done $(TOOLS)/sam/.done check-database
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/basedpyright
	$(TOOLS)/lint/bin/cfn-lint template.yaml
	$(VENV)/bin/python -m local.sam validate --lint
	$(TOOLS)/checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet -f template.yaml

# Supabase's linters, where npm is; on POSTGRES_BIN if it is there, else on the embedded PostgreSQL.
check-database: setup
	@if ! command -v npm >/dev/null; then echo "notice: npm is not here, the database is not linted"; exit 0; fi; \
	$(MAKE) -s $(TOOLS)/npm/.done && \
	{ [ ! -x $(POSTGRES_BIN)/initdb ] || export $(ON_POSTGRES); } && \
	$(VENV)/bin/python -m local.lint $(TOOLS)/npm/node_modules/.bin/supabase

setup: $(VENV)/.done $(TOOLS)/emulator/.done

format: setup
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

# Writes the pinned files anew from pyproject.toml; UPGRADE=--upgrade takes newer versions.
requirements: $(VENV)/.done
	@$(MAKE) -s compile

compile:
	$(COMPILE) $(UPGRADE) pyproject.toml -o layers/shared/requirements.txt
	$(COMPILE) $(UPGRADE) --group http -c layers/shared/requirements.txt -o layers/http/requirements.txt
	$(COMPILE) $(UPGRADE) --group cli --group local --group test --group check --group http \
		-c layers/shared/requirements.txt -c layers/http/requirements.txt pyproject.toml \
		-o requirements/dev.txt
	$(COMPILE) $(UPGRADE) --group bootstrap -c requirements/dev.txt -o requirements/bootstrap.txt
	$(COMPILE) $(UPGRADE) --group emulator -o requirements/emulator.txt
	$(COMPILE) $(UPGRADE) --group lint -o requirements/lint.txt
	$(COMPILE) $(UPGRADE) --group sam -o requirements/sam.txt
	$(COMPILE) $(UPGRADE) --group awscli -o requirements/awscli.txt
	$(COMPILE) $(UPGRADE) --group runtime -o requirements/runtime.txt
	$(COMPILE) $(UPGRADE) --group checkov -o requirements/checkov.txt
	$(COMPILE) $(UPGRADE) --group portal-sdk -o requirements/portal-sdk.txt
	$(COMPILE) $(UPGRADE) --group mutants --group test --group cli --group local --group http \
		-c requirements/dev.txt pyproject.toml -o requirements/mutants.txt
	$(COMPILE) $(UPGRADE) --group schemathesis -o requirements/schemathesis.txt

# Compiles a copy of the pinned files; they are in step when nothing changes.
requirements-in-step: $(VENV)/.done
	@rm -rf $(TOOLS)/step && mkdir -p $(TOOLS)/step/layers/shared $(TOOLS)/step/layers/http
	@cp -r pyproject.toml requirements $(TOOLS)/step && for layer in $(LAYERS); do \
		cp layers/$$layer/requirements.txt $(TOOLS)/step/layers/$$layer; done
	@$(MAKE) -s -C $(TOOLS)/step -f $(CURDIR)/Makefile compile UV=$(CURDIR)/$(UV)
	@bad=; diff -r requirements $(TOOLS)/step/requirements || bad=1; \
	for layer in $(LAYERS); do \
		diff layers/$$layer/requirements.txt $(TOOLS)/step/layers/$$layer/requirements.txt || bad=1; done; \
	[ -z "$$bad" ] || \
		{ echo "the requirements files are not in step with pyproject.toml; run: make requirements"; exit 1; }

clean:
	rm -rf $(VENV) $(TOOLS) .local .aws-sam

$(VENV)/.done: requirements/dev.txt requirements/bootstrap.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13) and "mentor-pause needs Python 3.13; $(PYTHON) is %d.%d. Use: make PYTHON=/path/to/python3.13" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(UV) pip sync -q --python $(VENV)/bin/python --require-hashes requirements/dev.txt
	$(UV) pip install -q --python $(VENV)/bin/python --no-deps --no-build-isolation -e .
	@touch $@

# The lock holds the hash of the binary for 64-bit Linux; elsewhere npm takes its registry's word.
$(TOOLS)/npm/.done $(TOOLS)/supabase-js/.done: $(TOOLS)/%/.done: requirements/%/package.json requirements/%/package-lock.json
	@mkdir -p $(TOOLS)/$* && cp requirements/$*/*.json $(TOOLS)/$*
	npm install --prefix $(TOOLS)/$* --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

$(TOOLS)/%/.done: requirements/%.txt $(VENV)/.done
	$(UV) venv -q --clear --python $(VENV)/bin/python $(TOOLS)/$*
	$(UV) pip sync -q --python $(TOOLS)/$*/bin/python --require-hashes requirements/$*.txt
	@touch $@
