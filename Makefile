PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS)
# Compiled files are kept even where the environment forbids it: tests start many processes that import the same.
PYTEST := env -u PYTHONDONTWRITEBYTECODE OMP_NUM_THREADS=1 $(BIN)/pytest
# One more than two cores: tests wait for browsers, and for processes of their own.
FAST := $(PYTEST) -n 3 --dist worksteal -m "not slow"
DEMO := runs/demo
# Small searches, one thread each: the three audits run beside one another.
AUDIT := $(BIN)/didlearn audit --train digits --seed 0 --threads 1 --samples 10000 \
	--set inversion.images=8 --set inversion.rounds=1 \
	--set likelihood.images=8 --set likelihood.budget=240 \
	--set typicality.images=8 --set typicality.budget=240 --set typicality.drawn=24

.PHONY: demo demo-sound demo-collapsed demo-memorised test types fast coverage fuzz test-slow test-capabilities smoke mutants docs format benchmark verdicts hooks clean

demo: $(VENV)/installed
	$(MAKE) --jobs=3 --output-sync demo-sound demo-collapsed demo-memorised
	$(BIN)/didlearn compare $(DEMO)/sound $(DEMO)/collapsed $(DEMO)/memorised --output $(DEMO)/compare.html
	@echo "open $(DEMO)/compare.html"

# Exit code 1 says that an audit found a fault, as it should in two of them.
demo-sound:
	$(AUDIT) --generator examples/digits/sound --output $(DEMO)/sound

demo-collapsed demo-memorised: demo-%:
	$(AUDIT) --generator examples/digits/$* --output $(DEMO)/$* || test $$? -eq 1

test: $(VENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --jobs=3 types docs fast

# Beside one another: types and docs keep one core busy for a minute, and the tests' processes wait here and there.
types: $(VENV)/installed-test
	$(BIN)/mypy

fast: $(VENV)/installed-test
	$(FAST)

docs: $(VENV)/installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

# Which lines and branches no fast test runs: following them makes the tests half as long again.
coverage: $(VENV)/installed-test
	$(FAST) --cov

test-slow: $(VENV)/installed-test
	$(PYTEST) -n 2 -m slow

# Files made wrong, FILES of them for each reader; what was not answered as it should is kept in runs/fuzz.
FILES ?= 1000
fuzz: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run --count $(FILES)

# The instructions that torch computes with decide the last bits: as near as one machine comes to another.
test-capabilities: $(VENV)/installed-test
	ATEN_CPU_CAPABILITY=default $(FAST)
	ATEN_CPU_CAPABILITY=avx2 $(FAST)
	env -u ATEN_CPU_CAPABILITY $(FAST)

# What a Python, or a set of versions, must do at the least: import everything, and answer.
smoke: $(VENV)/installed
	$(INSTALL) --editable ".[label]"
	$(BIN)/python tools/import_all.py
	$(BIN)/didlearn audit --train digits --generator examples/digits/sound --samples 1000 --seed 0 --fail-on never \
		--checks support,memorization,fidelity --output $(VENV)/smoke

MOST ?= 40
mutants: $(VENV)/installed-test
	$(BIN)/python tools/mutants.py --most $(MOST) --jobs 2

format: $(VENV)/installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# All of them, in minutes; each prints its own table, and says with --help how the docs' tables are made.
verdicts: $(VENV)/installed-test
	$(BIN)/python benchmarks/verdicts.py --seeds 20 --workers 2

benchmark: $(VENV)/installed-test
	$(BIN)/python benchmarks/neighbors.py --count 5000 --repeats 1 --no-peers
	$(BIN)/python benchmarks/copies.py --reference 2000 --queries 500 --copies 50 --repeats 1
	$(BIN)/python benchmarks/fidelity.py --sizes 4000x1024 --repeats 1
	$(BIN)/python benchmarks/inversion.py --images 4
	$(BIN)/python benchmarks/likelihood.py --images 4 --chains 4 --budgets 200 800
	$(BIN)/python benchmarks/random_matrix.py --dimension 128 --classes 1 3 --no-peers
	$(BIN)/python benchmarks/scale.py --sizes 2000 4000 8000

hooks: $(VENV)/installed-test
	$(INSTALL) pre-commit
	$(BIN)/pre-commit install

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml $(CONSTRAINTS)
	$(INSTALL) --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(INSTALL) --editable ".[test]"
	touch $@

clean:
	rm -rf .venv .venv-* runs site
