/* outlook.c - from whom, through what, how many, to whom first, how fast. */
#include "engine/cli/outlook.h"

#include <stdio.h>
#include <string.h>

#include "engine/cli/say.h"

static void print_counts(const struct campaign_outlook *w, const struct report *r, bool resend)
{
	char n[SAY_SIZE];

	if (w->messages)
		fprintf(stderr, "Messages:  %s", say_count(w->messages, n));
	else
		fprintf(stderr, "Messages:  as many as the list has (not counted)");
	if (w->already_done)
		fprintf(stderr, "; %s done before", say_count(w->already_done, n));
	if (r->bad_rows)
		fprintf(stderr, "; %s skipped", say_many(r->bad_rows, "row", "rows", n));
	if (r->suppressed)
		fprintf(stderr, "; %s suppressed", say_many(r->suppressed, "recipient", "recipients", n));
	if (r->duplicates)
		fprintf(stderr, "; %s left out", say_many(r->duplicates, "duplicate", "duplicates", n));
	if (w->in_doubt)
		fprintf(stderr, "; %s in doubt, %s", say_count(w->in_doubt, n),
			resend ? "sent again" : "not sent again");
	fputc('\n', stderr);
}

void outlook_print(const struct campaign_outlook *w, const struct campaign_job *job, const struct report *r)
{
	char time[SAY_SIZE];

	fprintf(stderr, "From:      %s\nThrough:   %s\n", w->from, w->through);
	fprintf(stderr, "List:      %s (%s)\n", job->list, w->list_form);
	print_counts(w, r, job->in_doubt == IN_DOUBT_RESEND);
	fprintf(stderr, "First to:  %s\n", w->first_to);
	fprintf(stderr, "Subject:   %s\n", w->subject);
	if (job->redirect_to)
		fprintf(stderr, "Redirect:  every message goes to %s and to nobody else\n", job->redirect_to);
	if (job->rate) {
		fprintf(stderr, "Rate:      %s", job->rate);
		if (w->expected_ms >= 0)
			fprintf(stderr, ", about %s", say_time(w->expected_ms, time));
		fputc('\n', stderr);
	}
	fprintf(stderr, "Results:   %s\n", job->results);
	if (w->rehearsal)
		fprintf(stderr, "This is a rehearsal: nothing leaves this machine.\n");
}

void outlook_question(const struct campaign_outlook *w, char *out, size_t out_size)
{
	char n[SAY_SIZE];

	if (w->messages)
		snprintf(out, out_size, "%s %s?", w->rehearsal ? "Write" : "Send",
			 say_many(w->messages, "message", "messages", n));
	else
		snprintf(out, out_size, "%s the messages?", w->rehearsal ? "Write" : "Send");
}
