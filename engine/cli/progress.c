/* progress.c - a bar that stands below the log, or a plain line every few seconds.
 *
 *  1. The time left is computed from the rate of the last seconds, not from the average of a run
 *     that may have waited for an hour.
 *  2. Recipients are counted. A total that is met by more than it can hold is none: from then on it is
 *     left out.
 *  3. On a narrow terminal the bar gives way to the numbers.
 *  4. A stop is told once, whatever the form: the person who pressed ^C wants to see that it counts. */
#include "engine/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/cli/say.h"
#include "engine/cli/signals.h"

enum { BAR_CELLS = 20, BAR_CELLS_LEAST = 5, BAR_AROUND = 8, /* "[] 100% " */ LINE_SIZE = 400 };

static bool can_draw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static void add_sample(struct progress *p, int64_t at_ms, uint64_t settled)
{
	p->newest = p->n_samples ? (p->newest + 1) % PROGRESS_SAMPLES : 0;
	p->samples[p->newest] = (struct progress_sample){ at_ms, settled };
	if (p->n_samples < PROGRESS_SAMPLES)
		p->n_samples++;
}

void progress_init(struct progress *p, enum progress_form form, uint64_t expected)
{
	*p = (struct progress){ .form = form, .expected = expected, .next_line_ms = PROGRESS_PLAIN_EVERY_MS };
	if (form == PROGRESS_AUTO || form == PROGRESS_BAR)
		p->form = can_draw() ? PROGRESS_BAR : PROGRESS_PLAIN;
	add_sample(p, 0, 0);
}

/* Recipients settled a second, over the last seconds; of the whole run, once nothing is left. */
static double rate_of(const struct progress *p)
{
	const struct progress_sample *last = &p->samples[p->newest], *first = last;

	if (p->expected && last->settled >= p->expected)
		return last->at_ms > 0 ? (double)last->settled * 1000 / (double)last->at_ms : 0;
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

static int columns_of_terminal(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col : 80;
}

/* The bar before the numbers, as wide as they leave room for. */
static void put_bar(char *out, size_t size, uint64_t done, uint64_t of, const char *numbers)
{
	char bar[BAR_CELLS + 1];
	int room = columns_of_terminal() - 1 - (int)utf8_length(span_str(numbers)) - BAR_AROUND;
	int cells = room < BAR_CELLS ? room : BAR_CELLS;
	uint64_t full;

	if (cells < BAR_CELLS_LEAST) {
		snprintf(out, size, "%s", numbers);
		return;
	}
	full = done * (uint64_t)cells / of;
	for (int i = 0; i < cells; i++)
		bar[i] = (uint64_t)i < full ? '#' : '.';
	bar[cells] = '\0';
	snprintf(out, size, "[%s] %3u%% %s", bar, (unsigned)(done * 100 / of), numbers);
}

static size_t put_kind(char *out, size_t size, uint64_t n, const char *word)
{
	char count[SAY_SIZE];

	return n && size ? (size_t)snprintf(out, size, ", %s %s", say_count(n, count), word) : 0;
}

static void put_numbers(const struct progress *p, const struct campaign_progress *now, char out[LINE_SIZE])
{
	const struct results_totals *t = &now->totals;
	uint64_t settled = p->samples[p->newest].settled;
	double rate = rate_of(p);
	char count[SAY_SIZE], time[SAY_SIZE];
	size_t n;

	if (p->expected) {
		n = (size_t)snprintf(out, LINE_SIZE, "%s", say_count(settled, count));
		n += (size_t)snprintf(out + n, LINE_SIZE - n, " of %s", say_count(p->expected, count));
	} else {
		n = (size_t)snprintf(out, LINE_SIZE, "%s", say_many(settled, "recipient", "recipients", count));
	}
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
	char numbers[LINE_SIZE], line[LINE_SIZE + BAR_CELLS + BAR_AROUND];

	if (!p->began) {
		/* What this run settled itself is told by its own records. */
		p->settled_before = settled > t->records ? settled - t->records : 0;
		p->began = true;
	}
	settled = settled > p->settled_before ? settled - p->settled_before : 0;
	if (settled > p->expected)
		p->expected = 0; /* (2) */
	add_sample(p, now->elapsed_ms, settled);
	if (now->stopping && signals_came() && !p->told_stopping) {
		p->told_stopping = true;
		log_line(LOG_NOTE, "lettershop: stopping: what is under way is finished first "
				   "(press ^C again to stop at once)");
	}
	if (now->asked) {
		put_numbers(p, now, numbers);
		log_line(LOG_NOTE, "lettershop: %s", numbers);
	}
	if (p->form == PROGRESS_NONE || (p->form == PROGRESS_PLAIN && now->elapsed_ms < p->next_line_ms))
		return;
	put_numbers(p, now, numbers);
	if (p->form == PROGRESS_BAR) {
		if (p->expected)
			put_bar(line, sizeof line, settled, p->expected, numbers);
		log_status(p->expected ? line : numbers);
		return;
	}
	log_line(LOG_NOTE, "%s", numbers);
	p->next_line_ms = now->elapsed_ms + PROGRESS_PLAIN_EVERY_MS;
}

void progress_end(struct progress *p)
{
	if (p->form == PROGRESS_BAR)
		log_status(NULL);
}
