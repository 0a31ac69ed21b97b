/* letter_view.c - a mail as a person sees it. Renders like letter_write() and encodes nothing. */
#include "templates/letter/letter.h"

#include "engine/base/err.h"
#include "templates/letter/letter_body.h"
#include "templates/letter/letter_job.h"
#include "templates/mime/mime_type.h"

static int no_memory(struct err *e)
{
	return err_nomem(e, "a preview");
}

static int show_field(struct letter_job *job, const struct letter_field *f, struct span *out, struct err *e)
{
	struct letter_field_value v;

	if (f->kind == FIELD_DATE) {
		int ok;

		*out = arena_copy(job->a, job->d->date, &ok);
		return ok ? 0 : no_memory(e);
	}
	*out = f->shown;
	if (f->kind == FIELD_MESSAGE_ID)
		*out = letter_message_id(job->l, job->a, job->row->number);
	else if (f->kind != FIELD_MIME && !f->fixed) {
		if (letter_job_field(job, f, &v, e) < 0)
			return -1;
		*out = letter_field_shown(&v, job->a);
	}
	return out->p ? 0 : no_memory(e);
}

static int show_fields(struct letter_job *job, struct letter_view *out, struct err *e)
{
	const struct letter *l = job->l;
	struct letter_view_header *all = arena_array(job->a, l->n_fields, sizeof *all);

	if (!all)
		return no_memory(e);
	out->headers = all;
	for (uint32_t i = 0; i < l->n_fields; i++) {
		struct letter_view_header *h = &all[out->n_headers];

		if (show_field(job, l->fields[i], &h->value, e) < 0)
			return -1;
		h->name = l->fields[i]->name;
		out->n_headers += h->value.n > 0; /* an empty one is not sent */
	}
	return 0;
}

/* The first text and the first HTML; a letter written in parts may have more. */
static int show_bodies(struct letter_job *job, struct letter_view *out, struct err *e)
{
	for (uint32_t i = 0; i < job->l->n_bodies; i++) {
		const struct letter_body *b = job->l->bodies[i];
		bool *has = b->html ? &out->has_html : &out->has_text;

		if (*has || b->form == FORM_CALENDAR)
			continue;
		*has = true;
		if (letter_body_show(b, job, b->html ? &out->html : &out->text, e) < 0)
			return -1;
	}
	return 0;
}

static int show_file(struct letter_job *job, const struct letter_file *f, struct letter_view_part *p, struct err *e)
{
	struct letter_file_name name = f->fixed_name;
	int rc = 1;

	p->data = f->octets;
	if (!f->text.fixed)
		rc = letter_job_file(job, f, &name, &p->data, e);
	if (rc <= 0)
		return rc;
	p->type = name.type.n ? name.type : mime_type_of(name.path);
	p->name = name.name.n ? mime_file_name(name.name, job->a) : mime_file_name_of(name.path, job->a);
	p->cid = f->shown_cid;
	return p->name.p ? 1 : no_memory(e);
}

static int show_files(struct letter_job *job, struct letter_view *out, struct err *e)
{
	const struct letter *l = job->l;
	struct letter_view_part *all = arena_array(job->a, l->n_files + 1, sizeof *all);

	if (!all)
		return no_memory(e);
	out->parts = all;
	for (uint32_t i = 0; i < l->n_files; i++) {
		int rc = show_file(job, l->files[i], &all[out->n_parts], e);

		if (rc < 0)
			return -1;
		out->n_parts += (uint32_t)rc;
	}
	return 0;
}

int letter_view(const struct letter *l, struct letter_desk *d, struct arena *a, const struct row *r,
		int64_t wall_ms, struct letter_view *out, struct err *e)
{
	struct letter_job job;

	*out = (struct letter_view){ 0 };
	letter_job_begin(&job, l, d, a, r, wall_ms);
	if (show_fields(&job, out, e) < 0 || show_bodies(&job, out, e) < 0)
		return -1;
	return show_files(&job, out, e);
}
