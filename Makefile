# Everything here needs Go and make, and nothing else; test also needs a C compiler, for the race detector, browser a
# Chromium, and firebase Node.js.

GO ?= go
BENCHTIME ?= 1s
FUZZTIME ?= 30s
KILLS ?= 50
CRASHES ?= 5000
LOSSY ?= 5000
MUTATIONS ?= 5000
BENCHFLAGS ?=
CORPUSFLAGS ?=

# Packages with tasks. A pattern does not reach into testdata by itself.
TASKS = ./... ./testdata/golden/... ./testdata/codec/...

# golangci-lint's version is pinned in a go.mod of its own.
GOLANGCI = $(GO) tool -modfile=testdata/lint/go.mod golangci-lint

# The lock of the examples' payloads.
LOCK = $(GO) run ./cmd/cloudtaskgen lock -o examples/cloudtask.lock.json

# The Go files of a package, one a line, for go list.
GOFILES = {{range .GoFiles}}{{$$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .TestGoFiles}}{{$$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$$.Dir}}/{{.}}{{"\n"}}{{end}}

.PHONY: help demo test generate lock check check-next lint lint-generated bench bench-json bench-gen corpus fuzz cross soak routers browser firebase screenshots cc chromium node

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: generate check ## generate, check, and run a tour of every feature (examples/tour)
	$(GO) run ./examples/tour

test: cc ## run every test with the race detector, and with a Chromium the page's in it
	$(GO) test -race ./...
	$(MAKE) routers
	@if $(FIND_CHROMIUM); then $(MAKE) browser; else \
		echo "no Chromium is found: the tests of the page in a browser did not run (make browser)"; \
	fi
	@if $(FIND_NODE); then $(MAKE) firebase; else \
		echo "no Node.js with npm is found: the tests with Firebase's SDK did not run (make firebase)"; \
	fi

generate: ## write the generated code of every package
	@for packages in $(TASKS); do $(GO) run ./cmd/cloudtaskgen $$packages || exit; done

lock: ## write what the examples' payloads look like (examples/cloudtask.lock.json)
	@$(LOCK) ./examples/...

check: ## fail if generated code is missing, stale or orphaned, or payloads of earlier versions are not read
	@for packages in $(TASKS); do $(GO) run ./cmd/cloudtaskgen -check $$packages || exit; done
	@$(LOCK) -check ./examples/...

check-next: ## check under the encoding/json of the next toolchain: generated code and lock are the same
	@GOEXPERIMENT=jsonv2 $(MAKE) check

lint: ## gofmt, go vet, golangci-lint, which is compiled for it, and go mod tidy
	@out=$$($(GO) list -f '$(GOFILES)' ./... | tr '\n' '\0' | xargs -0 gofmt -l) && \
	if [ -n "$$out" ]; then echo "not formatted, run gofmt -w on:"; echo "$$out"; exit 1; fi
	$(GO) vet $(TASKS)
	$(GOLANGCI) run ./...
	@for module in . testdata/bench testdata/browser testdata/corpus testdata/routers; do (cd $$module && $(GO) mod tidy -diff) || { echo "run go mod tidy in $$module"; exit 1; }; done

lint-generated: ## golangci-lint's standard set over generated code
	$(GOLANGCI) run -c testdata/lint/golangci.yml $(TASKS)

bench: ## run the benchmarks (BENCHTIME=1s)
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

bench-json: ## compare the codecs with other JSON packages, which are downloaded (BENCHFLAGS="-only tiny")
	cd testdata/bench && $(GO) test ./byhand && $(GO) run . $(BENCHFLAGS)

bench-gen: ## compare the generator with the go command and easyjson (BENCHFLAGS="-only large")
	cd testdata/bench && $(GO) run ./generator $(BENCHFLAGS)

# The modules of the types are downloaded.
corpus: ## try the generator, the lock, and the codecs beside encoding/json on the types of public modules (CORPUSFLAGS=-sample)
	cd testdata/corpus && $(GO) vet . ./compare && $(GO) run . $(CORPUSFLAGS)

