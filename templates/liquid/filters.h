/* filters.h - the table of filters, and what a filter may use while it runs. */
#ifndef TEMPLATES_LIQUID_FILTERS_H
#define TEMPLATES_LIQUID_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "engine/model/value.h"

struct err;

struct grown_text { /* lies at room[from..to); what follows and what is in front is free */
	char *room;
	size_t from, to, cap;
};

struct filter_run {
	struct arena *arena; /* results live here */
	bool html;           /* the program escapes: mind value.safe */
	int64_t now_ms;
	int zone_minutes;
	const struct zones *zones; /* that the program knows */
	uint64_t *steps;     /* what is left of the render's */
	struct grown_text grown; /* the text that was put together last */
	struct err *e;
};

/* 0; -1 with run->e. args holds n values: those given, and for a filter with a keyword always
 * max_args + 1, nil where nothing was given, the keyword's last. */
struct filter {
	struct span name;
	uint8_t min_args, max_args;
	const char *keyword; /* name of the one named argument, or NULL */
	int (*apply)(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out);
};

/* For those who write filters. -1 with run->e. */
int filter_fail(struct filter_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int filter_no_memory(struct filter_run *run);
/* Takes n steps of the render's; -1 when they are used up. */
int filter_steps(struct filter_run *run, uint64_t n);
/* The bytes that v prints as, unescaped. */
int filter_text(struct filter_run *run, struct value v, struct span *out);
/* s in place of the text in: as untyped and as safe as that was. */
struct value filter_like(struct value in, struct span s);
/* Of values that are put together: does any of them make the result safe? */
bool filter_any_safe(const struct filter_run *run, const struct value *v, uint32_t n);
/* Adds v to a result: escaped when the result is safe and v is not. */
struct text;
void filter_join(struct text *t, struct value v, bool safe);
/* A safe or plain text out of t. */
int filter_joined(struct filter_run *run, const struct text *t, bool safe, struct value *out);
/* first and second as one text: safe when one of them is, and then the other is escaped. */
int filter_concat(struct filter_run *run, struct value first, struct value second, struct value *out);
int filter_integer(struct filter_run *run, struct value v, int64_t *out);

/* By name; NULL when there is none. */
const struct filter *filter_find(struct span name);
/* A name that was probably meant, or { NULL, 0 }. */
struct span filter_nearest(struct span name);

/* Is its second argument the name of a time zone? */
bool filter_names_zone(const struct filter *f);

/* The tables, one a file, each ended by an empty name. */
extern const struct filter filters_text[], filters_html[], filters_code[], filters_list[], filters_pick[],
	filters_number[], filters_money[], filters_date[];

#endif
