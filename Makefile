# SPDX-License-Identifier: GPL-2.0
# Every entry point; `make help` lists them in the order a user meets them.

PIN          ?= $(shell cat series/default)
VARIANT      ?= base series
FLAVOUR      ?= default
ARCH         ?= x86_64
CASE         ?= *
ACCEL        ?=
JOBS         ?= $(shell nproc)
BUILD        ?= $(CURDIR)/build
RESULTS      ?= $(CURDIR)/results
KERNEL_SRC_DIR ?=
KERNEL_GIT   ?=
SET          ?=
N            ?= 20
SEED         ?= 1
ONLY         ?=
MINUTES      ?=
RESULT       ?=
VERSION      ?=
RFC          ?=
RESEND       ?=
TRAILERS     ?=
FLAVOURS     ?=
TO           ?=
TABLE        ?=
TREES        ?=
SIZE         ?=
APPEND       ?=
DRY          ?=
FORCE        ?=
TEST         ?=
STARTED      := $(shell date +%s)
export PIN VARIANT FLAVOUR ARCH CASE ACCEL JOBS BUILD RESULTS KERNEL_SRC_DIR KERNEL_GIT DRY FORCE STARTED
export PYTHONUTF8 := 1
export TEST SET SEED ONLY MINUTES VERSION RFC RESEND TRAILERS FLAVOURS TREES SIZE APPEND

# the Python of this project: $(memmap) -h
memmap := python3 scripts

# PIN=all: the same for every pin, one after the other. A table is of the pins that have a case of
# CASE, by default those of the sets that pins carry, and one of all pins comes last
ifeq ($(PIN),all)
.NOTPARALLEL:
.PHONY: table compare boot source tree kernel guest audit check prove bisect clean
ifeq ($(origin CASE),file)
override CASE :=
endif
ifeq ($(origin VARIANT),file)
unexport VARIANT
endif
each = rc=0; for pin in $(1); do printf '\n== %s\n' $$pin; $(MAKE) --no-print-directory PIN=$$pin $(2) $@ || rc=$$?; done
cases = CASE='$(or $(CASE),$(shell $(memmap) pins --cases))'
table compare boot:
	+@pins=$$($(memmap) pins --pins) && { $(call each,$$pins,$(cases)); } && echo && { $(if $(DRY),:,$(memmap) pins) && exit $$rc; }
source tree kernel guest audit check prove bisect clean:
	+@unset CASE; $(call each,$(shell $(memmap) pins --pins all)); exit $$rc
%:
	$(error PIN=all is for table, compare, boot, source, tree, kernel, guest, audit, check, prove, bisect and clean)
else

# the kernel's make has an ARCH of its own: scripts get ours from the environment alone
MAKEOVERRIDES := $(filter-out ARCH=%,$(MAKEOVERRIDES))

# drop/8 is drop/<name of the patch> everywhere
ifneq ($(findstring drop/,$(VARIANT)),)
override VARIANT := $(or $(shell PIN=$(PIN) scripts/series/drop.sh --name $(VARIANT)),$(error VARIANT: no such patch))
endif

ifneq ($(and $(filter command,$(origin CASE)),$(filter bench-vfio bench-memmap,$(MAKECMDGOALS))),)
$(error CASE: bench-vfio and bench-memmap have a case of their own)
endif

# with SET=name: that set on the tag, and the cases that show it
ifneq ($(SET),)
override VARIANT := $(if $(filter file,$(origin VARIANT)),base set/$(SET),$(VARIANT))
CASES_OF_SET := $(shell PIN=$(PIN) $(memmap) series cases '$(SET)' || echo none)
$(if $(filter none,$(CASES_OF_SET)),$(error SET=$(SET): see above))
override CASE := $(if $(filter file,$(origin CASE)),$(CASES_OF_SET),$(CASE))
ifeq ($(CASE),)
# an empty CASE would be all of them
$(if $(filter kernel guest submission tree,$(MAKECMDGOALS)),,$(error no case shows SET=$(SET); run: make kernel SET=$(SET)))
endif
endif

