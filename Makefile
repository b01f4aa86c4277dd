# Everything runs in .venv, made with the Python that is found; PYTHON=... takes another one.
# A target installs what it needs and no more, and again only when the dependencies change.

VENV := .venv
PY := $(VENV)/bin/python
LAB := $(VENV)/lab
ALL := $(VENV)/all
BROWSER := $(VENV)/browser
PYTHONS := $(VENV)/pythons

# A Python may be there and not run (a pyenv shim), be too old, or lack venv (Debian without
# python3-venv), so each is tried.
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in $(CANDIDATES); do \
	$$each -c '$(SUITS)' 2>/dev/null && echo $$each && break; done)

# As root, in a container say, Jupyter starts only if told that this is meant.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
JUPYTER = $(PY) -m jupyterlab $(AS_ROOT) $(LABFLAGS) \
	--LabApp.app_settings_dir=notebooks/jupyterlab \
	--LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
	--LabApp.extension_manager=readonly
EDITION := learner

# By file: nbval runs the cells of a notebook in one kernel, so they have to stay together.
PYTEST := $(PY) -m pytest -n 2 --dist loadfile

.PHONY: help lab run html check lint test test-package coverage test-other test-browser bench \
	notebooks pictures docs learner teacher

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

lab: lab-$(EDITION)  ## open JupyterLab on the lessons; EDITION=solved: with solutions and outputs

lab-learner: $(LAB)
	@$(PY) -m notebooks.course.editions learner --out lessons
	@$(JUPYTER) --ServerApp.root_dir=lessons --LabApp.default_url=/lab/tree/00_start_here.ipynb

lab-solved: $(LAB)
	@$(JUPYTER) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

lab-%:
	@echo "There is no EDITION=$*: it is learner (the default) or solved." >&2; exit 2

run: $(LAB)  ## run every scenario; figures and a page to look at them to out/
	@$(PY) -m docs.gallery --out out

html: $(LAB)  ## run the lessons and write them as HTML to out/notebooks/, about 4 minutes
	@$(PY) notebooks/execute.py --html out/notebooks

UNITS := tests/sim tests/payments tests/scenarios tests/laws $(filter-out \
	tests/test_readme.py tests/test_same_on_every_python.py,$(wildcard tests/test_*.py))

check: lint  ## lint, types and unit tests: half a minute, the first time a minute more
	$(PYTEST) -q -m "not slow" $(UNITS)

lint: $(ALL)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/lint-imports --no-cache
	$(PY) -m mypy

test: lint $(PYTHONS)  ## lint, types, tests, doctests, and each notebook against what it shows
	@echo "The tests take about 4 minutes on two quiet cores."
	$(PYTEST) --nbval --nbval-current-env sagakit tests notebooks

test-package: $(ALL)
	$(PYTEST) sagakit tests --ignore tests/notebooks

coverage: $(ALL)  ## which lines no test runs: a list, and pages in out/coverage/
	@mkdir -p out/coverage && rm -f out/coverage/data*
	$(PY) -m coverage run -m pytest -n 2 --dist loadfile -q sagakit tests --ignore tests/notebooks
	@$(PY) -m coverage combine -q && $(PY) -m coverage html -q
	@$(PY) -m coverage report

test-other:  ## the package's tests under another Python, if this machine has one
	@other=$$($(PYTHON) tests/pythons.py --newest) && if [ -n "$$other" ]; then \
		echo "Once more with $$other, about 4 minutes."; \
		$(MAKE) test-package PYTHON="$$other" VENV=.venv-other; \
	else echo "No other Python is here: the tests ran under one alone."; fi

test-browser: $(ALL) $(BROWSER)  ## the notebooks in a real browser; screenshots to out/browser/
	$(PY) -m tests.browser.chromium
	$(PY) -m pytest -rs -n 2 --dist worksteal tests/browser

bench: $(ALL) $(PYTHONS)  ## measure speed, as ratios within one process
	$(PY) -m tests.bench

notebooks: $(LAB)  ## run the notebooks again and save what they show
	$(PY) notebooks/execute.py

pictures: $(LAB)  ## draw the README's pictures again, each from a run
	$(PY) -m docs.pictures

docs: $(ALL)  ## write the API reference to out/api/
	$(PY) docs/reference/build.py out/api

learner: $(LAB)  ## write the learner's edition, to hand out, to out/learner/
	$(PY) -m notebooks.course.editions learner

teacher: $(LAB)  ## write the teacher's edition, solved and run, to out/teacher/
	$(PY) -m notebooks.course.editions teacher --execute

# pip says little for long: this makes one line of what it does. It fails if pip did not end well.
define PIP_PROGRESS
/^Collecting / { printf "\r  looking up and downloading: %d packages", ++found; fflush() }
/^Installing collected/ { printf "\n  unpacking %d packages ...", NF - 3; fflush() }
/^Successfully installed/ { print " done"; done = 1 }
END { exit !done }
endef
export PIP_PROGRESS
INSTALL = PYTHONUNBUFFERED=1 $(PY) -m pip --disable-pip-version-check install --progress-bar off --no-compile \
	-c constraints.txt

$(PY):
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11 or newer with venv was found (tried: $(CANDIDATES))." >&2; \
		echo "On Debian or Ubuntu: apt install python3 python3-venv" >&2; \
		echo "Or name one: make lab PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi
	@$(PYTHON) -c '$(SUITS)' || { \
		echo "PYTHON=$(PYTHON) does not run, is older than 3.11, or lacks venv." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(LAB): pyproject.toml constraints.txt | $(PY)
	@echo "Installing what the notebooks need into $(VENV): 500 MB, half a minute on a quiet machine"
	@$(INSTALL) -e '.[lab,aws,emulator]' | awk "$$PIP_PROGRESS"
	@touch $@

$(ALL): $(LAB)
	@echo "Installing what tests, benchmarks and docs need: 350 MB more, half a minute"
	@$(INSTALL) -e '.[lab,test,bench,docs,aws,emulator,spans,dask,parquet,png]' | awk "$$PIP_PROGRESS"
	@touch $@

$(BROWSER): $(ALL)
	@$(INSTALL) -q -e '.[browser]'
	@touch $@

$(PYTHONS): $(ALL)
	@$(PY) tests/pythons.py
	@touch $@
