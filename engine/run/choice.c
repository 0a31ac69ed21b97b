/* choice.c - the condition of --where is a program of the template language; the rows' room is given it
 * as a function. So are rows grouped: which of them take part is asked while the groups are made.
 * Held by tests/system/test_choosing.py. */
#include "engine/run/choice.h"

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/model/finding.h"
#include "engine/rows/rows.h"
#include "engine/rows/select.h"
#include "engine/run/campaign_private.h"
#include "templates/liquid/liquid.h"

enum { CHUNK = 16 << 10, MEMORY_MAX = 64 << 20 };

struct choice {
	const struct campaign_job *job;
	struct arena words;      /* texts that come from the journal */
	struct arena memory;     /* of one condition */
	struct liquid_program *where;
	struct liquid_scratch *scratch;
	struct selection *selection;
	struct rows *list;       /* that was given */
	struct rows *grouped;    /* NULL: rows are not */
};

static int test(void *ctx, const struct row *row, struct err *e)
{
	struct choice *c = ctx;
	struct liquid_input in = { .row = row, .now_ms = clock_wall_ms() };
	struct err why = { 0 };
	int rc;

	arena_reset(&c->memory);
	rc = liquid_test(c->where, c->scratch, &c->memory, &in, &why);
	if (rc < 0 && why.kind == ERR_INPUT) {
		err_set(e, ERR_INPUT, CHOICE_UNTOLD ": %s", why.text);
	} else if (rc < 0) {
		*e = why;
	}
	return rc;
}

static int compile(struct choice *c, const char *text, const struct rows *list, struct finding_sink *sink,
		   struct err *e)
{
	struct liquid_options opt = {
		.path = "--where", .first_line = 1, .first_column = 1, .columns = rows_columns(list),
		.globals = c->job->vars, .n_globals = c->job->n_vars,
	};

	if (liquid_scratch_new(&c->scratch, e) < 0)
		return -1;
	return liquid_compile_condition(&c->where, span_str(text), &opt, sink, e);
}

/* What was typed, else what the journal remembers. */
static int text_of(struct choice *c, const char *typed, const char *recorded, const char *name, const char **out)
{
	struct span value;

	*out = typed;
	if (typed || !recorded || !selection_text_get(recorded, name, &value))
		return 0;
	*out = arena_str(&c->words, value);
	return *out ? 0 : -1;
}

static uint64_t number_of(uint64_t typed, bool given, const char *recorded, const char *name)
{
	unsigned long long n;
	struct span value;

	if (given || typed || !recorded || !selection_text_get(recorded, name, &value) ||
	    span_number(value, UINT64_MAX, &n) < 0)
		return typed;
	return n;
}

bool choice_groups(const struct campaign_job *job, const char *recorded)
{
	struct span name;

	return job->group_by || job->duplicates == DUPLICATES_GROUP ||
	       (recorded && (selection_text_get(recorded, "group-by", &name) ||
			     selection_text_get(recorded, "group-addresses", &name)));
}

/* By what rows are grouped, if they are: as the job says, else as it was. */
static int find_groups(struct choice *c, const char *recorded, struct selection_options *o, struct err *e)
{
	const struct columns *columns = rows_columns(c->list);
	const struct campaign_job *job = c->job;
	char others[FINDING_HINT_MAX];
	struct span near;

	if (job->group_by && job->duplicates == DUPLICATES_GROUP)
		return err_set(e, ERR_INPUT, "--group-by and --duplicates group are two ways to group the rows: give one");
	o->group_addresses = job->duplicates == DUPLICATES_GROUP;
	if (o->group_addresses)
		o->group_by = o->address_column >= 0 ? arena_str(&c->words, columns->names[o->address_column]) : "email";
	else if (text_of(c, job->group_by, recorded, "group-by", &o->group_by) < 0)
		return err_nomem(e, "the choice of rows");
	if (!o->group_by && text_of(c, NULL, recorded, "group-addresses", &o->group_by) < 0)
		return err_nomem(e, "the choice of rows");
	if (!o->group_by)
		return 0;
	o->group_addresses |= !job->group_by && recorded && !selection_text_get(recorded, "group-by", &near);
	o->group_column = columns_find(columns, span_str(o->group_by));
	if (o->group_column >= 0) { /* one column has one name, however it was typed */
		o->group_by = arena_str(&c->words, columns->names[o->group_column]);
		return o->group_by ? 0 : err_nomem(e, "the choice of rows");
	}
	near = columns_nearest(columns, span_str(o->group_by));
	err_set(e, ERR_INPUT, "the list has no column '%s' to group its rows by", o->group_by);
	err_at(e, job->list, 1, 0);
	if (near.n)
		return err_hint(e, "did you mean '%.*s'?", SPAN_ARG(near));
	columns_describe(columns, others, sizeof others);
	return err_hint(e, "%s", others);
}

