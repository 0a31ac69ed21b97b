/* job.h - options become the job of a campaign. */
#ifndef ENGINE_CLI_JOB_H
#define ENGINE_CLI_JOB_H

#include "engine/cli/options.h"
#include "engine/run/campaign.h"

/* Letter, list, values and selection; no relays, no results: what `check` needs. Everything that
 * job points to lives as long as o. */
int job_of_letter(struct options *o, struct campaign_job *job, struct err *e);
/* All of it. Opens the transcript (job->delivery.trace_fd, the caller closes it). */
int job_of_campaign(struct options *o, struct campaign_job *job, struct err *e);

#endif
