/* letter_file.c - from a name to the bytes of a part.
 *
 *  1. A name that holds anything from data is opened by the kernel beneath the letter's folder:
 *     no "..", no absolute path, no link that leads out. A kernel without openat2(2) gets the
 *     path component by component, and no link is followed at all.
 *  2. Only regular files are read; a FIFO does not block (O_NONBLOCK).
 *  3. Bytes from data are never syntax of the field, so no value can add a parameter.
 * Held by tests/unit/test_letter_file.c. */
#include "templates/letter/letter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/utf8.h"
#include "engine/model/mail.h"
#include "templates/letter/letter_params.h"
#include "templates/letter/letter_parts.h"
#include "templates/letter/letter_text.h"
#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_type.h"

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* ---- opening ---- */

/* Component by component, following no link. Returns the descriptor or -1 with errno. */
static int open_step_by_step(int folder, char *path)
{
	int at = folder, next;

	for (char *part = path, *end; ; part = end + 1) {
		end = strchr(part, '/');
		if (end)
			*end = '\0';
		if (strcmp(part, "..") == 0 || *part == '\0') {
			next = -1;
			errno = EXDEV;
		} else if (end) {
			next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		} else {
			next = openat(at, part, OPEN_FLAGS | O_NOFOLLOW);
		}
		if (at != folder)
			close(at);
		if (next < 0 || !end)
			return next;
		at = next;
	}
}

static int open_beneath(int folder, char *path)
{
	struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd;

	do {
		fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_step_by_step(folder, path);
	return fd;
}

static int open_failed(struct span path, struct err *e)
{
	if (errno == EXDEV) {
		err_set(e, ERR_INPUT, "file '%.*s' is outside the letter's folder", SPAN_ARG(path));
		return err_topic(e, "file outside the folder");
	}
	if (errno == ENOENT || errno == ENOTDIR) {
		err_set(e, ERR_INPUT, "file '%.*s' does not exist", SPAN_ARG(path));
		return err_topic(e, "missing file");
	}
	if (errno == ELOOP || errno == EACCES || errno == EISDIR || errno == ENAMETOOLONG) {
		err_sys(e, "file '%.*s' cannot be opened", SPAN_ARG(path));
		if (e)
			e->kind = ERR_INPUT;
		return -1;
	}
	return err_sys(e, "file '%.*s' cannot be opened", SPAN_ARG(path));
}

static int read_open(int fd, struct span path, uint64_t max, struct arena *a, struct span *out, struct err *e)
{
	struct stat st;
	ssize_t n;
	char *p;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "file '%.*s' cannot be examined", SPAN_ARG(path));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "'%.*s' is not a regular file", SPAN_ARG(path));
	if ((uint64_t)st.st_size > max) {
		err_set(e, ERR_INPUT, "file '%.*s' has %lld bytes, more than a message may have (%llu)",
			SPAN_ARG(path), (long long)st.st_size, (unsigned long long)max);
		return err_topic(e, "file too large");
	}
	p = arena_take(a, (size_t)st.st_size + 1);
	if (!p)
		return err_nomem(e, "a file of the letter");
	n = file_read_full(fd, p, (size_t)st.st_size + 1);
	if (n < 0)
		return err_sys(e, "file '%.*s' cannot be read", SPAN_ARG(path));
	if (n != st.st_size)
		return err_set(e, ERR_INPUT, "file '%.*s' changed while it was read", SPAN_ARG(path));
	*out = span_of(p, (size_t)n);
	return 0;
}

int letter_file_read(int folder, struct span path, enum letter_file_trust trust, uint64_t max, struct arena *a,
		     struct span *out, struct err *e)
{
	char *name = arena_str(a, path);
	int fd, rc;

	if (!name)
		return err_nomem(e, "a file name");
	if (strlen(name) != path.n || path.n == 0)
		return err_set(e, ERR_INPUT, "'%.*s' is no file name", SPAN_ARG(path));
	if (trust == FILE_BY_AUTHOR && name[0] == '/')
		fd = open(name, OPEN_FLAGS);
	else
		fd = open_beneath(folder, name);
	if (fd < 0)
		return open_failed(path, e);
	rc = read_open(fd, path, max, a, out, e);
	close(fd);
	return rc;
}

/* ---- the field ---- */

static int set_disposition(struct letter_file_name *out, struct span value, struct err *e)
{
	out->is_inline = span_case_eq(value, SPAN("inline"));
	if (out->is_inline || span_case_eq(value, SPAN("attachment")))
		return 0;
	return err_set(e, ERR_INPUT, "disposition is 'inline' or 'attachment', not '%.*s'", SPAN_ARG(value));
}

