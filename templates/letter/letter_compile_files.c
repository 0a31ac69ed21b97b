/* letter_compile_files.c - files of a letter: Attachment:, Inline:, and pictures that bodies name.
 *
 * A file whose name has no holes is read and encoded once, here; of the others only what is fixed about
 * them: their name in the HTML. Held by tests/unit/test_letter_file.c and test_letter_images.c. */
#include "templates/letter/letter_compile.h"
#include "templates/letter/letter_file.h"
#include "templates/letter/letter_images.h"
#include "templates/letter/letter_text.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_type.h"

static bool is_cid_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("._-+@", c));
}

/* The name by which HTML reaches an inline file, and the Content-ID made of it (RFC 2392). */
static int name_inline(struct letter_compile *c, struct letter_file *f, struct span cid)
{
	char id[MIME_ID_SIZE];
	struct mime_out o;

	f->shown_cid = cid;
	mime_out_init(&o, &c->l->memory);
	for (size_t i = 0; i < cid.n; i++) {
		if (mime_out_copy(&o, is_cid_char(cid.p[i]) ? span_sub(cid, i, 1) : SPAN("_")) < 0)
			return err_nomem(c->e, "the letter");
	}
	if (span_find(cid, '@') == cid.n) {
		mime_id(&c->l->seed, SPAN("cid"), c->l->n_files, id);
		if (mime_out_copy(&o, SPAN(".")) < 0 || mime_out_copy(&o, span_of(id, 8)) < 0 ||
		    mime_out_copy(&o, SPAN("@")) < 0 || mime_out_copy(&o, c->l->id_domain) < 0)
			return err_nomem(c->e, "the letter");
	}
	f->content_id = mime_out_flat(&o, &c->l->memory);
	return f->content_id.p ? 0 : err_nomem(c->e, "the letter");
}

/* "cid=NAME" of a templated Inline: its name has to be the letter's own. */
static struct span fixed_cid(const struct letter_text *t)
{
	for (uint32_t i = 0; i < liquid_n_pieces(t->program); i++) {
		struct span piece = t->pieces[i];
		size_t at = span_search(piece, SPAN("cid="));

		if (at < piece.n) {
			piece = span_skip(piece, at + 4);
			return span_trim(span_sub(piece, 0, span_find(piece, ';')));
		}
	}
	return (struct span){ NULL, 0 };
}

static void file_mistake(struct letter_compile *c, const struct letter_file *f, const struct err *e)
{
	struct err placed = *e;

	err_at(&placed, f->text.path, f->text.line, f->text.column);
	finding_of_err(&c->watch.sink, "missing file", &placed);
}

/* Reads and encodes a file whose name has no holes. */
static int finish_fixed(struct letter_compile *c, struct letter_file *f)
{
	struct letter *l = c->l;
	struct letter_file_name *name = &f->fixed_name;
	struct span cid;
	struct err e = { 0 };
	const struct letter_rendered line = { .text = f->text.value, .fixed = true };
	int rc = letter_file_parse(name, &line, &l->memory, &e);

	if (rc == 0 && letter_has_image(c, letter_image_name(name->path))) {
		f->is_inline = true;
		f->src = letter_image_name(name->path);
	}
	cid = name->cid;
	if (rc == 0 && f->is_inline && cid.n == 0) {
		cid = mime_file_name_of(name->path, &l->memory);
		if (!cid.p)
			return err_nomem(c->e, "the letter");
	}
	if (rc == 0 && cid.n > 0)
		rc = name_inline(c, f, cid);
	if (rc == 0)
		rc = letter_file_read(l->folder, name->path, FILE_BY_AUTHOR, l->opt.max_message_bytes, &l->memory,
				      &f->octets, &e);
	if (rc == 0)
		rc = letter_file_encode(f, name, f->octets, &l->memory, &f->head, &f->data, &f->needs, &e);
	if (rc == 0) {
		letter_digest_add(c, "file", f->octets);
		return 0;
	}
	if (e.kind == ERR_NONE || e.kind == ERR_NOMEM)
		return err_nomem(c->e, "the letter");
	file_mistake(c, f, &e);
	return 0;
}

static int compile_file(struct letter_compile *c, const struct letter_header *h, bool is_inline)
{
	struct letter *l = c->l;
	struct letter_file *f = arena_zero(&l->memory, sizeof *f);
	struct letter_file **all = arena_grow(&l->memory, l->files, l->n_files * sizeof(struct letter_file *),
					      (l->n_files + 1) * sizeof(struct letter_file *));
	struct span cid;

	if (!f || !all)
		return err_nomem(c->e, "the letter");
	l->files = all;
	f->is_inline = is_inline;
	if (letter_compile_text(c, &f->text, h->value, l->path, h->line, h->column, h->name) < 0)
		return -1;
	if (!f->text.program)
		return 0;
	all[l->n_files++] = f;
	if (f->text.fixed)
		return finish_fixed(c, f);
	cid = fixed_cid(&f->text);
	if (is_inline && cid.n == 0) {
		letter_mistake(c, "inline file", h->line, h->column, "for instance: photos/{{ id }}.jpg; cid=photo",
			       "an Inline whose file differs from mail to mail needs a name for the HTML: cid=NAME");
		return 0;
	}
	return cid.n > 0 ? name_inline(c, f, cid) : 0;
}

static int compile_named(struct letter_compile *c)
{
	for (uint32_t i = 0; i < c->source.n_headers; i++) {
		const struct letter_header *h = &c->source.headers[i];
		enum letter_control control = letter_field_known(h->name)->control;

		if (control != CONTROL_ATTACHMENT && control != CONTROL_INLINE)
			continue;
		if (h->value.n == 0)
			letter_mistake(c, "missing file", h->name_line, 1, NULL, "header '%.*s' names no file",
				       SPAN_ARG(h->name));
		else if (compile_file(c, h, control == CONTROL_INLINE) < 0)
			return -1;
	}
	return 0;
}

static bool is_a_file(const struct letter *l, struct span image)
{
	for (uint32_t i = 0; i < l->n_files; i++) {
		if (span_eq(l->files[i]->src, image))
			return true;
	}
	return false;
}

/* Pictures that no Attachment: or Inline: names. */
static int add_images(struct letter_compile *c)
{
	for (uint32_t i = 0; i < c->n_images; i++) {
		struct letter_header h = { .name = SPAN("Inline"), .value = c->images[i], .line = c->source.body_line,
					   .name_line = c->source.body_line, .column = 1 };

		if (!is_a_file(c->l, c->images[i]) && compile_file(c, &h, true) < 0)
			return -1;
	}
	return 0;
}

int letter_compile_files(struct letter_compile *c)
{
	return compile_named(c) < 0 || add_images(c) < 0 ? -1 : 0;
}
