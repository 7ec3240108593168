PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
DEMO := runs/demo
AUDIT := $(BIN)/didlearn audit --train digits --seed 0 --fail-on never --set inversion.images=16 --set inversion.rounds=3 \
	--set likelihood.images=10 --set typicality.images=10 --set typicality.drawn=24

.PHONY: demo test test-slow mutants docs format benchmark clean

demo: .venv/installed
	$(AUDIT) --generator examples/digits/sound --output $(DEMO)/sound
	$(AUDIT) --generator examples/digits/collapsed --output $(DEMO)/collapsed
	$(AUDIT) --generator examples/digits/memorised --output $(DEMO)/memorised
	$(BIN)/didlearn compare $(DEMO)/sound $(DEMO)/collapsed $(DEMO)/memorised --output $(DEMO)/compare.html
	@echo "open $(DEMO)/compare.html"

test: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"
	$(MAKE) docs

docs: .venv/installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

test-slow: .venv/installed-test
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m slow

MOST ?= 40
mutants: .venv/installed-test
	$(BIN)/python tools/mutants.py --most $(MOST) --jobs 2

format: .venv/installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: .venv/installed-test
	$(BIN)/python benchmarks/neighbors.py

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(INSTALL) --editable ".[test]"
	touch $@

clean:
	rm -rf .venv runs site
