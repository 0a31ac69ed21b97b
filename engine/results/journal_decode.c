/* journal_decode.c - bodies of records back into structs.
 *
 *  1. Nothing outside the body is ever read, whatever its bytes are: every field is taken through
 *     a cursor that turns bad at the first field that does not fit and stays so.
 *  2. A body must be used up exactly: bytes left over mean another version.
 * Held by tests/unit/test_results_record.c. */
#include <string.h>

#include "engine/results/journal_fields.h"
#include "engine/results/journal_record.h"

struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

static struct cursor cursor_on(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	return (struct cursor){ p, s.n ? p + s.n : p, false }; /* p may be NULL */
}

static struct cursor cursor_of(const struct record *r)
{
	return cursor_on(r->body);
}

static struct span rest_of(const struct cursor *c)
{
	return (struct span){ (const char *)c->at, (size_t)(c->end - c->at) };
}

static uint64_t take_long_number(struct cursor *c)
{
	const unsigned char *at = c->at;
	uint64_t v = 0;

	for (unsigned shift = 0; at < c->end && shift < 64; shift += 7) {
		v |= (uint64_t)(*at & 0x7f) << shift;
		if (*at++ < 0x80) {
			c->at = at;
			return v;
		}
	}
	c->bad = true;
	return 0;
}

static inline uint64_t take_number(struct cursor *c)
{
	return c->at < c->end && *c->at < 0x80 ? *c->at++ : take_long_number(c);
}

static inline int64_t take_signed(struct cursor *c)
{
	uint64_t v = take_number(c);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static inline int64_t take_time(struct cursor *c)
{
	return (int64_t)((uint64_t)take_signed(c) + (uint64_t)RECORD_EPOCH_MS);
}

static inline uint64_t take_up_to(struct cursor *c, uint64_t most)
{
	uint64_t v = take_number(c);

	if (v > most) {
		c->bad = true;
		return 0;
	}
	return v;
}

static struct span take_bytes(struct cursor *c, size_t n)
{
	struct span s = { (const char *)c->at, n };

	if (c->bad || n > (size_t)(c->end - c->at)) {
		c->bad = true;
		return (struct span){ 0 };
	}
	c->at += n;
	return s;
}

static unsigned take_byte(struct cursor *c, unsigned most)
{
	if (c->bad || c->at == c->end || *c->at > most) {
		c->bad = true;
		return 0;
	}
	return *c->at++;
}

static struct span take_text(struct cursor *c)
{
	return take_bytes(c, (size_t)take_number(c));
}

/* A text that becomes a string of at most size - 1 bytes. */
static void take_str(struct cursor *c, char *out, size_t size)
{
	struct span s = take_text(c);

	if (s.n >= size) {
		c->bad = true;
		s.n = 0;
	}
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static void take_array(struct cursor *c, void *out, size_t n)
{
	struct span s = take_bytes(c, n);

	if (s.n)
		memcpy(out, s.p, n);
}

static int done(const struct cursor *c)
{
	return !c->bad && c->at == c->end ? 0 : -1;
}

static void take_identity(struct cursor *c, struct journal_identity *i)
{
	take_array(c, i->letter, sizeof i->letter);
	i->list_known = take_byte(c, 1) != 0;
	take_array(c, i->list, sizeof i->list);
	i->list_size = take_number(c);
	i->list_mtime_ns = take_signed(c);
	take_str(c, i->destination, sizeof i->destination);
	take_str(c, i->options, sizeof i->options);
	take_str(c, i->selection, sizeof i->selection);
}

int record_get_identity(const struct record *r, struct journal_identity *out)
{
	struct cursor c = cursor_of(r);

	memset(out, 0, sizeof *out);
	if (r->type != RECORD_IDENTITY && r->type != RECORD_REKEYED)
		return -1;
	take_identity(&c, out);
	return done(&c);
}

int record_get_campaign(const struct record *r, struct journal_header *out)
{
	struct cursor c = cursor_of(r);

	memset(out, 0, sizeof *out);
	if (r->type != RECORD_CAMPAIGN)
		return -1;
	take_array(&c, out->seed, sizeof out->seed);
	out->begun_ms = take_signed(&c);
	take_identity(&c, &out->identity);
	return done(&c);
}

int record_get_run(const struct record *r, struct record_run *out)
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_RUN)
		return -1;
	out->run = (unsigned)take_up_to(&c, UINT32_MAX);
	take_str(&c, out->boot, sizeof out->boot);
	take_str(&c, out->host, sizeof out->host);
	out->pid = take_number(&c);
	out->time_ms = take_signed(&c);
	return done(&c);
}

