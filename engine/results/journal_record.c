/* journal_record.c - framing, and the writing half.
 *
 *  1. A record is written straight into the buffer: room for the largest form of it is asked for
 *     once, so the steady state neither allocates nor copies twice.
 *  2. Texts that others control are cut to a bound before they are counted: no body is ever over
 *     RECORD_BODY_MAX.
 * The reading half is journal_decode.c. Held by tests/unit/test_results_record.c. */
#include "engine/results/journal_record.h"

#include <string.h>

#include "engine/base/bytes.h"
#include "engine/base/crc32c.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/model/row.h"
#include "engine/results/journal_fields.h"

struct writer {
	unsigned char *head, *at;
};

static uint16_t head_check(const void *head)
{
	uint32_t crc = crc32c(0, (const char *)head + 4, 6);

	return (uint16_t)(crc ^ crc >> 16);
}

static void put_le16(unsigned char *p, uint16_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
}

static uint16_t get_le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline void put_number(struct writer *w, uint64_t v)
{
	while (v >= 0x80) {
		*w->at++ = (unsigned char)(v | 0x80);
		v >>= 7;
	}
	*w->at++ = (unsigned char)v;
}

static inline void put_signed(struct writer *w, int64_t v)
{
	uint64_t twice = (uint64_t)v << 1;

	put_number(w, v < 0 ? ~twice : twice); /* zigzag: small ones of either sign are short */
}

static inline void put_time(struct writer *w, int64_t ms)
{
	put_signed(w, (int64_t)((uint64_t)ms - (uint64_t)RECORD_EPOCH_MS));
}

static inline void put_bytes(struct writer *w, const void *p, size_t n)
{
	if (n)
		memcpy(w->at, p, n);
	w->at += n;
}

static void put_text(struct writer *w, struct span s)
{
	put_number(w, s.n);
	put_bytes(w, s.p, s.n);
}

static void put_str(struct writer *w, const char *s)
{
	put_text(w, span_str(s));
}

/* Room for a body of at most body_max bytes, numbers included. */
static int begin(struct writer *w, struct buf *out, enum record_type type, size_t body_max)
{
	char *room = buf_room(out, RECORD_HEAD + 1 + body_max);

	if (!room) {
		out->failed = false; /* a later record may be smaller, or memory be back */
		return -1;
	}
	w->head = (unsigned char *)room;
	w->at = w->head + RECORD_HEAD;
	*w->at++ = (unsigned char)type;
	return 0;
}

static int finish(struct writer *w, struct buf *out, uint32_t sequence)
{
	size_t body = (size_t)(w->at - w->head) - RECORD_HEAD;

	MUST(body <= RECORD_BODY_MAX);
	put_le32(w->head + 4, sequence);
	put_le16(w->head + 8, (uint16_t)body);
	put_le16(w->head + 10, head_check(w->head));
	put_le32(w->head, crc32c(0, w->head + 4, RECORD_HEAD - 4 + body));
	buf_grew(out, RECORD_HEAD + body);
	return 0;
}

static void put_identity(struct writer *w, const struct journal_identity *i)
{
	put_bytes(w, i->letter, sizeof i->letter);
	*w->at++ = i->list_known;
	put_bytes(w, i->list, sizeof i->list);
	put_number(w, i->list_size);
	put_signed(w, i->list_mtime_ns);
	put_str(w, i->destination);
	put_str(w, i->options);
	put_str(w, i->selection);
}

int record_put_identity(struct buf *out, uint32_t sequence, enum record_type type, const struct journal_identity *i)
{
	struct writer w;

	if (begin(&w, out, type, sizeof *i + 16 * NUMBER_MAX) < 0)
		return -1;
	put_identity(&w, i);
	return finish(&w, out, sequence);
}

int record_put_campaign(struct buf *out, uint32_t sequence, const struct journal_header *h)
{
	struct writer w;

	if (begin(&w, out, RECORD_CAMPAIGN, sizeof *h + 16 * NUMBER_MAX) < 0)
		return -1;
	put_bytes(&w, h->seed, sizeof h->seed);
	put_signed(&w, h->begun_ms);
	put_identity(&w, &h->identity);
	return finish(&w, out, sequence);
}

int record_put_run(struct buf *out, uint32_t sequence, const struct record_run *r)
{
	struct writer w;

	if (begin(&w, out, RECORD_RUN, sizeof *r + 8 * NUMBER_MAX) < 0)
		return -1;
	put_number(&w, r->run);
	put_str(&w, r->boot);
	put_str(&w, r->host);
	put_number(&w, r->pid);
	put_signed(&w, r->time_ms);
	return finish(&w, out, sequence);
}

