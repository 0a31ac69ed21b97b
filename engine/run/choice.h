/* choice.h - which rows take part, as the job says and the campaign's journal remembers. */
#ifndef ENGINE_RUN_CHOICE_H
#define ENGINE_RUN_CHOICE_H

#include <stdbool.h>

/* So begins the problem of a row that takes part because the condition cannot tell whether it does. */
#define CHOICE_UNTOLD "--where cannot be told"

struct campaign_job;
struct choice;
struct err;
struct finding_sink;
struct rows;
struct selection;

/* recorded: the choice of the campaign that is gone on with, NULL for none. What the job does not say is
 * taken from it; what the job says may only be wider. Reads the list once when there is a sample, and
 * twice when it is grouped.
 * Mistakes of --where go to sink. ERR_INPUT, ERR_CONFLICT, ERR_SYS, ERR_NOMEM. */
int choice_open(struct choice **out, const struct campaign_job *job, struct rows *list, int address_column,
		const char *recorded, struct finding_sink *sink, struct err *e);
void choice_free(struct choice **c);
/* What there is to choose from: the list, or its groups. Lives as long as the choice, which the list outlives. */
struct rows *choice_list(struct choice *c);
/* The recorded choice, or what is asked for, groups rows. */
bool choice_groups(const struct campaign_job *job, const char *recorded);
/* One thread's at a time; lives as long as the choice. */
struct selection *choice_selection(struct choice *c);

#endif
