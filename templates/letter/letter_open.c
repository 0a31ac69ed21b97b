/* letter_open.c - a letter's life: read, compiled in steps, digested, freed.
 *
 * The steps, in this order: cut the file (letter_source.c), header fields and control headers
 * (letter_compile_fields.c), bodies and files (letter_compile_parts.c, letter_multipart.c), who
 * signs (letter_compile_sign.c), the message program (letter_structure.c). Everything is const afterwards. */
#include "templates/letter/letter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/bytes.h"
#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "templates/dkim/dkim.h"
#include "templates/dkim/smime.h"
#include "templates/letter/letter_compile.h"
#include "templates/letter/letter_file.h"
#include "templates/letter/letter_filters.h"
#include "templates/letter/letter_mailbox.h"
#include "templates/mime/mime_header.h"

enum {
	MEMORY_CHUNK = 1 << 16,
	SOURCE_MAX = 64 << 20,
	MESSAGE_MAX = 50 << 20
};

const struct span letter_specials[LETTER_SPECIALS] = { { "row", 3 }, { "token", 5 } };

/* ---- findings and digest ---- */

static void watch_report(struct finding_sink *self, const struct finding *f)
{
	struct letter_watch *w = (struct letter_watch *)(void *)self;

	if (f->level == FINDING_ERROR && w->first.kind == ERR_NONE) {
		err_set(&w->first, ERR_INPUT, "%s", f->text);
		err_at(&w->first, f->path, f->line, f->column);
		if (f->hint[0])
			err_hint(&w->first, "%s", f->hint);
	}
	if (w->to)
		finding_report(w->to, f);
}