int record_put_claim(struct buf *out, uint32_t sequence, const struct journal_range *ranges, uint32_t n, uint64_t synced)
{
	struct writer w;

	MUST(n > 0 && n <= JOURNAL_RANGES_MAX);
	if (begin(&w, out, RECORD_CLAIM, (1 + 2 * (size_t)n) * NUMBER_MAX) < 0)
		return -1;
	put_number(&w, ranges[0].first);
	put_number(&w, ranges[0].last - ranges[0].first);
	put_number(&w, synced);
	for (uint32_t i = 1; i < n; i++) {
		put_signed(&w, (int64_t)(ranges[i].first - ranges[i - 1].last));
		put_number(&w, ranges[i].last - ranges[i].first);
	}
	return finish(&w, out, sequence);
}

int record_put_list(struct buf *out, uint32_t sequence, const unsigned char list[32])
{
	struct writer w;

	if (begin(&w, out, RECORD_LIST, 32) < 0)
		return -1;
	put_bytes(&w, list, 32);
	return finish(&w, out, sequence);
}

int record_put_choice(struct buf *out, uint32_t sequence, struct span selection)
{
	struct writer w;

	if (begin(&w, out, RECORD_CHOICE, selection.n + NUMBER_MAX) < 0)
		return -1;
	put_text(&w, selection);
	return finish(&w, out, sequence);
}

int record_put_lengths(struct buf *out, uint32_t sequence, enum record_type type, unsigned run,
		       const struct segment_length *lengths, size_t n)
{
	struct writer w;

	MUST(n <= RECORD_LENGTHS_MAX);
	if (begin(&w, out, type, (1 + 2 * n) * NUMBER_MAX) < 0)
		return -1;
	put_number(&w, run);
	for (size_t i = 0; i < n; i++) {
		put_number(&w, lengths[i].name.worker);
		put_number(&w, lengths[i].bytes);
	}
	return finish(&w, out, sequence);
}

int record_put_rows(struct buf *out, uint32_t sequence, uint64_t rows)
{
	struct writer w;

	if (begin(&w, out, RECORD_ROWS, NUMBER_MAX) < 0)
		return -1;
	put_number(&w, rows);
	return finish(&w, out, sequence);
}

int record_put_pardon(struct buf *out, uint32_t sequence, const struct record_pardon *p)
{
	struct writer w;

	if (begin(&w, out, RECORD_PARDON, sizeof *p + 2 * NUMBER_MAX) < 0)
		return -1;
	put_number(&w, p->run);
	put_str(&w, p->class);
	return finish(&w, out, sequence);
}

int record_put_segment(struct buf *out, uint32_t sequence, const struct record_segment *s)
{
	struct writer w;

	if (begin(&w, out, RECORD_SEGMENT, JOURNAL_SEED_SIZE + 2 * NUMBER_MAX) < 0)
		return -1;
	put_bytes(&w, s->seed, sizeof s->seed);
	put_number(&w, s->run);
	put_number(&w, s->worker);
	return finish(&w, out, sequence);
}

int record_put_begin(struct buf *out, uint32_t sequence, int64_t time_ms)
{
	struct writer w;

	if (begin(&w, out, RECORD_BEGIN, NUMBER_MAX) < 0)
		return -1;
	put_time(&w, time_ms);
	return finish(&w, out, sequence);
}

int record_put_synced(struct buf *out, uint32_t sequence, uint64_t offset)
{
	struct writer w;

	if (begin(&w, out, RECORD_SYNCED, NUMBER_MAX) < 0)
		return -1;
	put_number(&w, offset);
	return finish(&w, out, sequence);
}

/* An INTENT or a RESULT; that of a group has its other rows in front, so that a record says the same of all. */
static int begin_mail(struct writer *w, struct buf *out, enum record_type type, size_t body_max, uint32_t n_others,
		      const struct row_member *others)
{
	uint64_t before = 0;

	if (n_others == 0)
		return begin(w, out, type, body_max);
	MUST(n_others <= ROW_GROUP_MAX);
	if (begin(w, out, RECORD_GROUP, 1 + body_max + (1 + 2 * (size_t)n_others) * NUMBER_MAX) < 0)
		return -1;
	put_number(w, n_others);
	for (uint32_t i = 0; i < n_others; i++) {
		put_number(w, others[i].number - before);
		put_signed(w, (int64_t)(others[i].line - others[i].number));
		before = others[i].number;
	}
	*w->at++ = (unsigned char)type;
	return 0;
}

