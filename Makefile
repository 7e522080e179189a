# make run: train the article's experiment.  make test: format, lint, types, tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run test check clean

install: .venv/installed
run: install
	$(BIN)/seedbed train

# Types are looked at while the tests begin, and told after them: neither keeps two cores at work.
# Where PYTHONDONTWRITEBYTECODE is set, each Python would compile again what was edited since the
# installation: 0.3 s of a process.
test: .venv/installed-dev .venv/s3/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(BIN)/python -m compileall -qq src || true
	@$(BIN)/mypy > .venv/types 2>&1 & \
	$(BIN)/pytest; tests=$$?; \
	wait $$!; types=$$?; \
	cat .venv/types; \
	exit $$((tests ? tests : types))

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
# pip compiles one file after the other, and none of a package that is installed in place; this takes
# all cores. What cannot be compiled is no module: some packages bring templates.
COMPILE := $(BIN)/python -m compileall -qq -j 0 .venv/lib src || true

# torch comes first and pinned: any open range pulls a build with several GB of CUDA.
.venv/installed-torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: Seedbed needs Python 3.11 or later; type make PYTHON=python3.11" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) torch
	touch $@

.venv/installed: .venv/installed-torch pyproject.toml
	$(PIP) -e .
	$(COMPILE)
	touch $@

.venv/installed-dev: .venv/installed-torch pyproject.toml
	$(PIP) -e '.[dev]'
	$(COMPILE)
	touch .venv/installed $@

# The server that the tests of URLs speak to, beside the set that is tested together.
.venv/s3/installed: tests/s3_server.txt .venv/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --upgrade \
		--target .venv/s3 -r tests/s3_server.txt
	touch $@

clean:
	rm -rf .venv outputs
