/* sasl_token.c - logins with a bearer token (OAuth 2): OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's and
 * Microsoft's form of it). GNU SASL 2.2 has neither.
 *
 *     OAUTHBEARER  n,a=USER,^Ahost=HOST^Aport=PORT^Aauth=Bearer TOKEN^A^A    failure: ^A
 *     XOAUTH2      user=USER^Aauth=Bearer TOKEN^A^A                         failure: (empty)
 *
 * A token that is refused comes back as a challenge with a reason in JSON; the answer to that, which says
 * nothing, brings the reply that counts. Held by tests/unit/test_sasl_login.c. */
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "transport/sasl/sasl_mech.h"

struct token_exchange {
	const struct sasl_login *login;
	bool bearer; /* OAUTHBEARER */
	bool said;
};

/* RFC 6750 2.1: b64token. What else it might hold could end it early. */
static bool is_token(struct span s)
{
	static const char marks[] = "-._~+/=";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && (c == '\0' || !strchr(marks, c)))
			return false;
	}
	return s.n > 0;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

int sasl_token_begin(void **state, const struct sasl_login *login, const char *name, struct err *e)
{
	struct token_exchange *x;

	if (!is_token(login->token))
		return err_set(e, ERR_INPUT, "the token to log in with holds something that no token may hold");
	if (has_control(login->user) || has_control(login->host))
		return err_set(e, ERR_INPUT, "the user name has a control character");
	x = mem_new(sizeof *x);
	if (!x)
		return err_nomem(e, "a login");
	x->login = login;
	x->bearer = strcmp(name, "OAUTHBEARER") == 0;
	*state = x;
	return 0;
}

struct answer {
	char *p;
	size_t n;
	bool full;
};

static void put(struct answer *a, struct span s)
{
	if (s.n > SASL_RAW_MAX - a->n) {
		a->full = true;
		return;
	}
	if (s.n)
		memcpy(a->p + a->n, s.p, s.n);
	a->n += s.n;
}

/* RFC 5801 4: saslname. */
static void put_user(struct answer *a, struct span user)
{
	for (size_t i = 0; i < user.n; i++)
		put(a, user.p[i] == '=' ? SPAN("=3D") : user.p[i] == ',' ? SPAN("=2C") : span_sub(user, i, 1));
}

static void put_bearer(struct answer *a, const struct sasl_login *l)
{
	char port[16];

	put(a, SPAN("n,a="));
	put_user(a, l->user);
	put(a, SPAN(",\1"));
	if (l->host.n > 0) {
		snprintf(port, sizeof port, "\1port=%u\1", l->port);
		put(a, SPAN("host="));
		put(a, l->host);
		put(a, span_str(port));
	}
}

int sasl_token_step(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e)
{
	struct token_exchange *x = state;
	struct answer a = { .p = out };

	(void)challenge; /* a reason for people, in the server's own words: the reply has them too */
	*done = true;
	*out_n = 0;
	if (x->said) {
		if (x->bearer)
			out[(*out_n)++] = '\1';
		return 0;
	}
	x->said = true;
	if (x->bearer) {
		put_bearer(&a, x->login);
	} else {
		put(&a, SPAN("user="));
		put(&a, x->login->user);
		put(&a, SPAN("\1"));
	}
	put(&a, SPAN("auth=Bearer "));
	put(&a, x->login->token);
	put(&a, SPAN("\1\1"));
	if (a.full)
		return err_set(e, ERR_AUTH, "the token to log in with is too long for a line of a login");
	*out_n = a.n;
	return 0;
}

void sasl_token_end(void *state)
{
	if (state)
		mem_free_secret(state, sizeof(struct token_exchange));
}
