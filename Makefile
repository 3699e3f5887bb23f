# What a checkout of phpsapi can do. `make help` lists it.

# The php-config of a PHP that is not in PATH as php-config8.2 or the like: an engine is built for it, too.
PHP_CONFIG ?=
FUZZTIME   ?= 10m
RANDOMTIME ?= 10m
FAULTTIME  ?= 10m
SOAKTIME   ?= 10m
ADDRESS    ?= 127.0.0.1:8080
IMAGE      ?=

# PHP=8.4 names the PHP whose packages are installed, and which runs, instead of the machine's own. With SOURCE, from which make engine
# compiles it, the packages are those of the machine's own.
PHP    ?=
SOURCE ?=
PACKAGED = $(if $(SOURCE),,$(PHP))
ifneq ($(PACKAGED),)
export PHPSAPI_ENGINE ?= $(PACKAGED)
endif

# Go asks git for the commit to record, and must not where git refuses to answer.
VCS := $(shell git status >/dev/null 2>&1 || echo -buildvcs=false)

# What phpsapi version prints, and packages are called: the last tag and what came after it, such as v0.1.0-3-g1a2b3c4.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STAMP    = -X github.com/phpsapi/phpsapi/cmd.described=$(VERSION)
# The packages are as old as the last commit, so that they are the same if they are made again.
DEB     = SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || date +%s) go run ./packaging/deb
PACKAGE = phpsapi-$(VERSION)-linux-$(shell go env GOARCH)

# The packages that are pure Go, as test/borders has them. Those with goroutines run under the race detector, which would watch PHP, too.
PURE_GO = go list ./sapi/... ./cgi/fastcgi/... ./lifecycle/zygote/... ./fpm/... ./cli/server/... ./cgi/server/... ./cgi/handover/... | \
	grep -v -e /fpm/worker -e /cli/server/worker