static int set_encoding(struct letter_file_name *out, struct span value, struct err *e)
{
	out->encoding = value;
	if (span_case_eq(value, SPAN("base64")) || span_case_eq(value, SPAN("quoted-printable")) ||
	    span_case_eq(value, SPAN("7bit")))
		return 0;
	return err_set(e, ERR_INPUT, "encoding is base64, quoted-printable or 7bit, not '%.*s'", SPAN_ARG(value));
}

static int set_old_name(struct letter_file_name *out, struct span value, struct err *e)
{
	out->old_name = span_case_eq(value, SPAN("yes"));
	if (out->old_name || span_case_eq(value, SPAN("no")))
		return 0;
	return err_set(e, ERR_INPUT, "old-name is 'yes' or 'no', not '%.*s'", SPAN_ARG(value));
}

static int set_parameter(struct letter_file_name *out, struct span key, struct span value, struct err *e)
{
	if (span_case_eq(key, SPAN("type"))) {
		out->type = value;
		if (mime_type_ok(value) && !span_case_begins(value, SPAN("multipart/")))
			return 0;
		return err_set(e, ERR_INPUT, "type '%.*s' is not like 'application/pdf'", SPAN_ARG(value));
	}
	if (span_case_eq(key, SPAN("disposition")))
		return set_disposition(out, value, e);
	if (span_case_eq(key, SPAN("encoding")))
		return set_encoding(out, value, e);
	if (span_case_eq(key, SPAN("old-name")))
		return set_old_name(out, value, e);
	if (span_case_eq(key, SPAN("name")))
		out->name = value;
	else if (span_case_eq(key, SPAN("cid")))
		out->cid = value;
	else if (span_case_eq(key, SPAN("charset")))
		out->charset = value;
	else
		return err_set(e, ERR_INPUT,
			       "parameter '%.*s' is none of type, name, old-name, cid, charset, disposition, encoding",
			       SPAN_ARG(key));
	return 0;
}

int letter_file_parse(struct letter_file_name *out, const struct letter_rendered *line, struct arena *a,
		      struct err *e)
{
	struct letter_params p = { .text = line->text, .line = line, .a = a };
	struct span key, value;
	int got;

	*out = (struct letter_file_name){ 0 };
	if (letter_params_first(&p, &out->path, e) < 0)
		return -1;
	while ((got = letter_params_next(&p, &key, &value, e)) > 0) {
		if (set_parameter(out, key, value, e) < 0)
			return -1;
	}
	return got;
}

/* ---- the part ---- */

/* An attached message travels as it is (RFC 2046 5.2.1): lines end with CRLF, 8-bit stays. */
static int encode_message(struct span octets, struct arena *a, struct span *data, enum mime_encoding *encoding,
			  unsigned *needs, struct err *e)
{
	char *p = arena_take(a, octets.n * 2 + 2);
	size_t n = 0, begin = 0;

	if (!p)
		return err_nomem(e, "an attached message");
	*encoding = MIME_7BIT;
	for (size_t i = 0; i < octets.n; i++) {
		char c = octets.p[i];

		if (c == '\0')
			return err_set(e, ERR_INPUT, "an attached message has a NUL byte");
		if ((unsigned char)c >= 128)
			*encoding = MIME_8BIT;
		if (c == '\r' && i + 1 < octets.n && octets.p[i + 1] == '\n')
			continue;
		if (c != '\n' && c != '\r') {
			p[n++] = c;
			if (n - begin > MIME_LINE_MUST)
				return err_set(e, ERR_INPUT, "an attached message has a line over 998 bytes");
			continue;
		}
		p[n++] = '\r';
		p[n++] = '\n';
		begin = n;
	}
	if (n > begin) {
		p[n++] = '\r';
		p[n++] = '\n';
	}
	*data = span_of(p, n);
	*needs |= MAIL_MAY_HAVE_DOTS | (*encoding == MIME_8BIT ? MAIL_NEEDS_8BITMIME : 0u);
	if (span_begins(*data, SPAN("--=_")) || span_search(*data, SPAN("\n--=_")) < n)
		return err_set(e, ERR_INPUT, "an attached message has a line that begins with '--=_'");
	return 0;
}

static int encode_octets(struct span octets, struct arena *a, struct span *data, struct err *e)
{
	char *p = arena_take(a, mime_base64_size(octets.n));

	if (!p)
		return err_nomem(e, "a file of the letter");
	*data = span_of(p, (size_t)(mime_base64_lines(p, octets) - p));
	return 0;
}