static int make_groups(struct choice *c, const struct selection_options *o, struct err *e)
{
	struct rows_grouping how = { .column = o->group_column, .addresses = o->group_addresses,
				     .address_column = o->address_column, .wants = selection_takes,
				     .judge = selection_judge, .ctx = c->selection };

	if (!o->group_by)
		return 0;
	selection_rewind(c->selection);
	if (rows_group(&c->grouped, c->list, &how, e) < 0)
		return -1;
	selection_rewind(c->selection);
	return 0;
}

static int complete(struct choice *c, const char *recorded, struct selection_options *o)
{
	const struct campaign_job *job = c->job;

	o->skip = number_of(job->skip, false, recorded, "skip");
	o->sample = number_of(job->sample, false, recorded, "sample");
	o->limit = number_of(job->limit, job->limit_given, recorded, "limit");
	return text_of(c, job->rows, recorded, "rows", &o->rows) < 0 ||
	       text_of(c, job->only, recorded, "only", &o->only) < 0 ||
	       text_of(c, job->shard, recorded, "shard", &o->shard) < 0 ||
	       text_of(c, job->where, recorded, "where", &o->where_text) < 0 ? -1 : 0;
}

static int choose(struct choice *c, struct rows *list, int address_column, const char *recorded,
		  struct finding_sink *sink, struct err *e)
{
	struct selection_options o = { .address_column = address_column };

	if (rows_columns(list)->open)
		o.address_name = span_str(c->job->address_column ? c->job->address_column : "email");
	if (complete(c, recorded, &o) < 0)
		return err_nomem(e, "the choice of rows");
	if (find_groups(c, recorded, &o, e) < 0)
		return -1;
	if (!c->job->rows && o.rows && span_begins(span_str(o.rows), SPAN("SHA-256"))) {
		err_set(e, ERR_INPUT, "the campaign was begun with more --rows than it could remember");
		return err_hint(e, "give the same --rows again");
	}
	if (o.where_text) {
		if (compile(c, o.where_text, list, sink, e) < 0)
			return -1;
		o.where = test;
		o.where_ctx = c;
	}
	if (selection_new(&c->selection, &o, e) < 0)
		return -1;
	if (recorded && selection_widens(recorded, selection_text(c->selection), e) < 0)
		return -1;
	return make_groups(c, &o, e) < 0 ? -1 : selection_prepare(c->selection, choice_list(c), e);
}

int choice_open(struct choice **out, const struct campaign_job *job, struct rows *list, int address_column,
		const char *recorded, struct finding_sink *sink, struct err *e)
{
	struct choice *c = mem_new(sizeof *c);

	*out = NULL;
	if (!c)
		return err_nomem(e, "the choice of rows");
	c->job = job;
	c->list = list;
	arena_init(&c->words, CHUNK, MEMORY_MAX);
	arena_init(&c->memory, CHUNK, MEMORY_MAX);
	if (choose(c, list, address_column, recorded, sink, e) < 0) {
		choice_free(&c);
		return -1;
	}
	*out = c;
	return 0;
}

void choice_free(struct choice **out)
{
	struct choice *c = *out;

	if (!c)
		return;
	selection_free(&c->selection);
	rows_close(&c->grouped);
	liquid_scratch_free(&c->scratch);
	liquid_free(&c->where);
	arena_release(&c->memory);
	arena_release(&c->words);
	mem_free(c);
	*out = NULL;
}

struct rows *choice_list(struct choice *c)
{
	return c->grouped ? c->grouped : c->list;
}

struct selection *choice_selection(struct choice *c)
{
	return c->selection;
}
