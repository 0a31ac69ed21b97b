/* letter_envelope.c - who a mail is from and to, out of the addresses of its header.
 *
 * Held by tests/unit/test_letter_write.c. */
#include "templates/letter/letter_job.h"

#include "engine/base/err.h"
#include "engine/model/mail.h"
#include "templates/letter/letter_text.h"

/* Fields that never leave, and those whose octets are fixed, for their addresses. */
int letter_job_roles(struct letter_job *job, struct err *e)
{
	const struct letter *l = job->l;
	struct letter_field_value v;

	for (int i = 0; i < ROLE_COUNT; i++) {
		const struct letter_field *f = l->role[i];

		if (!f)
			continue;
		if (f->fixed) {
			job->lists[i] = &f->list;
			if (i == ROLE_RETURN_PATH)
				job->null_path = f->null_path;
		} else if (f->control && letter_job_field(job, f, &v, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static uint32_t length_of(const struct letter_job *job, enum letter_role role)
{
	return job->lists[role] ? job->lists[role]->n : 0;
}

static int place_of(const struct letter_job *job, enum letter_role role, struct err *e)
{
	const struct letter_field *f = job->l->role[role];

	return f && f->n_texts ? err_at(e, f->texts[0].path, f->texts[0].line, f->texts[0].column)
			       : err_at(e, job->l->path, 0, 0);
}

int letter_job_sender(struct letter_job *job, struct span *out, struct err *e)
{
	static const enum letter_role from[] = { ROLE_RETURN_PATH, ROLE_SENDER, ROLE_FROM };

	*out = SPAN("");
	if (length_of(job, ROLE_FROM) == 0) {
		err_set(e, ERR_INPUT, "this row leaves the 'From:' empty");
		return place_of(job, ROLE_FROM, e);
	}
	if (length_of(job, ROLE_FROM) > 1 && length_of(job, ROLE_SENDER) == 0) {
		err_set(e, ERR_INPUT, "a 'From:' with several addresses wants a 'Sender:'");
		return place_of(job, ROLE_FROM, e);
	}
	if (job->null_path)
		return 0;
	for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
		uint32_t n = length_of(job, from[i]);

		if (n > 1 && from[i] != ROLE_FROM) {
			err_set(e, ERR_INPUT, "'%.*s' takes one address", SPAN_ARG(job->l->role[from[i]]->name));
			return place_of(job, from[i], e);
		}
		if (n > 0) {
			*out = job->lists[from[i]]->items[0].path;
			return 0;
		}
	}
	return 0;
}

static bool in_list(const struct address_list *list, const struct address *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (address_same(&list->items[i], x))
			return true;
	}
	return false;
}

static bool is_new(const struct letter_job *job, enum letter_role role, uint32_t at)
{
	const struct address *x = &job->lists[role]->items[at];

	for (int r = ROLE_TO; r < (int)role; r++) {
		if (job->lists[r] && in_list(job->lists[r], x, job->lists[r]->n))
			return false;
	}
	return !in_list(job->lists[role], x, at);
}

/* The row itself names the first with a value in it, and those who stand in the same cell; others may come again in
 * other rows, as a manager does. */
static void gather_role(struct letter_job *job, enum letter_role role, struct span *all, struct mail *out)
{
	const struct address_list *list = job->lists[role];
	bool own = false;

	for (uint32_t i = 0; list && i < list->n; i++) {
		const struct address *x = &list->items[i];

		own = own && x->of_list;
		if (!is_new(job, role, i))
			continue;
		own = own || (x->of_row && out->n_own == 0);
		if (own && out->n_own++ == 0)
			out->own = out->n_recipients;
		all[out->n_recipients++] = x->path;
	}
}

int letter_job_recipients(struct letter_job *job, struct mail *out, struct err *e)
{
	uint32_t n = length_of(job, ROLE_TO) + length_of(job, ROLE_CC) + length_of(job, ROLE_BCC);
	struct span *all = arena_take(job->a, (n ? n : 1) * sizeof *all);

	if (!all)
		return err_nomem(e, "a mail");
	out->recipients = all;
	out->n_recipients = out->own = out->n_own = 0;
	for (int r = ROLE_TO; r <= ROLE_BCC; r++)
		gather_role(job, (enum letter_role)r, all, out);
	if (out->n_recipients > 0)
		return 0;
	err_set(e, ERR_INPUT, "this row has no recipient: its address is empty");
	err_topic(e, "no address");
	return place_of(job, ROLE_TO, e);
}

int letter_to_column(const struct letter *l)
{
	const struct letter_field *to = l->role[ROLE_TO];

	return to && to->n_texts == 1 && !to->texts[0].program && to->texts[0].index != UINT32_MAX
		       ? (int)to->texts[0].index
		       : -1;
}

int letter_domain_column(const struct letter *l)
{
	return l->domain_column;
}

int letter_job_column(struct letter_job *job, struct err *e)
{
	const struct letter_text *t = &job->l->address_column;
	struct address_list list = { 0 };
	struct letter_rendered line;

	if (letter_text_render(t, job, t->name, &line, e) < 0)
		return -1;
	if (letter_addresses(&line, job->a, &list, e) < 0) {
		err_topic(e, "bad address");
		return place_of(job, ROLE_TO, e);
	}
	for (uint32_t i = 0; i < list.n; i++) {
		if (in_list(job->lists[ROLE_TO], &list.items[i], length_of(job, ROLE_TO)))
			continue;
		err_set(e, ERR_INPUT, "'To:' has not the address of column '%.*s', %.*s", SPAN_ARG(t->name),
			SPAN_ARG(list.items[i].path));
		err_topic(e, "To contradicts the address column");
		place_of(job, ROLE_TO, e);
		return err_hint(e, "take out 'To:' or --address-column");
	}
	if (list.n > 0)
		return 0;
	err_set(e, ERR_INPUT, "column '%.*s' has no address", SPAN_ARG(t->name));
	err_topic(e, "no address");
	return place_of(job, ROLE_TO, e);
}
