# Thin: every target is one command of a tool or a module. `make run` and `make test` do all their own set-up.
SHELL  := /bin/bash
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/

.PHONY: help setup lock run monitor check test cluster guard cluster-down bench drills manifests image image-monitor

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup: $(VENV)/.ready $(VENV)/.objects ## make the environment in .venv (locked, with hashes)

# A fresh Debian 12 lacks ensurepip until python3-venv is installed.
$(VENV)/.ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then echo "setup: installing the Debian package python3-venv"; \
	    apt-get update -q && apt-get install -y -q --no-install-recommends python3-venv; \
	  else echo "setup: Python has no venv module here; install the package python3-venv, then run make again" >&2; exit 2; fi; }
	@$(PYTHON) -m venv --clear $(VENV)
	@if command -v uv >/dev/null; then \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) UV_PYTHON_DOWNLOADS=never uv pip sync -q --compile-bytecode --require-hashes requirements-dev.lock; \
	else $(RUN)pip install -q --require-hashes -r requirements-dev.lock; fi
	@$(RUN)python -m pip install -q --no-deps --no-build-isolation --no-index --config-settings editable_mode=compat -e .
	@touch $@

# The kernel's programs follow their sources: objects of an older checkout are refused by the sensor.
$(VENV)/.objects: $(VENV)/.ready $(wildcard runtime_monitor/bpf/*.[ch] runtime_monitor/bpf/lib/*.h)
	@$(RUN)python -m runtime_monitor.bpf.build
	@touch $@

lock: ## resolve the dependencies anew into the two lock files (needs uv)
	uv pip compile -q -U --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q -U --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --group dev pyproject.toml -o requirements-dev.lock

run: setup ## the webhook on 127.0.0.1:8443 and, as root, the node monitor with the self-test's alerts on its page
	@exec $(RUN)python -m tests.tour $(TOUR)

CLUSTER := .cluster/node/containerd/state/io.containerd.runtime.v2.task/k8s.io
monitor: setup ## watch this node until Ctrl-C, and the containers of `make cluster`; page on http://127.0.0.1:9480 (needs root)
	@exec $(RUN)podseal-monitor run --spool .podseal/spool.db \
	  $(if $(wildcard .cluster/kubeconfig),--bundles $(CLUSTER) --kubeconfig .cluster/kubeconfig --node-name node1)

check: setup ## lint, types, import contracts
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)lint-imports

test: setup ## every suite, from fast to slow
	$(RUN)python -m tests

cluster: setup ## start a one-node Kubernetes: .cluster/kubeconfig, .cluster/bin/kubectl (needs root)
	@$(RUN)python -m tests.cluster up

guard: setup ## let podseal guard that cluster until Ctrl-C, and say what to try
	@$(RUN)python -m tests.cluster.e2e

cluster-down: setup ## remove it with everything that it made on the machine
	@$(RUN)python -m tests.cluster down

bench: setup ## every figure with its goal, as a ratio of interleaved blocks; SUITE=webhook for one
	@$(RUN)python -m tests.bench $(SUITE)

drills: setup ## failure drills on a cluster of their own; the self-test, and five minutes that must stay quiet; exit 1 where something was lost
	@$(RUN)python -m tests.drills
	@$(RUN)podseal-monitor selftest --quiet 300

manifests: setup ## make install.yaml, the chart's schema and its table of values anew
	@$(RUN)python -m tests.manifests.render

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BUILDER  = builder=$$(command -v docker || command -v buildah) || { echo "$@: install docker or buildah" >&2; exit 2; }; \
	  $$builder build $(if $(BASE),--build-arg BASE=$(BASE))
image: ## build the webhook's image IMAGE from BASE with docker or buildah
	@$(BUILDER) --tag $(or $(IMAGE),podseal/webhook:$(VERSION)) .

image-monitor: ## build the node monitor's image IMAGE likewise
	@$(BUILDER) --target monitor --tag $(or $(IMAGE),podseal/monitor:$(VERSION)) .
