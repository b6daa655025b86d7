# make prints this help; every target below says what it does behind ##.
.DEFAULT_GOAL := help
.PHONY: help demo test race with-index fuzz proof bench bench-cold bench-index lint golden interop interop-servers bench-mlflow bench-serve bench-push page python wheels bench-python clean

GO        ?= go
FUZZTIME  ?= 60s
BENCH     ?= .
COUNT     ?= 1
SUITES    := ./filestore/internal/suite
PROOFS    := PowerCut|Durable|StrictReader|^TestReads|Unwritable|CrashClone|FullAfter|Delay
BIN       := $(CURDIR)/.bin
LINTER    := $(BIN)/golangci-lint-v2.15.0
ACTIONS   := $(BIN)/actionlint-v1.7.7
VERSIONS  ?= 3.x 3.1 2.22 2.9 2.2 1.30 1.0
SERVERS   ?= server-3.x server-2.22 server-2.9 server-1.30
DIRS      ?= $(or $(TMPDIR),/tmp)
# Thousands of small stores cost a disk much, memory little. .ci/hermetic has them on the disk.
MEMORY    := $(shell [ -w /dev/shm ] && df -kP /dev/shm | awk 'END { if ($$4 > 2000000) print "/dev/shm" }')
# Many tests wait, for a writer that is slow or a lock that is held: more of them, and of the packages, run at once than
# there are processors.
TESTS     := -p 4 -parallel 8 -timeout 25m
# What the tests' searches keep goes with them; what Go has compiled stays. A fixed name, which is what go test remembers.
CACHE     := set -e; cache=$${TMPDIR:-/tmp}/mlruns-tests-$$(id -u); mkdir -p -m 700 "$$cache"; trap 'rm -rf "$$cache"' EXIT; export GOCACHE="$$($(GO) env GOCACHE)" XDG_CACHE_HOME="$$cache"
PLATFORMS := linux/amd64 linux/arm64 linux/386 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## read a store that MLflow wrote, then train a model and log the sweep to ./mlruns
	@$(GO) run ./examples/demo

# The tests have small heaps, which would be collected again and again.
test race: export GOGC := $(or $(GOGC),300)
test race: export TMPDIR := $(or $(TMPDIR),$(MEMORY),/tmp)
test: ## run all tests, of the long ones a sample, another one each time; MLRUNS_PROOF=ci runs more
	@$(CACHE); $(GO) test $(TESTS) ./...

race: ## the same with the race detector
	@$(CACHE); $(GO) test $(TESTS) -race ./...

# What a search keeps is 20 ms old at least, so the suites make their indexes themselves: filestoretest.Warm.
with-index: export TMPDIR := $(or $(TMPDIR),$(MEMORY),/tmp)
with-index: ## run the golden, fault, kill, power cut, crowd and conformance suites, and random searches, with the index in use
	@$(CACHE) MLRUNS_INDEX=checked; \
		$(GO) test $(TESTS) -count 1 $(SUITES)/golden $(SUITES)/fault $(SUITES)/kill $(SUITES)/powercut $(SUITES)/crowd; \
		$(GO) test $(TESTS) -count 1 -run 'Conformance|Search|Index|TrustEnded|SameID|Moves' ./filestore

# Before Go 1.27 a target can end with "context deadline exceeded" and no failing input, https://go.dev/issue/75804; a count has no deadline.
fuzz: ## run every fuzz target for FUZZTIME (60s, or a number of calls such as 500000x)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

# What docs/reliability.md counts. The processes run under the race detector; the rest would only be slower.
proof: ## run the fault, kill and power cut loops and the crowds at full length, and print what they counted
	@mkdir -p $(BIN)
	@set -e; log=$(BIN)/proof.log; \
		MLRUNS_PROOF=full $(GO) test -count 1 -timeout 90m -v $(SUITES)/fault $(SUITES)/kill $(SUITES)/powercut $(SUITES)/crowd >$$log 2>&1 || { cat $$log; exit 1; }; \
		MLRUNS_PROOF=full $(GO) test -count 1 -timeout 90m -v -run '$(PROOFS)' ./filestore $(SUITES)/golden ./internal/faultfs ./internal/memfs >>$$log 2>&1 || { cat $$log; exit 1; }; \
		MLRUNS_PROOF=full $(GO) test -count 1 -timeout 30m -v -race -run '^TestProcesses' $(SUITES)/crowd >>$$log 2>&1 || { cat $$log; exit 1; }; \
		MLRUNS_PROOF=full $(GO) test -count 1 -timeout 60m -v -run '^TestServe|^TestTraversals|^TestWrongTypes' ./cmd/mlruns ./server >>$$log 2>&1 || { cat $$log; exit 1; }; \
		MLRUNS_PROOF=ci $(MAKE) --no-print-directory with-index >>$$log 2>&1 || { cat $$log; exit 1; }; \
		MLRUNS_PROOF=full $(GO) test -count 1 -timeout 60m -v -parallel 16 -run 'Index|TrustEnded|ClocksThatJump' ./filestore ./filestore/internal/query >>$$log 2>&1 || { cat $$log; exit 1; }; \
		grep -E '_test\.go:[0-9]+:|^(--- |ok )' $$log

