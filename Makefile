# The targets need Go and make. In addition, test needs a C compiler for the race detector, browser needs Chromium, and firebase
# needs Node.js.

GO ?= go
BENCHTIME ?= 1s
FUZZTIME ?= 30s
KILLS ?= 50
CRASHES ?= 5000
LOSSY ?= 5000
MUTATIONS ?= 5000
BENCHFLAGS ?=
CORPUSFLAGS ?=

# Packages with tasks. The pattern ./... does not include testdata.
TASKS = ./... ./testdata/golden/... ./testdata/codec/...

# golangci-lint's version is pinned in a go.mod of its own.
GOLANGCI = $(GO) tool -modfile=testdata/lint/go.mod golangci-lint

# Writes the examples' payload history.
LOCK = $(GO) run ./cmd/cloudtaskgen lock -o examples/cloudtask.lock.json

# A template for go list that prints the Go files of a package, one per line.
GOFILES = {{range .GoFiles}}{{$$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .TestGoFiles}}{{$$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$$.Dir}}/{{.}}{{"\n"}}{{end}}

.PHONY: help demo test generate lock check check-next lint lint-generated bench bench-json bench-gen corpus fuzz cross soak routers browser firebase screenshots cc chromium node

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: generate check ## generate, check, and run a tour of every feature (examples/tour)
	$(GO) run ./examples/tour

test: cc ## run all tests with the race detector, and those of the console if there is a Chromium
	$(GO) test -race ./...
	$(MAKE) routers
	@if $(FIND_CHROMIUM); then $(MAKE) browser; else \
		echo "Chromium not found: skipped the console's tests in a browser (make browser)"; \
	fi
	@if $(FIND_NODE); then $(MAKE) firebase; else \
		echo "Node.js with npm not found: skipped the tests with Firebase's SDK (make firebase)"; \
	fi

generate: ## generate the code of all packages with tasks
	@for packages in $(TASKS); do $(GO) run ./cmd/cloudtaskgen $$packages || exit; done

lock: ## update the examples' payload history (examples/cloudtask.lock.json)
	@$(LOCK) ./examples/...

check: ## fail if generated code is missing, stale or orphaned, or payloads have changed incompatibly
	@for packages in $(TASKS); do $(GO) run ./cmd/cloudtaskgen -check $$packages || exit; done
	@$(LOCK) -check ./examples/...

check-next: ## check that encoding/json v2 leaves generated code and lock unchanged
	@GOEXPERIMENT=jsonv2 $(MAKE) check

lint: ## run gofmt, go vet, golangci-lint (downloads and compiles it) and go mod tidy
	@out=$$($(GO) list -f '$(GOFILES)' ./... | tr '\n' '\0' | xargs -0 gofmt -l) && \
	if [ -n "$$out" ]; then echo "not formatted; run gofmt -w on:"; echo "$$out"; exit 1; fi
	$(GO) vet $(TASKS)
	$(GOLANGCI) run ./...
	@for module in . testdata/bench testdata/browser testdata/corpus testdata/routers; do (cd $$module && $(GO) mod tidy -diff) || { echo "run go mod tidy in $$module"; exit 1; }; done

lint-generated: ## run golangci-lint's standard linters on generated code
	$(GOLANGCI) run -c testdata/lint/golangci.yml $(TASKS)

bench: ## run the benchmarks (BENCHTIME=1s)
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

bench-json: ## compare the codecs with other JSON packages (downloads them; BENCHFLAGS="-only tiny")
	cd testdata/bench && $(GO) test ./byhand && $(GO) run . $(BENCHFLAGS)

bench-gen: ## compare the generator with the go command and easyjson (BENCHFLAGS="-only large")
	cd testdata/bench && $(GO) run ./generator $(BENCHFLAGS)

corpus: ## test generator, lock and codecs with the types of public modules (downloads them; CORPUSFLAGS=-sample)
	cd testdata/corpus && $(GO) vet . ./compare && $(GO) run . $(CORPUSFLAGS)

