/* job.c - defaults that depend on one another are decided here and nowhere else.
 *
 *  1. A rehearsal never counts as the performance: what goes to files only, or to one address
 *     instead of everybody's, has a results file of its own name.
 *  2. Nothing is created before all that was asked for has been understood. */
#include "engine/cli/job.h"

#include <fcntl.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/cli/outputs.h"
#include "engine/cli/relays.h"
#include "engine/cli/vars.h"

static const char *results_name(const struct options *o, const struct delivery_relay *relays, uint32_t n)
{
	static const char *const names[][3] = {
		[RESULTS_CSV] = { "results.csv", "redirected.csv", "dry-run.csv" },
		[RESULTS_JSONL] = { "results.jsonl", "redirected.jsonl", "dry-run.jsonl" },
	};

	if (o->results)
		return o->results;
	return names[o->log_format][relays_rehearse(relays, n) ? 2 : o->redirect_to ? 1 : 0];
}

/* These have to be files: they are replaced as a whole, or found again by a resume. */
static int refuse_standard_output(const struct options *o, struct err *e)
{
	const struct {
		const char *path, *option;
	} files[] = { { o->results, "results" }, { o->stats, "stats" }, { o->transcript, "transcript" } };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		if (!files[i].path || strcmp(files[i].path, "-") != 0)
			continue;
		err_set(e, ERR_INPUT, "--%s wants a file: '-' is none, nothing of it goes to standard output",
			files[i].option);
		return err_hint(e, "a file of that name is written ./-");
	}
	return 0;
}

/* Each key goes with the selector that was given in the same place. */
static int read_ways(struct options *o, struct letter_ways *ways, struct err *e)
{
	struct letter_dkim *all = arena_array(&o->memory, o->dkim_keys.n, sizeof *all);

	if (!all)
		return err_nomem(e, "the options");
	if (o->dkim_keys.n != o->dkim_selectors.n) {
		err_set(e, ERR_INPUT, "each --dkim-key wants a --dkim-selector: there are %u and %u", o->dkim_keys.n,
			o->dkim_selectors.n);
		return err_hint(e, "the selector is the key's name in the DNS: SELECTOR._domainkey.DOMAIN");
	}
	if (o->dkim_keys.n == 0 && (o->dkim_domain || o->dkim_canon))
		return err_set(e, ERR_INPUT, "--dkim-domain and --dkim-canon want a --dkim-key");
	for (uint32_t i = 0; i < o->dkim_keys.n; i++)
		all[i] = (struct letter_dkim){ o->dkim_keys.items[i], o->dkim_selectors.items[i], o->dkim_domain,
					       o->dkim_canon };
	ways->dkim = all;
	ways->n_dkim = o->dkim_keys.n;
	ways->bulk = o->bulk;
	ways->charset = o->charset;
	ways->max_nesting = o->max_nesting;
	ways->max_steps = o->max_steps;
	ways->max_output = o->max_output;
	ways->smime = (struct letter_smime){ o->smime_cert, o->smime_key };
	if (o->smime_key && !o->smime_cert)
		return err_set(e, ERR_INPUT, "--smime-key wants a --smime-cert");
	return 0;
}

int job_of_letter(struct options *o, struct campaign_job *job, struct err *e)
{
	*job = (struct campaign_job){
		.letter = o->operands[0],
		.list = o->operands[1],
		.list_ways = o->ways,
		.address_column = o->address_column,
		.envelope_from = o->envelope_from,
		.rows = o->rows,
		.limit = o->limit,
		.limit_given = o->limit_given,
		.max_message_bytes = o->max_message_bytes,
		.rate = o->rate,
		.skip = o->skip,
		.sample = o->sample,
		.only = o->only,
		.shard = o->shard,
		.where = o->where,
		.group_by = o->group_by,
		.suppress = o->suppress.items,
		.n_suppress = o->suppress.n,
		.duplicates = (enum duplicates_rule)o->duplicates,
		.seed_given = o->seed_given,
		.seed = o->seed,
		.date_ms = o->date_ms,
		.threads = (unsigned)o->threads,
		.delivery = { .trace_fd = -1 },
	};
	return read_ways(o, &job->ways, e) < 0 ? -1 : vars_read(o, &job->vars, &job->n_vars, e);
}

