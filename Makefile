# handgrad: these commands do everything, on a machine with Python 3.11+ and make only; test-page needs npm and a
# Chromium as well, and installs what it can.
#   make demo    train, prove, compare; writes report/index.html
#   make play    the playground: watch a network learn in the browser
#   make test    lint, types, import contract, tests, doctests, examples
#   make test-page    the playground's page: its types, and the page in a browser

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools
PLAY := .venv/.play
PAGE := node_modules/.ready

.PHONY: demo play test test-page test-all format clean

demo: $(READY)
	$(BIN)/handgrad demo

play: $(PLAY)
	$(BIN)/handgrad play

test: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	tests/browser/types
	$(BIN)/pytest -n 2 -m "not long" --doctest-modules src/handgrad tests --ignore tests/browser
	$(BIN)/pytest --nbmake examples

test-page: $(TOOLS) $(PAGE)
	tests/browser/types
	HANDGRAD_BROWSER=required $(BIN)/pytest -n 2 -m "not long" tests/browser

test-all: test test-page
	$(BIN)/pytest -n 2 -m long tests --ignore tests/browser

format: $(TOOLS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $(READY)

$(PLAY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[play]'
	touch $(PLAY)

$(TOOLS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(TOOLS)

$(PAGE): $(TOOLS) package.json tests/browser/install
	tests/browser/install
	touch $(PAGE)

clean:
	rm -rf .venv node_modules report
