# Running: a private instance (tools/instance), and what it needs installed.
#
#   make run         in the foreground: log, Ctrl-C stops it       make start, make stop     in the background
#   VAR=dir          where it lives (default: var)                 PORT_BASE=n               its ports, n to n+999

VAR ?= var
PORT_BASE ?= 20000
PYTHON := /usr/bin/python3 -B
INSTANCE = $(PYTHON) tools/instance

include packages.mk

.PHONY: packages test-packages run start stop status
packages:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_RUN)
test-packages:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_RUN) $(PACKAGES_TEST)

# A make of its own: only now is everything there that the build asks for.
JOBS := -j$(shell nproc)
run start: packages
	@$(MAKE) --no-print-directory $(if $(findstring j,$(firstword -$(MAKEFLAGS))),,$(JOBS)) programs
	@$(INSTANCE) $@ --var '$(VAR)' --port-base '$(PORT_BASE)' --build '$(BUILD)'
stop status:
	@$(INSTANCE) $@ --var '$(VAR)'