static int open_transcript(const char *path, int *out, struct err *e)
{
	*out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	return *out < 0 ? err_sys(e, "cannot write the transcript '%s'", path) : 0;
}

/* "A=1 B"; NULL: none. */
static int join(struct options *o, const struct text_list *list, const char **out, struct err *e)
{
	size_t n = 0;
	char *p;

	*out = NULL;
	if (list->n == 0)
		return 0;
	for (uint32_t i = 0; i < list->n; i++)
		n += strlen(list->items[i]) + 1;
	*out = p = arena_take(&o->memory, n);
	if (!p)
		return err_nomem(e, "the options");
	for (uint32_t i = 0; i < list->n; i++) {
		size_t length = strlen(list->items[i]);

		memcpy(p, list->items[i], length);
		p += length;
		*p++ = i + 1 < list->n ? ' ' : '\0';
	}
	return 0;
}

/* Words that commands of the protocol have in capitals. */
static const char *in_capitals(struct options *o, const char *s)
{
	char *out = s ? arena_str(&o->memory, span_str(s)) : NULL;

	for (char *p = out; p && *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 32);
	return out;
}

/* What the relay is asked for beyond the delivery. */
static int read_wishes(struct options *o, struct delivery_options *d, struct err *e)
{
	d->dsn_notify = in_capitals(o, o->dsn_notify);
	d->dsn_ret = in_capitals(o, o->dsn_ret);
	d->requiretls = o->requiretls;
	if (join(o, &o->mail_options, &d->mail_options, e) < 0)
		return -1;
	return join(o, &o->rcpt_options, &d->rcpt_options, e);
}

/* "results.csv" -> "results.trouble.txt"; NULL when there is no memory for it. */
static const char *trouble_name(struct options *o, const char *results)
{
	static const char ending[] = ".trouble.txt";
	struct span s = span_str(results);
	char *out;

	if (span_ends(s, SPAN(".csv")))
		s.n -= 4;
	else if (span_ends(s, SPAN(".jsonl")))
		s.n -= 6;
	out = arena_take(&o->memory, s.n + sizeof ending);
	if (!out)
		return NULL;
	memcpy(out, s.p, s.n);
	memcpy(out + s.n, ending, sizeof ending);
	return out;
}

int job_of_campaign(struct options *o, struct campaign_job *job, struct err *e)
{
	struct delivery_options *d = &job->delivery;

	if (refuse_standard_output(o, e) < 0 || job_of_letter(o, job, e) < 0 ||
	    relays_read(o, &d->relays, &d->n_relays, e) < 0)
		return -1;
	job->suppress_add = o->suppress_add;
	job->results = results_name(o, d->relays, d->n_relays);
	job->rate = o->rate;
	job->domain_rates = o->domain_rates.items;
	job->n_domain_rates = o->domain_rates.n;
	job->redirect_to = o->redirect_to;
	job->resume = o->resume;
	job->key = o->key;
	job->old_list = o->old_list;
	if (o->old_list && !o->key)
		return err_set(e, ERR_INPUT, "--old-list wants --key COLUMN, which says by what its rows are known");
	job->retry_at_end = o->retry_at_end;
	job->accept_changes = o->accept_changes;
	job->in_doubt = (enum campaign_in_doubt)o->in_doubt;
	job->bad_rows = (enum campaign_bad_rows)o->bad_rows;
	job->sync_ms = o->sync_ms;
	job->retry_for_ms = o->retry_for_ms;
	job->stop_after = o->stop_after;
	job->drain_ms = o->drain_ms;
	job->on_log_error = (enum campaign_log_error)o->on_log_error;
	job->retry_refused = o->retry_refused;
	job->canary = o->canary;
	job->canary_wait_ms = o->canary_wait_ms;
	job->log_format = (enum results_format)o->log_format;
	d->connections = (unsigned)o->connections;
	d->helo = o->helo;
	d->source_address = o->source_address;
	d->timeouts = o->timeouts;
	d->messages_per_connection = (unsigned)o->messages_per_connection;
	d->window = (unsigned)o->window;
	d->timeout_ms = o->timeout_ms;
	if (read_wishes(o, d, e) < 0)
		return -1;
	if (outputs_check(o, job->results, d->relays, d->n_relays, e) < 0)
		return -1;
	d->trouble_path = trouble_name(o, job->results);
	return o->transcript ? open_transcript(o->transcript, &d->trace_fd, e) : 0;
}
