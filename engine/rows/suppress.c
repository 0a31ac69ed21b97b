/* suppress.c - a hash table of lower-case addresses and domains, replaced as a whole.
 *
 *  1. Whoever asks sees the old table or the new one, never half of either.
 *  2. Keys compare byte by byte: a hash alone never keeps a message from anybody.
 * Held by tests/unit/test_rows_suppress.c. */
#include "engine/rows/suppress.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"
#include "engine/rows/rows.h"

enum {
	FIRST_SLOTS = 256,
	BLOCK_ROWS = 256,
	CHUNK = 64 << 10,
	SHOWN = 80,
	KEY_MAX = ADDRESS_PATH_MAX + 2,
	MEMORY_BITS = 33 /* 8 GiB: a hundred million addresses */
};

struct entry {
	struct span key, reason; /* lower-case address, or @domain; key.p NULL: free */
};

struct table {
	struct arena memory;
	struct hash_key key;
	struct entry *entries;
	size_t slots, n; /* slots: a power of two */
};

struct suppress {
	const char *const *paths;
	uint32_t n_paths;
	bool hidden_too;
	pthread_rwlock_t lock; /* guards table */
	struct table *table;
};

/* ---- the table ---- */

static void table_free(struct table *t)
{
	if (!t)
		return;
	arena_release(&t->memory);
	mem_free(t->entries);
	mem_free(t);
}

static struct table *table_new(struct err *e)
{
	struct table *t = mem_new(sizeof *t);

	if (!t) {
		err_nomem(e, "the suppression list");
		return NULL;
	}
	arena_init(&t->memory, CHUNK, (size_t)1 << MEMORY_BITS);
	t->slots = FIRST_SLOTS;
	t->entries = mem_array(t->slots, sizeof *t->entries);
	if (!t->entries || rng_secret(&t->key, sizeof t->key, e) < 0) {
		if (!t->entries)
			err_nomem(e, "the suppression list");
		table_free(t);
		return NULL;
	}
	return t;
}

static struct entry *find(struct entry *entries, size_t slots, struct hash_key key, struct span what)
{
	size_t at = hash_span(key, what) & (slots - 1);

	while (entries[at].key.p && !span_eq(entries[at].key, what))
		at = (at + 1) & (slots - 1);
	return &entries[at];
}

static int grow(struct table *t)
{
	struct entry *more = mem_array(2 * t->slots, sizeof *more);

	if (!more)
		return -1;
	for (size_t i = 0; i < t->slots; i++)
		if (t->entries[i].key.p)
			*find(more, 2 * t->slots, t->key, t->entries[i].key) = t->entries[i];
	mem_free(t->entries);
	t->entries = more;
	t->slots *= 2;
	return 0;
}

/* The first reason stays. */
static int put(struct table *t, struct span key, struct span reason)
{
	struct entry *slot;
	int ok, fine;

	if (2 * t->n >= t->slots && grow(t) < 0)
		return -1;
	slot = find(t->entries, t->slots, t->key, key);
	if (slot->key.p)
		return 0;
	slot->key = arena_copy(&t->memory, key, &ok);
	slot->reason = arena_copy(&t->memory, utf8_cut(reason, SUPPRESS_REASON_MAX - 1), &fine);
	if (!ok || !fine) {
		*slot = (struct entry){ 0 };
		return -1;
	}
	t->n++;
	return 0;
}

static struct span lower(struct span s, char *out)
{
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
	return span_of(out, s.n);
}

/* ---- files ---- */

struct reading {
	struct table *table;
	struct arena scratch;
	const char *path;
	int address, reason; /* columns; -1: none */
};

