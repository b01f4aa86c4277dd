# Everything runs in .venv, which `setup` makes with the Python that it finds, and renews only when
# the dependencies change. PYTHON=... takes another one.

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready
BROWSER := $(VENV)/browser

# A Python may be there and not run (a pyenv shim), be too old, or lack venv (Debian without
# python3-venv), so each is tried.
CANDIDATES := python3 python3.13 python3.12 python3.11 python
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in $(CANDIDATES); do \
	$$each -c '$(SUITS)' 2>/dev/null && echo $$each && break; done)

# As root, in a container say, Jupyter starts only if told that this is meant.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help setup lab run test test-browser bench notebooks pictures docs student teacher slides

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## make .venv and install everything; again only when dependencies change

lab: setup  ## open JupyterLab on the notebooks (LABFLAGS=--no-browser, say)
	$(PY) -m jupyterlab $(AS_ROOT) $(LABFLAGS) \
		--LabApp.app_settings_dir=notebooks/jupyterlab \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
		--LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
		--LabApp.extension_manager=readonly

run: setup  ## run every scenario, and write figures and notebooks as HTML to out/
	$(PY) -m sagakit all --out out
	$(PY) notebooks/execute.py --html out/notebooks

test: setup  ## lint, types, tests, doctests, and every notebook against what it shows
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest -n 2 --dist loadfile --nbval --nbval-current-env sagakit tests notebooks

test-browser: setup $(BROWSER)  ## run the notebooks in a real browser; screenshots to out/browser/
	$(PY) -m tests.browser.chromium
	$(PY) -m pytest -rs -n 2 --dist worksteal tests/browser

bench: setup  ## measure speed, as ratios within one process
	$(PY) -m tests.bench

notebooks: setup  ## run the notebooks again and save what they show
	$(PY) notebooks/execute.py

pictures: setup  ## draw the README's pictures again, each from a run
	$(PY) docs/pictures.py

docs: setup  ## write the API reference to out/api/
	$(PY) docs/reference/build.py out/api

student: setup  ## write the learner's edition, without solutions, to out/student/
	$(PY) -m notebooks.course.editions student

teacher: setup  ## write the teacher's edition, solved and run, to out/teacher/
	$(PY) -m notebooks.course.editions teacher --execute

slides: setup  ## write slides of the notebooks, which need no network, to out/slides/
	$(PY) -m notebooks.course.slides

$(READY): pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11 or newer with venv was found (tried: $(CANDIDATES))." >&2; \
		echo "On Debian or Ubuntu: apt install python3 python3-venv" >&2; \
		echo "Or name one: make setup PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi
	@$(PYTHON) -c '$(SUITS)' || { \
		echo "PYTHON=$(PYTHON) does not run, is older than 3.11, or lacks venv." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), about a minute ..."
	@$(PY) -m pip --disable-pip-version-check install -q -c constraints.txt -e '.[lab,test,bench,docs,slides,aws,emulator,spans,dask,parquet]'
	@$(PY) -m compileall -q sagakit
	@$(PY) tests/pythons.py
	@touch $(READY)

$(BROWSER): $(READY)
	@$(PY) -m pip --disable-pip-version-check install -q -c constraints.txt -e '.[browser]'
	@touch $(BROWSER)
