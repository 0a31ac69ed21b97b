/* letter_images.c - pictures that HTML or Markdown names by file: <img src="logo.png">, ![](logo.png).
 *
 * Such a file becomes an inline part by itself; one that the letter attaches anyway becomes inline
 * instead. A name counts when it stands whole in the letter's own text and has no scheme; one that is
 * no file beside the letter is a warning, for no reader could show it.
 * Held by tests/unit/test_letter_images.c. */
#include "templates/letter/letter_images.h"

#include <unistd.h>

#include "templates/letter/letter_compile.h"
#include "templates/letter/letter_file.h"
#include "templates/mime/mime_out.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct span letter_image_name(struct span src)
{
	src = span_trim(src);
	while (span_begins(src, SPAN("./")))
		src = span_skip(src, 2);
	return src;
}

size_t letter_image_src(struct span s, struct span *value)
{
	size_t at = 3;
	char end;

	if (!span_case_begins(s, SPAN("src")))
		return 0;
	while (at < s.n && is_blank(s.p[at]))
		at++;
	if (at == s.n || s.p[at++] != '=')
		return 0;
	while (at < s.n && is_blank(s.p[at]))
		at++;
	if (at == s.n)
		return 0;
	end = s.p[at];
	if (end == '"' || end == '\'') {
		*value = span_sub(s, at + 1, span_find(span_skip(s, at + 1), end));
		at += 1 + value->n;
		return at < s.n ? at + 1 : 0; /* the quote must be there: the name is whole */
	}
	*value = span_skip(s, at);
	for (value->n = 0; at < s.n && !is_blank(s.p[at]) && s.p[at] != '>'; at++)
		value->n++;
	return at < s.n ? at : 0;
}

static bool is_local(struct span name)
{
	if (name.n == 0 || name.n > 255 || name.p[0] == '/' || name.p[0] == '#' || name.p[0] == '?')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '\0' || strchr(":;{}%\"'<>?", name.p[i]) || (unsigned char)name.p[i] < ' ')
			return false;
	}
	return true;
}

static int note(struct letter_compile *c, struct span value, const struct letter_body *b)
{
	struct span name = letter_image_name(value), *all;
	const char *path;

	if (!is_local(name) || letter_has_image(c, name))
		return 0;
	path = arena_str(&c->l->memory, name);
	all = arena_grow(&c->l->memory, c->images, c->n_images * sizeof *all, (c->n_images + 1) * sizeof *all);
	if (!path || !all)
		return err_nomem(c->e, "the letter");
	c->images = all;
	if (faccessat(c->l->folder, path, R_OK, 0) == 0)
		all[c->n_images++] = span_str(path);
	else
		letter_warning(c, "picture", b->text.path, b->text.line, 0,
			       "write a whole address, https://..., or put the file beside the letter",
			       "the picture '%s' is no file beside the letter", path);
	return 0;
}

/* What stands in the parentheses of "![...](" at the begin of s. */
static struct span markdown_target(struct span s)
{
	size_t at = span_search(s, SPAN("]("));
	struct span rest = span_skip(s, at + 2);

	if (at == s.n || span_find(span_sub(s, 0, at), '\n') < at)
		return SPAN("");
	for (size_t i = 0; i < rest.n; i++) {
		if (rest.p[i] == ')' || is_blank(rest.p[i]))
			return span_sub(rest, 0, i);
	}
	return SPAN("");
}

static int note_in_tag(struct letter_compile *c, struct span s, const struct letter_body *b)
{
	struct span tag = span_sub(s, 0, span_find(s, '>') + 1), value;

	for (size_t i = 1; i < tag.n; i++) {
		if (is_blank(tag.p[i - 1]) && letter_image_src(span_skip(tag, i), &value) > 0)
			return note(c, value, b);
	}
	return 0;
}

