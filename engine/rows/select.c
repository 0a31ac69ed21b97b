/* select.c - the choice of rows.
 *
 *  1. An answer depends on the list and the choice alone: hashes are keyed with constants, and a sample
 *     is the rows with the lowest ones, so that a larger sample has the smaller one in it.
 *  2. Two ways to write one choice have one text.
 * Held by tests/unit/test_rows_select.c and tests/system/test_choosing.py. */
#include "engine/rows/select.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/model/address.h"
#include "engine/rows/row_hash.h"
#include "engine/rows/rows.h"
#include "engine/rows/select_ranges.h"
#include "engine/rows/select_text.h"
#include "engine/rows/suppress.h"

enum { TEXT_ROWS_MAX = 600, BLOCK_ROWS = 512, SCRATCH = 16 << 10 };

static const struct hash_key sample_key = { 0x6c65747465727368, 0x6f702d73616d706c };
static const struct hash_key shard_key = { 0x6c65747465727368, 0x6f702d7368617264 };

struct drawn { /* a row of the sample */
	uint64_t hash, row;
};

struct selection {
	struct selection_options opt;
	struct ranges ranges;
	struct suppress *only; /* NULL: everybody */
	const char *only_path;
	uint64_t shard, shards; /* shards 0: no share */
	struct arena scratch;
	size_t at;             /* ranges before this one are behind us */
	uint64_t skipped, taken;
	struct drawn *sample;  /* sorted by row once it is drawn */
	size_t n_sample, sample_at;
	bool drawn;
	char *text;
};

/* ---- what was asked for ---- */

static int parse_shard(struct selection *s, const char *text, struct err *e)
{
	struct span rest = span_str(text), first = span_trim(span_cut(&rest, '/'));
	unsigned long long part, parts;

	rest = span_trim(rest);
	if (span_number(first, SELECT_SHARDS_MAX, &part) == 0 && span_number(rest, SELECT_SHARDS_MAX, &parts) == 0 &&
	    part >= 1 && part <= parts) {
		s->shard = part;
		s->shards = parts;
		return 0;
	}
	err_set(e, ERR_INPUT, "'%.*s' is no share of the list", SPAN_ARG(span_sub(span_str(text), 0, 60)));
	return err_hint(e, "a share is written as 2/5: the second of five");
}

/* An address when it looks like one and no file has that name. */
static int open_only(struct selection *s, struct err *e)
{
	s->only_path = s->opt.only;
	return suppress_open_one(&s->only, &s->only_path, e);
}

static int wants_address(const struct selection *s, const char *option, struct err *e)
{
	if (s->opt.address_column >= 0 || s->opt.address_name.n)
		return 0;
	err_set(e, ERR_INPUT, "--%s wants to know which column holds the address", option);
	return err_hint(e, "name it with --address-column");
}

static void add_line(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(out, "%s=", name);
	for (; *value; value++)
		buf_add_char(out, *value == '\n' ? ' ' : *value); /* a line each */
	buf_add_char(out, '\n');
}

static void add_number(struct buf *out, const char *name, uint64_t n)
{
	if (n)
		buf_addf(out, "%s=%llu\n", name, (unsigned long long)n);
}

