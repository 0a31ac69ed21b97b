/* letter_body.c - a body is a Liquid program whose fixed pieces are already encoded.
 *
 * Rendering only walks: a piece is looked up by number and referenced, a value is encoded.
 *  1. The bytes of a mail's body decode to the render of its template, line breaks as CRLF, one
 *     added at the end when there is none.
 *  2. No octet outside ASCII reaches the message, and no text that is not UTF-8.
 * Held by tests/unit/test_letter_write.c. */
#include "templates/letter/letter_body.h"

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "templates/letter/letter_parts.h"
#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_out.h"

/* ---- cid: names ---- */

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
static const struct letter_file *named_file(struct span s, struct letter_file *const *files, uint32_t n_files,
					    size_t *n)
{
	if (!span_case_begins(s, SPAN("cid:")))
		return NULL;
	for (uint32_t i = 0; i < n_files; i++) {
		struct span name = files[i]->shown_cid;

		if (name.n > 0 && span_begins(span_skip(s, 4), name) && ends_name(span_skip(s, 4 + name.n))) {
			*n = 4 + name.n;
			return files[i];
		}
	}
	return NULL;
}

/* text with each cid:NAME completed to the part's Content-ID (RFC 2392). */
static int complete_cids(struct span text, struct letter_file *const *files, uint32_t n_files, struct arena *a,
			 struct span *out)
{
	struct mime_out o;
	size_t from = 0;

	*out = text;
	if (n_files == 0)
		return 0;
	mime_out_init(&o, a);
	for (size_t i = 0, n; i < text.n; i++) {
		const struct letter_file *f;

		if ((text.p[i] | 0x20) != 'c' || !(f = named_file(span_skip(text, i), files, n_files, &n)))
			continue;
		if (mime_out_copy(&o, span_sub(text, from, i + 4 - from)) < 0 ||
		    mime_out_copy(&o, f->content_id) < 0)
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

/* ---- compile ---- */

static enum mime_encoding judge(const struct letter_body *b, uint32_t n)
{
	size_t octets = 0, coded = 0;

	for (uint32_t i = 0; i < n; i++) {
		octets += b->replaced[i].n;
		coded += mime_qp_estimate(b->replaced[i]);
	}
	return mime_text_judge(coded, octets);
}

static int encode_pieces(struct letter_body *b, uint32_t n, struct arena *a, struct err *e)
{
	b->encoding = judge(b, n);
	if (b->encoding == MIME_BASE64)
		return 0;
	b->encoded = arena_array(a, n, sizeof *b->encoded);
	if (!b->encoded)
		return err_nomem(e, "the letter");
	for (uint32_t i = 0; i < n; i++) {
		if (mime_qp_piece(&b->encoded[i], b->replaced[i], a) < 0)
			return err_nomem(e, "the letter");
	}
	return 0;
}

int letter_body_prepare(struct letter_body *b, struct letter_file *const *files, uint32_t n_files, struct arena *a,
			struct err *e)
{
	uint32_t n = liquid_n_pieces(b->text.program);

	b->replaced = arena_array(a, n, sizeof *b->replaced);
	if (!b->replaced)
		return err_nomem(e, "the letter");
	for (uint32_t i = 0; i < n; i++) {
		struct span piece = liquid_piece(b->text.program, i);

		if (complete_cids(piece, files, b->html ? n_files : 0, a, &b->replaced[i]) < 0)
			return err_nomem(e, "the letter");
	}
	b->text.fixed = liquid_is_fixed(b->text.program);
	if (!b->text.fixed)
		return encode_pieces(b, n, a, e);
	b->text.value = n ? liquid_piece(b->text.program, 0) : SPAN("");
	b->bytes = mime_text_encode(n ? b->replaced[0] : SPAN(""), a, &b->encoding);
	return b->bytes.p ? 0 : err_nomem(e, "the letter");
}

/* ---- a mail ---- */

struct body_sink {
	struct liquid_sink sink; /* first member */
	const struct letter_body *b;
	union {
		struct mime_qp qp;
		struct mime_base64 base64;
	};
};

static int bad_text(struct err *e)
{
	return err_set(e, ERR_INPUT, "a value in the body is not UTF-8 text");
}

static int qp_on_piece(struct liquid_sink *self, uint32_t piece, struct span text, struct err *e)
{
	struct body_sink *s = (struct body_sink *)(void *)self;

	(void)text;
	return mime_qp_fixed(&s->qp, &s->b->encoded[piece]) < 0 ? err_nomem(e, "a mail") : 0;
}

static int qp_on_value(struct liquid_sink *self, struct span bytes, struct err *e)
{
	struct body_sink *s = (struct body_sink *)(void *)self;

	if (!utf8_valid(bytes))
		return bad_text(e);
	return mime_qp_value(&s->qp, bytes) < 0 ? err_nomem(e, "a mail") : 0;
}

static int base64_on_piece(struct liquid_sink *self, uint32_t piece, struct span text, struct err *e)
{
	struct body_sink *s = (struct body_sink *)(void *)self;

	(void)text;
	return mime_base64_text(&s->base64, s->b->replaced[piece]) < 0 ? err_nomem(e, "a mail") : 0;
}

static int base64_on_value(struct liquid_sink *self, struct span bytes, struct err *e)
{
	struct body_sink *s = (struct body_sink *)(void *)self;

	if (!utf8_valid(bytes))
		return bad_text(e);
	return mime_base64_text(&s->base64, bytes) < 0 ? err_nomem(e, "a mail") : 0;
}

static int render(const struct letter_body *b, struct letter_job *job, struct liquid_sink *sink, struct err *e)
{
	if (liquid_render(b->text.program, job->d->scratch, job->a, &job->input, sink, e) < 0)
		return err_at(e, b->text.path, 0, 0);
	return 0;
}

int letter_body_write(const struct letter_body *b, struct letter_job *job, struct mime_out *o, struct err *e)
{
	struct body_sink s;
	int rc;

	s.b = b;
	if (b->encoding == MIME_BASE64) {
		s.sink = (struct liquid_sink){ base64_on_piece, base64_on_value };
		mime_base64_begin(&s.base64, o);
		if (render(b, job, &s.sink, e) < 0)
			return -1;
		rc = mime_base64_end(&s.base64);
	} else {
		s.sink = (struct liquid_sink){ qp_on_piece, qp_on_value };
		mime_qp_begin(&s.qp, o);
		if (render(b, job, &s.sink, e) < 0)
			return -1;
		rc = mime_qp_end(&s.qp);
	}
	return rc < 0 ? err_nomem(e, "a mail") : 0;
}

int letter_body_show(const struct letter_body *b, struct letter_job *job, struct span *out, struct err *e)
{
	struct liquid_text_sink s;
	size_t n = 0;

	if (b->text.fixed) {
		*out = b->text.value;
		return 0;
	}
	liquid_text_sink_init(&s, job->a);
	if (render(b, job, &s.sink, e) < 0)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\r')
			s.p[n++] = s.p[i];
		else if (i + 1 == s.n || s.p[i + 1] != '\n')
			s.p[n++] = '\n';
	}
	*out = span_of(s.p, n);
	return 0;
}