/* As the letter asks. The other two than base64 are for text: its line ends become CRLF, one at the
 * end is added. */
static int encode_as(struct span wanted, struct span type, struct span octets, struct arena *a, struct span *data,
		     enum mime_encoding *encoding, struct err *e)
{
	struct mime_out o;
	struct mime_qp qp;

	*encoding = MIME_BASE64;
	if (wanted.n == 0 || span_case_eq(wanted, SPAN("base64")))
		return encode_octets(octets, a, data, e);
	if (!span_case_begins(type, SPAN("text/")))
		return err_set(e, ERR_INPUT, "encoding=%.*s is for text, and this file is %.*s", SPAN_ARG(wanted), SPAN_ARG(type));
	if (span_case_eq(wanted, SPAN("7bit"))) {
		if (!mime_text_is_plain(octets))
			return err_set(e, ERR_INPUT, "the file is not plain enough for encoding=7bit");
		*data = mime_text_encode(octets, a, encoding);
		return data->p ? 0 : err_nomem(e, "a file of the letter");
	}
	*encoding = MIME_QUOTED_PRINTABLE;
	mime_out_init(&o, a);
	mime_qp_begin(&qp, &o);
	if (mime_qp_value(&qp, octets) < 0 || mime_qp_end(&qp) < 0)
		return err_nomem(e, "a file of the letter");
	*data = mime_out_flat(&o, a);
	return data->p ? 0 : err_nomem(e, "a file of the letter");
}

static int put_type(struct mime_out *o, const struct letter_file_name *name, struct span type, struct span shown,
		    struct span octets, struct arena *a)
{
	struct mime_field f = { .out = o };
	struct span charset = name->charset, ascii = mime_file_name_ascii(shown, a);

	if (charset.n == 0 && span_case_begins(type, SPAN("text/")) && utf8_valid(octets))
		charset = SPAN("utf-8");
	if (!ascii.p || mime_field_begin(&f, SPAN("Content-Type"), type) < 0)
		return -1;
	if (charset.n > 0 && mime_field_param(&f, SPAN("charset"), charset) < 0)
		return -1;
	/* What old readers look at. */
	if ((name->old_name ? mime_field_param_words(&f, SPAN("name"), shown) : mime_field_param(&f, SPAN("name"), ascii)) < 0)
		return -1;
	return mime_field_end(&f);
}

static int put_rest(struct mime_out *o, const struct letter_file *file, bool is_inline, struct span shown,
		    enum mime_encoding encoding)
{
	struct mime_field f = { .out = o };

	if (mime_field_begin(&f, SPAN("Content-Transfer-Encoding"), mime_encoding_name(encoding)) < 0 ||
	    mime_field_end(&f) < 0 ||
	    mime_field_begin(&f, SPAN("Content-Disposition"), is_inline ? SPAN("inline") : SPAN("attachment")) < 0 ||
	    mime_field_param(&f, SPAN("filename"), shown) < 0 || mime_field_end(&f) < 0)
		return -1;
	if (file->content_id.n > 0 &&
	    (mime_out_copy(o, SPAN("Content-ID: <")) < 0 || mime_out_copy(o, file->content_id) < 0 ||
	     mime_out_copy(o, SPAN(">\r\n")) < 0))
		return -1;
	return mime_out_copy(o, SPAN("\r\n"));
}

int letter_file_encode(const struct letter_file *file, const struct letter_file_name *name, struct span octets,
		       struct arena *a, struct span *head, struct span *data, unsigned *needs, struct err *e)
{
	struct span shown = name->name.n ? mime_file_name(name->name, a) : mime_file_name_of(name->path, a);
	struct span type = name->type.n ? name->type : mime_type_of(name->path);
	enum mime_encoding encoding = MIME_BASE64;
	struct mime_out o;
	int rc;

	if (span_case_begins(type, SPAN("message/"))) /* these two may not be base64: RFC 2045 6.4 */
		rc = encode_message(octets, a, data, &encoding, needs, e);
	else
		rc = encode_as(name->encoding, type, octets, a, data, &encoding, e);
	if (rc < 0)
		return -1;
	mime_out_init(&o, a);
	if (!shown.p || put_type(&o, name, type, shown, octets, a) < 0 ||
	    put_rest(&o, file, file->is_inline || name->is_inline, shown, encoding) < 0)
		return err_nomem(e, "a file of the letter");
	*head = mime_out_flat(&o, a);
	return head->p ? 0 : err_nomem(e, "a file of the letter");
}
