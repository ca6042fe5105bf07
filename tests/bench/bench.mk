# Benchmarks: tests/bench/gen_PROTOCOL.c write captures, floor.c only reads them, micro_*.c measure
# one stage alone. `make bench` measures, `make bench BENCH=quick` only counts the documents.

BENCH_GENERATORS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/gen_*.c))
BENCH_MICRO := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/micro_*.c))
BENCH_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/*.c))

$(BENCH_GENERATORS): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/wire.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/bench/floor $(BUILD)/bench/cost $(BUILD)/bench/resend: $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lpcap

$(BENCH_MICRO): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: bench bench-build
bench-build: $(BENCH_GENERATORS) $(BUILD)/bench/floor $(BUILD)/bench/cost $(BUILD)/bench/resend $(BENCH_MICRO)
bench: all bench-build ## packets, bytes and exchanges per CPU second, beside only reading the file
	BUILD=$(BUILD) tests/bench/run $(if $(filter quick,$(BENCH)),--quick)

.PHONY: bench-live
bench-live: all bench-build ## what watching costs on a veth pair: losses at rising rates, latency of services (root)
	@scripts/install-packages test record
	BUILD=$(BUILD) tests/bench/live $(if $(filter quick,$(BENCH)),--quick)

-include $(BENCH_OBJ:.o=.d)
