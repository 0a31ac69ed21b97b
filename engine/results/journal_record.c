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

/* These write at *at, where there is room, and move it on. */

static inline void put_byte(unsigned char **at, unsigned v)
{
	*(*at)++ = (unsigned char)v;
}

static inline void put_number(unsigned char **at, uint64_t v)
{
	while (v >= 0x80) {
		put_byte(at, (unsigned char)(v | 0x80));
		v >>= 7;
	}
	put_byte(at, (unsigned)v);
}

static inline void put_signed(unsigned char **at, int64_t v)
{
	uint64_t twice = (uint64_t)v << 1;

	put_number(at, v < 0 ? ~twice : twice); /* zigzag: small ones of either sign are short */
}

static inline void put_time(unsigned char **at, int64_t ms)
{
	put_signed(at, (int64_t)((uint64_t)ms - (uint64_t)RECORD_EPOCH_MS));
}

static inline void put_bytes(unsigned char **at, const void *p, size_t n)
{
	if (n)
		*at = mempcpy(*at, p, n);
}

static inline void put_text(unsigned char **at, struct span s)
{
	put_number(at, s.n);
	put_bytes(at, s.p, s.n);
}

static void put_str(unsigned char **at, const char *s)
{
	put_text(at, span_str(s));
}

/* Room for a body of at most body_max bytes, numbers included: where it goes on behind the type, or NULL. */
static unsigned char *begin(struct buf *out, enum record_type type, size_t body_max)
{
	char *room = buf_room(out, RECORD_HEAD + 1 + body_max);

	if (!room) {
		out->failed = false; /* a later record may be smaller, or memory be back */
		return NULL;
	}
	room[RECORD_HEAD] = (char)type;
	return (unsigned char *)room + RECORD_HEAD + 1;
}

/* The record that ends at `end`. */
static int finish(struct buf *out, uint32_t sequence, const unsigned char *end)
{
	unsigned char *head = (unsigned char *)out->p + out->n;
	size_t body = (size_t)(end - head) - RECORD_HEAD;

	MUST(body <= RECORD_BODY_MAX);
	put_le32(head + 4, sequence);
	put_le16(head + 8, (uint16_t)body);
	put_le16(head + 10, head_check(head));
	put_le32(head, crc32c(0, head + 4, RECORD_HEAD - 4 + body));
	buf_grew(out, RECORD_HEAD + body);
	return 0;
}

static void put_identity(unsigned char **at, const struct journal_identity *i)
{
	put_bytes(at, i->letter, sizeof i->letter);
	put_byte(at, i->list_known);
	put_bytes(at, i->list, sizeof i->list);
	put_number(at, i->list_size);
	put_signed(at, i->list_mtime_ns);
	put_str(at, i->destination);
	put_str(at, i->options);
	put_str(at, i->selection);
}

int record_put_identity(struct buf *out, uint32_t sequence, enum record_type type, const struct journal_identity *i)
{
	unsigned char *at = begin(out, type, sizeof *i + 16 * NUMBER_MAX);

	if (!at)
		return -1;
	put_identity(&at, i);
	return finish(out, sequence, at);
}

int record_put_campaign(struct buf *out, uint32_t sequence, const struct journal_header *h)
{
	unsigned char *at = begin(out, RECORD_CAMPAIGN, sizeof *h + 16 * NUMBER_MAX);

	if (!at)
		return -1;
	put_bytes(&at, h->seed, sizeof h->seed);
	put_signed(&at, h->begun_ms);
	put_identity(&at, &h->identity);
	return finish(out, sequence, at);
}

int record_put_run(struct buf *out, uint32_t sequence, const struct record_run *r)
{
	unsigned char *at = begin(out, RECORD_RUN, sizeof *r + 8 * NUMBER_MAX);

	if (!at)
		return -1;
	put_number(&at, r->run);
	put_str(&at, r->boot);
	put_str(&at, r->host);
	put_number(&at, r->pid);
	put_signed(&at, r->time_ms);
	return finish(out, sequence, at);
}

int record_put_claim(struct buf *out, uint32_t sequence, const struct journal_range *ranges, uint32_t n, uint64_t synced)
{
	unsigned char *at;

	MUST(n > 0 && n <= JOURNAL_RANGES_MAX);
	at = begin(out, RECORD_CLAIM, (1 + 2 * (size_t)n) * NUMBER_MAX);
	if (!at)
		return -1;
	put_number(&at, ranges[0].first);
	put_number(&at, ranges[0].last - ranges[0].first);
	put_number(&at, synced);
	for (uint32_t i = 1; i < n; i++) {
		put_signed(&at, (int64_t)(ranges[i].first - ranges[i - 1].last));
		put_number(&at, ranges[i].last - ranges[i].first);
	}
	return finish(out, sequence, at);
}

