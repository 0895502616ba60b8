# make install     puts the programs, pages, units and examples under $(DESTDIR)$(PREFIX); INSTALL says what comes after
# make uninstall   takes them away again
#
# Nothing in /etc, /var or the database is touched: those are the administrator's.

CONF_DIR ?= $(PREFIX)/etc/mansio
STATE_DIR ?= /var/lib/mansio
SHARE_DIR := $(PREFIX)/share/mansio
DOC_DIR := $(PREFIX)/share/doc/mansio
INSTALL_PROGRAM = umask 022; install -D -m 755
INSTALL_FILE = umask 022; install -D -m 644

# What the files in etc/ leave open. tools/instance fills in the same names for a private instance.
FILL = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@CONF@|$(CONF_DIR)|g' -e 's|@STATE@|$(STATE_DIR)|g' -e 's|@STATIC@|$(SHARE_DIR)/static|g' \
    -e 's|@WEB_SERVERS@|    server unix:/run/mansio/web-1.sock;\n    server unix:/run/mansio/web-2.sock;|' \
    -e 's|@HTTPS@|[::]:443|g' -e 's|@HTTP@|[::]:80 ipv6only=off|g' -e 's|@HTTPS_SUFFIX@||g' -e 's|@ACME@|/var/www/html|g' \
    -e 's|@CERTIFICATE@|/etc/ssl/mansio/fullchain.pem|g' -e 's|@KEY@|/etc/ssl/mansio/privkey.pem|g' \
    -e 's|@HSTS@|add_header Strict-Transport-Security "max-age=31536000" always;|'

INSTALLED_DAEMONS := $(filter mansio-%,$(PROGRAMS))
INSTALLED_PAGES = $(foreach tree,templates static sql po,$(shell find $(tree) -type f ! -name '.*' 2>/dev/null))
MAN_PAGES = $(shell find lib $(PROGRAM_FOLDERS) docs -name '*.[1578]' 2>/dev/null)
UNITS := $(notdir $(wildcard etc/systemd/mansio-*.service.in))

.PHONY: install uninstall
install: programs
	@$(foreach p,$(INSTALLED_DAEMONS),$(INSTALL_PROGRAM) $(BUILD)/bin/$(p) $(DESTDIR)$(PREFIX)/sbin/$(p) || exit 1;)
	@$(if $(filter mansio,$(PROGRAMS)),$(INSTALL_PROGRAM) $(BUILD)/bin/mansio $(DESTDIR)$(PREFIX)/bin/mansio)
	@$(if $(filter sendmail,$(PROGRAMS)),$(INSTALL_PROGRAM) $(BUILD)/bin/sendmail $(DESTDIR)$(PREFIX)/sbin/sendmail && \
	    mkdir -p $(DESTDIR)$(PREFIX)/bin && ln -sf ../sbin/sendmail $(DESTDIR)$(PREFIX)/bin/mailq && \
	    ln -sf sendmail $(DESTDIR)$(PREFIX)/sbin/newaliases)
	@for f in $(INSTALLED_PAGES); do $(INSTALL_FILE) $$f $(DESTDIR)$(SHARE_DIR)/$$f || exit 1; done
	@for f in $(MAN_PAGES); do $(INSTALL_FILE) $$f $(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$${f##*/} || exit 1; done
	@$(if $(wildcard cli/completion/mansio.bash),$(INSTALL_FILE) cli/completion/mansio.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mansio)
	@for f in $(UNITS); do $(FILL) etc/systemd/$$f | ($(INSTALL_FILE) /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/$${f%.in}) || exit 1; done
	@$(FILL) etc/tmpfiles.d/mansio.conf.in | ($(INSTALL_FILE) /dev/stdin $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/mansio.conf)
	@$(INSTALL_FILE) etc/sysusers.d/mansio.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/mansio.conf
	@for f in $$(cd etc && find . -type f | sed 's|^\./||' | grep -v -e '^systemd/mansio-' -e '^sysusers.d/' -e '^tmpfiles.d/'); do \
	    $(FILL) etc/$$f | ($(INSTALL_FILE) /dev/stdin $(DESTDIR)$(SHARE_DIR)/etc/$${f%.in}) || exit 1; done
	@for f in README.md INSTALL LICENSE $$(find docs -name '*.md'); do \
	    if [ -e $$f ]; then $(INSTALL_FILE) $$f $(DESTDIR)$(DOC_DIR)/$$(basename $$f) || exit 1; fi; done
	@echo "installed under $(DESTDIR)$(PREFIX); $(DOC_DIR)/INSTALL says how to go on"

uninstall:
	@rm -f $(foreach p,$(INSTALLED_DAEMONS) sendmail newaliases,$(DESTDIR)$(PREFIX)/sbin/$(p)) $(DESTDIR)$(PREFIX)/bin/mansio \
	    $(DESTDIR)$(PREFIX)/bin/mailq $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mansio \
	    $(addprefix $(DESTDIR)$(PREFIX)/lib/systemd/system/,$(UNITS:.in=)) $(DESTDIR)$(PREFIX)/lib/sysusers.d/mansio.conf \
	    $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/mansio.conf $(foreach f,$(MAN_PAGES),$(DESTDIR)$(PREFIX)/share/man/man$(lastword $(subst ., ,$(f)))/$(notdir $(f)))
	@rm -rf $(DESTDIR)$(SHARE_DIR) $(DESTDIR)$(DOC_DIR)