/* One address, or @domain. */
static int take(struct reading *r, struct span text, struct span reason, uint64_t line, struct err *e)
{
	char key[KEY_MAX], whole[ADDRESS_DOMAIN_MAX + 8];
	struct err why = { 0 };
	struct address a;
	struct span domain;
	int n;

	text = span_trim(text);
	if (text.n == 0 || text.p[0] == '#')
		return 0;
	arena_reset(&r->scratch);
	domain = text.p[0] == '@' ? text : SPAN("");
	n = snprintf(whole, sizeof whole, "x%.*s", SPAN_ARG(span_sub(domain, 0, ADDRESS_DOMAIN_MAX + 1)));
	if (address_parse(domain.n ? span_of(whole, (size_t)n) : text, &r->scratch, &a, &why) < 0) {
		if (why.kind == ERR_NOMEM)
			return err_nomem(e, "the suppression list");
		err_set(e, ERR_INPUT, "'%.*s' is no address and no @domain", SPAN_ARG(span_sub(text, 0, SHOWN)));
		err_at(e, r->path, line, 0);
		return err_hint(e, "%s", why.text);
	}
	text = lower(domain.n ? span_skip(a.path, 1) : a.path, key);
	return put(r->table, text, span_trim(reason)) < 0 ? err_nomem(e, "the suppression list") : 0;
}

static int find_columns(struct reading *r, const struct columns *columns, struct err *e)
{
	static const char *const names[] = { "email", "e-mail", "address", "recipient", "mail" };
	struct span first = columns->n ? columns->names[0] : SPAN("");

	r->reason = columns_find(columns, SPAN("reason"));
	if (r->reason < 0) /* a file of failed rows */
		r->reason = columns_find(columns, SPAN("mail_reason"));
	r->address = -1;
	for (size_t i = 0; i < sizeof names / sizeof *names && r->address < 0; i++)
		r->address = columns_find(columns, span_str(names[i]));
	if (r->address >= 0)
		return 0;
	if (span_find(first, '@') < first.n || (first.n && first.p[0] == '#')) { /* no header: the first line is one */
		r->address = 0;
		r->reason = columns->n > 1 ? 1 : -1;
		return take(r, first, columns->n > 1 ? columns->names[1] : SPAN(""), 1, e);
	}
	err_set(e, ERR_INPUT, "a suppression list wants a column 'email', or one address or @domain a line");
	return err_at(e, r->path, 1, 0);
}

static size_t count_ats(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '@';
	return n;
}

/* A line that is no proper record may still say all that matters. */
static int take_row(struct reading *r, const struct row *row, struct err *e)
{
	struct span address = row->cells[r->address], reason = SPAN(""), raw = span_trim(row->raw);

	if (raw.n > 0 && raw.p[0] == '#')
		return 0;
	if (row->problem.n && (span_trim(address).n == 0 || count_ats(raw) > count_ats(address))) {
		err_set(e, ERR_INPUT, "this line of the suppression list cannot be read: %.*s", SPAN_ARG(row->problem));
		err_hint(e, "mend it: an opt-out that is not understood must not pass for one that is not there");
		return err_at(e, r->path, row->line, 0);
	}
	if (r->reason >= 0)
		reason = row->cells[r->reason];
	return take(r, address, reason, row->line, e);
}

static int take_rows(struct reading *r, struct rows *list, struct row_block *block, struct err *e)
{
	int rc;

	while ((rc = rows_read(list, block, BLOCK_ROWS, e)) == 1) {
		for (uint32_t i = 0; i < block->n; i++)
			if (take_row(r, &block->rows[i], e) < 0)
				return -1;
		row_block_reset(block);
	}
	return rc;
}

static bool is_empty_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static int read_file(struct table *t, const char *path, bool hidden_too, struct finding_sink *sink, struct err *e)
{
	struct reading r = { .table = t, .path = path };
	struct rows_options opt = { .path = path, .ways = { .hidden_too = hidden_too } };
	struct row_block *block = NULL;
	struct rows *list = NULL;
	int rc = -1;

	if (is_empty_file(path)) /* nobody opted out yet */
		return 0;
	arena_init(&r.scratch, CHUNK, CHUNK * 16);
	if (strcmp(path, "-") == 0)
		err_set(e, ERR_INPUT, "a suppression list is read again: it wants a file, not standard input");
	else if (rows_open(&list, &opt, e) == 0) {
		if (sink)
			rows_tell(list, sink);
		if (row_block_new(&block, BLOCK_ROWS) < 0)
			err_nomem(e, "the suppression list");
		else if (find_columns(&r, rows_columns(list), e) == 0)
			rc = take_rows(&r, list, block, e);
	}
	row_block_free(&block);
	rows_close(&list);
	arena_release(&r.scratch);
	return rc;
}

