/* progress.c - a bar that stands below the log, or a plain line every few seconds.
 *
 *  1. The time left is computed from the rate of the last seconds, not from the average of a run
 *     that may have waited for an hour.
 *  2. A stop is told once, whatever the form: the person who pressed ^C wants to see that it counts. */
#include "engine/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/cli/say.h"
#include "engine/cli/signals.h"

enum { BAR_CELLS = 20, LINE_SIZE = 400 };

static bool can_draw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void progress_init(struct progress *p, enum progress_form form, uint64_t expected)
{
	*p = (struct progress){ .form = form, .expected = expected, .next_line_ms = PROGRESS_PLAIN_EVERY_MS };
	if (form == PROGRESS_AUTO || form == PROGRESS_BAR)
		p->form = can_draw() ? PROGRESS_BAR : PROGRESS_PLAIN;
}

static void add_sample(struct progress *p, int64_t at_ms, uint64_t settled)
{
	p->newest = p->n_samples ? (p->newest + 1) % PROGRESS_SAMPLES : 0;
	p->samples[p->newest] = (struct progress_sample){ at_ms, settled };
	if (p->n_samples < PROGRESS_SAMPLES)
		p->n_samples++;
}

/* Recipients settled a second, over the last seconds. */
static double rate_of(const struct progress *p)
{
	const struct progress_sample *last = &p->samples[p->newest], *first = last;

	for (unsigned i = 1; i < p->n_samples; i++) {
		const struct progress_sample *s =
			&p->samples[(p->newest + PROGRESS_SAMPLES - i) % PROGRESS_SAMPLES];

		if (last->at_ms - s->at_ms > PROGRESS_RATE_OVER_MS)
			break;
		first = s;
	}
	if (last->at_ms <= first->at_ms)
		return 0;
	return (double)(last->settled - first->settled) * 1000 / (double)(last->at_ms - first->at_ms);
}

static size_t put_bar(char *out, size_t size, uint64_t done, uint64_t of)
{
	char bar[BAR_CELLS + 1];
	uint64_t full = done >= of ? BAR_CELLS : done * BAR_CELLS / of;

	for (uint64_t i = 0; i < BAR_CELLS; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR_CELLS] = '\0';
	return (size_t)snprintf(out, size, "[%s] %3u%% ", bar, (unsigned)(done >= of ? 100 : done * 100 / of));
}

static size_t put_kind(char *out, size_t size, uint64_t n, const char *word)
{
	char count[SAY_SIZE];

	return n && size ? (size_t)snprintf(out, size, ", %s %s", say_count(n, count), word) : 0;
}

static void put_line(struct progress *p, const struct campaign_progress *now, char out[LINE_SIZE])
{
	const struct results_totals *t = &now->totals;
	uint64_t settled = p->samples[p->newest].settled;
	double rate = rate_of(p);
	char count[SAY_SIZE], time[SAY_SIZE];
	size_t n = 0;

	if (p->expected && p->form == PROGRESS_BAR)
		n += put_bar(out, LINE_SIZE, settled, p->expected);
	n += (size_t)snprintf(out + n, LINE_SIZE - n, "%s", say_count(settled, count));
	if (p->expected)
		n += (size_t)snprintf(out + n, LINE_SIZE - n, " of %s", say_count(p->expected, count));
	n += (size_t)snprintf(out + n, LINE_SIZE - n, ", %.*f/s", rate < 9.95 ? 1 : 0, rate);
	if (p->expected > settled && rate > 0 && !now->stopping)
		n += (size_t)snprintf(out + n, LINE_SIZE - n, ", %s left",
				      say_time((int64_t)((double)(p->expected - settled) / rate * 1000), time));
	n += put_kind(out + n, LINE_SIZE - n, t->refused, "refused");
	n += put_kind(out + n, LINE_SIZE - n, now->to_retry, "to try again");
	n += put_kind(out + n, LINE_SIZE - n, t->skipped, "skipped");
	n += put_kind(out + n, LINE_SIZE - n, t->in_doubt, "in doubt");
	if (now->pause)
		snprintf(out + n, LINE_SIZE - n, " - %.120s", now->pause);
	else if (now->stopping)
		snprintf(out + n, LINE_SIZE - n, " - stopping");
}

void progress_show(void *ctx, const struct campaign_progress *now)
{
	struct progress *p = ctx;
	const struct results_totals *t = &now->totals;
	uint64_t settled = t->sent + t->refused + t->skipped;
	char line[LINE_SIZE];

	if (!p->began) {
		/* What this run settled itself is told by its own records. */
		p->settled_before = settled > t->records ? settled - t->records : 0;
		p->began = true;
	}
	settled = settled > p->settled_before ? settled - p->settled_before : 0;
	add_sample(p, now->elapsed_ms, settled);
	if (now->stopping && signals_came() && !p->told_stopping) {
		p->told_stopping = true;
		log_line(LOG_NOTE, "lettershop: stopping: what is under way is finished first "
				   "(press ^C again to stop at once)");
	}
	if (p->form == PROGRESS_NONE || (p->form == PROGRESS_PLAIN && now->elapsed_ms < p->next_line_ms))
		return;
	put_line(p, now, line);
	if (p->form == PROGRESS_BAR) {
		log_status(line);
		return;
	}
	log_line(LOG_NOTE, "%s", line);
	p->next_line_ms = now->elapsed_ms + PROGRESS_PLAIN_EVERY_MS;
}

void progress_end(struct progress *p)
{
	if (p->form == PROGRESS_BAR)
		log_status(NULL);
}
