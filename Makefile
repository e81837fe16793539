# Herald's targets. Each installs what it needs (scripts/setup.sh); the longer ones are scripts.

DESTDIR ?=
PREFIX ?= /usr
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Where a Rust of one's own and the programs of root are.
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/sbin:/usr/sbin:/sbin
export DESTDIR PREFIX PAM_DIR ANSWER

# Of ARCH only what this machine is not itself.
FOREIGN := $(filter-out $(shell dpkg --print-architecture 2>/dev/null),$(ARCH))

.PHONY: help demo build check test reliability bench fuzz sanitize install uninstall package rpm raspberry alpine machine clean
.NOTPARALLEL:

help:
	@echo 'make demo              a whole ssh login with a code, on this terminal; changes nothing on this machine'
	@echo 'make build             the module, herald and herald-deliver'
	@echo 'make install           DESTDIR= PREFIX=/usr PAM_DIR=; as root. make uninstall takes it away'
	@echo 'make package           a .deb in $(TARGET)/debian; ARCH=arm64 or ARCH=armhf: for a Raspberry Pi'
	@echo 'make rpm               a .rpm for Fedora and its kin in $(TARGET)/rpm'
	@echo 'make raspberry         both of these, and logins with them under qemu; some minutes each'
	@echo 'make alpine            the module with musl, and logins with it; half an hour the first time'
	@echo 'make machine           a whole Debian under qemu: systemd, AppArmor, SELinux; SUITE=trixie: Debian 13'
	@echo 'make check             form, lints, what the module holds'
	@echo 'make test              make check and every test'
	@echo 'make reliability       every fault and a load of 2,000 people; writes docs/reliability.md'
	@echo 'make bench             speed and size beside other modules'
	@echo 'make fuzz              5 minutes of the processor for each fuzz target; figures go into docs/reliability.md'
	@echo 'make sanitize          hostile hosts and files against the module under the address sanitizer'

demo:
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory build
	@scripts/demo.sh

# Not phony, so that root can install what somebody else built.
BUILT := $(TARGET)/release/.herald-built
build: $(BUILT)

$(BUILT): Cargo.toml Cargo.lock $(shell find src -type f)
	@scripts/setup.sh build
	@echo 'Building Herald. The first time this takes some minutes.'
	@scripts/cargo.sh build --release --locked --package pam_herald --package herald-deliver \
		--package herald-broker --package herald
	@rm -f $@ && : >$@

check:
	@scripts/setup.sh check
	@$(MAKE) --no-print-directory build
	@scripts/check.sh

test:
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory check
	@scripts/test.sh

reliability:
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory build
	@scripts/reliability.sh

bench:
	@scripts/setup.sh bench
	@$(MAKE) --no-print-directory build
	@scripts/bench.sh

fuzz:
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh

sanitize:
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory build
	@scripts/sanitize.sh

install: build
	@scripts/install.sh

uninstall:
	@scripts/install.sh --uninstall

package:
	@scripts/setup.sh package $(FOREIGN)
ifeq ($(FOREIGN),)
	@$(MAKE) --no-print-directory build
else
	@scripts/foreign.sh $(FOREIGN) build
endif
	@scripts/package.sh $(FOREIGN:%=--arch %)

rpm:
	@scripts/setup.sh rpm
	@$(MAKE) --no-print-directory build
	@scripts/package-rpm.sh

raspberry:
	@scripts/setup.sh raspberry
	@scripts/raspberry.sh

alpine:
	@scripts/setup.sh alpine
	@scripts/alpine.sh

machine:
	@scripts/setup.sh machine
	@$(MAKE) --no-print-directory build
	@scripts/machine.sh $(SUITE)

clean:
	rm -rf $(TARGET)
