/* letter_mistakes.c - all that is wrong with a row of which letter_write() said only the first.
 *
 * Walks the message program once more, each field, body and file by itself. What follows from a mistake that
 * was told already, as a missing recipient from a bad address, is no mistake of its own.
 * Held by tests/system/test_cli_check.py. */
#include "templates/letter/letter.h"

#include <string.h>

#include "engine/base/err.h"
#include "templates/letter/letter_job.h"
#include "templates/mime/mime_out.h"

struct search {
	struct letter_job job;
	struct letter_teller *to;
	unsigned bad_roles;  /* bit 1 << role: its addresses are not known */
	struct err last;     /* a body and what is made of it have one mistake */
	struct err *e;       /* of what ends the search */
};

/* 0 the search goes on. */
static int tell(struct search *s, const struct err *why)
{
	if (why->kind != ERR_INPUT) {
		*s->e = *why;
		return -1;
	}
	if (why->line != s->last.line || why->column != s->last.column || strcmp(why->text, s->last.text) != 0 ||
	    strcmp(why->path, s->last.path) != 0)
		s->to->tell(s->to, why);
	s->last = *why;
	return 0;
}

static void mark_role(struct search *s, enum letter_role role)
{
	if (role != ROLE_NONE)
		s->bad_roles |= 1U << role;
}

static int search_roles(struct search *s)
{
	const struct letter *l = s->job.l;
	struct letter_field_value v;

	for (int i = 0; i < ROLE_COUNT; i++) {
		const struct letter_field *f = l->role[i];
		struct err why = { 0 };

		if (f && f->fixed) {
			s->job.lists[i] = &f->list;
			s->job.null_path |= i == ROLE_RETURN_PATH && f->null_path;
		} else if (f && f->control && letter_job_field(&s->job, f, &v, &why) < 0) {
			mark_role(s, f->role);
			if (tell(s, &why) < 0)
				return -1;
		}
	}
	return 0;
}

static int search_ops(struct search *s)
{
	const struct letter_program *p = &s->job.l->utf8;

	for (uint32_t i = 0; i < p->n; i++) {
		const struct letter_op *op = &p->ops[i];
		struct err why = { 0 };
		struct mime_out o;

		if (op->kind != OP_FIELD && op->kind != OP_BODY && op->kind != OP_FILE)
			continue;
		mime_out_init(&o, s->job.a);
		if (letter_job_op(&s->job, op, &o, &why) == 0)
			continue;
		if (op->kind == OP_FIELD)
			mark_role(s, op->field->role);
		if (tell(s, &why) < 0)
			return -1;
	}
	return 0;
}

/* Sender and recipients, as far as the fields are known that they come from. */
static int search_envelope(struct search *s, struct mail *out)
{
	const unsigned from = 1U << ROLE_RETURN_PATH | 1U << ROLE_SENDER | 1U << ROLE_FROM,
		       to = 1U << ROLE_TO | 1U << ROLE_CC | 1U << ROLE_BCC;
	struct err why = { 0 };

	if (!(s->bad_roles & from) && letter_job_sender(&s->job, &out->sender, &why) < 0 && tell(s, &why) < 0)
		return -1;
	why = (struct err){ 0 };
	if (!(s->bad_roles & to) && s->job.l->check_column && letter_job_column(&s->job, &why) < 0) {
		if (tell(s, &why) < 0)
			return -1;
		s->bad_roles |= to;
	}
	why = (struct err){ 0 };
	if (letter_job_recipients(&s->job, out, &why) < 0 && (why.kind != ERR_INPUT || !(s->bad_roles & to)))
		return tell(s, &why);
	return 0;
}

int letter_mistakes(const struct letter *l, struct letter_desk *d, struct arena *a, const struct row *r,
		    int64_t wall_ms, struct letter_teller *to, struct mail *out, struct err *e)
{
	struct search s = { .to = to, .e = e };

	*out = (struct mail){ .row = r->number };
	letter_job_begin(&s.job, l, d, a, r, wall_ms);
	if (search_roles(&s) < 0 || search_ops(&s) < 0 || search_envelope(&s, out) < 0)
		return -1;
	out->needs = s.job.needs;
	return 0;
}
