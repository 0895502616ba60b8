# make lint     layering, layout, static analysis. Each file is looked at again only when it or what it includes changed.
# make format   lays the sources out as make lint wants them

LINT := build/lint
LINT_SOURCES := $(call find_sources,lib $(wildcard $(PROGRAM_FOLDERS)))
LAYOUT_SOURCES := $(sort $(shell find lib $(wildcard $(PROGRAM_FOLDERS)) tests/unit tests/fuzz tests/bench -name '*.[ch]' -o -name '*.cc' 2>/dev/null))
SHELL_SCRIPTS := tools/packages $(wildcard .ci/run) $(shell grep -rlE '^\#!/bin/(ba)?sh' etc tests tools --include='*' 2>/dev/null)

.PHONY: lint format lint-layers
lint: lint-layers $(patsubst %,$(LINT)/%.layout,$(LAYOUT_SOURCES)) $(patsubst %,$(LINT)/%.analysed,$(LINT_SOURCES)) $(patsubst %,$(LINT)/%.shell,$(sort $(SHELL_SCRIPTS)))

lint-layers:
	@tools/layers

$(LINT)/%.layout: % .clang-format
	@mkdir -p $(@D)
	@clang-format --dry-run --Werror $< && touch $@

# The object stands for the file and all that it includes.
$(LINT)/%.c.analysed: $(BUILD)/%.c.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  LINT $*.c"
	@clang-tidy --quiet $*.c -- -std=c17 $(CPPFLAGS_ALL) -I$(firstword $(subst /, ,$*)) 2>&1 | grep -v 'warnings\? generated\.$$'; exit $${PIPESTATUS[0]}
	@cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 --suppress=unknownMacro --suppress=shiftTooManyBitsSigned --suppress=autoVariables --suppress=uninitvar --library=tools/cppcheck.cfg -D_GNU_SOURCE -Ilib -I$(firstword $(subst /, ,$*)) $*.c
	@touch $@
$(LINT)/%.cc.analysed: $(BUILD)/%.cc.o
	@mkdir -p $(@D) && touch $@

$(LINT)/%.shell: %
	@mkdir -p $(@D)
	@shellcheck $< && touch $@

format:
	@clang-format -i $(LAYOUT_SOURCES)

$(LINT)/%: SHELL := /bin/bash