CONCURRENT = $(PURE_GO) | while read -r package; do \
	! grep -qE '^[^/]*(\<go (func|[a-zA-Z.]+\()|\.Go\()' .$${package\#github.com/phpsapi/phpsapi}/*.go || echo $$package; done

# A process under the race detector sleeps for a second before it exits. The tests' processes are told to exit and are
# waited for.
export GORACE ?= atexit_sleep_ms=0

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

build: deps-build engines ## install what is missing, build ./phpsapi
	go build $(VCS) -ldflags '$(STAMP)' -o phpsapi .

run: deps-run build ## build, and serve docs/demo on http://127.0.0.1:8080 (ADDRESS=host:port, or a port)
	@docs/demo/serve $(ADDRESS)

# Tests wait for processes most of the time, so that twice as many packages, and tests of a package, run at once as there are processors.
AT_ONCE = -p $$((2 * $$(nproc))) -parallel $$((2 * $$(nproc)))

# Packages are tested in this order, so that none that takes long is left for the end, when it would have one processor of all.
LONGEST = ./test/front ./test/cli ./fpm/worker ./test/starts ./test/packaging ./test/fastcgi ./test/handover ./test/devserver ./lifecycle
PURE_LONGEST = ./fpm/master ./fpm/front/upstream ./fpm/front ./fpm/operate ./cgi/server

# Of php-src's tests the upload of two gigabytes takes as long as all others; make conformance runs it.
# lint has run the whole of go vet, a part of which go test runs otherwise, for the packages under the race detector once more.
test: deps-test build lint ## everything that must pass
	@pure=$$(go list $(PURE_LONGEST) $$($(CONCURRENT))) && others=$$(go list $(LONGEST) ./... | grep -vxF "$$pure") && \
	go run ./test/tally "go test -vet=off $(AT_ONCE) -json -count=1 $$others" "go test -vet=off $(AT_ONCE) -json -race -count=1 $$pure" + 'go run ./test/conformance -suites cli,cgi -without upload_2G'

# Go remembers what passed, and tests again what has changed.
test-quick: deps-test engines ## after each save: formatting, go vet, the borders, and the tests of the packages that run no PHP, though some compare with stock PHP
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed (make fmt):"; echo "$$unformatted"; exit 1; }
	go vet -tags e2e ./...
	go test -vet=off $(AT_ONCE) $$($(PURE_GO)) ./cgi ./cgi/responder ./cli ./cmd/... ./packaging/... ./test/borders

# No file is left out with the tag e2e, so that each is read.
lint: ## gofmt, go vet, staticcheck, the borders between the packages, the voice of comments and messages (docs/STYLE.md)
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed (make fmt):"; echo "$$unformatted"; exit 1; }
	go vet -tags e2e ./...
	cd test/e2e && go vet -tags e2e .
	go tool -modfile=packaging/lint/go.mod staticcheck -tags e2e ./...
	cd test/e2e && go tool -modfile=../../packaging/lint/go.mod staticcheck -tags e2e .
	go test ./test/borders

vuln: ## govulncheck: known faults of the modules and of Go's library that are reached (it asks vuln.go.dev)
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

fmt: ## gofmt all Go code
	gofmt -w .

race: deps-test ## the tests of the pure Go packages with goroutines under the race detector, as make test runs them
	go test -race -count=1 $$($(CONCURRENT))

conformance: deps-test build ## php-src's tests of cli, cgi and fpm: phpsapi beside stock PHP
	go run ./test/conformance

conformance-full: deps-test build ## php-src's tests of the language too (long)
	go run ./test/conformance -suites all

sanitize: deps-test build ## php-src's tests of cli, cgi and fpm with a program whose C gcc's sanitizers watch (half an hour)
	packaging/sanitize
	go run ./test/conformance -binary build/sanitized/phpsapi -timeout 3m

e2e: deps-e2e build apache ## real programs from Debian's packages; php-fpm under load
	cd test/e2e && go test -count=1 -tags e2e .
	go test -count=1 -tags e2e ./test/load ./test/faults
	go test -count=1 -tags e2e -run TestSessionsOfManyUsers ./test/front

fuzz: deps-test engines ## random requests beside stock PHP (RANDOMTIME=10m), then each fuzz target (FUZZTIME=10m): four hours
	go test -count=1 -timeout 0 ./test/random -args -for $(RANDOMTIME)
	@grep -rn --include='*_test.go' -E '^func Fuzz' . | sed -E 's|^(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | \
	while read -r package target; do \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x "$$package" || exit 1; \
	done

faults: deps-test build ## faults in phpsapi and in php-fpm under load, at random for a while too (FAULTTIME=10m), into docs/FAULTS.md
	go run ./test/faults -phpsapi ./phpsapi -for $(FAULTTIME) -reloads 1000 -upgrades 100 -soak $(SOAKTIME) -o docs/FAULTS.md

soak: deps-test build ## a mixed load with a reload each minute (SOAKTIME=10m): nothing may fail, and nothing grow
	go run ./test/faults -phpsapi ./phpsapi -only none -alone -soak $(SOAKTIME)

bench: deps-bench build apache ## phpsapi's cost beside stock PHP's
	go run ./test/bench
	go run ./test/load

package: deps-package build ## build/phpsapi-VERSION-linux-ARCH.tar.gz: the program and its links; Debian packages of it, and of build/single/phpsapi if that is there
	rm -rf build/$(PACKAGE) build/package
	mkdir -p build/$(PACKAGE) build/package
	cp phpsapi README.md CHANGELOG.md LICENSE build/$(PACKAGE)
	for name in php php-cgi php-fpm; do ln -s phpsapi build/$(PACKAGE)/$$name; done
	tar -C build --sort=name --owner=0 --group=0 --numeric-owner -czf build/$(PACKAGE).tar.gz $(PACKAGE)
	@echo build/$(PACKAGE).tar.gz
	go build $(VCS) -trimpath -ldflags '-s -w $(STAMP)' -o build/package/phpsapi .
	@[ ! -f build/single/phpsapi ] || strip -o build/package/single build/single/phpsapi
	@for program in build/package/*; do $(DEB) -program $$program -version $(VERSION) -o build || exit 1; done

image: build ## build/image: what a container's image of phpsapi and this machine's PHP is made of (IMAGE=name: docker build makes it; EXTENSIONS=redis,apcu: more than are enabled here)
	@mkdir -p build/package
	go build $(VCS) -trimpath -ldflags '-s -w $(STAMP)' -o build/package/phpsapi .
	packaging/image $(if $(EXTENSIONS),-e $(EXTENSIONS)) $(IMAGE)

image-single: ## build/image-single: the same of the program with PHP inside, and the libraries that it opens (after make single; IMAGE=name)
	@[ -f build/single/phpsapi ] || { echo "build/single/phpsapi is not there: make single"; exit 1; }
	@mkdir -p build/package
	strip -o build/package/single build/single/phpsapi
	packaging/image -p build/package/single -o build/image-single $(IMAGE)

apache: engines deps-apache ## build/apache/mod_phpsapi.so: PHP as a module of Apache's httpd (APXS=path of another httpd's apxs)
	@packaging/build-apache

check: test ## what CI does

# Packages come first: one that is missing may bring newer headers with it.
engines: deps-build ## an engine for each PHP whose headers are installed, which go build puts into the program
	@PHP_CONFIG=$(PHP_CONFIG) packaging/build-engine

# PHP is the version, SOURCE a directory or an archive of PHP's sources, EXTENSIONS a list such as curl,intl,zip.
engine: deps-engine build ## build/engines: an engine with PHP in it, compiled by a profile (PHP=8.2, else the machine's; SOURCE=path EXTENSIONS=list; 10 to 30 minutes)
	go run ./packaging/engine $(if $(PHP),-php $(PHP)) $(if $(SOURCE),-source $(SOURCE)) $(if $(EXTENSIONS),-extensions $(EXTENSIONS))

single: engine ## build/single/phpsapi: the program with PHP inside, in one file (PHP=8.2 and so on, as for engine)
	php=$(or $(PHP),$$(go run ./packaging/engine -version)) && go build $(VCS) -buildmode=pie -ldflags "$(STAMP) -linkmode external -extldflags '-Wl,@$$(echo $(CURDIR)/build/engines/php$$php/arguments-*)'" -o build/single/phpsapi .
	go run ./packaging/single build/single/phpsapi

deps-build deps-run deps-test deps-bench deps-e2e deps-engine deps-package deps-apache:
	@PHP=$(PACKAGED) PHP_CONFIG=$(PHP_CONFIG) packaging/install-deps $(@:deps-%=%)

.PHONY: help build run test test-quick race lint vuln fmt conformance conformance-full sanitize e2e fuzz faults soak bench package image image-single apache check engine single engines deps-build deps-run deps-test deps-bench deps-e2e deps-engine deps-package deps-apache
