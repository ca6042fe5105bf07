# wirespan: from packets to documents. `make help` lists the targets.

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
VERSION := 0.1.0
RUNS ?= 20000000

PKGS := libpcap libcurl libmicrohttpd libssl libcrypto yajl yaml-0.1 zlib libdeflate libbrotlidec \
	libzstd libxxhash libcap-ng libseccomp
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wvla -Wundef -Wformat=2 -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPT ?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE -DWIRESPAN_VERSION='"$(VERSION)"' -MMD -MP \
	$(if $(SAN),-DGUARD_LOOSE)
CFLAGS += -std=c11 $(OPT) $(WARN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer,$(HARDEN)) $(EXTRA)
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN),-pie -Wl,-z,relro,-z,now) $(EXTRA)
LDLIBS += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -pthread -lm

# Where there is ISA-L, requests are packed twice as fast.
ifneq ($(shell pkg-config --exists libisal 2>/dev/null && echo yes),)
CPPFLAGS += -DWIRESPAN_ISAL
LDLIBS += -lisal
endif

# The program is optimized as a whole, which saves some 5 % of a replay's time. Its objects hold
# ordinary code as well, for tests, which link often. Where the assembler brings in a file, the
# linker would not find what it defines.
ifeq ($(SAN)$(shell $(CC) --version | grep -i clang),)
LTO ?= -flto=auto -ffat-lto-objects
endif
NO_LTO := outputs/report/template.o shipper/kibana/bundle.o

# `make V=1` shows whole command lines.
RUN = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,echo "  $(1) $(patsubst $(BUILD)/%,%,$@)";))

