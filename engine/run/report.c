/* report.c - grouping of findings; held by tests/unit/test_run_report.c.
 *  1. Memory does not depend on the number of findings.
 *  2. A group keeps the places with the lowest lines, whatever the order in which they came. */
#include "engine/run/report.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

static void keep_place(struct report_group *g, const struct report_place *place)
{
	uint32_t at = g->n_places;

	while (at > 0 && place->line < g->places[at - 1].line)
		at--;
	if (at == REPORT_PLACES)
		return;
	uint32_t kept = g->n_places < REPORT_PLACES ? g->n_places : REPORT_PLACES - 1;

	memmove(&g->places[at + 1], &g->places[at], (kept - at) * sizeof *g->places);
	g->places[at] = *place;
	g->n_places = kept + 1;
}

static struct report_group *group_of(struct report *r, const char *kind, enum finding_level level)
{
	for (uint32_t i = 0; i < r->n_groups; i++)
		if (r->groups[i].level == level && strcmp(r->groups[i].kind, kind) == 0)
			return &r->groups[i];
	if (r->n_groups == REPORT_KINDS_MAX)
		return &r->groups[REPORT_KINDS_MAX - 1];
	struct report_group *g = &r->groups[r->n_groups++];

	*g = (struct report_group){ .kind = kind, .level = level };
	return g;
}

static void add_finding(struct finding_sink *self, const struct finding *f)
{
	struct report *r = (struct report *)self;
	struct report_group *g = group_of(r, f->kind ? f->kind : "other", f->level);
	struct report_place place = { .line = f->line, .column = f->column };

	g->count++;
	if (g->n_places == REPORT_PLACES && f->line >= g->places[REPORT_PLACES - 1].line)
		return;
	snprintf(place.path, sizeof place.path, "%s", f->path ? f->path : "");
	snprintf(place.text, sizeof place.text, "%s", f->text);
	snprintf(place.hint, sizeof place.hint, "%s", f->hint);
	keep_place(g, &place);
}

void report_more(struct report *r, const char *kind, enum finding_level level, uint64_t n)
{
	group_of(r, kind, level)->count += n;
	if (level == FINDING_ERROR)
		r->sink.errors += n;
	else
		r->sink.warnings += n;
}

int report_init(struct report *r)
{
	*r = (struct report){ .sink.report = add_finding };
	r->groups = mem_array(REPORT_KINDS_MAX, sizeof *r->groups);
	return r->groups ? 0 : -1;
}

void report_release(struct report *r)
{
	mem_free(r->groups);
	r->groups = NULL;
	r->n_groups = 0;
}

void report_merge(struct report *into, const struct report *from)
{
	for (uint32_t i = 0; i < from->n_groups; i++) {
		const struct report_group *g = &from->groups[i];
		struct report_group *to = group_of(into, g->kind, g->level);

		to->count += g->count;
		for (uint32_t k = 0; k < g->n_places; k++)
			keep_place(to, &g->places[k]);
	}
	into->sink.errors += from->sink.errors;
	into->sink.warnings += from->sink.warnings;
	into->rows += from->rows;
	into->selected += from->selected;
	into->done += from->done;
	into->mails += from->mails;
	into->recipients += from->recipients;
	into->bad_rows += from->bad_rows;
	into->suppressed += from->suppressed;
	into->bytes += from->bytes;
	if (from->largest > into->largest ||
	    (from->largest == into->largest && from->largest_line < into->largest_line)) { /* whoever read it */
		into->largest = from->largest;
		into->largest_line = from->largest_line;
	}
}
