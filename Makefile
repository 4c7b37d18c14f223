# Two commands do all set-up on a fresh machine: `make lab` and `make test`. The rest are their parts.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export LAB ?= wandb
export LAB_MYSQL ?= 8.0
export ANSIBLE_FORCE_COLOR ?= 0

IN := . tools/activate;
ENV := .venv/stamp

.PHONY: help env lock lab test nightly unit plays inventories lint sanity modules site drill bench docs clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(ENV) ## the locked development environment (.venv) and the collections that this one needs
$(ENV): requirements-dev.txt requirements-collections.txt requirements.yml tools/fetch_collections.py
	@tools/make-env

lock: ## lock requirements-dev.in anew (versions and hashes, no host names)
	@tools/lock

lab: $(ENV) ## twelve hosts, everything installed on them, and where to look
	@$(IN) python -m lab site

test: $(ENV) ## what CI runs
	@tools/run-steps unit plays inventories lint docs sanity lab-up site modules mysql97

nightly: $(ENV) ## everything, without a time limit (the last drills make hosts of their own, when the others are gone)
	@tools/run-steps unit plays inventories lint docs sanity-all importer lab-up site modules mysql97 mysql-restore proxy ca-rotation nasty-secrets openshift interrupt
	@tools/run-steps redis-failover mysql8 mysql-failover minio-host-loss minio-upgrade minio-expand

unit: $(ENV) ## pure code, no network, < 60 s
	@$(IN) pytest tests/unit -n 2

plays: $(ENV) ## roles through ansible-playbook on the controller alone; no host, no lab
	@$(IN) pytest tests/plays -n 2

inventories: $(ENV) ## hundreds of wrong inventories, the shipped ones, some of both through ansible-playbook; no host, no lab
	@$(IN) pytest tests/inventories -n 2

lint: $(ENV) ## ansible-lint production, ruff, mypy --strict, yamllint, shellcheck
	@$(IN) tools/lint

sanity: $(ENV) ## ansible-test sanity on this Python
	@$(IN) python tools/sanity.py

modules: $(ENV) ## expectation tables of the modules against the standing lab
	@$(IN) python -m lab site && pytest tests/lab tests/modules

site: $(ENV) ## the whole site: check on bare hosts, converge, again, verify from outside
	@tools/run-steps site

drill: $(ENV) ## one scenario: make drill NAME=<folder in molecule/>
	@test -n "$${NAME:-}" || { echo 'say which: make drill NAME=<one of: '$$(cd molecule && dirname */molecule.yml)'>'; exit 2; }
	@$(IN) molecule test -s "$$NAME"

bench: ## times side by side
	@if ls tests/bench/bench_*.py >/dev/null 2>&1; then $(IN) pytest -s tests/bench/bench_*.py; else echo 'bench: nothing to run yet (no tests/bench/bench_*.py); the figures come with the work that they belong to'; fi

docs: $(ENV) ## lint of the collection's documentation; every module's page can be rendered
	@$(IN) tools/docs

clean: ## takes the lab away (CACHE=1: also the built programs and images)
	@if test -d .venv; then $(IN) python -m lab clean $${CACHE:+--cache}; fi
	@rm -rf .cache/sanity .ansible dist site
