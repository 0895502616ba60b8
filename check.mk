# Testing.
#
#   make check                  everything; ONLY='imap chaos' for tests with one of these in their name
#   make check SAN=address      (or thread) unit and protocol tests of that build alone, with clang
#   make screenshots            takes the README's pictures anew
#   make lint                   layering, layout and static analysis

.PHONY: check check-programs
ONLY ?=
ifeq ($(SAN),)
BUILDS := gcc clang-address
else
BUILDS := clang-$(SAN)
endif

check: test-packages
	@$(MAKE) --no-print-directory $(JOBS) check-programs
	@tests/run --builds '$(BUILDS)' $(ONLY)

# Each build is a make of its own; the clang one also shows that clang has no complaints.
check-programs: $(BUILDS:%=build-%) $(if $(SAN),,build-fuzz build/browser/.installed)
build-gcc:
	@$(MAKE) --no-print-directory CC=gcc SAN= programs unit-tests
build-clang-%:
	@$(MAKE) --no-print-directory CC=clang SAN=$* programs unit-tests
build-fuzz:
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang SAN=address CFLAGS=-fsanitize=fuzzer-no-link fuzzers

# npm's packages, by the lock file, below build/ so that the source tree stays as it is.
build/browser/.installed: tests/browser/package-lock.json
	@mkdir -p $(@D)
	@cp tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc $(@D)
	@cd $(@D) && npm ci --silent --no-progress </dev/null
	@touch $@

# The README's pictures, from the demonstration.
SHOWN := overview domains zone mailbox mail message compose
.PHONY: screenshots
screenshots: test-packages build/browser/.installed
	@$(MAKE) --no-print-directory $(JOBS) CC=gcc SAN= programs
	@tests/run browser/screenshots
	@mkdir -p docs/screenshots
	@for page in $(SHOWN); do cp build/test-logs/screenshots/$$page-[0-9]*.png docs/screenshots || exit 1; done
