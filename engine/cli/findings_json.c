/* findings_json.c - a report for programs: one object; members are added, never renamed. */
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/cli/findings.h"

enum { TEXT_MAX = 2048 };

static void put_text(FILE *to, const char *s)
{
	char text[TEXT_MAX];
	size_t n = utf8_printable(span_str(s), text, sizeof text);

	putc('"', to);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			putc('\\', to);
		putc(text[i], to);
	}
	putc('"', to);
}

static void put_number(FILE *to, const char *name, uint64_t n)
{
	fprintf(to, ", \"%s\": %llu", name, (unsigned long long)n);
}

static void put_place(FILE *to, const struct report_place *p, bool first)
{
	fprintf(to, "%s{\"text\": ", first ? "" : ", ");
	put_text(to, p->text);
	if (p->path[0]) {
		fprintf(to, ", \"file\": ");
		put_text(to, p->path);
	}
	if (p->line)
		put_number(to, "line", p->line);
	if (p->column)
		put_number(to, "column", p->column);
	if (p->hint[0]) {
		fprintf(to, ", \"hint\": ");
		put_text(to, p->hint);
	}
	putc('}', to);
}

static void put_group(FILE *to, const struct report_group *g, bool first)
{
	fprintf(to, "%s{\"kind\": ", first ? "" : ", ");
	put_text(to, g->kind);
	fprintf(to, ", \"level\": \"%s\"", g->level == FINDING_ERROR ? "error" : "warning");
	put_number(to, "count", g->count);
	fprintf(to, ", \"places\": [");
	for (uint32_t i = 0; i < g->n_places; i++)
		put_place(to, &g->places[i], i == 0);
	fprintf(to, "]}");
}

void findings_print_json(FILE *to, const struct report *r, const char *form, int64_t expected_ms)
{
	bool first = true;

	fprintf(to, "{\"errors\": %lu", r->sink.errors);
	put_number(to, "warnings", r->sink.warnings);
	put_number(to, "rows", r->selected);
	put_number(to, "messages", r->mails);
	put_number(to, "recipients", r->recipients);
	put_number(to, "bad_rows", r->bad_rows);
	put_number(to, "duplicates", r->duplicates);
	put_number(to, "suppressed", r->suppressed);
	put_number(to, "bytes", r->bytes);
	put_number(to, "largest", r->largest);
	put_number(to, "largest_line", r->largest_line);
	fprintf(to, ", \"elapsed_ms\": %lld", (long long)r->elapsed_ms);
	if (expected_ms >= 0)
		put_number(to, "expected_ms", (uint64_t)expected_ms);
	fprintf(to, ", \"list\": ");
	put_text(to, form);
	fprintf(to, ", \"findings\": [");
	for (int level = FINDING_ERROR; level <= FINDING_WARNING; level++)
		for (uint32_t i = 0; i < r->n_groups; i++)
			if ((int)r->groups[i].level == level && r->groups[i].n_places > 0) {
				put_group(to, &r->groups[i], first);
				first = false;
			}
	fprintf(to, "]}\n");
}