override DRY := $(filter-out 0,$(DRY))
# with DRY=1 a stage says what it would run, and only boot and shell go on
run = $(if $(DRY),@echo,@)

# ends a line of a recipe that $(foreach) writes
define newline


endef

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: table quick full list deps needs named source tree kernel guest boot compare report kcidb affected pack export replay flaky fuzz-layout kunit audit check check-scripts prove coverage bisect cross bench bench-vfio bench-memmap bench-model refresh submission rebase shell debug clean help

# a guest that could not be judged (125) is a row of the table, too
boot_all = @$(memmap) boot || { rc=$$?; [ $$rc = 125 ] || exit $$rc; }

##@ the main job
table: guest ## the default: everything up to the table of base and series
	$(boot_all)
	$(run) $(memmap) compare

# CASE= on the command line overrules these two
quick: CASE := @quick
quick: table ## the table of the cases in the group quick: under a minute once built
full: CASE := *
full: table ## the table of every case, whatever CASE is in the environment

list: ## the cases of CASE: name, groups, what it shows
	@$(memmap) list '$(CASE)' || { rc=$$?; [ $$rc = 141 ] || exit $$rc; }

deps: ## install the Debian packages that are missing (scripts/deps.list; ALL=1: the optional ones, too)
	$(run) scripts/deps.sh

# what is missing is named, and not installed unasked; so is a wrong CASE or SHARD
needs:
	$(run) scripts/deps.sh --check
	@$(memmap) list --check '$(CASE)'

# one case: before an hour of building, as above
named: needs
	@$(memmap) list --one '$(CASE)'

##@ step by step
source: needs ## find, verify and keep the pinned kernel source
	$(run) scripts/series/source.sh

# for the others that it goes with, FORCE=1 means work of their own
tree: override FORCE := $(if $(filter tree,$(MAKECMDGOALS)),$(FORCE))
tree: source ## a git tree: the tag, and one commit a patch (FORCE=1 drops commits of yours)
	$(run) scripts/series/tree.sh

kernel: tree ## build the kernels of VARIANT in FLAVOUR
	$(foreach v,$(VARIANT),$(run) scripts/kernel/kernel.sh $(v)$(newline))

guest: kernel ## pack what the guests run
	$(foreach v,$(VARIANT),$(run) scripts/kernel/initramfs.sh $(v)$(newline))

boot: guest ## run the guests of CASE; what is not as expected, and how to repeat it
	$(boot_all)
	$(run) $(memmap) compare --odd

compare: ## the table once more, from stored results
	@$(memmap) compare

pack: guest ## one archive for machines with QEMU and Python alone: unpack it and start its run
	$(run) $(memmap) pack

export: guest ## job and device files for an engine that runs the guests (ENGINE=lava)
	$(run) $(memmap) export '$(ENGINE)'

report: ## all that is stored as one HTML page, results/PIN/report.html
	@$(memmap) report

kcidb: ## the same as KCIDB 5.3 for KernelCI, results/PIN/kcidb.json (KCIDB_SCHEMA=file: checked)
	@$(memmap) kcidb

affected: ## which kernels have which bug, and which patch they need (TREES='source folders', or tags of KERNEL_GIT)
	@$(memmap) affected

replay: ## run a stored result again by its own cmd.sh (RESULT=its folder)
	$(run) $(memmap) replay '$(RESULT)'

shell debug: override VARIANT := $(lastword $(VARIANT))
shell: named guest ## a shell in the guest of CASE
	@$(memmap) shell '$(CASE)'

debug: FLAVOUR := debug
debug: named guest ## the guest of CASE stopped, waiting for gdb; its kernel knows source lines and types
	@$(memmap) shell --debug '$(CASE)'

##@ checks
# the newest pin's kunit.py boots a kernel of its own
kunit: $(if $(wildcard kunit/$(shell sed -n 's/^short *= *//p' series/$(PIN)/base 2>/dev/null)/kunitconfig),tree,guest) ## the KUnit suite, run or at least read by the tree's own kunit.py
	$(run) scripts/guests/kunit.sh

check: tree ## check series, patches and reviews of PIN, and the project itself
	$(run) scripts/check.sh

