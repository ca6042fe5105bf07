# wirespan: from packets to documents. `make help` lists the targets.

CC ?= gcc
BUILD ?= build
PREFIX ?= /usr/local
VERSION := 0.1.0

PKGS := libpcap libcurl yajl yaml-0.1 zlib libbrotlidec libzstd libxxhash
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wvla -Wundef -Wformat=2 -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPT ?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE -DWIRESPAN_VERSION='"$(VERSION)"' -MMD -MP
CFLAGS += -std=c11 $(OPT) $(WARN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer,$(HARDEN)) $(EXTRA)
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN),-pie -Wl,-z,relro,-z,now) $(EXTRA)
LDLIBS += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -pthread -lm

LIB_SRC := $(filter-out shipper/main.c,$(wildcard shipper/*.c shipper/*/*.c protos/*.c protos/*/*.c \
	outputs/*.c outputs/*/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
LIB := $(BUILD)/libwirespan.a
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/%.o)

.PHONY: all
all: $(BUILD)/wirespan

$(BUILD)/wirespan: $(BUILD)/shipper/main.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Unit tests: every tests/unit/*.c, one Criterion program.
$(BUILD)/unit: $(UNIT_OBJ) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcriterion

.PHONY: unit
unit: $(BUILD)/unit
	$(BUILD)/unit

# Fuzz targets: tests/fuzz/fuzz_NAME.c becomes $(BUILD)/fuzz/NAME (clang, libFuzzer, sanitizers).
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/fuzz/%)
$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c $(LIB_SRC)
	@mkdir -p $(@D)
	clang $(CPPFLAGS) -MF $@.d -std=c11 -O1 -g $(WARN) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ $(filter %.c,$^) $(LDLIBS)

.PHONY: fuzz-build
fuzz-build: $(FUZZ_BIN)

.PHONY: format
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

.PHONY: clean
clean:
	rm -rf build build-*

-include $(LIB_OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(BUILD)/shipper/main.d
