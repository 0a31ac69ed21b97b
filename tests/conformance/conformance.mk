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
