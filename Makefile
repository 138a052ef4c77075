# Targets with a "##" comment are listed by `make help`.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
IMAGE   ?= drawbridge:$(VERSION)
ARGS    ?=
# The whole-program tests mostly wait, so more of them run at once than there
# are cores, and one package more; the two that take longest begin. The race
# detector needs a C compiler.
RACE    := $(if $(shell command -v gcc clang),-race)
# SQLite is C in translation, and each of its connections has one user at a
# time: database/sql, which is checked, sees to that. Argon2 is arithmetic.
# Checked themselves, for races and for pointers, the two take several times as
# long as all of ours.
UNCHECKED := $(if $(RACE),'-gcflags=modernc.org/...=-race=false -d=checkptr=0' -gcflags=golang.org/x/crypto/argon2=-race=false)
test check-rules check-vet check-lint: export GOFLAGS += $(UNCHECKED)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dev
dev: ## run the panel with the simulated AWS on http://127.0.0.1:8080 (ARGS="--help")
	go run ./cmd/server $(ARGS)

.PHONY: demo
demo: ## make, call and destroy the article's chain in a simulated AWS (ARGS="--json")
	go run ./cmd/server demo $(ARGS)

.PHONY: test
test: browser ## run all tests with the race detector, in random order (ARGS="./internal/api/...")
	go tool gotestsum --format pkgname-and-test-fails --hide-summary=skipped -- \
		$(RACE) -shuffle=on -p $$(($$(getconf _NPROCESSORS_ONLN) + 1)) -parallel 12 -timeout 20m \
		$(or $(ARGS),./internal/e2e ./internal/conformance/terraform ./...)

.PHONY: browser
browser: # what the browser tests need; they say so themselves where it is missing
	@if command -v chromium >/dev/null; then exit 0; fi; \
	if [[ $$(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then \
		echo "Chromium is missing: install the packages chromium and fonts-noto-cjk to run the browser tests."; exit 0; \
	fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-noto-cjk >/dev/null

.PHONY: ci
ci: check-format check-modules check-generated check-rules check-vet check-lint ## what a change must pass beside its tests

.PHONY: check-format
check-format:
	@echo "gofmt"; unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [[ -n "$$unformatted" ]]; then echo "Run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

.PHONY: check-modules
check-modules:
	@echo "go mod verify, go mod tidy"
	@go mod verify
	@go mod tidy -diff || { echo "Run go mod tidy."; exit 1; }

.PHONY: check-generated
check-generated:
	@echo "templ generate"
	@go tool templ generate -path web -check -log-level warn || { echo "Run make generate and commit what it wrote."; exit 1; }

.PHONY: check-rules
check-rules:
	@echo "import map, size budgets, OpenAPI document"
	@go test -race ./internal/archtest ./internal/api

.PHONY: check-vet
check-vet:
	@echo "go vet"
	@go vet ./...

.PHONY: check-lint
check-lint:
	@echo "staticcheck"
	@go tool staticcheck ./...

.PHONY: generate
generate: ## write the generated files anew: templ pages, then the OpenAPI document
	go tool templ generate -path web -log-level warn
	go test ./internal/api -run Golden -update || go test ./internal/api -run Golden

.PHONY: operations
operations: ## write docs/simulator.md's table of operations and clients anew
	-UPDATE_OPERATIONS=1 go test -p 1 -count=1 ./internal/conformance/clients ./internal/conformance/terraform ./internal/provision/kinds -run 'Walk|GoSDK|Terraform|Lifecycle'

.PHONY: assets
assets: ## renew the vendored browser assets from package-lock.json (needs Node)
	./scripts/vendor-assets.sh

.PHONY: bench
bench: ## run the benchmarks (ARGS="./internal/store/...", BENCH_JSON=/some/folder)
	go test -p 1 -timeout 90m -run '^$$' -bench . -benchmem $(or $(ARGS),./...)

# Every fuzz target of the simulator's wire and of the guarded HTTP client, side
# by side: go itself runs one at a time, and each is content with a part of a core.
FUZZTIME ?= 30s
FUZZ     := awssim/wire:FuzzQuery awssim/wire:FuzzXML awssim:FuzzQueryServices awssim:FuzzREST awssim:FuzzSignature \
            probe:FuzzAddress probe:FuzzURL

.PHONY: fuzz
fuzz: ## fuzz the simulator's decoders and the guarded client, FUZZTIME=30s each
	@running=(); for target in $(FUZZ); do \
		name=$${target##*:}; \
		go test ./internal/$${target%%:*} -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -parallel 1 2>&1 | sed -u "s/^/$$name: /" & \
		running+=($$!); \
	done; \
	failed=0; for pid in "$${running[@]}"; do wait "$$pid" || failed=1; done; exit $$failed

.PHONY: hostile
hostile: ## send hostile input to every endpoint and form, FUZZTIME=30s each
	go test ./internal/api ./internal/app ./web -run Hostile -v -hostile $(FUZZTIME) | grep -E 'hostile requests|FAIL|ok'

.PHONY: api-fuzz
api-fuzz: ## send REQUESTS=10000 random requests, made from the OpenAPI document, to a whole server
	go test ./internal/conformance/rest -count=1 -run 'RandomRequests' -v -requests $(or $(REQUESTS),10000) -seed $(or $(SEED),1)

.PHONY: recording
recording: ## record a session of ctl on a terminal into docs/ctl-session.txt
	go test ./internal/e2e -count=1 -run CtlRecording -record

.PHONY: build
build: ## build the static binary bin/drawbridge
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/drawbridge ./cmd/server

.PHONY: docker
docker: ## build the image drawbridge:VERSION
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .
