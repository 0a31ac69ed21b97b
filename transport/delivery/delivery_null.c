/* delivery_null.c - null: nothing is written; for measuring what comes before. */
#include "engine/base/mem.h"
#include "transport/delivery/delivery_sink.h"

static int null_open(struct sink **out, const char *path, bool sync, struct err *e)
{
	struct sink *s = mem_new(sizeof *s);

	(void)path;
	(void)sync;
	if (!s)
		return err_nomem(e, "for a delivery");
	s->ops = &sink_null;
	*out = s;
	return 0;
}

static void null_free(struct sink *s)
{
	mem_free(s);
}

const struct sink_ops sink_null = { .scheme = { "null:", 5 }, .open = null_open, .free = null_free };
