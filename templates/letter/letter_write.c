/* letter_write.c - letter + row = mail.
 *
 * Walks the message program: fixed octets are referenced, fields and bodies filled in.
 *  1. A mail's recipients are the addresses of To, Cc and Bcc, each once; what stands in the header
 *     and what goes into the envelope come from the same parsed address.
 *  2. Same letter, seed, row and time: same octets.
 *  3. No heap is touched once arena and scratch have grown to their size, but by signatures and
 *     Markdown, whose libraries do.
 *  4. A mail is in one charset: the letter's, or UTF-8 when a value does not fit into that.
 * Held by tests/unit/test_letter_write.c. */
#include "templates/letter/letter.h"

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "templates/dkim/dkim.h"
#include "templates/dkim/smime.h"
#include "templates/letter/letter_body.h"
#include "templates/letter/letter_field.h"
#include "templates/letter/letter_file.h"
#include "templates/letter/letter_job.h"
#include "templates/letter/letter_text.h"
#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_out.h"

enum { WORK_CHUNK = 1 << 16, WORK_MAX = 1 << 30 };

/* ---- desks and jobs ---- */

enum { PIECE_LONG = 4096 }; /* octets that are worth being looked at beforehand */

static void know_long_pieces(struct dkim_desk *d, const struct letter_program *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->ops[i].kind == OP_FIXED && p->ops[i].fixed.n >= PIECE_LONG)
			dkim_desk_know(d, p->ops[i].fixed);
	}
}

int letter_desk_new(struct letter_desk **out, const struct letter *l, struct err *e)
{
	struct letter_desk *d = mem_new(sizeof *d);

	*out = NULL;
	if (!d)
		return err_nomem(e, "a desk");
	d->second = INT64_MIN;
	arena_init(&d->work, WORK_CHUNK, WORK_MAX);
	if (liquid_scratch_new(&d->scratch, e) < 0 ||
	    (l->charset && mime_converter_new(&d->converter, l->charset, e) < 0) ||
	    (l->n_signers > 0 && dkim_desk_new(&d->dkim, l->signers, l->n_signers, e) < 0)) {
		letter_desk_free(&d);
		return -1;
	}
	if (d->dkim) {
		know_long_pieces(d->dkim, &l->utf8);
		know_long_pieces(d->dkim, &l->other);
	}
	*out = d;
	return 0;
}

void letter_desk_free(struct letter_desk **dp)
{
	struct letter_desk *d = *dp;

	if (!d)
		return;
	*dp = NULL;
	liquid_scratch_free(&d->scratch);
	dkim_desk_free(&d->dkim);
	mime_converter_free(&d->converter);
	arena_release(&d->work);
	mem_free(d);
}

static void set_date(struct letter_desk *d, int64_t wall_ms)
{
	const size_t name = strlen("Date: ");
	int64_t second = wall_ms / 1000;

	if (second == d->second)
		return;
	d->second = second;
	d->zone_minutes = clock_zone_minutes(wall_ms);
	memcpy(d->line, "Date: ", name);
	clock_rfc5322(wall_ms, d->zone_minutes, d->line + name);
	d->date = span_str(d->line + name);
	memcpy(d->line + name + d->date.n, "\r\n", 2);
	d->date_line = span_of(d->line, name + d->date.n + 2);
}

void letter_desk_watch(struct letter_desk *d, struct liquid_empty *watch)
{
	d->watch = watch;
}

void letter_job_begin(struct letter_job *job, const struct letter *l, struct letter_desk *d, struct arena *a,
		      const struct row *r, int64_t wall_ms)
{
	set_date(d, wall_ms);
	*job = (struct letter_job){ .l = l, .d = d, .a = a, .row = r, .needs = l->needs };
	job->specials[0] = value_int((int64_t)r->number);
	if (l->uses_token)
		mime_id(&l->seed, SPAN("token"), r->number, job->token);
	job->specials[1] = value_text(span_str(job->token));
	job->input = (struct liquid_input){
		.row = r, .specials = job->specials, .now_ms = wall_ms, .zone_minutes = d->zone_minutes,
		.empty = d->watch,
	};
}

/* ---- Message-ID ---- */

static size_t id_size(const struct letter *l)
{
	return 1 + (MIME_ID_SIZE - 1) + 1 + l->id_domain.n + 1;
}

static void put_id(const struct letter *l, uint64_t row, char *p)
{
	p[0] = '<';
	mime_id(&l->seed, SPAN("message"), row, p + 1);
	p[MIME_ID_SIZE] = '@';
	memcpy(p + MIME_ID_SIZE + 1, l->id_domain.p, l->id_domain.n);
	p[id_size(l) - 1] = '>';
}

