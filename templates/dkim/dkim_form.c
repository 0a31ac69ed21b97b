/* dkim_form.c - the text of a DKIM-Signature field (RFC 6376 3.5) and its relaxed form.
 *
 *  1. What a verifier relaxes is what we relaxed: both go through dkim_field_relax() when the field is laid
 *     out; filling it in puts the same octets into both.
 *  2. A field is laid out anew when its h= or the length of its time changes, so that a filled one is
 *     always what laying it out would give.
 * Held by tests/unit/test_dkim_sign.c. */
#include "templates/dkim/dkim_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/digest.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "templates/dkim/dkim_key.h"

enum {
	FOLD_COLUMN = 76,
	TAGS_MAX = 320, /* octets of tags but s=, d=, h=, b= */
	HASH_BASE64 = 44,
	SIGNATURE_BASE64 = 4 * ((DKIM_SIGNATURE_MAX + 2) / 3) + 1,
	TIME_SIZE = 24
};

void dkim_form_init(struct dkim_form *f, const char *algorithm, const char *canon, struct span domain,
		    struct span selector)
{
	*f = (struct dkim_form){ .algorithm = algorithm, .canon = canon, .domain = domain, .selector = selector };
}

void dkim_form_release(struct dkim_form *f)
{
	mem_free(f->field.p);
	mem_free(f->canonical.p);
	mem_free(f->entries);
	*f = (struct dkim_form){ 0 };
}

size_t dkim_form_size(const struct dkim_form *f, uint32_t n_choices)
{
	return TAGS_MAX + f->selector.n + f->domain.n + (size_t)n_choices * 32 + 2 * SIGNATURE_BASE64;
}

/* ---- writing with folds ---- */

/* Appends s, on a new line when it does not fit this one. */
static void put(struct dkim_text *t, struct span s)
{
	if (t->column > 1 && t->column + s.n > FOLD_COLUMN) {
		while (t->n > 0 && t->p[t->n - 1] == ' ')
			t->n--;
		MUST(t->cap - t->n >= 3);
		memcpy(t->p + t->n, "\r\n ", 3);
		t->n += 3;
		t->column = 1;
	}
	MUST(t->cap - t->n >= s.n);
	memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
	t->column += s.n;
}

static void put_str(struct dkim_text *t, const char *s)
{
	put(t, span_str(s));
}

/* Two texts that must not be parted. */
static void put_tag(struct dkim_text *t, const char *tag, struct span value, const char *end)
{
	if (t->column > 1 && t->column + strlen(tag) + value.n + strlen(end) > FOLD_COLUMN)
		t->column = FOLD_COLUMN; /* fold before the tag */
	put_str(t, tag);
	for (size_t i = 0; i < value.n; i += FOLD_COLUMN) /* a long value may be longer than a line */
		put(t, span_sub(value, i, FOLD_COLUMN));
	put_str(t, end);
}

static void put_names(struct dkim_text *t, const struct dkim_choice *choices, uint32_t n)
{
	char entry[64];

	put_str(t, "h=");
	for (uint32_t i = 0; i < n; i++) {
		snprintf(entry, sizeof entry, "%s%s", choices[i].name, i + 1 < n ? ":" : "; ");
		put_str(t, entry);
	}
}

/* All but the signature itself; "b=" ends it. */
static void put_tags(const struct dkim_form *f, struct dkim_text *t, struct span time, const struct dkim_choice *choices,
		     uint32_t n, struct span body_hash)
{
	put(t, SPAN("DKIM-Signature: v=1; "));
	put_tag(t, "a=", span_str(f->algorithm), "; ");
	put_tag(t, "c=", span_str(f->canon), "; ");
	put_tag(t, "d=", f->domain, "; ");
	put_tag(t, "s=", f->selector, "; ");
	put_tag(t, "t=", time, "; ");
	put_names(t, choices, n);
	put_tag(t, "bh=", body_hash, "; ");
	put(t, SPAN("b="));
}

/* ---- layout ---- */

static bool is_laid_out(const struct dkim_form *f, const struct dkim_choice *choices, uint32_t n, size_t time_n)
{
	if (!f->field.p || f->n_entries != n || f->time_n != time_n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (f->entries[i] != choices[i].name) /* names are static: the same one is at the same place */
			return false;
	}
	return true;
}

