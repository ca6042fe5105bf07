# What goes where on a system, and packages of it.

BINDIR := $(PREFIX)/bin
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
MANDIR := $(PREFIX)/share/man
DOCDIR := $(PREFIX)/share/doc/wirespan

$(BUILD)/packaging/%.service: packaging/%.service.in
	@mkdir -p $(@D)
	sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' $< >$@

$(BUILD)/packaging/wirespan.yml.5: packaging/manual.awk config/wirespan.reference.yml
	@mkdir -p $(@D)
	awk -f $^ >$@

.PHONY: manual
manual: $(BUILD)/wirespan ## write docs/wirespan.1 anew, from its source and the tables of options
	awk -v program=$< -f packaging/manual1.awk docs/wirespan.1.in >docs/wirespan.1.new
	mv docs/wirespan.1.new docs/wirespan.1

.PHONY: install
install: all $(BUILD)/packaging/wirespan.yml.5 ## into DESTDIR, PREFIX (/usr/local), SYSCONFDIR (/etc)
	install -D -m 755 $(BUILD)/wirespan $(DESTDIR)$(BINDIR)/wirespan
	install -D -m 644 docs/wirespan.1 $(DESTDIR)$(MANDIR)/man1/wirespan.1
	install -D -m 644 $(BUILD)/packaging/wirespan.yml.5 $(DESTDIR)$(MANDIR)/man5/wirespan.yml.5
	install -D -m 644 packaging/completions/wirespan.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/wirespan
	install -D -m 644 packaging/completions/_wirespan $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_wirespan
	install -D -m 644 packaging/completions/wirespan.fish \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/wirespan.fish
	install -D -m 644 config/wirespan.reference.yml $(DESTDIR)$(DOCDIR)/wirespan.reference.yml
	@rm -f $(BUILD)/packaging/wirespan.service # made for another PREFIX, perhaps
	@$(MAKE) --no-print-directory $(BUILD)/packaging/wirespan.service
	install -D -m 644 $(BUILD)/packaging/wirespan.service $(DESTDIR)$(UNITDIR)/wirespan.service
	install -D -m 644 packaging/wirespan.sysusers $(DESTDIR)$(SYSUSERSDIR)/wirespan.conf
	@# A configuration that somebody wrote stays.
	[ -e $(DESTDIR)$(SYSCONFDIR)/wirespan/wirespan.yml ] || \
		install -D -m 640 config/wirespan.yml $(DESTDIR)$(SYSCONFDIR)/wirespan/wirespan.yml
	@[ -n "$(DESTDIR)" ] || echo "For the service: systemd-sysusers; chgrp wirespan" \
		"$(SYSCONFDIR)/wirespan/wirespan.yml; systemctl daemon-reload; systemctl enable --now wirespan"

.PHONY: uninstall
uninstall: ## what `make install` put there, save the configuration
	rm -f $(DESTDIR)$(BINDIR)/wirespan $(DESTDIR)$(MANDIR)/man1/wirespan.1 \
		$(DESTDIR)$(UNITDIR)/wirespan.service $(DESTDIR)$(SYSUSERSDIR)/wirespan.conf \
		$(DESTDIR)$(MANDIR)/man5/wirespan.yml.5 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/wirespan \
		$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_wirespan \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/wirespan.fish
	rm -rf $(DESTDIR)$(DOCDIR)

# dpkg-buildpackage leaves what it makes beside the sources, so it works on a copy of them.
DEB_SOURCE := build-deb/wirespan-$(VERSION)

.PHONY: deb
deb: ## a Debian package, in build-deb/, and what lintian says of it
	@scripts/install-packages package
	rm -rf $(DEB_SOURCE)
	mkdir -p $(DEB_SOURCE)
	tar -c --exclude=./build --exclude='./build-*' --exclude=./.git --exclude=./tests/captures . | tar -x -C $(DEB_SOURCE)
	cd $(DEB_SOURCE) && dpkg-buildpackage -b -us -uc -ui
	lintian --allow-root --fail-on error,warning,info build-deb/wirespan_$(VERSION)_*.deb

.PHONY: test-deb
test-deb: ## the package on a clean Debian: installed, started, upgraded, removed (root)
	@scripts/install-packages test package
	@$(MAKE) --no-print-directory deb
	@tests/run package
