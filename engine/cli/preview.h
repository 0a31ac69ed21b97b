/* preview.h - messages of a list as .eml files and pages, without a network. */
#ifndef ENGINE_CLI_PREVIEW_H
#define ENGINE_CLI_PREVIEW_H

#include "engine/cli/options.h"
#include "engine/run/campaign.h"
#include "engine/run/report.h"

struct preview_totals {
	uint64_t messages, problems;
	uint64_t bytes;
};

enum { PREVIEW_LIMIT_DEFAULT = 100 };

/* Writes the folder. Findings of letter and rows go to report. 0 also when rows are bad. -1 with
 * e; when the letter is wrong the report has its mistakes. */
int preview_write(const struct campaign_job *job, const char *folder, struct report *report,
		  struct preview_totals *out, struct err *e);

#endif
