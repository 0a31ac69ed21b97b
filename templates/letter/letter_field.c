/* letter_field.c - held by tests/unit/test_letter_field.c. */
#include "templates/letter/letter_field.h"

#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/mail.h"
#include "templates/letter/letter_mailbox.h"
#include "templates/letter/letter_text.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"

enum { ORDER_OTHER = 50 };

#define FIELD(name, kind, order) { name, kind, ROLE_NONE, CONTROL_NONE, false, order }
#define ROLE(name, role, many, order) { name, FIELD_ADDRESSES, role, CONTROL_NONE, many, order }
#define CONTROL(name, control, many) { name, FIELD_TEXT, ROLE_NONE, control, many, 0 }

static const struct letter_known table[] = {
	ROLE("From", ROLE_FROM, false, 1),
	ROLE("Sender", ROLE_SENDER, false, 2),
	ROLE("To", ROLE_TO, true, 3),
	ROLE("Cc", ROLE_CC, true, 4),
	ROLE("Bcc", ROLE_BCC, true, 0),
	ROLE("Return-Path", ROLE_RETURN_PATH, false, 0),
	FIELD("Reply-To", FIELD_ADDRESSES, 5),
	FIELD("Subject", FIELD_TEXT, 6),
	FIELD("Date", FIELD_PLAIN, 7),
	FIELD("Message-ID", FIELD_PLAIN, 8),
	FIELD("In-Reply-To", FIELD_PLAIN, 9),
	FIELD("References", FIELD_PLAIN, 10),
	FIELD("List-Id", FIELD_PHRASE_ID, ORDER_OTHER),
	FIELD("List-Unsubscribe", FIELD_PLAIN, ORDER_OTHER),
	FIELD("List-Unsubscribe-Post", FIELD_PLAIN, ORDER_OTHER),
	FIELD("List-Help", FIELD_PLAIN, ORDER_OTHER),
	FIELD("List-Subscribe", FIELD_PLAIN, ORDER_OTHER),
	FIELD("List-Post", FIELD_PLAIN, ORDER_OTHER),
	FIELD("List-Owner", FIELD_PLAIN, ORDER_OTHER),
	FIELD("List-Archive", FIELD_PLAIN, ORDER_OTHER),
	FIELD("Feedback-ID", FIELD_PLAIN, ORDER_OTHER),
	FIELD("Precedence", FIELD_PLAIN, ORDER_OTHER),
	FIELD("Auto-Submitted", FIELD_PLAIN, ORDER_OTHER),
	FIELD("Importance", FIELD_PLAIN, ORDER_OTHER),
	FIELD("Content-Language", FIELD_PLAIN, ORDER_OTHER),
	FIELD("Disposition-Notification-To", FIELD_ADDRESSES, ORDER_OTHER),
	FIELD("Errors-To", FIELD_ADDRESSES, ORDER_OTHER),
	CONTROL("Content-Type", CONTROL_TYPE, false),
	CONTROL("Html-Body", CONTROL_HTML, false),
	CONTROL("Text-Body", CONTROL_TEXT, false),
	CONTROL("Attachment", CONTROL_ATTACHMENT, true),
	CONTROL("Inline", CONTROL_INLINE, true),
	CONTROL("Charset", CONTROL_CHARSET, false),
	CONTROL("DKIM", CONTROL_DKIM, true),
	CONTROL("SMIME", CONTROL_SMIME, false),
	CONTROL("MIME-Version", CONTROL_IGNORED, false),
	CONTROL("Content-Transfer-Encoding", CONTROL_IGNORED, false),
	CONTROL("Calendar", CONTROL_CALENDAR, false),
	CONTROL("Multipart", CONTROL_MULTIPART, false),
	CONTROL("Bulk", CONTROL_BULK, false),
};

static const struct letter_known free_text = { NULL, FIELD_TEXT, ROLE_NONE, CONTROL_NONE, true, ORDER_OTHER };

const struct letter_known *letter_field_known(struct span name)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (span_case_eq(name, span_str(table[i].name)))
			return &table[i];
	}
	return &free_text;
}

const char *letter_field_nearest(struct span name)
{
	const char *best = NULL;
	unsigned least = name.n >= 8 ? 2 : 1;

	for (size_t i = 0; i < sizeof table / sizeof table[0] && name.n >= 3; i++) {
		unsigned d = utf8_distance(name, span_str(table[i].name), least);

		if (d <= least && (d < least || !best)) {
			best = table[i].name;
			least = d;
		}
	}
	return best;
}

/* "[Mon, ]23 Nov 2026 09:30[:15] +0100", RFC 5322 3.3; the old names of zones too. */
bool letter_is_date(struct span s)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
	};
	char text[64], month[4], zone[8];
	int day, year, hour, minute, second = 0, from = 0, n = 0;

	if (s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (s.n > 5 && text[3] == ',')
		from = 4;
	if (sscanf(text + from, " %2d %3[A-Za-z] %4d %2d:%2d%n", &day, month, &year, &hour, &minute, &n) != 5)
		return false;
	from += n;
	if (text[from] == ':') {
		if (sscanf(text + from, ":%2d%n", &second, &n) != 1)
			return false;
		from += n;
	}
	n = 0;
	if (sscanf(text + from, " %7[-+0-9A-Za-z]%n", zone, &n) != 1 || text[from + n] != '\0')
		return false;
	for (size_t i = 0; i < sizeof months / sizeof months[0]; i++)
		if (strcmp(month, months[i]) == 0)
			return day >= 1 && day <= 31 && year >= 1970 && hour < 24 && minute < 60 && second < 61;
	return false;
}

