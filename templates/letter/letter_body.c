/* letter_body.c - a body is a Liquid program whose fixed pieces are already encoded.
 *
 * Rendering only walks: a piece is looked up by number and referenced, a value is encoded. Bodies that
 * are made of what a template gives (HTML of Markdown, text of HTML) are rendered whole, then encoded; but
 * where the text of HTML is known beforehand (letter_mould.h), HTML is neither rendered nor read for it.
 *  1. The bytes of a mail's body decode to the render of its template, line breaks as CRLF, one
 *     added at the end when there is none.
 *  2. No octet outside ASCII reaches the message, and no text that is not UTF-8.
 * Held by tests/unit/test_letter_write.c. */
#include "templates/letter/letter_body.h"

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "templates/letter/letter_calendar.h"
#include "templates/letter/letter_images.h"
#include "templates/letter/letter_markdown.h"
#include "templates/letter/letter_mould.h"
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
	if (b->form == FORM_CALENDAR) {
		*out = letter_calendar_fold(text, a);
		return out->p ? 0 : err_nomem(e, "an invitation");
	}
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

/* ---- charsets ---- */

/* text in the charset of converter (NULL: as it is). 0; 1 it does not fit; -1 no memory. */
static int in_charset(struct mime_converter *converter, struct span text, struct arena *a, struct span *out)
{
	*out = text;
	if (!converter)
		return 0;
	switch (mime_convert(converter, text, a, out)) {
	case MIME_FITS:
		return 0;
	case MIME_FITS_NOT:
		return 1;
	case MIME_NO_MEMORY:
		break;
	}
	return -1;
}

/* ---- compile ---- */

static enum mime_encoding judge(const struct letter_skeleton *k, uint32_t n)
{
	size_t octets = 0, coded = 0;

	for (uint32_t i = 0; i < n; i++) {
		octets += k->replaced[i].n;
		coded += mime_qp_estimate(k->replaced[i]);
	}
	return mime_text_judge(coded, octets);
}

static int encode_pieces(struct letter_skeleton *k, uint32_t n, struct arena *a, struct err *e)
{
	k->encoding = judge(k, n);
	if (k->encoding == MIME_BASE64)
		return 0;
	k->encoded = arena_array(a, n, sizeof *k->encoded);
	if (!k->encoded)
		return err_nomem(e, "the letter");
	for (uint32_t i = 0; i < n; i++) {
		if (mime_qp_piece(&k->encoded[i], k->replaced[i], a) < 0)
			return err_nomem(e, "the letter");
	}
	return 0;
}

/* A body that is the same in all mails: 0; 1 it does not fit; -1. */
static int encode_fixed(struct letter_body *b, struct letter_skeleton *k, struct mime_converter *converter,
			struct arena *a, struct err *e)
{
	struct span text = SPAN("");
	int rc;

	if (complete(b, b->text.value, false, a, &text, e) < 0)
		return -1;
	rc = in_charset(converter, text, a, &text);
	if (rc != 0)
		return rc < 0 ? err_nomem(e, "the letter") : 1;
	k->bytes = mime_text_encode(text, a, &k->encoding);
	return k->bytes.p ? 0 : err_nomem(e, "the letter");
}

/* The fixed pieces of one that has holes: the same. */
static int encode_holed(struct letter_body *b, struct letter_skeleton *k, struct mime_converter *converter,
			struct arena *a, struct err *e)
{
	uint32_t n = liquid_n_pieces(b->text.program);

	k->replaced = arena_array(a, n, sizeof *k->replaced);
	if (!k->replaced)
		return err_nomem(e, "the letter");
	for (uint32_t i = 0; i < n; i++) {
		int rc;

		if (complete(b, liquid_piece(b->text.program, i), false, a, &k->replaced[i], e) < 0)
			return -1;
		rc = in_charset(converter, k->replaced[i], a, &k->replaced[i]);
		if (rc != 0)
			return rc < 0 ? err_nomem(e, "the letter") : 1;
	}
	return encode_pieces(k, n, a, e);
}

static int find_value(struct letter_body *b, struct arena *a, struct err *e)
{
	struct span text = liquid_n_pieces(b->text.program) ? liquid_piece(b->text.program, 0) : SPAN("");
	struct arena work;
	int rc;

	arena_init(&work, 1 << 16, SIZE_MAX / 2);
	rc = convert(b, text, &work, a, &b->text.value, e);
	arena_release(&work);
	return rc;
}

int letter_body_prepare(struct letter_body *b, struct letter_files files, struct mime_converter *converter,
			struct arena *a, bool *misfit, struct err *e)
{
	int rc;

	b->files = files;
	b->text.fixed = liquid_is_fixed(b->text.program);
	if (b->text.fixed && find_value(b, a, e) < 0)
		return -1;
	rc = b->text.fixed ? encode_fixed(b, &b->utf8, NULL, a, e) : encode_holed(b, &b->utf8, NULL, a, e);
	if (rc < 0 || !converter)
		return rc;
	rc = b->text.fixed ? encode_fixed(b, &b->other, converter, a, e) : encode_holed(b, &b->other, converter, a, e);
	*misfit |= rc > 0;
	return rc < 0 ? -1 : 0;
}

/* ---- a mail ---- */