/* The letter's own, as far as it is known beforehand. */
static struct span own_id(const struct letter *l)
{
	return l->fixed_message_id.p ? l->fixed_message_id : SPAN("");
}

struct span letter_message_id(const struct letter *l, struct arena *a, uint64_t row)
{
	char *p;

	if (l->own_message_id)
		return own_id(l);
	p = arena_take(a, id_size(l));
	if (p)
		put_id(l, row, p);
	return span_of(p, p ? id_size(l) : 0);
}

static bool is_message_id(const struct letter_field *f)
{
	return f->kind == FIELD_PLAIN && span_eq(f->name, SPAN("Message-ID"));
}

/* ---- fields ---- */

/* Keeps what the envelope needs of a field. */
static void keep_role(struct letter_job *job, const struct letter_field *f, const struct letter_field_value *v)
{
	if (f->role == ROLE_RETURN_PATH)
		job->null_path = v->null_path;
	if (f->role != ROLE_NONE)
		job->lists[f->role] = v->list;
	if (is_message_id(f))
		job->message_id = v->text;
}

int letter_job_field(struct letter_job *job, const struct letter_field *f, struct letter_field_value *v, struct err *e)
{
	if (letter_field_render(f, job, v, e) < 0)
		return -1;
	keep_role(job, f, v);
	return 0;
}

static int write_field(struct letter_job *job, const struct letter_field *f, struct mime_out *o, struct err *e)
{
	struct letter_field_value v;

	return letter_job_field(job, f, &v, e) < 0 ? -1 : letter_field_write(f, &v, o, e);
}

static int write_message_id(struct letter_job *job, struct mime_out *o, struct err *e)
{
	struct span name = SPAN("Message-ID: ");
	size_t n = id_size(job->l);
	char *p = mime_out_room(o, name.n + n + 2);

	if (!p)
		return err_nomem(e, "a mail");
	memcpy(p, name.p, name.n);
	p += name.n;
	put_id(job->l, job->row->number, p);
	job->message_id = span_of(p, n);
	p[n] = '\r';
	p[n + 1] = '\n';
	mime_out_wrote(o, p + n + 2);
	return 0;
}

/* ---- files of one mail ---- */

int letter_job_file(struct letter_job *job, const struct letter_file *f, struct letter_file_name *name,
		    struct span *octets, struct err *e)
{
	const struct letter *l = job->l;
	struct letter_rendered line;

	if (letter_text_render(&f->text, job, SPAN("Attachment"), &line, e) < 0)
		return -1;
	if (letter_file_parse(name, &line, job->a, e) < 0)
		return err_at(e, f->text.path, f->text.line, f->text.column);
	if (name->path.n == 0)
		return 0;
	if (letter_file_read(l->folder, name->path, FILE_BENEATH, l->opt.max_message_bytes, job->a, octets, e) < 0)
		return err_at(e, f->text.path, f->text.line, f->text.column);
	return 1;
}

static int write_file(struct letter_job *job, const struct letter_file *f, struct mime_out *o, struct err *e)
{
	struct letter_file_name name;
	struct span octets = { NULL, 0 }, head, data;
	int rc = letter_job_file(job, f, &name, &octets, e);

	if (rc <= 0)
		return rc;
	if (letter_file_encode(f, &name, octets, job->a, &head, &data, &job->needs, e) < 0)
		return err_at(e, f->text.path, f->text.line, f->text.column);
	if (mime_out_copy(o, f->delimiter) < 0 || mime_out_refer(o, head) < 0 || mime_out_refer(o, data) < 0)
		return err_nomem(e, "a mail");
	return 0;
}

/* ---- S/MIME ---- */

/* The octets from `from` on, in pieces; -1: no memory. */
static int pieces_from(struct mime_out *o, uint64_t from, struct arena *a, struct span **out, uint32_t *n)
{
	*n = 0;
	mime_out_close(o);
	*out = arena_array(a, o->n, sizeof **out);
	if (!*out)
		return -1;
	for (uint32_t i = 0; i < o->n; i++) {
		if (from < o->spans[i].n)
			(*out)[(*n)++] = span_skip(o->spans[i], (size_t)from);
		from -= from < o->spans[i].n ? from : o->spans[i].n;
	}
	return 0;
}

