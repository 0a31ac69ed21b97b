/* letter_body.c - a body is a Liquid program whose fixed pieces are already encoded.
 *
 * Rendering only walks: a piece is looked up by number and referenced, a value is encoded. Bodies that
 * are made of what a template gives (HTML of Markdown, text of HTML) are rendered whole, then encoded.
 *  1. The bytes of a mail's body decode to the render of its template, line breaks as CRLF, one
 *     added at the end when there is none.
 *  2. No octet outside ASCII reaches the message, and no text that is not UTF-8.
 * Held by tests/unit/test_letter_write.c. */
#include "templates/letter/letter_body.h"

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "templates/letter/letter_images.h"
#include "templates/letter/letter_markdown.h"
#include "templates/letter/letter_parts.h"
#include "templates/letter/letter_plain.h"
#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_out.h"

/* ---- forms ---- */

/* What a template gave becomes the body. text is UTF-8. */
static int convert(const struct letter_body *b, struct span text, struct arena *work, struct arena *a,
		   struct span *out, struct err *e)
{
	*out = text;
	if (b->form == FORM_MARKDOWN)
		return letter_markdown(text, a, out, e);
	return b->form == FORM_PLAIN ? letter_plain(text, work, a, out, e) : 0;
}

static int complete(const struct letter_body *b, struct span text, bool shown, struct arena *a, struct span *out,
		    struct err *e)
{
	*out = text;
	if (b->html && letter_complete_images(text, &b->files, shown, a, out) < 0)
		return err_nomem(e, "a mail");
	return 0;
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

static int encode_fixed(struct letter_body *b, struct arena *a, struct err *e)
{
	struct span text = liquid_n_pieces(b->text.program) ? liquid_piece(b->text.program, 0) : SPAN("");
	struct arena work;
	int rc;

	arena_init(&work, 1 << 16, SIZE_MAX / 2);
	rc = convert(b, text, &work, a, &b->text.value, e);
	arena_release(&work);
	if (rc < 0 || complete(b, b->text.value, false, a, &text, e) < 0)
		return -1;
	b->bytes = mime_text_encode(text, a, &b->encoding);
	return b->bytes.p ? 0 : err_nomem(e, "the letter");
}

int letter_body_prepare(struct letter_body *b, struct letter_files files, struct arena *a, struct err *e)
{
	uint32_t n = liquid_n_pieces(b->text.program);

	b->files = files;
	b->text.fixed = liquid_is_fixed(b->text.program);
	if (b->text.fixed)
		return encode_fixed(b, a, e);
	b->replaced = arena_array(a, n, sizeof *b->replaced);
	if (!b->replaced)
		return err_nomem(e, "the letter");
	for (uint32_t i = 0; i < n; i++) {
		if (complete(b, liquid_piece(b->text.program, i), false, a, &b->replaced[i], e) < 0)
			return -1;
	}
	return encode_pieces(b, n, a, e);
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

/* Renders it whole; lives in the job's arena. */
static int render_converted(const struct letter_body *b, struct letter_job *job, struct span *out, struct err *e)
{
	struct liquid_text_sink s;

	liquid_text_sink_init(&s, job->a);
	if (render(b, job, &s.sink, e) < 0)
		return -1;
	if (!utf8_valid(span_of(s.p, s.n)))
		return bad_text(e);
	return convert(b, span_of(s.p, s.n), &job->d->work, job->a, out, e);
}

static int write_converted(const struct letter_body *b, struct letter_job *job, struct mime_out *o, struct err *e)
{
	struct mime_base64 base64;
	struct mime_qp qp;
	struct span text;
	int rc;

	if (render_converted(b, job, &text, e) < 0 || complete(b, text, false, job->a, &text, e) < 0)
		return -1;
	if (b->encoding == MIME_BASE64) {
		mime_base64_begin(&base64, o);
		rc = mime_base64_text(&base64, text) < 0 ? -1 : mime_base64_end(&base64);
	} else {
		mime_qp_begin(&qp, o);
		rc = mime_qp_value(&qp, text) < 0 ? -1 : mime_qp_end(&qp);
	}
	return rc < 0 ? err_nomem(e, "a mail") : 0;
}

int letter_body_write(const struct letter_body *b, struct letter_job *job, struct mime_out *o, struct err *e)
{
	struct body_sink s;
	int rc;

	if (b->form != FORM_OWN)
		return write_converted(b, job, o, e);
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

static struct span one_line_end(char *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\r')
			p[k++] = p[i];
		else if (i + 1 == n || p[i + 1] != '\n')
			p[k++] = '\n';
	}
	return span_of(p, k);
}

int letter_body_show(const struct letter_body *b, struct letter_job *job, struct span *out, struct err *e)
{
	struct liquid_text_sink s;

	if (b->text.fixed) {
		*out = b->text.value;
	} else if (b->form != FORM_OWN) {
		if (render_converted(b, job, out, e) < 0)
			return -1;
	} else {
		liquid_text_sink_init(&s, job->a);
		if (render(b, job, &s.sink, e) < 0)
			return -1;
		*out = one_line_end(s.p, s.n);
	}
	return complete(b, *out, true, job->a, out, e);
}
