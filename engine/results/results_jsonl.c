/* results_jsonl.c - a result as a line of JSON (RFC 8259): exact texts, null for what is not known.
 * Held by tests/unit/test_results_log.c. */
#include "engine/base/utf8.h"
#include "engine/results/results_line.h"

/* Control bytes and the two signs of the grammar are escaped; a byte that is no UTF-8 becomes
 * U+FFFD, because JSON cannot hold it. */
static void put_string(struct buf *out, struct span s)
{
	buf_add_char(out, '"');
	while (s.n > 0) {
		struct span rest = s;
		int32_t c = utf8_take(&rest);

		if (c < 0)
			buf_add_str(out, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", (int)c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\u%04x", (unsigned)c);
		else
			buf_add(out, span_sub(s, 0, s.n - rest.n));
		s = rest;
	}
	buf_add_char(out, '"');
}

static void put_text(struct buf *out, const char *name, struct span s)
{
	buf_addf(out, ",\"%s\":", name);
	if (s.n == 0)
		buf_add_str(out, "null");
	else
		put_string(out, s);
}

static void put_number(struct buf *out, const char *name, unsigned long long n)
{
	if (n)
		buf_addf(out, ",\"%s\":%llu", name, n);
	else
		buf_addf(out, ",\"%s\":null", name);
}

static int put_header(struct buf *out)
{
	(void)out;
	return 0;
}

static int put_line(struct buf *out, const struct journal_result *r)
{
	char time[CLOCK_RFC3339_SIZE], enhanced[ENHANCED_SIZE];
	const struct verdict *v = r->verdict;
	size_t before = out->n;

	if (r->row)
		buf_addf(out, "{\"row\":%llu", (unsigned long long)r->row);
	else
		buf_add_str(out, "{\"row\":null");
	put_number(out, "line", r->line);
	put_text(out, "recipient", r->recipient.address);
	put_text(out, "status", span_str(verdict_word(v->kind)));
	put_number(out, "code", v->code > 0 ? (unsigned long long)v->code : 0);
	put_text(out, "enhanced", results_enhanced(v, enhanced));
	put_text(out, "reply", span_str(v->text));
	put_text(out, "queue_id", span_str(v->queue_id));
	put_text(out, "relay", r->relay);
	put_number(out, "attempts", r->attempt);
	put_text(out, "time", results_time(r, time));
	put_text(out, "message_id", r->message_id);
	buf_add_str(out, "}\n");
	if (!out->failed)
		return 0;
	out->n = before;
	return -1;
}

const struct results_writer results_jsonl = { put_header, put_line };
