# Causey: every task of the project. `make` prints them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Time per fuzz target, and an upper bound for all of them together ("" = none).
FUZZTIME ?= 10s
FUZZTOTAL ?=

# The version is read from git; where git cannot say (an archive, a foreign owner), the build goes on without it.
BUILDVCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)

help:
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/causey: one static binary
	CGO_ENABLED=0 go build -trimpath -buildvcs=$(BUILDVCS) -o bin/causey ./cmd/causey

test: ## all tests; installs the real servers they use where it may, says what it skips where not
	@scripts/setup-test.sh
	go test -timeout 9m ./...

race: ## unit and lab tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 9m ./internal/... ./lab/...

invariants: ## unit tests of the build that checks itself (-tags invariants)
	@grep -rqE --include='*.go' '^//go:build .*invariants' internal || { echo "no file is built with -tags invariants"; exit 1; }
	go test -tags invariants -timeout 9m ./internal/...

fuzz: ## every fuzz target, one after the other (FUZZTIME=10s each, FUZZTOTAL= for all)
	@FUZZTIME=$(FUZZTIME) FUZZTOTAL=$(FUZZTOTAL) scripts/fuzz.sh

lint: build ## gofmt, vet, staticcheck, the architecture rules, and whether the README is as generated
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "not gofmt-clean:"; echo "$$unformatted"; exit 1; fi
	@for script in .ci/run scripts/*.sh; do bash -n "$$script"; done
	go vet ./...
	go vet -tags invariants ./...
	go tool staticcheck ./...
	go test ./internal/archtest
	@scripts/docs.sh --check

bench: build ## side by side with nginx, HAProxy, Caddy and the floor: one table
	go run ./bench

# The commit to compare with, and the workloads.
BASE ?= HEAD~1
WORKLOADS ?= get-64,post-16k

bench-cost: build ## what this tree costs beside the commit BASE=, in 20 alternating pairs
	scripts/bench-cost.sh $(BASE) -workloads $(WORKLOADS) -seconds 2

bench-diagnosis-cost: build ## what diagnosis costs beside `diagnosis: off`, in 30 alternating pairs
	go run ./bench -without "diagnosis: off" -pairs 30 -workloads $(WORKLOADS) -seconds 2

bench-smoke: build ## both in short: shows that they run, not how fast
	go run ./bench -smoke
	go run ./bench/outage -smoke

outage: build ## servers die, hang and fail behind causey, nginx, HAProxy and Caddy: what visitors lose
	go run ./bench/outage -markdown bin/outage.md

bench-diagnosis: ## every fault of the lab at a random moment, blindly: how often its cause is named first
	@scripts/setup-test.sh
	go run ./bench/diagnosis

e2e: build ## the real binary against real and misbehaving servers
	@scripts/setup-test.sh
	go test -count=1 -timeout 9m ./test/...

docs: build ## write the generated documents anew
	@scripts/docs.sh

demo: build ## gateway, admin page, good and bad origins and a little traffic, on this machine
	bin/causey demo

soak: build ## hours instead of seconds: large bodies, slow clients, reloads, flat memory
	go test -count=1 -tags soak -timeout 12h -v ./test/soak/...

ci: ## what the gate runs: test, lint, race, invariants, short fuzz, bench smoke
	@.ci/run

.PHONY: help build test race invariants fuzz lint bench bench-cost bench-smoke outage bench-diagnosis bench-diagnosis-cost e2e docs demo soak ci
