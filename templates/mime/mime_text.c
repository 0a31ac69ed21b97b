/* mime_text.c - held by tests/unit/test_mime_text.c. */
#include "templates/mime/mime_text.h"

#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_qp.h"

struct span mime_encoding_name(enum mime_encoding encoding)
{
	switch (encoding) {
	case MIME_7BIT:
		return SPAN("7bit");
	case MIME_QUOTED_PRINTABLE:
		return SPAN("quoted-printable");
	case MIME_BASE64:
		return SPAN("base64");
	case MIME_8BIT:
		return SPAN("8bit");
	}
	return SPAN("");
}

static bool line_is_plain(struct span line)
{
	if (line.n > MIME_LINE_SHOULD || span_begins(line, SPAN(".")) || span_begins(line, SPAN("From ")))
		return false;
	if (span_search(line, SPAN("=_")) < line.n) /* only boundaries have it: see mime_id.h */
		return false;
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if (c >= 127 || (c < ' ' && c != '\t'))
			return false;
	}
	return line.n == 0 || (line.p[line.n - 1] != ' ' && line.p[line.n - 1] != '\t');
}

static struct span next_line(struct span *rest)
{
	struct span line = span_cut(rest, '\n');

	if (span_ends(line, SPAN("\r")))
		line.n--;
	return line;
}

bool mime_text_is_plain(struct span text)
{
	while (text.n > 0) {
		if (!line_is_plain(next_line(&text)))
			return false;
	}
	return true;
}

static int write_plain(struct mime_out *o, struct span text)
{
	while (text.n > 0) {
		if (mime_out_copy(o, next_line(&text)) < 0 || mime_out_copy(o, SPAN("\r\n")) < 0)
			return -1;
	}
	return 0;
}

static int write_qp(struct mime_out *o, struct span text, struct arena *a)
{
	struct mime_qp q;
	struct mime_qp_piece piece;

	mime_qp_begin(&q, o);
	if (mime_qp_piece(&piece, text, a) < 0 || mime_qp_fixed(&q, &piece) < 0)
		return -1;
	return mime_qp_end(&q);
}

static int write_base64(struct mime_out *o, struct span text)
{
	struct mime_base64 b;

	mime_base64_begin(&b, o);
	return mime_base64_text(&b, text) < 0 ? -1 : mime_base64_end(&b);
}

struct span mime_text_encode(struct span text, struct arena *a, enum mime_encoding *encoding)
{
	struct mime_out o;
	int rc;

	mime_out_init(&o, a);
	*encoding = MIME_7BIT;
	if (!mime_text_is_plain(text))
		*encoding = mime_qp_estimate(text) <= mime_base64_size(text.n) ? MIME_QUOTED_PRINTABLE : MIME_BASE64;
	if (*encoding == MIME_7BIT)
		rc = write_plain(&o, text);
	else if (*encoding == MIME_QUOTED_PRINTABLE)
		rc = write_qp(&o, text, a);
	else
		rc = write_base64(&o, text);
	return rc < 0 ? (struct span){ NULL, 0 } : mime_out_flat(&o, a);
}

enum mime_encoding mime_text_judge(size_t quoted_printable_octets, size_t octets)
{
	return 3 * quoted_printable_octets > 8 * octets ? MIME_BASE64 : MIME_QUOTED_PRINTABLE; /* twice 4/3 */
}
