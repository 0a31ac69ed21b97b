/* summary.h - how a campaign ended, and the command that comes next. */
#ifndef ENGINE_CLI_SUMMARY_H
#define ENGINE_CLI_SUMMARY_H

#include "engine/cli/options.h"
#include "engine/run/campaign.h"

struct err;

/* To standard output. o is what was typed: proposed commands are made from it. */
void summary_print(const struct options *o, const struct campaign_job *job, const struct campaign_result *r);
/* The same figures for programs: one JSON object into o->stats, when that is given. */
int summary_write_stats(const struct options *o, const struct campaign_result *r, struct err *e);

#endif