static int write_signature(struct letter_job *job, struct span head, struct mime_out *o, struct err *e)
{
	struct span *pieces, der;
	uint32_t n;
	char *p;

	if (pieces_from(o, job->signed_from, job->a, &pieces, &n) < 0)
		return err_nomem(e, "a mail");
	if (smime_sign(job->l->smime, pieces, n, job->input.now_ms, job->a, &der, e) < 0)
		return -1;
	if (mime_out_refer(o, head) < 0)
		return err_nomem(e, "a mail");
	p = mime_out_room(o, mime_base64_size(der.n));
	if (!p)
		return err_nomem(e, "a mail");
	mime_out_wrote(o, mime_base64_lines(p, der));
	return 0;
}

static int refer(struct mime_out *o, struct span s, struct err *e)
{
	return mime_out_refer(o, s) < 0 ? err_nomem(e, "a mail") : 0;
}

int letter_job_op(struct letter_job *job, const struct letter_op *op, struct mime_out *o, struct err *e)
{
	switch (op->kind) {
	case OP_FIXED:
		return refer(o, op->fixed, e);
	case OP_FIELD:
		return write_field(job, op->field, o, e);
	case OP_DATE:
		return mime_out_copy(o, job->d->date_line) < 0 ? err_nomem(e, "a mail") : 0;
	case OP_MESSAGE_ID:
		return write_message_id(job, o, e);
	case OP_BODY:
		return letter_body_write(op->body, job, o, e);
	case OP_FILE:
		return write_file(job, op->file, o, e);
	case OP_SIGNED_BEGIN:
		job->signed_from = mime_out_size(o);
		return 0;
	case OP_SIGNED_END:
		return write_signature(job, op->fixed, o, e);
	}
	return -1;
}

/* ---- the whole ---- */

/* Puts the signatures before the message. */
static int sign(struct letter_job *job, struct mime_out *o, struct err *e)
{
	struct span *all = arena_take(job->a, (o->n + 1) * sizeof *all);

	if (!all)
		return err_nomem(e, "a mail");
	if (dkim_sign(job->d->dkim, job->a, o->spans, o->n, job->input.now_ms, &all[0], e) < 0)
		return -1;
	memcpy(all + 1, o->spans, o->n * sizeof *all);
	o->spans = all;
	o->n++;
	o->size += all[0].n;
	return 0;
}

static int finish(struct letter_job *job, struct mime_out *o, struct mail *out, struct err *e)
{
	if (job->l->check_column && letter_job_column(job, e) < 0)
		return -1;
	if (letter_job_sender(job, &out->sender, e) < 0 || letter_job_recipients(job, out, e) < 0)
		return -1;
	if (job->d->dkim && sign(job, o, e) < 0)
		return -1;
	if (o->size > job->l->opt.max_message_bytes) {
		err_set(e, ERR_INPUT, "the message has %llu bytes, more than the %llu allowed",
			(unsigned long long)o->size, (unsigned long long)job->l->opt.max_message_bytes);
		err_topic(e, "message too large");
		return err_at(e, job->l->path, 0, 0);
	}
	out->content = o->spans;
	out->n_content = o->n;
	out->size = o->size;
	out->needs = job->needs;
	out->row = job->row->number;
	out->message_id = job->message_id;
	return 0;
}

/* The message in the charset of converter (NULL: UTF-8). -1 with job->misfit: it does not fit. */
static int write_in(struct letter_job *job, struct mime_converter *converter, struct mime_out *o, struct err *e)
{
	const struct letter_program *p = converter ? &job->l->other : &job->l->utf8;

	mime_out_init(o, job->a);
	job->converter = o->words = converter;
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->ops[i].kind != OP_FIXED ? letter_job_op(job, &p->ops[i], o, e) < 0 : refer(o, p->ops[i].fixed, e) < 0)
			return -1;
	}
	mime_out_close(o);
	job->misfit |= o->misfit;
	return job->misfit ? -1 : 0;
}

int letter_write(const struct letter *l, struct letter_desk *d, struct arena *a, const struct row *r,
		 int64_t wall_ms, struct mail *out, struct err *e)
{
	struct letter_job job;
	struct mime_out o;
	int rc;

	letter_job_begin(&job, l, d, a, r, wall_ms);
	job.message_id = own_id(l);
	if (letter_job_roles(&job, e) < 0)
		return -1;
	rc = write_in(&job, d->converter, &o, e);
	out->utf8_instead = job.misfit;
	if (job.misfit) {
		job.misfit = false;
		rc = write_in(&job, NULL, &o, e);
	}
	return rc < 0 ? -1 : finish(&job, &o, out, e);
}