struct body_sink {
	struct liquid_sink sink; /* first member */
	const struct letter_skeleton *k;
	struct letter_job *job;
	union {
		struct mime_qp qp;
		struct mime_base64 base64;
	};
};

static int bad_text(struct err *e)
{
	return err_set(e, ERR_INPUT, "a value in the body is not UTF-8 text");
}

/* A value checked, and in the mail's charset. */
static int take_value(struct body_sink *s, struct span bytes, struct span *out, struct err *e)
{
	int rc;

	if (!utf8_valid(bytes))
		return bad_text(e);
	rc = in_charset(s->job->converter, bytes, s->job->a, out);
	s->job->misfit |= rc > 0;
	return rc < 0 ? err_nomem(e, "a mail") : rc > 0 ? -1 : 0;
}

static int qp_write(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	struct body_sink *s = (struct body_sink *)(void *)self;

	for (uint32_t i = 0; i < n; i++) {
		struct span bytes;

		if (!s->job->converter)
			i += mime_qp_plain(&s->qp, s->k->encoded, bits + i, n - i);
		if (i == n)
			break;
		bytes = bits[i].bytes;
		if (bits[i].piece < 0 && take_value(s, bytes, &bytes, e) < 0)
			return -1;
		if ((bits[i].piece < 0 ? mime_qp_value(&s->qp, bytes) : mime_qp_fixed(&s->qp, &s->k->encoded[bits[i].piece])) < 0)
			return err_nomem(e, "a mail");
	}
	return 0;
}

static int base64_write(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	struct body_sink *s = (struct body_sink *)(void *)self;

	for (uint32_t i = 0; i < n; i++) {
		struct span bytes = bits[i].piece < 0 ? bits[i].bytes : s->k->replaced[bits[i].piece];

		if (bits[i].piece < 0 && take_value(s, bytes, &bytes, e) < 0)
			return -1;
		if (mime_base64_text(&s->base64, bytes) < 0)
			return err_nomem(e, "a mail");
	}
	return 0;
}

static int render(const struct letter_body *b, struct letter_job *job, struct liquid_sink *sink, struct err *e)
{
	if (liquid_render(b->text.program, job->d->scratch, job->a, &job->input, sink, e) < 0)
		return err_at(e, b->text.path, 0, 0);
	return 0;
}

struct calendar_sink {
	struct liquid_sink sink; /* first member */
	struct mime_out out;
};

static int calendar_write(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	struct calendar_sink *s = (struct calendar_sink *)(void *)self;

	for (uint32_t i = 0; i < n; i++) {
		bool value = bits[i].piece < 0;

		if (value && !utf8_valid(bits[i].bytes))
			return bad_text(e);
		if ((value ? letter_calendar_value(&s->out, bits[i].bytes) : mime_out_copy(&s->out, bits[i].bytes)) < 0)
			return err_nomem(e, "an invitation");
	}
	return 0;
}

static int render_calendar(const struct letter_body *b, struct letter_job *job, struct span *out, struct err *e)
{
	struct calendar_sink s = { .sink = { calendar_write } };

	mime_out_init(&s.out, job->a);
	if (render(b, job, &s.sink, e) < 0)
		return -1;
	*out = mime_out_flat(&s.out, job->a);
	return out->p ? convert(b, *out, NULL, job->a, out, e) : err_nomem(e, "an invitation");
}

/* Renders it whole; lives in the job's arena. */
static int render_converted(const struct letter_body *b, struct letter_job *job, struct span *out, struct err *e)
{
	struct liquid_text_sink s;

	if (b->form == FORM_CALENDAR)
		return render_calendar(b, job, out, e);
	if (b->mould.n > 0) { /* no value that fits is empty: there is nothing to tell job->input.empty */
		int rc = letter_mould_fill(&b->mould, job->row, job->a, out);

		if (rc != 0)
			return rc < 0 ? err_nomem(e, "a mail") : 0;
	}
	liquid_text_sink_init(&s, job->a);
	if (render(b, job, &s.sink, e) < 0)
		return -1;
	if (!utf8_valid(span_of(s.p, s.n)))
		return bad_text(e);
	return convert(b, span_of(s.p, s.n), &job->d->work, job->a, out, e);
}

static const struct letter_skeleton *skeleton(const struct letter_body *b, const struct letter_job *job)
{
	return job->converter ? &b->other : &b->utf8;
}

static int write_converted(const struct letter_body *b, struct letter_job *job, struct mime_out *o, struct err *e)
{
	struct mime_base64 base64;
	struct mime_qp qp;
	struct span text = SPAN("");
	int rc;

	if (render_converted(b, job, &text, e) < 0 || complete(b, text, false, job->a, &text, e) < 0)
		return -1;
	rc = in_charset(job->converter, text, job->a, &text);
	job->misfit |= rc > 0;
	if (rc != 0)
		return rc < 0 ? err_nomem(e, "a mail") : -1;
	if (skeleton(b, job)->encoding == MIME_BASE64) {
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
	s.k = skeleton(b, job);
	s.job = job;
	if (s.k->encoding == MIME_BASE64) {
		s.sink.write = base64_write;
		mime_base64_begin(&s.base64, o);
		if (render(b, job, &s.sink, e) < 0)
			return -1;
		rc = mime_base64_end(&s.base64);
	} else {
		s.sink.write = qp_write;
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