/* ---- the front ---- */

static struct table *read_all(const struct suppress *s, struct finding_sink *sink, struct err *e)
{
	struct table *t = table_new(e);

	for (uint32_t i = 0; t && i < s->n_paths; i++)
		if (read_file(t, s->paths[i], s->hidden_too, sink, e) < 0) {
			table_free(t);
			t = NULL;
		}
	return t;
}

static int open_all(struct suppress **out, const char *const *paths, uint32_t n, bool hidden_too,
		    struct finding_sink *sink, struct err *e)
{
	struct suppress *s = mem_new(sizeof *s);

	*out = NULL;
	if (!s)
		return err_nomem(e, "the suppression list");
	s->paths = paths;
	s->n_paths = n;
	s->hidden_too = hidden_too;
	pthread_rwlock_init(&s->lock, NULL);
	s->table = read_all(s, sink, e);
	if (!s->table) {
		suppress_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

int suppress_open(struct suppress **out, const char *const *paths, uint32_t n, struct finding_sink *sink,
		  struct err *e)
{
	return open_all(out, paths, n, true, sink, e);
}

static bool is_address(const char *text)
{
	return strchr(text, '@') && access(text, F_OK) < 0;
}

int suppress_open_one(struct suppress **out, const char *const *path, struct err *e)
{
	struct reading r = { .path = *path };
	int rc;

	if (!is_address(*path))
		return open_all(out, path, 1, false, NULL, e);
	if (open_all(out, path, 0, false, NULL, e) < 0 || !*out)
		return -1;
	r.table = (*out)->table;
	arena_init(&r.scratch, CHUNK, CHUNK * 16);
	rc = take(&r, span_str(*path), SPAN(""), 0, e);
	arena_release(&r.scratch);
	if (rc < 0)
		suppress_free(out);
	return rc;
}

void suppress_free(struct suppress **out)
{
	struct suppress *s = *out;

	if (!s)
		return;
	table_free(s->table);
	pthread_rwlock_destroy(&s->lock);
	mem_free(s);
	*out = NULL;
}

int suppress_reload(struct suppress *s, struct err *e)
{
	struct table *t = read_all(s, NULL, e), *old;

	if (!t)
		return -1;
	pthread_rwlock_wrlock(&s->lock);
	old = s->table;
	s->table = t;
	pthread_rwlock_unlock(&s->lock);
	table_free(old);
	return 0;
}

static const struct entry *look(const struct table *t, struct span key)
{
	const struct entry *found = find(t->entries, t->slots, t->key, key);

	return found->key.p ? found : NULL;
}

bool suppress_has(struct suppress *s, struct span address, char reason[SUPPRESS_REASON_MAX])
{
	char text[KEY_MAX];
	const struct entry *found;
	struct span key;
	size_t at;

	if (!s || address.n > sizeof text)
		return false;
	key = lower(address, text);
	for (at = key.n; at > 0 && key.p[at - 1] != '@'; at--)
		;
	pthread_rwlock_rdlock(&s->lock);
	found = look(s->table, key);
	if (!found && at > 0)
		found = look(s->table, span_skip(key, at - 1));
	if (found)
		snprintf(reason, SUPPRESS_REASON_MAX, "%.*s", SPAN_ARG(found->reason));
	pthread_rwlock_unlock(&s->lock);
	return found != NULL;
}

uint64_t suppress_count(struct suppress *s)
{
	uint64_t n;

	pthread_rwlock_rdlock(&s->lock);
	n = s->table->n;
	pthread_rwlock_unlock(&s->lock);
	return n;
}
