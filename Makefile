# handgrad: two commands do everything, on a machine with Python 3.11+ and make only.
#   make demo    train, prove, compare; writes report/index.html
#   make test    lint, types, import contract, tests, doctests, examples

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools

.PHONY: demo test test-all format clean

demo: $(READY)
	$(BIN)/handgrad demo

test: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 -m "not long" --doctest-modules src/handgrad tests
	$(BIN)/pytest --nbmake examples

test-all: test
	$(BIN)/pytest -n 2 -m long tests

format: $(TOOLS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $(READY)

$(TOOLS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(TOOLS)

clean:
	rm -rf .venv report