int record_put_list(struct buf *out, uint32_t sequence, const unsigned char list[32])
{
	unsigned char *at = begin(out, RECORD_LIST, 32);

	if (!at)
		return -1;
	put_bytes(&at, list, 32);
	return finish(out, sequence, at);
}

int record_put_choice(struct buf *out, uint32_t sequence, struct span selection)
{
	unsigned char *at = begin(out, RECORD_CHOICE, selection.n + NUMBER_MAX);

	if (!at)
		return -1;
	put_text(&at, selection);
	return finish(out, sequence, at);
}

int record_put_lengths(struct buf *out, uint32_t sequence, enum record_type type, unsigned run,
		       const struct segment_length *lengths, size_t n)
{
	unsigned char *at;

	MUST(n <= RECORD_LENGTHS_MAX);
	at = begin(out, type, (1 + 2 * n) * NUMBER_MAX);
	if (!at)
		return -1;
	put_number(&at, run);
	for (size_t i = 0; i < n; i++) {
		put_number(&at, lengths[i].name.worker);
		put_number(&at, lengths[i].bytes);
	}
	return finish(out, sequence, at);
}

int record_put_rows(struct buf *out, uint32_t sequence, uint64_t rows)
{
	unsigned char *at = begin(out, RECORD_ROWS, NUMBER_MAX);

	if (!at)
		return -1;
	put_number(&at, rows);
	return finish(out, sequence, at);
}

int record_put_pardon(struct buf *out, uint32_t sequence, const struct record_pardon *p)
{
	unsigned char *at = begin(out, RECORD_PARDON, sizeof *p + 2 * NUMBER_MAX);

	if (!at)
		return -1;
	put_number(&at, p->run);
	put_str(&at, p->class);
	return finish(out, sequence, at);
}

int record_put_segment(struct buf *out, uint32_t sequence, const struct record_segment *s)
{
	unsigned char *at = begin(out, RECORD_SEGMENT, JOURNAL_SEED_SIZE + 2 * NUMBER_MAX);

	if (!at)
		return -1;
	put_bytes(&at, s->seed, sizeof s->seed);
	put_number(&at, s->run);
	put_number(&at, s->worker);
	return finish(out, sequence, at);
}

int record_put_begin(struct buf *out, uint32_t sequence, int64_t time_ms)
{
	unsigned char *at = begin(out, RECORD_BEGIN, NUMBER_MAX);

	if (!at)
		return -1;
	put_time(&at, time_ms);
	return finish(out, sequence, at);
}

int record_put_synced(struct buf *out, uint32_t sequence, uint64_t offset)
{
	unsigned char *at = begin(out, RECORD_SYNCED, NUMBER_MAX);

	if (!at)
		return -1;
	put_number(&at, offset);
	return finish(out, sequence, at);
}

/* An INTENT or a RESULT; that of a group has its other rows in front, so that a record says the same of all. */
static unsigned char *begin_mail(struct buf *out, enum record_type type, size_t body_max, uint32_t n_others,
				 const struct row_member *others)
{
	unsigned char *at;
	uint64_t before = 0;

	if (n_others == 0)
		return begin(out, type, body_max);
	MUST(n_others <= ROW_GROUP_MAX);
	at = begin(out, RECORD_GROUP, 1 + body_max + (1 + 2 * (size_t)n_others) * NUMBER_MAX);
	if (!at)
		return NULL;
	put_number(&at, n_others);
	for (uint32_t i = 0; i < n_others; i++) {
		put_number(&at, others[i].number - before);
		put_signed(&at, (int64_t)(others[i].line - others[i].number));
		before = others[i].number;
	}
	put_byte(&at, type);
	return at;
}

static inline struct span kept(struct span s, size_t most)
{
	return s.n <= most ? s : utf8_cut(s, most);
}