int record_get_claim(const struct record *r, struct record_claim *out)
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_CLAIM)
		return -1;
	out->first = take_number(&c);
	out->last = out->highest = take_up_to(&c, UINT64_MAX - out->first) + out->first;
	out->synced = take_number(&c);
	if (c.bad || out->first == 0)
		return -1;
	out->more = rest_of(&c);

	struct span more = out->more;
	struct journal_range range = { out->first, out->last };
	int rc;

	while ((rc = record_next_range(&more, &range)) == 1)
		if (range.last > out->highest)
			out->highest = range.last;
	return rc;
}

int record_next_range(struct span *more, struct journal_range *range)
{
	struct cursor c = cursor_on(*more);

	if (more->n == 0)
		return 0;
	range->first = range->last + (uint64_t)take_signed(&c);
	range->last = take_up_to(&c, UINT64_MAX - range->first) + range->first;
	*more = rest_of(&c);
	return c.bad || range->first == 0 ? -1 : 1;
}

int record_get_list(const struct record *r, unsigned char list[32])
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_LIST)
		return -1;
	take_array(&c, list, 32);
	return done(&c);
}

int record_get_choice(const struct record *r, char *out, size_t size)
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_CHOICE)
		return -1;
	take_str(&c, out, size);
	return done(&c);
}

int record_get_lengths(const struct record *r, unsigned *run, struct span *more)
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_END && r->type != RECORD_SEGMENTS)
		return -1;
	*run = (unsigned)take_up_to(&c, UINT32_MAX);
	*more = rest_of(&c);
	return c.bad ? -1 : 0;
}

int record_next_length(struct span *more, unsigned *worker, uint64_t *bytes)
{
	struct cursor c = cursor_on(*more);

	if (more->n == 0)
		return 0;
	*worker = (unsigned)take_up_to(&c, UINT32_MAX);
	*bytes = take_number(&c);
	*more = rest_of(&c);
	return c.bad ? -1 : 1;
}

int record_get_rows(const struct record *r, uint64_t *rows)
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_ROWS)
		return -1;
	*rows = take_number(&c);
	return done(&c);
}

int record_get_pardon(const struct record *r, struct record_pardon *out)
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_PARDON)
		return -1;
	out->run = (unsigned)take_up_to(&c, UINT32_MAX);
	take_str(&c, out->class, sizeof out->class);
	return done(&c);
}

int record_get_segment(const struct record *r, struct record_segment *out)
{
	struct cursor c = cursor_of(r);

	if (r->type != RECORD_SEGMENT)
		return -1;
	take_array(&c, out->seed, sizeof out->seed);
	out->run = (unsigned)take_up_to(&c, UINT32_MAX);
	out->worker = (unsigned)take_up_to(&c, UINT32_MAX);
	return done(&c);
}

/* What INTENT and RESULT begin with. */
static void take_row(struct cursor *c, uint64_t *row, uint32_t *attempt, uint32_t *of)
{
	*row = take_number(c);
	*attempt = (uint32_t)take_up_to(c, UINT32_MAX);
	*of = (uint32_t)take_up_to(c, JOURNAL_RECIPIENTS_MAX);
	if (*row == 0)
		c->bad = true;
}

static struct span take_indexes(struct cursor *c, size_t n)
{
	struct span s = take_bytes(c, n);

	for (size_t k = 0; k < s.n; k++)
		c->bad |= (unsigned char)s.p[k] >= JOURNAL_RECIPIENTS_MAX;
	return s;
}

/* ---- the rows of a group ---- */

static struct row_member take_member(struct cursor *c, uint64_t before)
{
	struct row_member m = { .number = before + take_number(c) };

	m.line = m.number + (uint64_t)take_signed(c);
	c->bad |= m.number <= before;
	return m;
}

int record_open_group(struct record *r)
{
	struct cursor c = cursor_of(r);
	uint64_t n = take_up_to(&c, ROW_GROUP_MAX), before = 0;
	const unsigned char *rows = c.at;

	for (uint64_t i = 0; i < n && !c.bad; i++)
		before = take_member(&c, before).number;
	if (n == 0 || c.bad || c.at == c.end)
		return -1;
	r->others = (struct span){ (const char *)rows, (size_t)(c.at - rows) };
	r->type = (enum record_type)*c.at++;
	r->body = rest_of(&c);
	return r->type == RECORD_INTENT || r->type == RECORD_RESULT ? 0 : -1;
}

int record_next_other(struct record_rows *r)
{
	struct cursor c = cursor_on(r->rest);

	r->now = take_member(&c, r->before);
	r->before = r->now.number;
	r->rest = rest_of(&c);
	return !c.bad;
}

uint64_t record_line_of(const struct record *r, uint64_t first, uint64_t first_line, uint64_t row)
{
	struct record_rows rows = { .rest = r->others };

	while (row != first && record_next_row(&rows, first))
		if (rows.now.number == row)
			return rows.now.line;
	return first_line;
}

