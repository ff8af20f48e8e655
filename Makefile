# make demo        sets up, then runs the whole workflow at a small size in demo/
# make test        sets up, then runs the tests; PATHS=tests/unit/render only those
# make lint        sets up, then checks the style of everything, with npm also the types of the report's scripts
# make schema      sets up, then writes the configuration's JSON schema for editors
# make test-slurm  that it runs through SLURM, on daemons of its own on this machine
# make test-faults that many more faults end well, with a table; mounts small disks, so needs root; half an hour
# make test-fuzz   that 10,000 damaged or wrong inputs are refused or taken rightly, with a table; a few minutes
# make test-gpu    on a machine with an NVIDIA GPU: that it renders and trains there
PYTHON ?= python3
CORES ?= $(shell nproc)
# Processes that run tests side by side, and what they run; all of pyproject.toml's testpaths if empty.
TEST_WORKERS ?= 2
PATHS ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slurm test-faults test-fuzz test-gpu lint schema install npm-packages lock clean
.DEFAULT_GOAL := demo

install: $(VENV)/installed

# The lock names exact versions; the environment is made anew from nothing when it changes. The package
# itself, for the command inverse-shading, is what lies here.
$(VENV)/installed: envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; give another by make PYTHON=...")'
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "Python's venv module is missing. As root: apt-get install -y python3-venv"; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --requirement envs/requirements.lock
	@# As pip would, but on all cores. It goes past what isn't written for this Python, as pip does.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# What checks the report's scripts and its accessibility. The report needs none of it, and neither does a
# user: without npm, these checks are skipped.
npm-packages:
	@if ! command -v npm >/dev/null; then echo "SKIPPED: the packages of package.json, because npm is missing"; \
	elif [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then \
		npm ci --silent --no-audit --no-fund || echo "SKIPPED: the packages of package.json, because npm can't install them"; fi

demo: install
	@sh envs/system-libraries.sh
	$(BIN)/snakemake --cores $(CORES) --directory demo --configfile demo/config.yaml
	@$(BIN)/inverse-shading summary demo/results/comparison.csv
	@echo
	@echo "To look at: demo/results/report.html    Pictures: demo/results/figures/    Table: demo/results/comparison.md"

test: install npm-packages
	@sh envs/system-libraries.sh test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(TEST_WORKERS) --dist worksteal $(PATHS)

test-slurm: install
	@sh envs/system-libraries.sh slurm
	$(BIN)/python -m pytest tests/slurm

test-faults: install
	@sh envs/system-libraries.sh test
	PYTHONPATH=.:workflow $(BIN)/python -m tests.faults

test-fuzz: install
	@sh envs/system-libraries.sh test
	OMP_NUM_THREADS=1 PYTHONPATH=.:workflow $(BIN)/python -m tests.fuzz

test-gpu: install
	@sh envs/system-libraries.sh test
	$(BIN)/python -m pytest tests/gpu

lint: install npm-packages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PYTHONPATH=workflow $(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/snakemake --lint
	@if [ -x node_modules/.bin/tsc ]; then echo node_modules/.bin/tsc && node_modules/.bin/tsc; \
	else echo "SKIPPED: types of the report's scripts, because npm's typescript is missing"; fi

# After a change of the configuration's keys; a test says so.
schema: install
	PYTHONPATH=workflow $(BIN)/python -m inverse_shading.config.schema

# After a change of the pins in pyproject.toml.
lock:
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --extra development --strip-extras --allow-unsafe --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file envs/requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) node_modules demo/results demo/logs demo/.snakemake
