# `make` alone lists the verbs. Each does its own set-up; anything longer than three lines is a script or a program.

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
export CHAPERONE_BIN := $(TARGET)/tools/chaperone
STACK := $(TARGET)/tools/chaperone-stack

.DEFAULT_GOAL := help
.PHONY: help demo test up status down build wasm setup fmt lint unit doc deny e2e bench conformance regress clients fuzz oracle parser clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build wasm ## tell the story of one governed session, with the real psql
	@$(STACK) demo

test: fmt lint unit parser doc deny e2e ## everything that has to pass
	@echo "==> all tests passed"

up: build wasm ## start the stack in the background; settings for clients in target/run/env
	@$(STACK) up

status: ## show each part of it with its health
	@if [ -x $(STACK) ]; then $(STACK) status; else echo "nothing is up: nothing has been built yet" >&2; exit 1; fi

down: ## end it
	@if [ -x $(STACK) ]; then $(STACK) down; else echo "nothing was up: nothing has been built yet"; fi

build: setup ## build the chaperone program and the stack runner
	@cargo build --profile tools --package chaperone --package chaperone-stack

wasm: setup ## build the filters into target/wasm
	@scripts/build-wasm

setup: ## install Envoy and PostgreSQL into .cache, and system packages where root may
	@scripts/need cargo cc setpriv python3 venv $$(scripts/build-wasm --tools)
	@scripts/setup-python

fmt: setup ## check the formatting
	@scripts/need rustfmt
	cargo fmt --all --check

lint: setup ## clippy, for the machine and for wasm
	@scripts/need clippy
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	scripts/build-wasm --clippy

unit: setup ## unit tests, property tests, examples in the documentation
	scripts/cargo-test --workspace --exclude chaperone-e2e --exclude chaperone-stack

parser: setup
	scripts/oracle

doc: setup ## the documentation, without a warning
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps

deny: setup ## licences, sources, bans and known vulnerabilities of the dependencies
	scripts/deny

e2e: build wasm ## real Envoy, PostgreSQL and clients, through both chains
	@scripts/build-wasm --trap
	scripts/cargo-test --package chaperone-stack --package chaperone-e2e

oracle: setup ## PostgreSQL's own parser about its regression suite: nothing it sees may be left out of the facts
	scripts/oracle --regress

bench: build wasm ## throughput, latency and Envoy's CPU a transaction, against plain Envoy
	scripts/bench

conformance: build wasm ## PostgreSQL's own isolation tests and libpq_pipeline, through both chains
	scripts/conformance

regress: build wasm ## PostgreSQL's regression suite through both chains: what plain Envoy gives, in both protocols (8 minutes)
	scripts/regress
	SERVER=15 scripts/regress --extended

clients: build wasm ## real drivers run their scenarios through both chains: open, masked, strictly recorded
	@scripts/clients

fuzz: setup ## the fuzz targets for a minute in all, or SECONDS_EACH=n
	@scripts/fuzz

clean: ## remove everything that was built or installed here
	-@[ ! -x $(STACK) ] || $(STACK) down
	rm -rf target fuzz/target .cache
