# Measuring: make bench, make bench ONLY=NAME (tests/bench/run).

PACKAGES_BENCH := postfix dovecot-imapd wrk

.PHONY: bench
bench: packages
	@tools/packages $(PACKAGES_BENCH)
	@$(MAKE) --no-print-directory $(JOBS) CC=gcc SAN= programs
	@MANSIO_BUILD=build/gcc tests/bench/run $(ONLY)
