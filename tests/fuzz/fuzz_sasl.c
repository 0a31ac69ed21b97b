/* fuzz_sasl.c - logins against a server that challenges with anything. The first octet is the mechanism, the
 * rest the challenges, a line each; "@" in one stands for the nonce that the client has chosen, so that SCRAM gets
 * beyond its first check. What is answered is base64, and no SCRAM server is believed without its proof. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "transport/sasl/sasl.h"
#include "transport/sasl/sasl_base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAW = 8000, ROUNDS_MAX = 5000 };

static const char *const names[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN",
				     "CRAM-MD5", "EXTERNAL", "OAUTHBEARER", "XOAUTH2" };
static const struct sasl_login login = {
	.user = { "ann,=x", 6 }, .password = { "pencil", 6 }, .token = { "abc.def", 7 }, .host = { "mx.example", 10 }, .port = 587,
	.binding = { "0123456789abcdef0123456789abcdef", 32 },
};
static char nonce[256];
static size_t nonce_n;

/* Out of "n,,n=ann,r=NONCE". */
static void learn_nonce(struct span response)
{
	static char raw[SASL_LINE_MAX];
	size_t n, at;

	MUST(sasl_base64_take(response, raw, &n) == 0);
	at = span_search(span_of(raw, n), SPAN(",r="));
	if (at == n)
		return;
	nonce_n = n - at - 3 < sizeof nonce ? n - at - 3 : sizeof nonce;
	memcpy(nonce, raw + at + 3, nonce_n);
}

/* Too many rounds would only be slow; above the limit nothing is computed. */
static int is_slow(struct span line)
{
	size_t at = span_search(line, SPAN("i="));
	unsigned long n = at < line.n ? strtoul(line.p + at + 2, NULL, 10) : 0;

	return n > ROUNDS_MAX && n <= SASL_ITERATIONS_MAX;
}

static size_t fill(struct span line, char out[RAW + sizeof nonce])
{
	size_t n = 0;

	for (size_t i = 0; i < line.n && n < RAW; i++) {
		if (line.p[i] == '@') {
			memcpy(out + n, nonce, nonce_n);
			n += nonce_n;
		} else {
			out[n++] = line.p[i];
		}
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char raw[RAW + sizeof nonce + 1], text[(RAW + sizeof nonce) * 2];
	struct span in = span_of(data, size), response;
	const char *name;
	struct sasl *x;
	struct err e;

	if (size == 0)
		return 0;
	name = names[(unsigned char)span_take(&in) % (sizeof names / sizeof *names)];
	nonce_n = 0;
	MUST(sasl_new(&x, &login, name, &e) == 0);
	if (sasl_speaks_first(x)) {
		MUST(sasl_step(x, SPAN(""), &response, &e) == 0);
		learn_nonce(response);
	}
	while (in.n > 0) {
		size_t n = fill(span_cut(&in, '\n'), raw);

		raw[n] = '\0';
		if (is_slow(span_of(raw, n)))
			break;
		n = n > 0 && raw[0] == '!' ? (memcpy(text, raw, n), n) : sasl_base64_put(span_of(raw, n), text);
		if (sasl_step(x, span_of(text, n), &response, &e) < 0) {
			MUST(e.text[0] && !sasl_complete(x));
			break;
		}
		MUST(response.n <= SASL_LINE_MAX && response.n % 4 == 0);
		MUST(strncmp(name, "SCRAM", 5) != 0 || !sasl_complete(x));
	}
	sasl_free(&x);
	return 0;
}
