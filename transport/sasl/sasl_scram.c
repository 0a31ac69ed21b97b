/* sasl_scram.c - a look at what a SCRAM server asks before it is done (RFC 5802 5.1).
 *
 * server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
 * server-final-message with "e=" says in a word why it refuses. The count is work for us: above SASL_ITERATIONS_MAX nothing is computed at all, and what is computed, is
 * computed where it holds nobody up (sasl_keys.h). */
#include "engine/base/utf8.h"
#include "transport/sasl/sasl_base64.h"
#include "transport/sasl/sasl_keys.h"
#include "transport/sasl/sasl_mech.h"

enum { SAID_MAX = 100 };

static int take_count(struct span value, unsigned *out, struct err *e)
{
	unsigned long long count;

	if (span_number(value, SASL_ITERATIONS_MAX, &count) < 0 || count == 0)
		return err_set(e, ERR_AUTH, "relay asks for %.*s rounds of SCRAM, the limit is %d",
			       value.n > 20 ? 20 : (int)value.n, value.p, SASL_ITERATIONS_MAX);
	if (count < SASL_ITERATIONS_MIN)
		return err_set(e, ERR_AUTH, "relay asks for %llu rounds of SCRAM, and fewer than %d would give the password away",
			       count, SASL_ITERATIONS_MIN);
	*out = (unsigned)count;
	return 0;
}

/* 0, 1 the password is being worked on, -1. */
static int look_at(void *state, struct span message, struct err *e)
{
	char salt[SASL_RAW_MAX];
	struct span rest = message;
	unsigned count = 0;
	size_t salt_n = 0;

	if (span_begins(message, SPAN("e="))) {
		char words[SAID_MAX];

		utf8_printable(span_skip(message, 2), words, sizeof words);
		return err_set(e, ERR_AUTH, "relay refused the login: %s", words);
	}
	if (!span_begins(message, SPAN("r="))) /* not a server-first-message: v=, or nonsense */
		return 0;
	while (rest.n && count == 0) {
		struct span part = span_cut(&rest, ',');

		if (span_begins(part, SPAN("s=")) && sasl_base64_take(span_skip(part, 2), salt, &salt_n) < 0)
			return err_set(e, ERR_AUTH, "relay's SCRAM salt is not base64");
		if (span_begins(part, SPAN("i=")) && take_count(span_skip(part, 2), &count, e) < 0)
			return -1;
	}
	if (count == 0)
		return err_set(e, ERR_AUTH, "relay's SCRAM message has no iteration count");
	if (salt_n == 0 || salt_n > SASL_SALT_MAX)
		return err_set(e, ERR_AUTH, "relay's SCRAM salt has %zu octets, it may have 1 to %d", salt_n, SASL_SALT_MAX);
	return sasl_gnu_prepare(state, span_of(salt, salt_n), count, e);
}

int sasl_scram_step(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e)
{
	int rc = look_at(state, challenge, e);

	return rc ? rc : sasl_gnu_step(state, challenge, out, out_n, done, e);
}