LIB_SRC := $(filter-out shipper/main.c,$(wildcard shipper/*.c shipper/*/*.c protos/*.c protos/*/*.c \
	outputs/*.c outputs/*/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
LIB := $(BUILD)/libwirespan.a
TEST_LIB_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lib/*.c))
UNIT_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/*.c))
MUTATE_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/mutate/*.c))

.PHONY: all
all: $(BUILD)/wirespan ## build build/wirespan

.PHONY: demo
demo: ## what it does, on real captures: documents, then tables
	@scripts/install-packages build
	@$(MAKE) --no-print-directory -j2 all
	@scripts/demo

.PHONY: test
test: ## install what is missing, build, run every test
	@scripts/install-packages test
	@$(MAKE) --no-print-directory check

# ---- the program ----

$(BUILD)/wirespan: $(BUILD)/shipper/main.o $(LIB)
	$(call RUN,link   )$(CC) $(OPT) $(LTO) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The dashboards are read by the assembler.
$(BUILD)/shipper/kibana/bundle.o $(BUILD)/fuzz/obj/shipper/kibana/bundle.o: $(wildcard dashboards/built/*.ndjson)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(call RUN,archive)ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call RUN,compile)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(LIB_OBJ) $(BUILD)/shipper/main.o: CFLAGS += $(LTO)
$(addprefix $(BUILD)/,$(NO_LTO)): CFLAGS += $(if $(LTO),-fno-lto)

# The page of `wirespan report`, made of dashboards/report/, is in the program.
REPORT_PARTS := $(shell find dashboards/report -type f)
$(BUILD)/report.html: $(REPORT_PARTS)
	@mkdir -p $(@D)
	$(call RUN,page   )dashboards/report/build >$@.new && mv $@.new $@
%/outputs/report/template.o: CPPFLAGS += -DREPORT_PAGE='"$(BUILD)/report.html"'
$(BUILD)/outputs/report/template.o $(BUILD)/fuzz/obj/outputs/report/template.o: $(BUILD)/report.html

# ---- tests: tests/README.md says what each is ----

SANITIZERS := SAN=address,undefined EXTRA=-fno-sanitize-recover=undefined BUILD=build-asan OPT='-O1 -g'

.PHONY: check
check: ## build and run every test
	@$(MAKE) --no-print-directory -j2 programs bench-build
	@$(MAKE) --no-print-directory -j2 programs $(SANITIZERS)
	@$(MAKE) --no-print-directory -j2 fuzz-build
	@tests/run

.PHONY: test-engines
test-engines: ## ship to all six real engines: Elasticsearch 7.10 to 9, OpenSearch 2 and 3
	@scripts/install-packages test
	@$(MAKE) --no-print-directory -j2 all bench-build
	@tests/engine/run --all

.PHONY: asan
asan: ## tests under address and undefined behaviour sanitizers only
	@$(MAKE) --no-print-directory -j2 programs $(SANITIZERS)
	@tests/run unit-asan mutate-asan

.PHONY: tsan
tsan: ## tests under the thread sanitizer only
	@$(MAKE) --no-print-directory -j2 programs SAN=thread BUILD=build-tsan
	@tests/run unit-tsan e2e-tsan

.PHONY: programs unit mutate golden
programs: $(BUILD)/wirespan $(BUILD)/unit $(BUILD)/mutate
unit: $(BUILD)/unit ## unit tests only
	$(BUILD)/unit
mutate: $(BUILD)/mutate ## captures whole, split, with losses, shuffled, cut
	$(BUILD)/mutate
golden: $(BUILD)/mutate ## write the golden documents anew and show what changed
	$(BUILD)/mutate --write
	git --no-pager diff --stat -p -- tests/golden

# Criterion's memory arena and the thread sanitizer exclude each other: a plain runner instead.
ifeq ($(SAN),thread)
$(UNIT_OBJ): CPPFLAGS += -isystem tests/unit/plain
UNIT_MAIN := $(BUILD)/tests/unit/plain/main.o
else
UNIT_MAIN := -lcriterion
endif

$(BUILD)/unit: $(UNIT_OBJ) $(TEST_LIB_OBJ) $(LIB) $(filter %.o,$(UNIT_MAIN))
	$(call RUN,link   )$(CC) $(LDFLAGS) -o $@ $(UNIT_OBJ) $(TEST_LIB_OBJ) $(UNIT_MAIN) $(LIB) $(LDLIBS)

$(BUILD)/mutate: $(MUTATE_OBJ) $(TEST_LIB_OBJ) $(LIB)
	$(call RUN,link   )$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Fuzz targets: tests/fuzz/fuzz_NAME.c becomes build/fuzz/NAME (clang, libFuzzer, sanitizers).
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -std=c11 -O1 -g $(WARN) -fno-sanitize-recover=undefined
FUZZ_LIB_OBJ := $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(LIB_SRC) $(wildcard tests/lib/*.c))

$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call RUN,compile)clang $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(BUILD)/fuzz/lib.a: $(FUZZ_LIB_OBJ)
	@rm -f $@
	$(call RUN,archive)ar rcs $@ $^

$(FUZZ_NAMES:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/fuzz/fuzz_%.o $(BUILD)/fuzz/lib.a
	$(call RUN,link   )clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

.PHONY: fuzz-build fuzz
fuzz-build: $(FUZZ_NAMES:%=$(BUILD)/fuzz/%)
fuzz: fuzz-build ## RUNS (20 million) inputs through each fuzz target, two at a time
	@mkdir -p $(FUZZ_NAMES:%=$(BUILD)/corpus/%) $(BUILD)/found
	@printf '%s\n' $(FUZZ_NAMES) | xargs -P2 -I% sh -c 'nice $(BUILD)/fuzz/% -runs=$(RUNS) \
		-artifact_prefix=$(BUILD)/found/%- -print_final_stats=1 \
		$$(test -f tests/fuzz/%.dict && echo -dict=tests/fuzz/%.dict) $(BUILD)/corpus/% tests/fuzz/corpus/% \
		>$(BUILD)/found/%.log 2>&1; rc=$$?; tail -n 8 $(BUILD)/found/%.log; exit $$rc'

# What Kibana and OpenSearch Dashboards import: committed, so that only who changes a dashboard needs Python.
.PHONY: dashboards
dashboards: $(BUILD)/wirespan ## build dashboards/built from the sources (python3-yaml)
	dashboards/build

MINUTES ?= 30
.PHONY: soak
soak: all bench-build ## MINUTES (30) at half the rate that is too much, then a day in short: nothing grows, all is counted (root)
	@scripts/install-packages test
	tests/soak --minutes $(MINUTES)

include tests/bench/bench.mk

.PHONY: cover
cover: ## line coverage of the tests, by folder
	@scripts/install-packages cover
	@$(MAKE) --no-print-directory -j2 programs BUILD=build-cover HARDEN= OPT='-O0 -g' EXTRA='--coverage -fprofile-update=atomic -DGUARD_LOOSE'
	@find build-cover -name '*.gcda' -delete
	@# Some fail here, for what the instrumentation says on standard error; `make test` judges.
	@tests/run unit-cover mutate-cover e2e-cover >build-cover/log 2>&1 || tail -n 1 build-cover/log
	@scripts/coverage build-cover

.PHONY: lint format
lint: ## layout, clang's warnings, cppcheck, long functions and files
	@tests/lint
format: ## lay all C files out by .clang-format
	clang-format -i $(shell git ls-files '*.c' '*.h')

include packaging/install.mk

.PHONY: clean
clean: ## remove all that was built
	rm -rf build build-*

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile packaging/install.mk tests/bench/bench.mk

-include $(LIB_OBJ:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(MUTATE_OBJ:.o=.d) $(BUILD)/shipper/main.d
-include $(FUZZ_LIB_OBJ:.o=.d) $(FUZZ_NAMES:%=$(BUILD)/fuzz/obj/tests/fuzz/fuzz_%.d)