int record_get_mark(const struct record *r, struct record_mark *out)
{
	struct cursor c = cursor_of(r);
	unsigned kind = 0;

	if (r->type == RECORD_BEGIN) {
		*out = (struct record_mark){ .rest = r->body };
		return 0;
	}
	if (r->type != RECORD_INTENT && r->type != RECORD_RESULT)
		return -1;
	take_row(&c, &out->row, &out->attempt, &out->of);
	out->indexes = take_indexes(&c, r->type == RECORD_RESULT ? 1 : (size_t)take_up_to(&c, JOURNAL_RECIPIENTS_MAX));
	if (r->type == RECORD_RESULT)
		kind = take_byte(&c, UINT8_MAX) & 15;
	c.bad |= kind > VERDICT_SKIPPED;
	out->kind = (enum verdict_kind)kind;
	out->claims = r->type == RECORD_RESULT ? take_number(&c) : 0;
	out->rest = rest_of(&c);
	return c.bad ? -1 : 0;
}

int record_get_time(const struct record_mark *m, int64_t *time_ms)
{
	struct cursor c = cursor_on(m->rest);

	*time_ms = take_time(&c);
	return c.bad ? -1 : 0;
}

int record_get_intent(const struct record *r, struct journal_intent *out, struct journal_recipient *recipients)
{
	struct cursor c = cursor_of(r);
	struct span indexes;

	*out = (struct journal_intent){ .recipients = recipients };
	if (r->type != RECORD_INTENT)
		return -1;
	take_row(&c, &out->row, &out->attempt, &out->of);
	out->n_recipients = (uint32_t)take_up_to(&c, JOURNAL_RECIPIENTS_MAX);
	indexes = take_indexes(&c, out->n_recipients);
	out->time_ms = take_time(&c);
	out->line = out->row + (uint64_t)take_signed(&c);
	out->message_id = take_text(&c);
	for (size_t k = 0; k < indexes.n; k++)
		recipients[k] = (struct journal_recipient){ (unsigned char)indexes.p[k], take_text(&c) };
	return done(&c);
}

static int take_result(struct cursor *c, struct journal_result *out, struct verdict *verdict, char stage[RECORD_STAGE_SIZE])
{
	unsigned kind_scope;

	take_row(c, &out->row, &out->attempt, &out->of);
	out->recipient.index = take_byte(c, JOURNAL_RECIPIENTS_MAX - 1);
	verdict->recipient = out->recipient.index;
	verdict->not_tried = verdict->account = false;
	kind_scope = take_byte(c, UINT8_MAX);
	c->bad |= (kind_scope & 15) > VERDICT_SKIPPED || kind_scope >> 4 > SCOPE_RELAY;
	verdict->kind = (enum verdict_kind)(kind_scope & 15);
	verdict->scope = (enum verdict_scope)(kind_scope >> 4);
	take_number(c); /* claims */
	out->time_ms = take_time(c);
	out->line = out->row + (uint64_t)take_signed(c);
	out->recipient.address = take_text(c);
	out->message_id = take_text(c);
	out->relay = take_text(c);
	verdict->code = (int)take_signed(c);
	for (int k = 0; k < 3; k++)
		verdict->enhanced[k] = (int)take_signed(c);
	take_str(c, stage, RECORD_STAGE_SIZE);
	take_str(c, verdict->queue_id, sizeof verdict->queue_id);
	take_str(c, verdict->text, sizeof verdict->text);
	return done(c);
}

int record_get_result(const struct record *r, struct journal_result *out, struct verdict *verdict,
		      char stage[RECORD_STAGE_SIZE])
{
	struct cursor c = cursor_of(r);

	*out = (struct journal_result){ .verdict = verdict };
	verdict->stage = stage;
	return r->type == RECORD_RESULT ? take_result(&c, out, verdict, stage) : -1;
}

int record_get_gone(const struct record *r, struct journal_gone *gone, struct journal_result *out, struct verdict *verdict,
		    char stage[RECORD_STAGE_SIZE])
{
	struct cursor c = cursor_of(r);

	*out = (struct journal_result){ .verdict = verdict };
	verdict->stage = stage;
	if (r->type != RECORD_GONE)
		return -1;
	gone->skipped = take_byte(&c, 1);
	gone->column = take_number(&c);
	gone->key[0] = take_number(&c);
	gone->key[1] = take_number(&c);
	return take_result(&c, out, verdict, stage);
}

uint64_t record_synced(const struct record *r)
{
	struct cursor c = cursor_of(r);
	struct record_claim claim;

	switch (r->type) {
	case RECORD_RUN:
	case RECORD_END:
		return r->offset;
	case RECORD_CLAIM:
		return record_get_claim(r, &claim) == 0 ? claim.synced : 0;
	case RECORD_SYNCED: {
		uint64_t offset = take_number(&c);

		return done(&c) == 0 ? offset : 0;
	}
	default:
		return 0;
	}
}
