/* sasl_scram.c - a look at what a SCRAM server asks before it is done (RFC 5802 5.1).
 *
 * server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
 * The count is work for us: above SASL_ITERATIONS_MAX nothing is computed at all. */
#include "transport/sasl/sasl_mech.h"

static int look_at_count(struct span message, struct err *e)
{
	struct span rest = message;
	unsigned long long count;

	if (!span_begins(message, SPAN("r="))) /* not a server-first-message: v=, e=, or nonsense */
		return 0;
	while (rest.n) {
		struct span part = span_cut(&rest, ',');

		if (!span_begins(part, SPAN("i=")))
			continue;
		if (span_number(span_skip(part, 2), SASL_ITERATIONS_MAX, &count) == 0 && count > 0)
			return 0;
		return err_set(e, ERR_AUTH, "relay asks for %.*s rounds of SCRAM, the limit is %d",
			       part.n > 22 ? 20 : (int)part.n - 2, part.p + 2, SASL_ITERATIONS_MAX);
	}
	return err_set(e, ERR_AUTH, "relay's SCRAM message has no iteration count");
}

int sasl_scram_step(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e)
{
	if (look_at_count(challenge, e) < 0)
		return -1;
	return sasl_gnu_step(state, challenge, out, out_n, done, e);
}