/* Grows *p to n items of size; what it held need not be kept. */
static int make_room(void **p, size_t *cap, size_t n, size_t size)
{
	if (*cap >= n)
		return 0;
	mem_free(*p);
	*p = mem_array(n, size);
	*cap = *p ? n : 0;
	return *p ? 0 : -1;
}

static int keep(struct dkim_layout *l, struct span text, size_t time_n)
{
	void *p = l->p;
	int rc = make_room(&p, &l->cap, text.n, 1);

	l->p = p;
	if (rc < 0)
		return -1;
	memcpy(l->p, text.p, text.n);
	l->n = text.n;
	l->time = span_search(text, SPAN(" t=")) + 3;
	l->hash = span_search(text, SPAN(" bh=")) + 4;
	MUST(l->time + time_n < l->hash && l->hash + HASH_BASE64 < l->n);
	return 0;
}

static int keep_entries(struct dkim_form *f, const struct dkim_choice *choices, uint32_t n)
{
	void *p = f->entries;
	int rc = make_room(&p, &f->cap_entries, n, sizeof *f->entries);

	f->entries = p;
	f->n_entries = rc < 0 ? 0 : n;
	for (uint32_t i = 0; i < f->n_entries; i++)
		f->entries[i] = choices[i].name;
	return rc;
}

static int lay_out(struct dkim_form *f, const struct dkim_choice *choices, uint32_t n, struct span time,
		   struct span body_hash, struct arena *a)
{
	struct dkim_text t = { .cap = dkim_form_size(f, n) };
	struct span name, relaxed;

	t.p = arena_take(a, t.cap);
	if (!t.p)
		return -1;
	put_tags(f, &t, time, choices, n, body_hash);
	relaxed = dkim_field_relax(span_of(t.p, t.n), a, &name);
	f->time_n = 0; /* until all of it is there */
	f->column = t.column;
	if (!relaxed.p || keep(&f->field, span_of(t.p, t.n), time.n) < 0 ||
	    keep(&f->canonical, span_sub(relaxed, 0, relaxed.n - 2), time.n) < 0 || /* without its CRLF: 3.7 */
	    keep_entries(f, choices, n) < 0)
		return -1;
	f->time_n = time.n;
	return 0;
}

static void fill(struct dkim_layout *l, struct span time, struct span body_hash)
{
	memcpy(l->p + l->time, time.p, time.n);
	memcpy(l->p + l->hash, body_hash.p, HASH_BASE64);
}

static struct span decimal(int64_t v, char out[TIME_SIZE])
{
	size_t at = TIME_SIZE;

	do {
		out[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return span_of(out + at, TIME_SIZE - at);
}

int dkim_form_fill(struct dkim_form *f, const struct dkim_choice *choices, uint32_t n, int64_t wall_ms,
		   const char *body_hash, struct arena *a)
{
	char digits[TIME_SIZE];
	struct span time = decimal(wall_ms > 0 ? wall_ms / 1000 : 0, digits), hash = span_of(body_hash, HASH_BASE64);

	if (!is_laid_out(f, choices, n, time.n) && lay_out(f, choices, n, time, hash, a) < 0)
		return -1;
	fill(&f->field, time, hash);
	fill(&f->canonical, time, hash);
	f->relaxed = span_of(f->canonical.p, f->canonical.n);
	return 0;
}

/* ---- the signature ---- */

static void put_signature(struct dkim_text *t, const unsigned char *signature, size_t n)
{
	char text[SIGNATURE_BASE64 + 1];
	struct span rest = span_of(text, dkim_base64(signature, n, text));

	while (rest.n > 0) {
		size_t room = t->column < FOLD_COLUMN ? FOLD_COLUMN - t->column : 0;

		if (room == 0)
			room = FOLD_COLUMN - 1;
		put(t, span_sub(rest, 0, room));
		rest = span_skip(rest, room);
	}
}

void dkim_form_put(const struct dkim_form *f, const unsigned char *signature, size_t n, struct dkim_text *t)
{
	MUST(t->cap - t->n >= f->field.n);
	memcpy(t->p + t->n, f->field.p, f->field.n);
	t->n += f->field.n;
	t->column = f->column;
	put_signature(t, signature, n);
	memcpy(t->p + t->n, "\r\n", 2); /* dkim_form_size() has room */
	t->n += 2;
}
