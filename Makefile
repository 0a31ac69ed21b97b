# make                    builds build/release/lettershop
# make demo               installs, builds, and sends a sample to a practice relay on this machine
# make test               installs what tests need, builds, runs every test
# make test-all           the same with sanitizers, lint and the long forms
# make check              unit and script tests of one mode, without installing anything
# make lint samples bench
# make torture [KILLS=500]   kills campaigns at every kind of point, resumes them, compares; prints a table
# make hostile [TRIES=10000]  letters and lists of chance through the program under ASan and UBSan
# make valgrind sanitized     small campaigns of the whole program, watched; nothing may be found
# make soak [MESSAGES=2000000 FOR=1800]   one long campaign; memory and descriptors stay flat
# make fuzz [FUZZ=liquid_source] [SECONDS=60]   searches for inputs that crash (tests/fuzz/fuzz.mk)
# knobs: MODE=release|asan|tsan|cover  CC=gcc|clang  V=1  TEST=smtp_reply
MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
B := build/$(MODE)$(if $(filter clang%,$(notdir $(CC))),-clang)
Q := $(if $(V),,@)

WARN := -std=c17 -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes \
	-Wformat=2 -Wwrite-strings -Wundef -Werror
SAN_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
# With sanitizers gcc's analysis of string lengths sees less and reports cuts that cannot be; release
# and clang builds keep that warning.
SAN_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DARENA_REAL_MALLOC -Wno-format-truncation
SAN_tsan := -O1 -g -fsanitize=thread -Wno-format-truncation
SAN_cover := -O0 -g --coverage
SAN_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DARENA_REAL_MALLOC
CFLAGS += $(WARN) $(SAN_$(MODE)) -I. -D_GNU_SOURCE -MMD -MP -pthread
LDFLAGS += $(SAN_$(MODE)) -pthread
ifeq ($(MODE),release)
LDFLAGS += -Wl,-z,relro,-z,now
endif
LDLIBS += -lcsv -lssl -lcrypto -lgsasl -lidn2 -ljansson -lutf8proc -lmd4c -lgumbo -luchardet -lzip -lexpat -lz -lm

# Signs with Ed25519 in half the time; without it OpenSSL does. SODIUM= builds without.
SODIUM ?= $(wildcard /usr/include/sodium.h)
ifneq ($(SODIUM),)
$B/templates/dkim/dkim_ed25519.o: CFLAGS += -DWITH_SODIUM
LDLIBS += -lsodium
endif

ROOMS := engine/base engine/model engine/rows engine/results engine/run \
	templates/liquid templates/mime templates/dkim templates/letter \
	transport/smtp transport/sasl transport/net transport/relay transport/delivery