check-scripts: ## the same without what needs the kernel source (TEST=name: one test)
	$(run) scripts/check.sh --scripts $(TEST)

audit: tree ## check that every user of PG_reserved has a reviewed verdict (series/PIN/audit)
	$(run) $(memmap) audit

##@ proofs, which take long
prove: override VARIANT := series
prove: guest ## show that each patch is needed: without it, its cases fail (DROP=part of a name; HUNKS=1: each hunk)
	$(run) $(memmap) $(if $(HUNKS),hunks,prove) $(DROP)

# the kernels of coverage are for nothing else
coverage: override FLAVOUR := coverage
coverage: override VARIANT := series
coverage: guest ## list changed lines that no case executes
	$(boot_all)
	$(run) $(memmap) coverage

flaky: guest ## run CASE N times (20): how often is each verdict the expected one
	$(run) $(memmap) flaky '$(N)'

# N= and VARIANT= on the command line overrule these
fuzz-layout: N := 50
fuzz-layout: override VARIANT := $(if $(filter file,$(origin VARIANT)),series,$(VARIANT))
fuzz-layout: guest ## run memmap_zones in N (50) guests with memory laid out at random (SEED= ONLY=its number MINUTES=)
	@$(memmap) fuzz-layout '$(N)'

bisect: tree ## every commit builds, without a new warning of gcc (W=1) and sparse
	$(run) scripts/kernel/bisect.sh

cross: tree ## build the series for configurations that are not booted: ppc64le, arm64, s390, i386, clang, no ZONE_DEVICE, other drivers
	$(run) scripts/kernel/cross.sh

bench: guest ## time the harness: medians of 5 runs (COLD=1: from nothing; COUNT=1: pfn_to_online_page(), memory blocks and faults, in instructions)
	$(run) $(memmap) bench $(if $(COLD),--cold) $(if $(COUNT),--count)

bench-vfio: guest ## what mapping and unmapping for DMA costs, in instructions a page: RAM, device DAX, a BAR
	$(run) $(memmap) bench --vfio

# a pin that lacks it is named before an hour of building
bench-memmap: override CASE := q35-bind-cost
bench-memmap: guest ## what binding device memory and unbinding it costs, in instructions a page and by function (SIZE='1G 64G' APPEND=kernel arguments)
	$(run) $(memmap) bench --memmap

bench-model: ## a model, in user space, of writing the struct pages of device memory: no kernel, times of this machine (SIZE=64G)
	$(run) scripts/bench/model.sh

##@ edit and send
refresh: ## from commits in build/PIN/linux back to patches/, series/ and the copies in kunit/
	$(run) scripts/series/refresh.sh

# SET= names a set of PIN: the new pin has no other
rebase: tree ## carry the series to another tag, up to its table: git's three-way merge (TO=tag, KERNEL_GIT=; again: goes on; TABLE=0: no table)
	$(run) scripts/series/rebase.sh '$(TO)'
	$(run) PIN='$(TO)' $(memmap) audit || true
	$(if $(filter 0,$(TABLE)),,$(run) $(MAKE) --no-print-directory PIN='$(TO)' SET= FORCE= VARIANT='base series' table)

submission: tree ## prepare the series for mailing in out/: sign-offs, cover letter, recipients, an mbox (SET= VERSION= RFC= RESEND= TRAILERS=)
	$(run) scripts/mail/submission.sh

clean: ## remove what was built of PIN; the downloaded source and the results stay
	$(run) scripts/clean.sh

help: ## this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n  variables (now):\n'
	@printf '  %-15s %s\n' PIN '$(PIN)' VARIANT '$(VARIANT)' FLAVOUR '$(FLAVOUR)' ARCH '$(ARCH)' CASE '$(CASE)' SET '$(SET)' \
		ACCEL '$(or $(ACCEL),probed)' JOBS '$(JOBS)' KERNEL_SRC_DIR '$(KERNEL_SRC_DIR)' \
		KERNEL_GIT '$(KERNEL_GIT)' BUILD '$(BUILD)' RESULTS '$(RESULTS)' DRY '$(DRY)'
endif