bool letter_is_message_id(struct span s)
{
	unsigned ats = 0;

	if (s.n < 5 || s.p[0] != '<' || s.p[s.n - 1] != '>' || s.n > MIME_LINE_MUST)
		return false;
	for (size_t i = 1; i + 1 < s.n; i++) {
		char c = s.p[i];

		if (c <= ' ' || c >= 127 || c == '<' || c == '>')
			return false;
		ats += c == '@';
	}
	return ats == 1 && s.p[1] != '@' && s.p[s.n - 2] != '@';
}

/* ---- rendering ---- */

/* "<>" is the null reverse-path: nobody is told of a failure. */
static bool is_null_path(const struct letter_field *f, struct span text)
{
	return f->role == ROLE_RETURN_PATH && span_eq(span_trim(text), SPAN("<>"));
}

static int render_addresses(const struct letter_field *f, struct letter_job *job, struct address_list *list,
			    bool *null_path, struct err *e)
{
	for (uint32_t i = 0; i < f->n_texts; i++) {
		const struct letter_text *t = &f->texts[i];
		struct letter_rendered line;
		int rc = t->fixed ? 0 : letter_mailbox_read(t, job->row, job->a, list);

		if (rc < 0)
			return err_nomem(e, "the addresses");
		if (rc > 0)
			continue;
		if (letter_text_render(t, job, f->name, &line, e) < 0)
			return -1;
		*null_path = is_null_path(f, line.text);
		if (*null_path)
			return 0;
		if (letter_addresses(&line, job->a, list, e) < 0) {
			err_topic(e, "bad address");
			return err_at(e, t->path, t->line, t->column);
		}
	}
	return 0;
}

static void note_needs(const struct address_list *list, struct letter_job *job)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->items[i].utf8)
			job->needs |= MAIL_NEEDS_SMTPUTF8 | MAIL_NEEDS_8BITMIME;
	}
}

int letter_field_render(const struct letter_field *f, struct letter_job *job, struct letter_field_value *out,
			struct err *e)
{
	struct letter_rendered line;
	struct address_list *list;

	*out = (struct letter_field_value){ 0 };
	if (f->kind != FIELD_ADDRESSES) {
		if (letter_text_render(&f->texts[0], job, f->name, &line, e) < 0)
			return -1;
		out->text = span_trim(line.text);
		out->empty = out->text.n == 0;
		return 0;
	}
	list = arena_take(job->a, sizeof *list);
	if (!list)
		return err_nomem(e, "the addresses");
	*list = (struct address_list){ 0 };
	if (render_addresses(f, job, list, &out->null_path, e) < 0)
		return -1;
	note_needs(list, job);
	out->list = list;
	out->empty = list->n == 0 && list->n_empty_groups == 0;
	return 0;
}

/* ---- writing ---- */

static int write_one(const struct letter_field *f, const struct letter_field_value *v, struct mime_out *o,
		     struct err *e)
{
	switch (f->kind) {
	case FIELD_ADDRESSES:
		return mime_header_addresses(o, f->name, v->list, e);
	case FIELD_PHRASE_ID:
		return mime_header_phrase_id(o, f->name, v->text, e);
	case FIELD_PLAIN:
		if (span_case_eq(f->name, SPAN("Message-ID")) && !letter_is_message_id(v->text))
			return err_set(e, ERR_INPUT, "Message-ID '%.*s' is not of the form <left@right>",
				       SPAN_ARG(v->text));
		if (span_case_eq(f->name, SPAN("Date")) && !letter_is_date(v->text)) {
			err_set(e, ERR_INPUT, "Date '%.*s' is not of the form 'Mon, 23 Nov 2026 09:30:00 +0100'",
				SPAN_ARG(span_sub(v->text, 0, 60)));
			return err_hint(e, "leave 'Date:' out: each message gets the time when it is written");
		}
		return mime_header_plain(o, f->name, v->text, e);
	default:
		return mime_header_text(o, f->name, v->text, e);
	}
}

int letter_field_write(const struct letter_field *f, const struct letter_field_value *v, struct mime_out *o,
		       struct err *e)
{
	if (v->empty)
		return 0;
	if (write_one(f, v, o, e) < 0) {
		err_topic(e, "bad header value");
		return err_at(e, f->texts[0].path, f->texts[0].line, f->texts[0].column);
	}
	return 0;
}

/* ---- for people ---- */

static int show_address(struct mime_out *o, const struct address *x)
{
	if (x->name.n == 0)
		return mime_out_copy(o, x->path);
	if (mime_out_copy(o, x->name) < 0 || mime_out_copy(o, SPAN(" <")) < 0 || mime_out_copy(o, x->path) < 0)
		return -1;
	return mime_out_copy(o, SPAN(">"));
}

static int show_list(struct mime_out *o, const struct address_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if ((i > 0 && mime_out_copy(o, SPAN(", ")) < 0) || show_address(o, &list->items[i]) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < list->n_empty_groups; i++) {
		if ((i + list->n > 0 && mime_out_copy(o, SPAN(", ")) < 0) ||
		    mime_out_copy(o, list->empty_groups[i]) < 0 || mime_out_copy(o, SPAN(":;")) < 0)
			return -1;
	}
	return 0;
}

struct span letter_field_shown(const struct letter_field_value *v, struct arena *a)
{
	struct mime_out o;

	if (!v->list)
		return v->text.p ? v->text : SPAN("");
	mime_out_init(&o, a);
	if (show_list(&o, v->list) < 0)
		return (struct span){ NULL, 0 };
	return mime_out_flat(&o, a);
}