# Each package is built for fuzzing once, which takes longer than a short run of its targets.
fuzz: ## run each fuzz target for a while (FUZZTIME=30s, or a count such as 1000x)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && set -e && \
	for package in $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./...); do \
		grep -qs '^func Fuzz' "$$package"/*_test.go || continue; \
		(cd "$$package" && $(GO) test -vet=off -c -fuzz . -o "$$dir/fuzz.test" .); \
		for name in $$(cd "$$package" && "$$dir/fuzz.test" -test.list '^Fuzz'); do \
			echo "fuzzing $$name in $${package#$(CURDIR)/}"; \
			(cd "$$package" && "$$dir/fuzz.test" -test.run '^$$' -test.fuzz "^$$name\$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir "$$dir/cache"); \
		done; \
	done

# They are compiled and not linked, which would take as long again.
cross: ## compile every test for other platforms, and run those of the codecs on 32 bits
	@for platform in linux/386 linux/arm64 darwin/arm64 windows/amd64; do \
		echo "compiling the tests for $$platform"; \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) list -export -test -f '{{""}}' $(TASKS) || exit; \
	done
	CGO_ENABLED=0 GOOS=linux GOARCH=386 $(GO) test ./runtime/taskjson ./templates

# What can happen to a queue and its files, each for long; go test does the same for a few seconds.
SOAK = \
	"./runtime/gcp -run ^TestLossyNetwork$$ -lossy $(LOSSY)" \
	"./cmd/cloudtask -run ^TestCrash$$ -kills $(KILLS)" \
	"./runtime/localqueue/internal/wal -run ^TestCrash$$ -crashes $(CRASHES)" \
	"./runtime/localqueue -run ^TestMutations$$ -mutations $(MUTATIONS)"

soak: ## enqueue over a lossy network, kill the durable queue, stop its machine and damage its files, and see that nothing is lost (LOSSY=5000 KILLS=50 CRASHES=5000 MUTATIONS=5000)
	@set -e; for test in $(SOAK); do echo "$$test"; $(GO) test $$test -count 1 -v -timeout 1h; done

routers: ## test the routers and containers of the manual, with the real routers, which are downloaded
	cd testdata/routers && $(GO) vet ./... && $(GO) test -count 1 ./...

browser: chromium ## test the page of cloudtask dev in Chromium
	cd testdata/browser && $(GO) vet ./... && $(GO) test -count 1 ./...

# What npm installs does not belong to the tree.
firebase: node ## test cloudtask dev with Firebase's SDK for Node.js, which is downloaded
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && set -e && \
	$(GO) build -o "$$dir/cloudtask" ./cmd/cloudtask && \
	cp testdata/firebase/* testdata/firebase/.npmrc "$$dir" && cd "$$dir" && npm ci && CLOUDTASK="$$dir/cloudtask" node --test

screenshots: chromium ## take the pictures of the manual anew
	cd testdata/browser && $(GO) test -count 1 -run '^TestScreenshots$$' -screenshots ../../docs/images .

# Whether there is a Chromium, by the names that the tests know.
FIND_CHROMIUM = command -v "$${CHROMIUM:-chromium}" >/dev/null 2>&1 || { [ -z "$$CHROMIUM" ] && \
	{ command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable || command -v chrome || \
	[ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ] || [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]; } >/dev/null 2>&1; }

# A Chromium is installed where that takes no decision, as the compiler below.
chromium:
	@if $(FIND_CHROMIUM); then exit 0; fi; \
	if [ -z "$$CHROMIUM" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "no Chromium, which the tests of the page need: installing it"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else \
		echo "the tests of the page need a Chromium, and none is found: name one with CHROMIUM, or install it, for example with"; \
		echo "  sudo apt-get install -y chromium          (Debian)"; \
		echo "  sudo dnf install -y chromium              (Fedora)"; \
		echo "  apk add chromium                          (Alpine)"; \
		echo "  brew install --cask chromium              (macOS)"; \
		exit 1; \
	fi

# Whether there are Node.js and npm.
FIND_NODE = command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1

# They are installed where that takes no decision, as the compiler below.
node:
	@if $(FIND_NODE); then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "no Node.js with npm, which the tests with Firebase's SDK need: installing them"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm; \
	else \
		echo "the tests with Firebase's SDK need Node.js 20 or later and npm, which are not found: install them, for example with"; \
		echo "  sudo apt-get install -y nodejs npm        (Debian)"; \
		echo "  sudo dnf install -y nodejs                (Fedora)"; \
		echo "  apk add nodejs npm                        (Alpine)"; \
		echo "  brew install node                         (macOS)"; \
		exit 1; \
	fi

# The race detector is linked by cgo, which needs a C compiler. One is installed where that takes no decision: as root
# on Debian or Ubuntu.
cc:
	@cc=$$($(GO) env CC); command -v "$${cc%% *}" >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "no C compiler ($$cc), which go test -race needs: installing gcc"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev; \
	else \
		echo "go test -race needs a C compiler, and $$cc is not one: install it, for example with"; \
		echo "  sudo apt-get install -y gcc libc6-dev     (Debian, Ubuntu)"; \
		echo "  sudo dnf install -y gcc glibc-devel       (Fedora, RHEL)"; \
		echo "  apk add gcc musl-dev                      (Alpine)"; \
		echo "  xcode-select --install                    (macOS)"; \
		exit 1; \
	fi