void letter_mistake(struct letter_compile *c, const char *kind, uint64_t line, uint64_t column, const char *hint,
		    const char *fmt, ...)
{
	char text[FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	finding_say(&c->watch.sink, FINDING_ERROR, kind, c->l->path, line, column, hint, "%s", text);
}

void letter_warning(struct letter_compile *c, const char *kind, const char *path, uint64_t line, uint64_t column,
		    const char *hint, const char *fmt, ...)
{
	char text[FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	finding_say(&c->watch.sink, FINDING_WARNING, kind, path, line, column, hint, "%s", text);
}

static void digest_sized(struct letter_compile *c, struct span s)
{
	char n[8];

	put_le64(n, s.n);
	digest_add(c->digest, span_of(n, sizeof n));
	digest_add(c->digest, s);
}

void letter_digest_add(struct letter_compile *c, const char *name, struct span content)
{
	digest_sized(c, span_str(name));
	digest_sized(c, content);
}

static void digest_value(struct letter_compile *c, struct value v)
{
	char head[9] = { (char)v.kind };

	put_le64(head + 1, v.kind == VALUE_INT ? (uint64_t)v.i : v.kind == VALUE_BOOL ? v.b : v.n);
	letter_digest_add(c, "value", span_of(head, sizeof head));
	if (v.kind == VALUE_TEXT || v.kind == VALUE_CELL)
		digest_sized(c, value_span(v));
	for (uint32_t i = 0; i < v.n && v.kind == VALUE_ARRAY; i++)
		digest_value(c, v.items[i]);
	for (uint32_t i = 0; i < v.n && v.kind == VALUE_OBJECT; i++) {
		digest_sized(c, v.members[i].key);
		digest_value(c, v.members[i].value);
	}
}

static void digest_options(struct letter_compile *c)
{
	const struct letter_options *opt = &c->l->opt;

	letter_digest_add(c, "address column", span_str(opt->address_column));
	letter_digest_add(c, "envelope from", span_str(opt->envelope_from));
	letter_digest_add(c, "charset", span_str(opt->ways.charset));
	if (opt->ways.bulk)
		letter_digest_add(c, "bulk", SPAN("yes"));
	for (uint32_t i = 0; i < opt->n_vars; i++) {
		letter_digest_add(c, "var", opt->vars[i].key);
		digest_value(c, opt->vars[i].value);
	}
}

/* ---- reading ---- */

static int open_folder(struct letter *l, struct err *e)
{
	const char *slash = strrchr(l->path, '/');
	const char *folder = "."; /* also of standard input */

	if (slash) {
		folder = slash == l->path ? "/" : arena_str(&l->memory, span_of(l->path, (size_t)(slash - l->path)));
		if (!folder)
			return err_nomem(e, "the letter");
	}
	l->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return l->folder < 0 ? err_sys(e, "cannot open the letter's folder '%s'", folder) : 0;
}

/* Clean text, or 1 and a finding when it is no UTF-8. */
static int clean_text(struct letter_compile *c, struct span bytes, const char *path, struct span *out)
{
	size_t bad = utf8_bad(bytes);
	uint64_t line, column;

	if (bad < bytes.n) {
		letter_source_place(bytes, bad, &line, &column);
		finding_say(&c->watch.sink, FINDING_ERROR, "not UTF-8", path, line, column,
			    "save the file as UTF-8, for instance: iconv -f windows-1252 -t utf-8",
			    "a byte (0x%02x) that is not UTF-8", (unsigned char)bytes.p[bad]);
		return 1;
	}
	bad = span_find(bytes, '\0');
	if (bad < bytes.n) {
		letter_source_place(bytes, bad, &line, &column);
		finding_say(&c->watch.sink, FINDING_ERROR, "NUL byte", path, line, column,
			    "save the file as plain text in UTF-8", "a NUL byte, which no message may have");
		return 1;
	}
	*out = letter_source_clean(bytes, &c->l->memory);
	return out->p ? 0 : err_nomem(c->e, "the letter");
}

const char *letter_beside(struct letter *l, struct span name)
{
	const char *slash = strrchr(l->path, '/');
	size_t n = slash && name.n > 0 && name.p[0] != '/' ? (size_t)(slash + 1 - l->path) : 0;
	char *p = arena_take(&l->memory, n + name.n + 1);

	if (!p)
		return NULL;
	memcpy(p, l->path, n);
	memcpy(p + n, name.p, name.n);
	p[n + name.n] = '\0';
	return p;
}

int letter_read_text(struct letter_compile *c, struct span name, const struct letter_header *from, struct span *text,
		     const char **path)
{
	struct span bytes;
	struct err e = { 0 };

	*path = letter_beside(c->l, name);
	if (!*path)
		return err_nomem(c->e, "the letter");
	if (letter_file_read(c->l->folder, name, FILE_BY_AUTHOR, SOURCE_MAX, &c->l->memory, &bytes, &e) < 0) {
		if (e.kind == ERR_NOMEM)
			return err_nomem(c->e, "the letter");
		letter_mistake(c, "missing file", from->line, from->column, NULL, "%s", e.text);
		return 1;
	}
	digest_sized(c, name);
	digest_sized(c, bytes);
	return clean_text(c, bytes, *path, text);
}

static int read_letter(struct letter_compile *c, struct span *text)
{
	struct buf b;
	int ok, rc = -1;
	struct span bytes;

	buf_init(&b, SOURCE_MAX);
	if (file_read(c->l->path, &b, c->e) == 0) {
		bytes = arena_copy(&c->l->memory, buf_span(&b), &ok);
		rc = ok ? 0 : err_nomem(c->e, "the letter");
	}
	buf_release(&b);
	if (rc < 0)
		return -1;
	letter_digest_add(c, "letter", bytes);
	return clean_text(c, bytes, c->l->path, text);
}

/* ---- templates ---- */

/* Reads the partial called name, with or without the extension that others give theirs. */
static int find_partial(struct letter_compile *c, struct span name, char *file, size_t size, struct span *bytes,
			struct err *e)
{
	static const struct {
		const char *before, *after;
	} forms[] = { { "", "" }, { "", ".liquid" }, { "_", ".liquid" } };

	struct letter *l = c->l;

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		int n = snprintf(file, size, "%s%.*s%s", forms[i].before, SPAN_ARG(name), forms[i].after);
		struct err why = { 0 };

		if (n < 0 || (size_t)n >= size)
			return err_set(e, ERR_INPUT, "the name of a partial is too long");
		if (letter_file_read(l->folder, span_str(file), FILE_BENEATH, SOURCE_MAX, &l->memory, bytes, &why) == 0)
			return 0;
		if (i == 0 && e)
			*e = why; /* the name as it was written */
	}
	return -1;
}

/* The token costs a hash a mail: only for letters that may print it. */
static void note_token(struct letter *l, struct span source)
{
	l->uses_token |= span_search(source, letter_specials[1]) < source.n;
}

static int load_partial(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	struct letter_compile *c = ctx;
	struct span bytes = { NULL, 0 };
	char file[512];

	if (find_partial(c, name, file, sizeof file, &bytes, e) < 0)
		return -1;
	*path = letter_beside(c->l, span_str(file));
	if (!*path)
		return err_nomem(e, "the letter");
	letter_digest_add(c, file, bytes);
	if (!utf8_valid(bytes))
		return err_set(e, ERR_INPUT, "partial '%s' is not UTF-8", file);
	note_token(c->l, bytes);
	*text = letter_source_clean(bytes, &c->l->memory);
	return text->p ? 0 : err_nomem(e, "the letter");
}

static int keep_program(struct letter *l, struct liquid_program *p)
{
	uint32_t cap = l->cap_programs ? l->cap_programs * 2 : 16;

	if (l->n_programs == l->cap_programs) {
		struct liquid_program **grown = mem_grow(l->programs, cap * sizeof(struct liquid_program *));

		if (!grown)
			return -1;
		l->programs = grown;
		l->cap_programs = cap;
	}
	l->programs[l->n_programs++] = p;
	return 0;
}

int letter_compile_program(struct letter_compile *c, struct letter_text *t, struct span source,
			   enum letter_escape escape)
{
	const struct letter_options *opt = &c->l->opt;
	struct liquid_options lo = {
		.path = t->path, .first_line = t->line, .first_column = t->column,
		.html = escape != ESCAPE_NONE, .markdown = escape == ESCAPE_MARKDOWN,
		.columns = opt->columns, .globals = opt->vars, .n_globals = opt->n_vars,
		.specials = letter_specials, .n_specials = LETTER_SPECIALS,
		.filters = letter_filters, .n_filters = LETTER_FILTERS, .loader = { load_partial, c },
		.limits = { (uint32_t)opt->ways.max_nesting, opt->ways.max_steps, opt->ways.max_output },
	};
	struct liquid_program *p = NULL;
	struct err e = { 0 };

	note_token(c->l, source);
	if (liquid_compile(&p, source, &lo, &c->watch.sink, &e) < 0) {
		if (e.kind == ERR_NOMEM)
			return err_nomem(c->e, "the letter");
		if (c->watch.first.kind == ERR_NONE) /* the compiler could not even report */
			finding_of_err(&c->watch.sink, "template", &e);
		return 0;
	}
	if (keep_program(c->l, p) < 0) {
		liquid_free(&p);
		return err_nomem(c->e, "the letter");
	}
	t->program = p;
	return 0;
}

static bool is_fold(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* A fold of the letter's, line break and blanks, is one space. */
static int unfold(struct span piece, struct arena *a, struct span *out)
{
	char *p;
	size_t n = 0;

	*out = piece;
	if (span_find(piece, '\n') == piece.n)
		return 0;
	p = arena_take(a, piece.n);
	if (!p)
		return -1;
	for (size_t i = 0; i < piece.n; i++) {
		if (piece.p[i] != '\n') {
			p[n++] = piece.p[i];
			continue;
		}
		while (i + 1 < piece.n && is_fold(piece.p[i + 1]))
			i++;
		p[n++] = ' ';
	}
	*out = span_of(p, n);
	return 0;
}

static int unfold_pieces(struct letter_compile *c, struct letter_text *t, struct span name)
{
	uint32_t n = liquid_n_pieces(t->program);
	size_t at;

	t->pieces = arena_array(&c->l->memory, n, sizeof *t->pieces);
	if (!t->pieces)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		const char *bad;

		if (unfold(liquid_piece(t->program, i), &c->l->memory, &t->pieces[i]) < 0)
			return -1;
		if (letter_field_known(name)->kind == FIELD_TEXT) /* of addresses only the names, once parsed */
			t->pieces[i] = mime_words_decode(t->pieces[i], &c->l->memory);
		if (t->pieces[i].n > 0 && !t->pieces[i].p)
			return -1;
		bad = mime_header_bad(t->pieces[i], &at);
		if (bad)
			letter_mistake(c, "bad header", t->line, t->column, NULL, "header '%.*s' has %s",
				       SPAN_ARG(name), bad);
	}
	t->fixed = liquid_is_fixed(t->program);
	if (t->fixed)
		t->value = n ? span_trim(t->pieces[0]) : SPAN("");
	return 0;
}

int letter_compile_text(struct letter_compile *c, struct letter_text *t, struct span source, const char *path,
			uint64_t line, uint64_t column, struct span name)
{
	*t = (struct letter_text){ .path = path, .line = line, .column = column };
	if (letter_compile_program(c, t, source, ESCAPE_NONE) < 0)
		return -1;
	if (t->program && unfold_pieces(c, t, name) < 0)
		return err_nomem(c->e, "the letter");
	if (t->program && !c->l->opt.ways.max_output && !c->l->opt.ways.max_steps) { /* which only a render counts */
		t->n_steps = liquid_steps(t->program, t->steps, LETTER_STEPS_MOST);
		letter_mailbox_find(t);
	}
	return 0;
}

/* ---- life ---- */

static int compile(struct letter_compile *c)
{
	struct span text;
	int rc;

	digest_options(c);
	rc = read_letter(c, &text);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (letter_source_parse(&c->source, text, c->l->path, 1, &c->l->memory, &c->watch.sink, c->e) < 0)
		return -1;
	if (c->source.n_headers == 0)
		return 0;
	if (letter_compile_fields(c) < 0 || letter_compile_parts(c) < 0 || letter_compile_signers(c) < 0)
		return -1;
	letter_check_bulk(c);
	letter_advise(c);
	return c->watch.sink.errors ? 0 : letter_compile_structure(c);
}

static struct letter *new_letter(const struct letter_options *opt)
{
	struct letter *l = mem_new(sizeof *l);

	if (!l)
		return NULL;
	arena_init(&l->memory, MEMORY_CHUNK, SIZE_MAX / 2);
	l->folder = -1;
	l->domain_column = -1;
	l->opt = *opt;
	if (l->opt.max_message_bytes == 0)
		l->opt.max_message_bytes = MESSAGE_MAX;
	mime_seed_init(&l->seed, opt->seed);
	l->path = arena_str(&l->memory, span_str(opt->path));
	return l;
}

int letter_open(struct letter **out, const struct letter_options *opt, struct finding_sink *findings, struct err *e)
{
	struct err ignored = { 0 };
	struct letter_compile c = { .l = new_letter(opt), .e = e ? e : &ignored };
	int rc = -1;

	*out = NULL;
	c.watch = (struct letter_watch){ .sink = { .report = watch_report }, .to = findings };
	if (!c.l || !c.l->path)
		err_nomem(e, "the letter");
	else if (digest_new(&c.digest, DIGEST_SHA256, e) == 0 && open_folder(c.l, e) == 0)
		rc = compile(&c);
	if (rc == 0 && c.watch.sink.errors > 0) {
		if (e)
			*e = c.watch.first;
		rc = -1;
	}
	if (rc == 0) {
		digest_end(c.digest, c.l->digest);
		*out = c.l;
	} else {
		letter_free(&c.l);
	}
	mime_converter_free(&c.converter);
	digest_free(&c.digest);
	return rc;
}

void letter_free(struct letter **lp)
{
	struct letter *l = *lp;

	if (!l)
		return;
	*lp = NULL;
	for (uint32_t i = 0; i < l->n_programs; i++)
		liquid_free(&l->programs[i]);
	smime_signer_free(&l->smime);
	for (uint32_t i = 0; i < l->n_signers; i++)
		dkim_signer_free(&l->signers[i]);
	mem_free(l->programs);
	if (l->folder >= 0)
		close(l->folder);
	arena_release(&l->memory);
	mem_free(l);
}

void letter_digest(const struct letter *l, unsigned char out[32])
{
	memcpy(out, l->digest, sizeof l->digest);
}
