# Two commands are all the set-up there is:
#   make demo   installs what is missing, builds, runs the whole story on real disks and verifies it
#   make test   installs what is missing, builds, runs every lane that always runs
# The rest:
#   make deps build bench lint fuzz soak peers asan tsan clean

PRESET ?= release
JOBS ?= $(shell nproc)
BUILD = build

.PHONY: all deps build demo test asan tsan bench lint fuzz soak peers clean

all: build

deps:
	@tools/install_packages.sh

build: deps
	@cmake --preset $(PRESET) --log-level=WARNING
	@cmake --build --preset $(PRESET) -j $(JOBS)

demo: PRESET = release
demo: deps
	@cmake --preset release --log-level=WARNING -DBUILD_TESTING=OFF
	@cmake --build --preset release -j $(JOBS) --target breakwater
	@$(BUILD)/bin/breakwater demo

# Every lane of "always" in docs/contributing.md: unit, conformance, interop, sim, e2e.
test: PRESET = release
test: deps
	@cmake --preset release --log-level=WARNING -DBUILD_TESTING=ON
	@cmake --build --preset release -j $(JOBS)
	@ctest --preset release -j $(JOBS)

# The lanes that run in one process, under AddressSanitizer and UndefinedBehaviorSanitizer.
asan: deps
	@cmake --preset asan --log-level=WARNING
	@cmake --build --preset asan -j $(JOBS) --target in_process_tests
	@BREAKWATER_SEEDS=2 ctest --preset asan -j $(JOBS) -L 'unit|conformance|sim'

tsan: deps
	@cmake --preset tsan --log-level=WARNING
	@cmake --build --preset tsan -j $(JOBS) --target in_process_tests
	@ctest --preset tsan -j $(JOBS) -L 'unit|conformance'

# Whole-process runs beside restic on the same data: ratios, not promises.
bench: build
	@bench/run.sh $(BUILD)/bin/breakwater

lint: build
	@tools/lint.sh $(BUILD)

fuzz:
	@tools/fuzz.sh

# Hours, not minutes: thousands of simulated seeds and many random kills of the story.
soak: build
	@tools/soak.sh $(BUILD)

# Newer versions of the peers that Debian 12 lacks, pinned, through the Go module proxy.
peers:
	@tools/peers.sh

clean:
	@rm -rf $(BUILD)