# Builds each package for fuzzing only once: a build takes longer than a short run.
fuzz: ## run each fuzz target (FUZZTIME=30s, or a count such as 1000x)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && set -e && \
	for package in $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./...); do \
		grep -qs '^func Fuzz' "$$package"/*_test.go || continue; \
		(cd "$$package" && $(GO) test -vet=off -c -fuzz . -o "$$dir/fuzz.test" .); \
		for name in $$(cd "$$package" && "$$dir/fuzz.test" -test.list '^Fuzz'); do \
			echo "fuzzing $$name in $${package#$(CURDIR)/}"; \
			(cd "$$package" && "$$dir/fuzz.test" -test.run '^$$' -test.fuzz "^$$name\$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir "$$dir/cache"); \
		done; \
	done

# The tests are compiled but not linked, which would double the time.
cross: ## compile all tests for other platforms, and run those of the codecs on linux/386
	@for platform in linux/386 linux/arm64 darwin/arm64 windows/amd64; do \
		echo "compiling the tests for $$platform"; \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) list -export -test -f '{{""}}' $(TASKS) || exit; \
	done
	CGO_ENABLED=0 GOOS=linux GOARCH=386 $(GO) test ./runtime/taskjson ./templates

# Long runs of tests that go test runs for a few seconds.
SOAK = \
	"./runtime/gcp -run ^TestLossyNetwork$$ -lossy $(LOSSY)" \
	"./cmd/cloudtask -run ^TestCrash$$ -kills $(KILLS)" \
	"./runtime/localqueue/internal/wal -run ^TestCrash$$ -crashes $(CRASHES)" \
	"./runtime/localqueue -run ^TestMutations$$ -mutations $(MUTATIONS)"

soak: ## test that lossy networks, kills, crashes and damaged files lose no task (LOSSY=5000 KILLS=50 CRASHES=5000 MUTATIONS=5000)
	@set -e; for test in $(SOAK); do echo "$$test"; $(GO) test $$test -count 1 -v -timeout 1h; done

routers: ## test the manual's examples for routers and containers (downloads the routers)
	cd testdata/routers && $(GO) vet ./... && $(GO) test -count 1 ./...

browser: chromium ## test the console in Chromium
	cd testdata/browser && $(GO) vet ./... && $(GO) test -count 1 ./...

# In a temporary directory, because npm installs packages there.
firebase: node ## test cloudtask dev with Firebase's SDK for Node.js (downloads it)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && set -e && \
	$(GO) build -o "$$dir/cloudtask" ./cmd/cloudtask && \
	cp testdata/firebase/* testdata/firebase/.npmrc "$$dir" && cd "$$dir" && npm ci && CLOUDTASK="$$dir/cloudtask" node --test

screenshots: chromium ## update the manual's screenshots
	cd testdata/browser && $(GO) test -count 1 -run '^TestScreenshots$$' -screenshots ../../docs/images .

# Succeeds if there is a Chromium. The tests look for the same names.
FIND_CHROMIUM = command -v "$${CHROMIUM:-chromium}" >/dev/null 2>&1 || { [ -z "$$CHROMIUM" ] && \
	{ command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable || command -v chrome || \
	[ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ] || [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]; } >/dev/null 2>&1; }

# Installs Chromium, like the compiler below, as root on Debian or Ubuntu.
chromium:
	@if $(FIND_CHROMIUM); then exit 0; fi; \
	if [ -z "$$CHROMIUM" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "Chromium not found, which the console's tests need: installing it"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else \
		echo "Chromium not found, which the console's tests need: set CHROMIUM, or install it, for example with"; \
		echo "  sudo apt-get install -y chromium          (Debian)"; \
		echo "  sudo dnf install -y chromium              (Fedora)"; \
		echo "  apk add chromium                          (Alpine)"; \
		echo "  brew install --cask chromium              (macOS)"; \
		exit 1; \
	fi

# Succeeds if there are Node.js and npm.
FIND_NODE = command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1

# Installs Node.js and npm, like the compiler below, as root on Debian or Ubuntu.
node:
	@if $(FIND_NODE); then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "Node.js with npm not found, which the tests with Firebase's SDK need: installing them"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm; \
	else \
		echo "Node.js 20 or later with npm not found, which the tests with Firebase's SDK need: install them, for example with"; \
		echo "  sudo apt-get install -y nodejs npm        (Debian)"; \
		echo "  sudo dnf install -y nodejs                (Fedora)"; \
		echo "  apk add nodejs npm                        (Alpine)"; \
		echo "  brew install node                         (macOS)"; \
		exit 1; \
	fi

# Installs a C compiler as root on Debian or Ubuntu. The race detector needs cgo, which needs the compiler.
cc:
	@cc=$$($(GO) env CC); command -v "$${cc%% *}" >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "C compiler $$cc not found, which go test -race needs: installing gcc"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev; \
	else \
		echo "C compiler $$cc not found, which go test -race needs: install one, for example with"; \
		echo "  sudo apt-get install -y gcc libc6-dev     (Debian, Ubuntu)"; \
		echo "  sudo dnf install -y gcc glibc-devel       (Fedora, RHEL)"; \
		echo "  apk add gcc musl-dev                      (Alpine)"; \
		echo "  xcode-select --install                    (macOS)"; \
		exit 1; \
	fi
