/* outlook.h - what is about to happen, shown before it does. */
#ifndef ENGINE_CLI_OUTLOOK_H
#define ENGINE_CLI_OUTLOOK_H

#include "engine/run/campaign.h"

/* Several lines to standard error. r: of the preflight, empty when there was none. */
void outlook_print(const struct campaign_outlook *w, const struct campaign_job *job, const struct report *r);
/* "Send 1,000 messages?" */
void outlook_question(const struct campaign_outlook *w, char *out, size_t out_size);

#endif