static int scan(struct letter_compile *c, struct span s, const struct letter_body *b)
{
	for (size_t i = 0; i < s.n; i++) {
		struct span rest = span_skip(s, i);

		if (s.p[i] == '<' && span_case_begins(rest, SPAN("<img")) && note_in_tag(c, rest, b) < 0)
			return -1;
		if (b->form == FORM_MARKDOWN && span_begins(rest, SPAN("![")) && note(c, markdown_target(rest), b) < 0)
			return -1;
	}
	return 0;
}

bool letter_has_image(const struct letter_compile *c, struct span name)
{
	for (uint32_t i = 0; i < c->n_images; i++) {
		if (span_eq(c->images[i], name))
			return true;
	}
	return false;
}

int letter_find_images(struct letter_compile *c)
{
	for (uint32_t i = 0; i < c->l->n_bodies; i++) {
		const struct letter_body *b = c->l->bodies[i];

		for (uint32_t k = 0; b->html && b->text.program && k < liquid_n_pieces(b->text.program); k++) {
			if (scan(c, liquid_piece(b->text.program, k), b) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- names completed ---- */

static bool ends_name(struct span rest)
{
	char c;

	if (rest.n == 0)
		return true;
	c = rest.p[0];
	return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		 (c != '\0' && strchr("._-@+%", c)));
}

/* The file that "cid:NAME" at the begin of s names, or NULL; *n gets the octets of it. */
static const struct letter_file *named_by_cid(struct span s, const struct letter_files *files, size_t *n)
{
	if (!span_case_begins(s, SPAN("cid:")))
		return NULL;
	for (uint32_t i = 0; i < files->n; i++) {
		struct span name = files->items[i]->shown_cid;

		if (name.n > 0 && span_begins(span_skip(s, 4), name) && ends_name(span_skip(s, 4 + name.n))) {
			*n = 4 + name.n;
			return files->items[i];
		}
	}
	return NULL;
}

/* The same of "src=NAME". */
static const struct letter_file *named_by_src(struct span s, const struct letter_files *files, size_t *n)
{
	struct span value;

	*n = letter_image_src(s, &value);
	if (*n == 0)
		return NULL;
	value = letter_image_name(value);
	for (uint32_t i = 0; i < files->n; i++) {
		if (value.n > 0 && span_eq(files->items[i]->src, value))
			return files->items[i];
	}
	return NULL;
}

static int put_id(struct mime_out *o, const struct letter_file *f, bool shown)
{
	return mime_out_copy(o, SPAN("cid:")) < 0 ? -1 : mime_out_copy(o, shown ? f->shown_cid : f->content_id);
}

int letter_complete_images(struct span text, const struct letter_files *files, bool shown, struct arena *a,
			   struct span *out)
{
	struct mime_out o;
	size_t from = 0;

	*out = text;
	if (files->n == 0)
		return 0;
	mime_out_init(&o, a);
	for (size_t i = 0, n; i < text.n; i++) {
		const struct letter_file *by_cid = NULL, *by_src = NULL;
		char c = (char)(text.p[i] | 0x20);

		if (c == 'c')
			by_cid = named_by_cid(span_skip(text, i), files, &n);
		else if (c == 's' && i > 0 && is_blank(text.p[i - 1]))
			by_src = named_by_src(span_skip(text, i), files, &n);
		if (!by_cid && !by_src)
			continue;
		if (mime_out_copy(&o, span_sub(text, from, i - from)) < 0 ||
		    (by_src && mime_out_copy(&o, SPAN("src=\"")) < 0) ||
		    put_id(&o, by_cid ? by_cid : by_src, shown) < 0 || (by_src && mime_out_copy(&o, SPAN("\"")) < 0))
			return -1;
		from = i + n;
		i = from - 1;
	}
	if (from == 0)
		return 0;
	if (mime_out_copy(&o, span_skip(text, from)) < 0)
		return -1;
	*out = mime_out_flat(&o, a);
	return out->p ? 0 : -1;
}