bench: ## print a table of the benchmarks' medians: make bench BENCH=Search COUNT=5; MLRUNS_BENCH_DIR keeps the stores and chooses the disk
	@set -e; dir=$${MLRUNS_BENCH_DIR:-$$(mktemp -d)}; \
	MLRUNS_BENCH_DIR=$$dir $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 2h ./... | awk -f .ci/medians.awk; \
	[ -n "$$MLRUNS_BENCH_DIR" ] || rm -rf $$dir

bench-cold: ## time searches over 10,000 runs with an empty page cache (root, Linux)
	@.ci/bench-cold

bench-index: ## print what searches cost with the index and without, beside the bare looks: make bench-index RUNS=100000 DIRS=/dev/shm COUNT=3
	@.ci/bench-index

lint: $(LINTER) $(ACTIONS) ## format, vet and lint; build and vet for every platform; check go.mod and the workflow
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -l: $$unformatted"; exit 1; fi
	$(LINTER) run ./...
	@set -e; for p in $(PLATFORMS); do \
		echo "== $$p"; GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) build ./...; \
		GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) vet ./...; \
	done
	$(GO) vet -tags interop ./interop/...
	$(GO) mod tidy -diff
	$(ACTIONS)

$(LINTER):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(BIN)/golangci-lint $@

$(ACTIONS):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7
	@mv $(BIN)/actionlint $@

golden: ## print where the golden stores come from and check that they are whole
	@sed -n '1,40p' testdata/README.md
	$(GO) test -count 1 ./filestore/internal/suite/golden && $(GO) test -count 1 -run Golden ./search

interop: ## install the real MLflow and test beside it, all VERSIONS or some: make interop VERSIONS="3.x 2.9"
	@environments=$$(interop/environments.sh $(VERSIONS)) && cd interop && MLRUNS_INTEROP="$$environments" $(GO) test -tags interop -count 1 -timeout 60m $(ARGS)

interop-servers: ## test package remote beside real MLflow servers, on SQLite and PostgreSQL: make interop-servers SERVERS=server-2.9
	@servers=$$(interop/environments.sh $(SERVERS)) && readers=$$(interop/environments.sh server-2.22 server-3.x) && cd interop/remote && MLRUNS_SERVERS="$$servers" MLRUNS_READERS="$$readers" $(GO) test -tags interop -count 1 -timeout 120m $(ARGS)

bench-mlflow: ## measure beside MLflow's FileStore and SQLite store: make bench-mlflow DIRS=/tmp,/dev/shm
	@environment=$$(interop/environments.sh 3.x) && $(GO) run -tags interop ./interop/bench -python "$${environment#*=}" -dirs $(DIRS) $(ARGS)

page: ## use MLflow's web pages, as mlruns serves them, in headless Chromium, and keep screenshots in .bin/page
	@mkdir -p $(BIN) && $(GO) build -o $(BIN)/mlruns ./cmd/mlruns
	@environments=$$(interop/environments.sh 2.22 3.x) && interop/page/run.sh $(BIN)/mlruns $$(echo "$$environments" | sed 's/^[^=]*=//')

bench-serve: ## measure mlruns serve beside mlflow server on SQLite and on files: make bench-serve DIRS=/dev/shm ARGS='-load 60s'
	@mkdir -p $(BIN) && $(GO) build -o $(BIN)/mlruns ./cmd/mlruns
	@environment=$(if $(PYTHON),=$(PYTHON),$$(interop/environments.sh server)) && $(GO) run -tags interop ./interop/bench -serve $(BIN)/mlruns -python "$${environment#*=}" -dirs $(DIRS) $(ARGS)

bench-push: ## measure mlruns copy to MLflow's server and to mlruns serve beside others that push: make bench-push DIRS=/dev/shm ARGS='-runs 1000'
	@mkdir -p $(BIN) && $(GO) build -o $(BIN)/mlruns ./cmd/mlruns
	@server=$$(interop/environments.sh server-3.x) && others=$$(interop/environments.sh export-import) && \
		MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(GO) run -tags interop ./interop/bench -push $(BIN)/mlruns -python "$${server#*=}" -export-import "$${others#*=}" -dirs $(DIRS) $(ARGS)

python: ## build the Python package and test it beside MLflow, in all ENVIRONMENTS or some: make python ENVIRONMENTS="skinny-3.x"
	@python/check.sh $(ENVIRONMENTS)

wheels: ## build the wheels of the Python package for every platform into .bin/wheels
	@python/wheels.sh $(BIN)/wheels

bench-python: ## time MLflow's calls on mlruns: beside its own file store and SQLite store
	@environment=$$(python/environments.sh full-3.x) && python/bench.sh "$${environment#*=}" $(ARGS)

clean: ## remove what the other targets made
	rm -rf $(BIN) mlruns
	$(GO) clean -testcache
