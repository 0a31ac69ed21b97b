# Readers of messages that are not ours; made on demand by tests/readers/run.
build/readers/read-gmime: tests/readers/read_gmime.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -D_GNU_SOURCE -o $@ $< $$(pkg-config --cflags --libs gmime-3.0) -ljansson