int record_put_intent(struct buf *out, uint32_t sequence, const struct journal_intent *i)
{
	struct span message_id = utf8_cut(i->message_id, MESSAGE_ID_KEPT);
	size_t need = (7 + i->n_recipients) * NUMBER_MAX + message_id.n;
	struct writer w;

	MUST(i->n_recipients <= JOURNAL_RECIPIENTS_MAX);
	for (uint32_t k = 0; k < i->n_recipients; k++)
		need += 1 + utf8_cut(i->recipients[k].address, ADDRESS_KEPT).n;
	if (begin_mail(&w, out, RECORD_INTENT, need, i->n_others, i->others) < 0)
		return -1;
	put_number(&w, i->row);
	put_number(&w, i->attempt);
	put_number(&w, i->of);
	put_number(&w, i->n_recipients);
	for (uint32_t k = 0; k < i->n_recipients; k++) {
		MUST(i->recipients[k].index < JOURNAL_RECIPIENTS_MAX);
		*w.at++ = (unsigned char)i->recipients[k].index;
	}
	put_time(&w, i->time_ms);
	put_signed(&w, (int64_t)(i->line - i->row));
	put_text(&w, message_id);
	for (uint32_t k = 0; k < i->n_recipients; k++)
		put_text(&w, utf8_cut(i->recipients[k].address, ADDRESS_KEPT));
	return finish(&w, out, sequence);
}

/* Texts of a result as they are kept: cut to their bounds. */
struct result_texts {
	struct span address, message_id, relay, stage, queue_id, text;
};

static struct result_texts texts_of(const struct journal_result *r)
{
	const struct verdict *v = r->verdict;

	return (struct result_texts){ utf8_cut(r->recipient.address, ADDRESS_KEPT), utf8_cut(r->message_id, MESSAGE_ID_KEPT),
				      utf8_cut(r->relay, RELAY_KEPT), utf8_cut(span_str(v->stage), RECORD_STAGE_SIZE - 1),
				      span_str(v->queue_id), span_str(v->text) };
}

static size_t result_most(const struct result_texts *t)
{
	return 2 + 16 * NUMBER_MAX + t->message_id.n + t->relay.n + t->address.n + t->text.n + t->queue_id.n + t->stage.n;
}

static void put_result(struct writer *w, const struct journal_result *r, const struct result_texts *t, uint64_t claims)
{
	const struct verdict *v = r->verdict;

	MUST(r->recipient.index < JOURNAL_RECIPIENTS_MAX);
	put_number(w, r->row);
	put_number(w, r->attempt);
	put_number(w, r->of);
	*w->at++ = (unsigned char)r->recipient.index;
	*w->at++ = (unsigned char)((unsigned)v->kind | (unsigned)v->scope << 4);
	put_number(w, claims);
	put_time(w, r->time_ms);
	put_signed(w, (int64_t)(r->line - r->row));
	put_text(w, t->address);
	put_text(w, t->message_id);
	put_text(w, t->relay);
	put_signed(w, v->code);
	for (int k = 0; k < 3; k++)
		put_signed(w, v->enhanced[k]);
	put_text(w, t->stage);
	put_text(w, t->queue_id);
	put_text(w, t->text);
}

int record_put_result(struct buf *out, uint32_t sequence, const struct journal_result *r, uint64_t claims)
{
	struct result_texts t = texts_of(r);
	struct writer w;

	if (begin_mail(&w, out, RECORD_RESULT, result_most(&t), r->n_others, r->others) < 0)
		return -1;
	put_result(&w, r, &t, claims);
	return finish(&w, out, sequence);
}

int record_put_gone(struct buf *out, uint32_t sequence, const struct journal_gone *g, const struct journal_result *r)
{
	struct result_texts t = texts_of(r);
	struct writer w;

	if (begin(&w, out, RECORD_GONE, 1 + 3 * NUMBER_MAX + result_most(&t)) < 0)
		return -1;
	*w.at++ = g->skipped;
	put_number(&w, g->column);
	put_number(&w, g->key[0]);
	put_number(&w, g->key[1]);
	put_result(&w, r, &t, 0);
	return finish(&w, out, sequence);
}

int record_take(struct span bytes, struct record *out)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t body;

	if (bytes.n < RECORD_HEAD)
		return 0;
	if (get_le16(p + 10) != head_check(p))
		return -1;
	body = get_le16(p + 8);
	if (body == 0)
		return -1;
	if (bytes.n < RECORD_HEAD + body)
		return 0;
	if (get_le32(p) != crc32c(0, p + 4, RECORD_HEAD - 4 + body))
		return -1;
	out->type = (enum record_type)p[RECORD_HEAD];
	out->sequence = get_le32(p + 4);
	out->body = (struct span){ bytes.p + RECORD_HEAD + 1, body - 1 };
	out->others = (struct span){ NULL, 0 };
	out->size = RECORD_HEAD + body;
	return out->type == RECORD_GROUP && record_open_group(out) < 0 ? -1 : 1;
}
