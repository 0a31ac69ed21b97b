/* progress.h - how far the campaign is, told on standard error while it runs.
 *
 * progress_show() is called by one thread at a time, five times a second; everything else by the
 * thread that runs the campaign, before and after. */
#ifndef ENGINE_CLI_PROGRESS_H
#define ENGINE_CLI_PROGRESS_H

#include <stdbool.h>

#include "engine/cli/options.h"
#include "engine/run/campaign.h"

enum { PROGRESS_SAMPLES = 64, PROGRESS_PLAIN_EVERY_MS = 5000, PROGRESS_RATE_OVER_MS = 10000 };

struct progress {
	enum progress_form form; /* never auto */
	uint64_t expected;       /* recipients of this run; 0 unknown */
	uint64_t settled_before; /* recipients that earlier runs had settled */
	bool began, told_stopping;
	int64_t next_line_ms;
	struct progress_sample {
		int64_t at_ms;
		uint64_t settled;
	} samples[PROGRESS_SAMPLES]; /* ring: the rate is that of the last ten seconds */
	unsigned n_samples, newest;
};

/* expected: how many recipients there will be; 0 when that is not known. */
void progress_init(struct progress *p, enum progress_form form, uint64_t expected);
/* For campaign_job.on_progress; ctx is the struct progress. */
void progress_show(void *ctx, const struct campaign_progress *now);
/* Takes the bar away. */
void progress_end(struct progress *p);

#endif
