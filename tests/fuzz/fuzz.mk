# Fuzz targets: tests/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput(); nothing else is to be written down.
# Inputs worth keeping lie in tests/fuzz/corpus/NA-ME/ (dashes for _).
#
#   make fuzz [FUZZ=liquid_source] [SECONDS=60]   each target for so long, under ASan and UBSan, with clang
#   make fuzz-keep [FUZZ=...]                     what the runs found, the fewest inputs, into the corpus
#   make check                                    replays the corpus, with any compiler and mode
#
# Found inputs, and those that crash, gather in build/fuzz-found/NAME.
SECONDS ?= 60
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZ ?= $(FUZZ_ALL)
FUZZER := $(patsubst %,$B/fuzz/%,$(FUZZ))
REPLAY := $(patsubst %,$B/tests/fuzz_%,$(FUZZ_ALL))
WITH_CLANG := $(MAKE) --no-print-directory MODE=fuzz CC=clang

.PHONY: fuzz-keep fuzz-run fuzz-merge

fuzz:
	$(Q)$(WITH_CLANG) fuzz-run

fuzz-keep:
	$(Q)$(WITH_CLANG) fuzz-merge

fuzz-run: $(FUZZER)
	$(Q)tests/fuzz/run $(SECONDS) $(FUZZER)

fuzz-merge: $(FUZZER)
	$(Q)tests/fuzz/run keep $(FUZZER)

# The program's own pieces but main(): for what reads options and settings.
$B/libcli.a: $(call obj,$(filter-out engine/cli/main.c,$(CLI_SRC)))
	@rm -f $@
	$(Q)ar rcs $@ $^

$B/tests/fuzz_%: $B/tests/fuzz/fuzz_%.o $B/tests/fuzz/replay.o $B/libcli.a $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$B/fuzz/%: $B/tests/fuzz/fuzz_%.o $B/libcli.a $(LIB)
	@mkdir -p $(@D)
	@echo "  link $@"
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

-include $(patsubst %.c,$B/%.d,$(FUZZ_SRC)) $B/tests/fuzz/replay.d
