# make conformance SUITE=FILE.json...   runs suites in the Golden Liquid form, in process
GOLDEN := $B/tests/run_golden
GOLDEN_SRC := tests/conformance/run_golden.c tests/conformance/json_value.c

.PHONY: conformance
conformance: $(GOLDEN)
	$(Q)$(GOLDEN) $(SUITE)

$(GOLDEN): $(call obj,$(GOLDEN_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(patsubst %.o,%.d,$(call obj,$(GOLDEN_SRC)))

# make bench-liquid   renders a second of each fixture, beside liquidjs and ruby-liquid
.PHONY: bench-liquid
bench-liquid: $B/bench/liquid
	$(Q)tests/bench/liquid/run

# make differential [N=20000] [SEED=1]   the language beside liquidjs and ruby-liquid, on generated templates
BATCH := $B/tests/batch
BATCH_SRC := tests/conformance/batch.c tests/conformance/json_value.c
N ?= 20000
SEED ?= 1
.PHONY: differential
differential: $(BATCH)
	$(Q)tests/conformance/differential/run $(N) $(SEED)

$(BATCH): $(call obj,$(BATCH_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(patsubst %.o,%.d,$(call obj,$(BATCH_SRC)))

# The language with a call in front of each basic block: steps are counted, not timed. Functions of the C library that
# look at bytes are led through the counter too.
COUNTED_WRAP := $(foreach f,memchr memmem memcpy memcmp memset,-Wl,--wrap=$f)
COUNTED := $B/tests/liquid_counted
COUNTED_SRC := $(foreach r,engine/base engine/model templates/liquid,$(wildcard $r/*.c))
COUNTED_OBJ := $(patsubst %.c,$B/counted/%.o,$(COUNTED_SRC))

$B/counted/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -D_FORTIFY_SOURCE=2,$(CFLAGS)) -fno-builtin -fsanitize-coverage=trace-pc -c -o $@ $<

$(COUNTED): $B/tests/conformance/test_counted.o $(COUNTED_OBJ)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(COUNTED_WRAP) -o $@ $^ $(LDLIBS) -lcmocka -lm

-include $(COUNTED_OBJ:.o=.d) $B/tests/conformance/test_counted.d

# make csv-differential [N=100000] [SEED=1]   the CSV reader beside Python's csv, on generated lists
CSV_CELLS := $B/tests/csv_cells
.PHONY: csv-differential
tests: $(CSV_CELLS)
csv-differential: $(CSV_CELLS)
	$(Q)tests/conformance/csv-differential $(N) $(SEED) $(CSV_CELLS)

$(CSV_CELLS): $(call obj,tests/conformance/csv_cells.c) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(patsubst %.c,$B/%.d,tests/conformance/csv_cells.c)