int record_put_intent(struct buf *out, uint32_t sequence, const struct journal_intent *i)
{
	struct span message_id = kept(i->message_id, MESSAGE_ID_KEPT);
	size_t need = (7 + i->n_recipients) * NUMBER_MAX + message_id.n;
	unsigned char *at;

	MUST(i->n_recipients <= JOURNAL_RECIPIENTS_MAX);
	for (uint32_t k = 0; k < i->n_recipients; k++)
		need += 1 + kept(i->recipients[k].address, ADDRESS_KEPT).n;
	at = begin_mail(out, RECORD_INTENT, need, i->n_others, i->others);
	if (!at)
		return -1;
	put_number(&at, i->row);
	put_number(&at, i->attempt);
	put_number(&at, i->of);
	put_number(&at, i->n_recipients);
	for (uint32_t k = 0; k < i->n_recipients; k++) {
		MUST(i->recipients[k].index < JOURNAL_RECIPIENTS_MAX);
		put_byte(&at, i->recipients[k].index);
	}
	put_time(&at, i->time_ms);
	put_signed(&at, (int64_t)(i->line - i->row));
	put_text(&at, message_id);
	for (uint32_t k = 0; k < i->n_recipients; k++)
		put_text(&at, kept(i->recipients[k].address, ADDRESS_KEPT));
	return finish(out, sequence, at);
}

/* Texts of a result as they are kept: cut to their bounds. */
struct result_texts {
	struct span address, message_id, relay, stage, queue_id, text;
};

static inline struct result_texts texts_of(const struct journal_result *r)
{
	const struct verdict *v = r->verdict;

	return (struct result_texts){ kept(r->recipient.address, ADDRESS_KEPT), kept(r->message_id, MESSAGE_ID_KEPT),
				      kept(r->relay, RELAY_KEPT), kept(span_str(v->stage), RECORD_STAGE_SIZE - 1),
				      span_str(v->queue_id), span_str(v->text) };
}

static inline size_t result_most(const struct result_texts *t)
{
	return 2 + 16 * NUMBER_MAX + t->message_id.n + t->relay.n + t->address.n + t->text.n + t->queue_id.n + t->stage.n;
}

static int put_result(struct buf *out, uint32_t sequence, unsigned char *at, const struct journal_result *r,
		      const struct result_texts *t, uint64_t claims)
{
	const struct verdict *v = r->verdict;

	MUST(r->recipient.index < JOURNAL_RECIPIENTS_MAX);
	put_number(&at, r->row);
	put_number(&at, r->attempt);
	put_number(&at, r->of);
	put_byte(&at, r->recipient.index);
	put_byte(&at, (unsigned)v->kind | (unsigned)v->scope << 4);
	put_number(&at, claims);
	put_time(&at, r->time_ms);
	put_signed(&at, (int64_t)(r->line - r->row));
	put_text(&at, t->address);
	put_text(&at, t->message_id);
	put_text(&at, t->relay);
	put_signed(&at, v->code);
	for (int k = 0; k < 3; k++)
		put_signed(&at, v->enhanced[k]);
	put_text(&at, t->stage);
	put_text(&at, t->queue_id);
	put_text(&at, t->text);
	return finish(out, sequence, at);
}

int record_put_result(struct buf *out, uint32_t sequence, const struct journal_result *r, uint64_t claims)
{
	struct result_texts t = texts_of(r);
	unsigned char *at = begin_mail(out, RECORD_RESULT, result_most(&t), r->n_others, r->others);

	return at ? put_result(out, sequence, at, r, &t, claims) : -1;
}

int record_put_gone(struct buf *out, uint32_t sequence, const struct journal_gone *g, const struct journal_result *r)
{
	struct result_texts t = texts_of(r);
	unsigned char *at = begin(out, RECORD_GONE, 1 + 3 * NUMBER_MAX + result_most(&t));

	if (!at)
		return -1;
	put_byte(&at, g->skipped);
	put_number(&at, g->column);
	put_number(&at, g->key[0]);
	put_number(&at, g->key[1]);
	return put_result(out, sequence, at, r, &t, 0);
}

bool record_head_is_sound(struct span bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;

	return bytes.n >= RECORD_HEAD && get_le16(p + 10) == head_check(p);
}

/* The CRC covers the head and its check: that is asked by itself only where the rest is not there. */
int record_take(struct span bytes, struct record *out)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t body;

	if (bytes.n < RECORD_HEAD)
		return 0;
	body = get_le16(p + 8);
	if (bytes.n < RECORD_HEAD + body)
		return record_head_is_sound(bytes) ? 0 : -1;
	if (body == 0 || get_le32(p) != crc32c(0, p + 4, RECORD_HEAD - 4 + body))
		return -1;
	out->type = (enum record_type)p[RECORD_HEAD];
	out->sequence = get_le32(p + 4);
	out->body = (struct span){ bytes.p + RECORD_HEAD + 1, body - 1 };
	out->others = (struct span){ NULL, 0 };
	out->size = RECORD_HEAD + body;
	return out->type == RECORD_GROUP && record_open_group(out) < 0 ? -1 : 1;
}
