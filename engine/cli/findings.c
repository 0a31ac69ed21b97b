/* findings.c - errors before warnings, each kind once.
 *
 * Held by tests/system/test_cli_check.py. */
#include "engine/cli/findings.h"

#include <stdbool.h>
#include <string.h>

#include "engine/cli/say.h"

static void print_place(FILE *to, const struct report_group *g, const struct report_place *p, bool with_hint)
{
	struct finding f = { .level = FINDING_ERROR, .kind = g->kind, .line = p->line, .column = p->column };

	f.path = p->path[0] ? p->path : NULL;
	snprintf(f.text, sizeof f.text, "%s", p->text);
	snprintf(f.hint, sizeof f.hint, "%s", with_hint ? p->hint : "");
	say_finding(to, &f);
}

static bool one_hint(const struct report_group *g)
{
	for (uint32_t i = 1; i < g->n_places; i++)
		if (strcmp(g->places[i].hint, g->places[0].hint) != 0)
			return false;
	return true;
}

static void print_group(FILE *to, const struct report_group *g)
{
	char count[SAY_SIZE];
	bool error = g->level == FINDING_ERROR, same = one_hint(g), colour = say_colours(to);

	fprintf(to, "%s%s: %s%s\n", colour ? (error ? "\033[1;31m" : "\033[1;33m") : "", g->kind,
		say_many(g->count, error ? "error" : "warning", error ? "errors" : "warnings", count),
		colour ? "\033[0m" : "");
	/* A hint that is the same everywhere stands once, below. */
	for (uint32_t i = 0; i < g->n_places; i++)
		print_place(to, g, &g->places[i], !same || g->n_places == 1);
	if (g->count > g->n_places)
		fprintf(to, "and %s more\n", say_count(g->count - g->n_places, count));
	if (same && g->n_places > 1 && g->places[0].hint[0])
		fprintf(to, "  %s\n", g->places[0].hint);
	fputc('\n', to);
}

void findings_print(FILE *to, const struct report *r)
{
	fflush(to == stdout ? stderr : stdout);
	for (int level = FINDING_ERROR; level <= FINDING_WARNING; level++)
		for (uint32_t i = 0; i < r->n_groups; i++)
			if ((int)r->groups[i].level == level && r->groups[i].n_places > 0)
				print_group(to, &r->groups[i]);
}
