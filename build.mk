# Compiling and linking. Included by the Makefile; knows nothing of tests, installing or running.
#
#   make CC=clang            another compiler        make SAN=address|thread   sanitizers
#   make BUILD=dir           another build folder
#
# Sources are found by folder: lib/**.c is one archive; each program's folder is one archive without its main files.
# A program sees lib/ and its own folder only, so that it can't include another program's header.

CC  ?= cc
ifeq ($(origin CC),default)
CC  := gcc
endif
CXX_OF_gcc := g++
CXX_OF_clang := clang++
CXX := $(or $(CXX_OF_$(CC)),g++)
SAN ?=
BUILD ?= build/$(CC)$(if $(SAN),-$(SAN))

PKGS := libpq openssl libidn2 jansson libzstd zlib libargon2 libgsasl libpsl
WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wvla -Wformat=2 -Wno-format-nonliteral
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE -fno-strict-aliasing -D_FORTIFY_SOURCE=2
OPT ?= -O2
SANFLAGS_address := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -U_FORTIFY_SOURCE
SANFLAGS_thread := -fsanitize=thread -fno-omit-frame-pointer -U_FORTIFY_SOURCE
SANFLAGS := $(SANFLAGS_$(SAN))
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
CPPFLAGS_ALL = -D_GNU_SOURCE -Ilib $(PKG_CFLAGS) -DMANSIO_VERSION='"$(VERSION)"' -DPREFIX='"$(PREFIX)"'
CFLAGS_ALL = -std=c17 -g $(OPT) $(WARN) -Wstrict-prototypes -Wmissing-prototypes $(HARDEN) $(SANFLAGS) $(CFLAGS)
CXXFLAGS_ALL = -std=c++17 -g $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) $(CXXFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread $(SANFLAGS) $(LDFLAGS)
# AddressSanitizer has a crypt_r of its own that only passes calls on, so that libcrypt does not look needed.
LIBS_base = $(shell pkg-config --libs $(PKGS)) -Wl,--no-as-needed -lcrypt -Wl,--as-needed -lunistring -lm
LIBS_mta = -lunbound -lcurl
LIBS_web = -lfcgi -letpan -lgumbo $(shell pkg-config --libs libctemplate) -lunbound -lcurl
LIBS_dns = -lunbound
LIBS_cli = -lunbound -lcurl
LIBS_imapd = -lunbound -lcurl

PROGRAM_FOLDERS := mta imapd web dns cli
# program -> the file with its main()
MAIN_mansio-mta := mta/main.c
MAIN_sendmail := mta/sendmail_main.c
MAIN_mansio-imapd := imapd/main.c
MAIN_mansio-web := web/main.c
MAIN_mansio-dns := dns/main.c
MAIN_mansio := cli/main.c
PROGRAMS := $(foreach p,mansio-mta sendmail mansio-imapd mansio-web mansio-dns mansio,$(if $(wildcard $(MAIN_$(p))),$(p)))

find_sources = $(sort $(shell find $(1) -name '*.c' -o -name '*.cc' 2>/dev/null))
objects = $(addprefix $(BUILD)/,$(addsuffix .o,$(1)))
MAINS := $(foreach p,$(PROGRAMS),$(MAIN_$(p)))
LIB_OBJECTS := $(call objects,$(call find_sources,lib))
$(foreach f,$(PROGRAM_FOLDERS),$(eval OBJECTS_$(f) := $(call objects,$(filter-out $(MAINS),$(call find_sources,$(f))))))

.PHONY: programs
programs: $(addprefix $(BUILD)/bin/,$(PROGRAMS))

$(BUILD)/lib.a: $(LIB_OBJECTS)
	@rm -f $@ && $(AR) crs $@ $^

define program_archive
$(BUILD)/$(1).a: $(OBJECTS_$(1))
	@rm -f $$@ && $(AR) crs $$@ $$^
$(BUILD)/$(1)/%.c.o: INCLUDE = -I$(1)
$(BUILD)/$(1)/%.cc.o: INCLUDE = -I$(1)
endef
$(foreach f,$(PROGRAM_FOLDERS),$(eval $(call program_archive,$(f))))

$(BUILD)/%.c.o: %.c build.mk
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS_ALL) $(INCLUDE) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/%.cc.o: %.cc build.mk
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	@$(CXX) $(CPPFLAGS_ALL) $(INCLUDE) $(CXXFLAGS_ALL) -MMD -MP -c -o $@ $<

# The linker for a program with C++ in it is the C++ compiler's.
LINK_web = $(CXX)
define program_link
$(BUILD)/bin/$(1): $(BUILD)/$(MAIN_$(1)).o $(BUILD)/$(firstword $(subst /, ,$(MAIN_$(1)))).a $(BUILD)/lib.a
	@mkdir -p $$(@D)
	@echo "  LINK $$@"
	@$$(or $$(LINK_$(firstword $(subst /, ,$(MAIN_$(1))))),$$(CC)) $$(LDFLAGS_ALL) -o $$@ $$^ $$(LIBS_$(firstword $(subst /, ,$(MAIN_$(1))))) $$(LIBS_base)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_link,$(p))))

# Unit tests: tests/unit/<folder>/test_<subject>.c, <folder> being lib or a program's; linked with that folder's archive.
UNIT_SOURCES := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))
unit_folder = $(word 3,$(subst /, ,$(1)))
define unit_link
$(BUILD)/$(1).o: INCLUDE = -I$(call unit_folder,$(1))
$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(1)): $(BUILD)/$(1).o $(if $(filter-out lib,$(call unit_folder,$(1))),$(BUILD)/$(call unit_folder,$(1)).a) $(BUILD)/lib.a
	@mkdir -p $$(@D)
	@$$(or $$(LINK_$(call unit_folder,$(1))),$$(CC)) $$(LDFLAGS_ALL) -o $$@ $$^ $$(LIBS_$(call unit_folder,$(1))) -lunbound -lcurl $$(LIBS_base) -lcmocka
endef
$(foreach t,$(UNIT_SOURCES),$(eval $(call unit_link,$(t))))

# Fuzzers: tests/fuzz/fuzz_<subject>.c, built with clang's libFuzzer (make BUILD=... CC=clang SAN=address fuzzers).
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SOURCES))
.PHONY: unit-tests fuzzers
unit-tests: $(UNIT_TESTS)
fuzzers: $(FUZZERS)
# A fuzzer's first line may name the folder it needs: /* fuzz: imapd */
fuzz_folder = $(shell sed -n '1s|^/\* fuzz: \([a-z]*\).*|\1|p' $(1))
define fuzz_link
$(BUILD)/$(1).o: INCLUDE = -I$(or $(call fuzz_folder,$(1)),lib)
$(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(1)): $(BUILD)/$(1).o $(if $(call fuzz_folder,$(1)),$(BUILD)/$(call fuzz_folder,$(1)).a) $(BUILD)/lib.a
	@mkdir -p $$(@D)
	@$$(or $$(LINK_$(call fuzz_folder,$(1))),$$(CC)) $$(LDFLAGS_ALL) -fsanitize=fuzzer -o $$@ $$^ $$(LIBS_$(call fuzz_folder,$(1))) -lunbound -lcurl $$(LIBS_base)
endef
$(foreach t,$(FUZZ_SOURCES),$(eval $(call fuzz_link,$(t))))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