/* What is too long for the journal is told by its hash. */
static void add_rows(const struct selection *s, struct buf *out)
{
	unsigned char sum[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	struct buf text;

	if (ranges_are_all(&s->ranges))
		return;
	buf_init(&text, SIZE_MAX / 2);
	ranges_write(&s->ranges, &text);
	if (text.n > TEXT_ROWS_MAX && digest_sha256(buf_span(&text), sum) == 0) {
		digest_hex(sum, sizeof sum, hex);
		buf_addf(out, "rows=SHA-256 %s\n", hex);
	} else {
		add_line(out, "rows", buf_str(&text));
	}
	out->failed |= text.failed;
	buf_release(&text);
}

static int write_text(struct selection *s, struct err *e)
{
	struct buf out;
	int rc = -1;

	buf_init(&out, 1 << 20);
	add_line(&out, s->opt.group_addresses ? select_group_lines[1] : select_group_lines[0], s->opt.group_by);
	add_rows(s, &out);
	add_line(&out, "only", s->opt.only);
	add_line(&out, "where", s->opt.where_text);
	if (s->shards)
		buf_addf(&out, "shard=%llu/%llu\n", (unsigned long long)s->shard, (unsigned long long)s->shards);
	add_number(&out, "skip", s->opt.skip);
	add_number(&out, "sample", s->opt.sample);
	add_number(&out, "limit", s->opt.limit);
	if (out.failed)
		err_nomem(e, "the choice of rows");
	else if (out.n >= SELECT_TEXT_MAX)
		err_set(e, ERR_INPUT, "the choice of rows takes more than %d characters to write down", SELECT_TEXT_MAX - 1);
	else
		rc = 0;
	s->text = rc == 0 ? mem_copy(buf_span(&out)) : NULL;
	buf_release(&out);
	if (rc == 0 && !s->text)
		return err_nomem(e, "the choice of rows");
	return rc;
}

static int understand(struct selection *s, struct err *e)
{
	const struct selection_options *o = &s->opt;

	if (o->rows && ranges_parse(&s->ranges, span_str(o->rows), e) < 0)
		return -1;
	if (o->only && (wants_address(s, "only", e) < 0 || open_only(s, e) < 0))
		return -1;
	if (o->shard && (parse_shard(s, o->shard, e) < 0 || (!o->group_by && wants_address(s, "shard", e) < 0)))
		return -1;
	return write_text(s, e);
}

int selection_new(struct selection **out, const struct selection_options *opt, struct err *e)
{
	struct selection *s = mem_new(sizeof *s);

	*out = NULL;
	if (!s)
		return err_nomem(e, "the choice of rows");
	s->opt = *opt;
	arena_init(&s->scratch, SCRATCH, SCRATCH * 64);
	if (understand(s, e) < 0) {
		selection_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void selection_free(struct selection **out)
{
	struct selection *s = *out;

	if (!s)
		return;
	ranges_release(&s->ranges);
	suppress_free(&s->only);
	arena_release(&s->scratch);
	mem_free(s->sample);
	mem_free(s->text);
	mem_free(s);
	*out = NULL;
}

/* ---- one row ---- */

/* As on the wire when it is one address, else what stands there; empty when there is none. */
static struct span address_of(struct selection *s, const struct row *row)
{
	struct span text = SPAN("");
	struct address a;
	struct err unused;

	if (s->opt.address_column >= 0 && (uint32_t)s->opt.address_column < row->n_cells) {
		text = row->cells[s->opt.address_column];
	} else if (row->object.kind == VALUE_OBJECT) {
		struct value v = value_member(row->object, s->opt.address_name);

		if (v.kind == VALUE_TEXT || v.kind == VALUE_CELL)
			text = value_span(v);
	}
	arena_reset(&s->scratch);
	return address_parse(text, &s->scratch, &a, &unused) < 0 ? span_trim(text) : a.path;
}

/* Any of its addresses, however many stand there. */
static bool is_listed(struct selection *s, const struct row *row)
{
	char reason[SUPPRESS_REASON_MAX];
	struct span text = address_of(s, row);
	struct address_list list;
	struct err unused;

	if (suppress_has(s->only, text, reason))
		return true;
	if (!memchr(text.p, ',', text.n) || address_parse_list(text, &s->scratch, &list, &unused) < 0)
		return false;
	for (uint32_t i = 0; i < list.n; i++)
		if (suppress_has(s->only, list.items[i].path, reason))
			return true;
	return false;
}

static bool is_our_share(struct selection *s, const struct row *row)
{
	char number[8], lower[ADDRESS_PATH_MAX];
	struct span key = s->opt.group_by && s->opt.address_column < 0 ? span_trim(row->cells[s->opt.group_column])
								       : address_of(s, row);

	if (key.n == 0 || key.n > sizeof lower) {
		memcpy(number, &row->number, sizeof number);
		key = span_of(number, sizeof number);
	} else {
		for (size_t i = 0; i < key.n; i++)
			lower[i] = key.p[i] >= 'A' && key.p[i] <= 'Z' ? (char)(key.p[i] | 0x20) : key.p[i];
		key.p = lower;
	}
	return hash_span(shard_key, key) % s->shards == s->shard - 1;
}

/* The condition's answer. A row of which it cannot be told is not left out in silence: it takes part as one
 * with a problem, so that it is shown, stops the run or is skipped like any other such row. */
static enum select_answer meets_condition(struct selection *s, struct row *row, struct arena *memory, struct err *e)
{
	struct err why = { 0 };
	int rc = s->opt.where(s->opt.where_ctx, row, &why), ok = 1;

	if (rc >= 0)
		return rc ? SELECT_YES : SELECT_NO;
	if (why.kind != ERR_INPUT) {
		*e = why;
		return SELECT_BROKEN;
	}
	if (row->problem.n == 0)
		row->problem = arena_copy(memory, span_str(why.text), &ok);
	if (ok)
		return SELECT_YES;
	err_nomem(e, "the choice of rows");
	return SELECT_BROKEN;
}

/* What can be said of a row of the list by itself. */
static enum select_answer fits_itself(struct selection *s, struct row *row, struct arena *memory, struct err *e)
{
	while (s->at < s->ranges.n && s->ranges.items[s->at].last < row->number)
		s->at++;
	if (s->ranges.n > 0 && s->at == s->ranges.n)
		return SELECT_END;
	if (s->ranges.n > 0 && row->number < s->ranges.items[s->at].first)
		return SELECT_NO;
	if (s->only && !is_listed(s, row))
		return SELECT_NO;
	return s->opt.where ? meets_condition(s, row, memory, e) : SELECT_YES;
}

int selection_takes(void *ctx, struct row *row, struct arena *memory, struct err *e)
{
	enum select_answer answer = fits_itself(ctx, row, memory, e);

	return answer == SELECT_BROKEN ? -1 : answer == SELECT_YES;
}

int selection_judge(void *ctx, struct row *row, struct arena *memory, struct err *e)
{
	struct selection *s = ctx;

	return s->opt.where && meets_condition(s, row, memory, e) == SELECT_BROKEN ? -1 : 0;
}

/* All that comes before skip, sample and limit. */
static enum select_answer fits(struct selection *s, struct row *row, struct arena *memory, struct err *e)
{
	enum select_answer answer = s->opt.group_by ? SELECT_YES : fits_itself(s, row, memory, e);

	return answer == SELECT_YES && s->shards && !is_our_share(s, row) ? SELECT_NO : answer;
}

static enum select_answer after_skip(struct selection *s, struct row *row, struct arena *memory, struct err *e)
{
	enum select_answer answer = fits(s, row, memory, e);

	if (answer != SELECT_YES || s->skipped == s->opt.skip)
		return answer;
	s->skipped++;
	return SELECT_NO;
}

/* Rows of the sample say yes; the other questions were answered when it was drawn, and what is wrong with a
 * row is asked again. */
static enum select_answer in_sample(struct selection *s, struct row *row, struct arena *memory, struct err *e)
{
	while (s->sample_at < s->n_sample && s->sample[s->sample_at].row < row->number)
		s->sample_at++;
	if (s->sample_at == s->n_sample)
		return SELECT_END;
	if (s->sample[s->sample_at].row != row->number)
		return SELECT_NO;
	if (!s->opt.group_by && selection_judge(s, row, memory, e) < 0)
		return SELECT_BROKEN;
	return SELECT_YES;
}

enum select_answer selection_wants(struct selection *s, struct row *row, struct arena *memory, struct err *e)
{
	enum select_answer answer;

	if (s->opt.limit > 0 && s->taken == s->opt.limit)
		return SELECT_END;
	answer = s->drawn ? in_sample(s, row, memory, e) : after_skip(s, row, memory, e);
	s->taken += answer == SELECT_YES;
	return answer;
}

void selection_rewind(struct selection *s)
{
	s->at = s->sample_at = 0;
	s->taken = s->skipped = 0;
}

/* ---- a sample ---- */

static bool is_above(const struct drawn *a, const struct drawn *b)
{
	return a->hash != b->hash ? a->hash > b->hash : a->row > b->row;
}

/* The heap's top is its highest: it leaves for a lower one. */
static void sink(struct drawn *heap, size_t n, size_t at)
{
	for (;;) {
		size_t high = at, left = 2 * at + 1;
		struct drawn moved = heap[at];

		if (left < n && is_above(&heap[left], &heap[high]))
			high = left;
		if (left + 1 < n && is_above(&heap[left + 1], &heap[high]))
			high = left + 1;
		if (high == at)
			return;
		heap[at] = heap[high];
		heap[high] = moved;
		at = high;
	}
}

static void rise(struct drawn *heap, size_t at)
{
	while (at > 0 && is_above(&heap[at], &heap[(at - 1) / 2])) {
		struct drawn moved = heap[at];

		heap[at] = heap[(at - 1) / 2];
		heap[(at - 1) / 2] = moved;
		at = (at - 1) / 2;
	}
}

static int draw(struct selection *s, const struct row *row, size_t *room, struct err *e)
{
	struct drawn d = { row_hash(sample_key, row) ^ row->number * 0x9e3779b97f4a7c15u, row->number };

	if (s->n_sample == s->opt.sample) {
		if (is_above(&s->sample[0], &d)) {
			s->sample[0] = d;
			sink(s->sample, s->n_sample, 0);
		}
		return 0;
	}
	if (s->n_sample == *room) {
		size_t more = *room ? 2 * *room : 64;
		struct drawn *grown = mem_grow(s->sample, more * sizeof *grown);

		if (!grown)
			return err_nomem(e, "the sample");
		s->sample = grown;
		*room = more;
	}
	s->sample[s->n_sample] = d;
	rise(s->sample, s->n_sample++);
	return 0;
}

static int by_row(const void *a, const void *b)
{
	const struct drawn *x = a, *y = b;

	return (x->row > y->row) - (x->row < y->row);
}

static int draw_all(struct selection *s, struct rows *list, struct row_block *block, struct err *e)
{
	enum select_answer answer = SELECT_NO;
	size_t room = 0;
	int rc;

	while (answer != SELECT_END && (rc = rows_read(list, block, BLOCK_ROWS, e)) == 1) {
		for (uint32_t i = 0; i < block->n && answer != SELECT_END; i++) {
			answer = after_skip(s, &block->rows[i], &block->memory, e);
			if (answer == SELECT_BROKEN || (answer == SELECT_YES && draw(s, &block->rows[i], &room, e) < 0))
				return -1;
		}
		row_block_reset(block);
	}
	return answer != SELECT_END && rc < 0 ? -1 : 0;
}

int selection_prepare(struct selection *s, const struct rows *of, struct err *e)
{
	struct row_block *block = NULL;
	struct rows *list = NULL;
	int rc = -1;

	if (s->opt.sample == 0 || s->drawn)
		return 0;
	if (row_block_new(&block, BLOCK_ROWS) < 0)
		err_nomem(e, "the sample");
	else if (rows_share(&list, of, e) == 0)
		rc = draw_all(s, list, block, e);
	rows_close(&list);
	row_block_free(&block);
	if (rc < 0)
		return -1;
	if (s->n_sample > 1)
		qsort(s->sample, s->n_sample, sizeof *s->sample, by_row);
	s->drawn = true;
	selection_rewind(s);
	return 0;
}

const char *selection_text(const struct selection *s)
{
	return s->text;
}
