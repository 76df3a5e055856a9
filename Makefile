# The two commands of a newcomer:   make study   make test
# Both set everything up by themselves; needed are only Python >= 3.11, make and a package index.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TESTFLAGS ?=

.PHONY: study test lint types bench docs clean

study: $(VENV)/.installed
	$(BIN)/eegtl study synthetic --out runs/synthetic --overwrite

# Two workers fill two cores: threads of linear algebra besides would wait for each other, and take up to nine times as long.
# Tests begin many processes, which would each compile the package where compiled files are not kept.
test: $(VENV)/.installed
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTFLAGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -e ".[test,bench]" -c constraints.txt
	$(BIN)/python -m pytest tests/benchmarks -n 0 --benchmark-enable --benchmark-only -q -s $(TESTFLAGS)

docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -e ".[test,docs]" -c constraints.txt
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "eegtl needs Python >= 3.11; run: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]" -c constraints.txt
	touch $@

clean:
	rm -rf $(VENV) docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