LIB_SRC := $(foreach r,$(ROOMS),$(wildcard $r/*.c))
CLI_SRC := $(wildcard engine/cli/*.c)
FAKE_SRC := $(wildcard tests/fake/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
FAULT_SRC := $(wildcard tests/fault/test_*.c)
PRELOAD_SRC := $(wildcard tests/fault/preload/*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
HELP_SRC := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))

LIB := $B/liblettershop.a
obj = $(patsubst %.c,$B/%.o,$1)
UNIT := $(patsubst tests/unit/test_%.c,$B/tests/%,$(UNIT_SRC))
FAULT := $(patsubst tests/fault/test_%.c,$B/tests/fault_%,$(FAULT_SRC))
BENCH := $(patsubst tests/bench/bench_%.c,$B/bench/%,$(BENCH_SRC))

include tests/fuzz/fuzz.mk
include tests/conformance/conformance.mk
include tests/readers/readers.mk

.DEFAULT_GOAL := all
.PHONY: all tests check demo test test-all torture valgrind sanitized soak hostile lint samples fuzz bench clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $B/lettershop

$B/lettershop: $(call obj,$(CLI_SRC)) $(LIB)
	@echo "  link $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(call obj,$(LIB_SRC))
	@rm -f $@
	$(Q)ar rcs $@ $^

# transport by itself, for programs of others: transport/README.md.
$B/libtransport.a: $(call obj,$(foreach r,$(filter transport/% engine/base engine/model,$(ROOMS)),$(wildcard $r/*.c)))
	@rm -f $@
	$(Q)ar rcs $@ $^

# relay_talk.h from a command line, for tests/system/test_transport.py.
$B/talk: $B/tests/system/talk.o $B/libtransport.a
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lssl -lcrypto -lgsasl -lidn2

$B/fake-relay: $(call obj,$(FAKE_SRC))
	@echo "  link $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lssl -lcrypto

# Put before libc in tests of the whole program (tests/fault/preload/preload.h). Its own functions
# have the names of libc's, so no fortified header, and no sanitizer.
$B/fault.so: $(PRELOAD_SRC) tests/fault/preload/preload.h
	@mkdir -p $(@D)
	@echo "  link $@"
	$(Q)$(CC) $(filter-out -Werror,$(WARN)) -O1 -g -U_FORTIFY_SOURCE -fPIC -shared -I. -D_GNU_SOURCE -pthread -o $@ $(PRELOAD_SRC) -ldl

$B/tests/fault_%: $B/tests/fault/test_%.o $(call obj,$(HELP_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$B/tests/%: $B/tests/unit/test_%.o $(call obj,$(HELP_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$B/bench/%: $B/tests/bench/bench_%.o $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$B/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  $(CC) $<")
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

tests: $(UNIT) $(FAULT) $(REPLAY) $(COUNTED) $B/fake-relay $B/fault.so $B/lettershop $B/talk

# check [TEST=name]: each program prints its own cases; a summary line closes the run.
# liquid_counted counts the instructions of one thread: nothing in it for MODE=tsan to see.
check: $(if $(TEST),$B/tests/$(TEST),$(UNIT) $(FAULT) $(REPLAY) $(if $(filter tsan,$(MODE)),,$(COUNTED)))
	$(Q)tests/run-check $^

demo:
	$(Q)tests/setup build
	$(Q)$(MAKE) --no-print-directory all $B/fake-relay
	$(Q)samples/demo

# Everything a change must pass in a few minutes; the long forms and sanitizers are in test-all.
test:
	$(Q)tests/setup test
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)tests/run-all

test-all:
	$(Q)tests/setup test lint
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)LONG=1 tests/run-all
	$(Q)$(MAKE) --no-print-directory MODE=asan check
	$(Q)$(MAKE) --no-print-directory MODE=tsan check
	$(Q)$(MAKE) --no-print-directory sanitized
	$(Q)$(MAKE) --no-print-directory CC=clang all tests
	$(Q)$(MAKE) --no-print-directory lint

torture: all $B/fake-relay $B/fault.so
	$(Q)LETTERSHOP=$(CURDIR)/$B/lettershop FAKE_RELAY=$(CURDIR)/$B/fake-relay FAULT_LIBRARY=$(CURDIR)/$B/fault.so \
		/usr/bin/python3 tests/system/torture.py --kills $(or $(KILLS),500)

hostile:
	$(Q)$(MAKE) --no-print-directory MODE=asan all
	$(Q)LETTERSHOP=$(CURDIR)/build/asan/lettershop /usr/bin/python3 tests/system/hostile.py --tries $(or $(TRIES),10000)

WATCH := LETTERSHOP=$(CURDIR)/build/release/lettershop FAKE_RELAY=$(CURDIR)/build/release/fake-relay \
	/usr/bin/python3 -m pytest -q -p no:cacheprovider -n 2 tests/system/test_instruments.py

valgrind: all $B/fake-relay
	$(Q)INSTRUMENTS=valgrind $(WATCH)

sanitized: all $B/fake-relay
	$(Q)$(MAKE) --no-print-directory MODE=asan all
	$(Q)$(MAKE) --no-print-directory MODE=tsan all
	$(Q)INSTRUMENTS=asan,tsan $(WATCH)

soak: all $B/fake-relay $B/bench/journal
	$(Q)LETTERSHOP=$(CURDIR)/$B/lettershop FAKE_RELAY=$(CURDIR)/$B/fake-relay \
		/usr/bin/python3 tests/system/soak.py --messages $(or $(MESSAGES),2000000) --seconds $(or $(FOR),1800)
	$(Q)$B/bench/journal 10000000

samples: all
	$(Q)samples/run

lint:
	$(Q)tests/lint/run

bench: $(BENCH) all $B/fake-relay
	$(Q)tests/bench/run
	$(Q)tests/bench/compose
	$(Q)tests/bench/check

clean:
	rm -rf build

-include $(patsubst %.o,%.d,$(call obj,$(LIB_SRC) $(CLI_SRC) $(FAKE_SRC) $(UNIT_SRC) $(FAULT_SRC) $(BENCH_SRC) $(HELP_SRC) tests/system/talk.c))
