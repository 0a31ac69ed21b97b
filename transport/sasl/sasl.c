/* sasl.c - the mechanisms, in order of strength, and the base64 around them.
 *
 *  1. A mechanism that is on_request is taken only when the login names it.
 *  2. After a failed step nothing more comes out of an exchange.
 *  3. Every octet of a response is wiped when the exchange ends.
 * Held by tests/unit/test_sasl_login.c. */
#include "transport/sasl/sasl.h"

#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/sasl/sasl_base64.h"
#include "transport/sasl/sasl_mech.h"

enum {
	HIDE_FROM = 8, /* octets of a longer secret that give it away */
	HIDE_LEAST = 4 /* what is shorter is no secret, and in many words */
};

struct sasl {
	const struct sasl_mech *mech;
	const struct sasl_login *login;
	void *state;
	bool done, broken, waits;
	size_t text_n; /* of the newest response */
	size_t raw_n; /* when it waits: octets of the challenge in raw */
	char raw[SASL_RAW_MAX];
	char text[SASL_LINE_MAX];
};

/* Strongest first. LOGIN is never begun with an initial response: no server has to take one
 * (draft-murchison-sasl-login). */
static const struct sasl_mech mechs[] = {
	{ .name = "OAUTHBEARER", .speaks_first = true, .needs_user = true, .needs_token = true, .done_by_server = true,
	  .begin = sasl_token_begin, .step = sasl_token_step, .end = sasl_token_end },
	{ .name = "XOAUTH2", .speaks_first = true, .needs_user = true, .needs_token = true, .done_by_server = true,
	  .begin = sasl_token_begin, .step = sasl_token_step, .end = sasl_token_end },
	{ .name = "SCRAM-SHA-256-PLUS", .speaks_first = true, .needs_user = true, .needs_password = true, .needs_binding = true,
	  .begin = sasl_gnu_begin, .step = sasl_scram_step, .end = sasl_gnu_end },
	{ .name = "SCRAM-SHA-256", .speaks_first = true, .needs_user = true, .needs_password = true,
	  .begin = sasl_gnu_begin, .step = sasl_scram_step, .end = sasl_gnu_end },
	{ .name = "SCRAM-SHA-1-PLUS", .speaks_first = true, .needs_user = true, .needs_password = true, .needs_binding = true,
	  .begin = sasl_gnu_begin, .step = sasl_scram_step, .end = sasl_gnu_end },
	{ .name = "SCRAM-SHA-1", .speaks_first = true, .needs_user = true, .needs_password = true,
	  .begin = sasl_gnu_begin, .step = sasl_scram_step, .end = sasl_gnu_end },
	{ .name = "PLAIN", .speaks_first = true, .needs_user = true, .needs_password = true,
	  .done_by_server = true,
	  .begin = sasl_gnu_begin, .step = sasl_gnu_step, .end = sasl_gnu_end },
	{ .name = "LOGIN", .needs_user = true, .needs_password = true, .done_by_server = true,
	  .begin = sasl_gnu_begin, .step = sasl_gnu_step, .end = sasl_gnu_end },
	{ .name = "CRAM-MD5", .on_request = true, .needs_user = true, .needs_password = true,
	  .done_by_server = true,
	  .begin = sasl_gnu_begin, .step = sasl_gnu_step, .end = sasl_gnu_end },
	{ .name = "EXTERNAL", .speaks_first = true, .on_request = true, .done_by_server = true,
	  .begin = sasl_gnu_begin, .step = sasl_gnu_step, .end = sasl_gnu_end },
};
enum { N_MECHS = sizeof mechs / sizeof mechs[0] };

static const struct sasl_mech *find_mech(struct span name)
{
	for (int i = 0; i < N_MECHS; i++)
		if (span_case_eq(span_str(mechs[i].name), name))
			return &mechs[i];
	return NULL;
}

static bool is_offered(const char *name, struct span offered)
{
	while (offered.n)
		if (span_case_eq(span_cut(&offered, ' '), span_str(name)))
			return true;
	return false;
}

bool sasl_knows(struct span mechanism)
{
	return find_mech(mechanism) != NULL;
}

/* May be chosen without being named. */
static bool fits(const struct sasl_mech *m, const struct sasl_login *login)
{
	return !m->on_request && m->needs_token == (login->token.n > 0) && (!m->needs_binding || login->binding.n > 0);
}

const char *sasl_choose(const struct sasl_login *login, struct span offered, struct err *e)
{
	const struct sasl_mech *wanted;

	if (login->mechanism) {
		wanted = find_mech(span_str(login->mechanism));
		if (wanted && is_offered(wanted->name, offered))
			return wanted->name;
		err_set(e, ERR_AUTH, wanted ? "relay does not offer to log in with %s, only: %.*s"
					    : "login mechanism %s is not known; relay offers: %.*s",
			login->mechanism, SPAN_ARG(offered));
		return NULL;
	}
	for (int i = 0; i < N_MECHS; i++)
		if (fits(&mechs[i], login) && is_offered(mechs[i].name, offered))
			return mechs[i].name;
	for (int i = 0; i < N_MECHS && login->token.n == 0; i++)
		if (mechs[i].on_request && mechs[i].needs_password && is_offered(mechs[i].name, offered)) {
			err_set(e, ERR_AUTH, "relay offers no login that is taken unasked, only: %.*s (?auth=%s in its URL takes that)",
				SPAN_ARG(offered), mechs[i].name);
			return NULL;
		}
	err_set(e, ERR_AUTH, login->token.n > 0 ? "relay offers no login with a token (OAUTHBEARER, XOAUTH2), only: %.*s"
						: "relay offers no login mechanism that is known here, only: %.*s",
		SPAN_ARG(offered));
	return NULL;
}

static int check_words(const struct sasl_mech *mech, const struct sasl_login *l, struct err *e)
{
	if (span_find(l->user, '\0') < l->user.n || span_find(l->password, '\0') < l->password.n ||
	    span_find(l->authzid, '\0') < l->authzid.n)
		return err_set(e, ERR_INPUT, "user name or password holds a NUL octet");
	if (mech->needs_user && l->user.n == 0)
		return err_set(e, ERR_INPUT, "login with %s needs a user name", mech->name);
	if (mech->needs_password && l->password.n == 0)
		return err_set(e, ERR_INPUT, "login with %s needs a password", mech->name);
	if (mech->needs_binding && l->binding.n == 0)
		return err_set(e, ERR_INPUT, "login with %s needs TLS 1.3", mech->name);
	if (mech->needs_token && l->token.n == 0)
		return err_set(e, ERR_INPUT, "login with %s needs a token", mech->name);
	return 0;
}

int sasl_new(struct sasl **out, const struct sasl_login *login, const char *mechanism, struct err *e)
{
	const struct sasl_mech *mech = find_mech(span_str(mechanism));
	struct sasl *x;

	MUST(mech);
	if (check_words(mech, login, e) < 0)
		return -1;
	x = mem_new(sizeof *x);
	if (!x)
		return err_nomem(e, "a login");
	x->mech = mech;
	x->login = login;
	if (mech->begin(&x->state, login, mech->name, e) < 0) {
		mem_free(x);
		return -1;
	}
	*out = x;
	return 0;
}

void sasl_free(struct sasl **x)
{
	if (!*x)
		return;
	(*x)->mech->end((*x)->state);
	mem_free_secret(*x, sizeof **x);
	*x = NULL;
}

bool sasl_speaks_first(const struct sasl *x)
{
	return x->mech->speaks_first;
}

/* The challenge is in raw. text serves as room for the raw response, raw then for its base64's source. */
static int go_on(struct sasl *x, struct span *response, struct err *e)
{
	size_t n = 0;
	int rc = x->mech->step(x->state, span_of(x->raw, x->raw_n), x->text, &n, &x->done, e);

	x->broken = rc < 0;
	x->waits = rc > 0;
	x->text_n = 0;
	if (rc != 0)
		return rc;
	memcpy(x->raw, x->text, n);
	x->text_n = sasl_base64_put(span_of(x->raw, n), x->text);
	*response = span_of(x->text, x->text_n);
	return 0;
}

int sasl_step(struct sasl *x, struct span challenge, struct span *response, struct err *e)
{
	MUST(!x->broken && !x->waits);
	x->broken = true;
	if (challenge.n > SASL_LINE_MAX || sasl_base64_take(challenge, x->raw, &x->raw_n) < 0)
		return err_set(e, ERR_AUTH, "relay's login challenge is not base64");
	return go_on(x, response, e);
}

int sasl_again(struct sasl *x, struct span *response, struct err *e)
{
	MUST(x->waits);
	return go_on(x, response, e);
}

static char folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static void hide_one(struct span secret, char *text, size_t n)
{
	size_t least = secret.n < HIDE_FROM ? secret.n : HIDE_FROM;

	if (secret.n < HIDE_LEAST)
		return;
	for (size_t i = 0, k; i + least <= n; i += k >= least ? k : 1) {
		for (k = 0; k < secret.n && i + k < n && folded(text[i + k]) == folded(secret.p[k]); k++)
			;
		if (k >= least)
			memset(text + i, '*', k);
	}
}

void sasl_hide(const struct sasl *x, char *text, size_t n)
{
	hide_one(x->login->password, text, n);
	hide_one(x->login->token, text, n);
	hide_one(span_of(x->text, x->text_n), text, n);
}

bool sasl_complete(const struct sasl *x)
{
	return !x->broken && !x->waits && (x->done || x->mech->done_by_server);
}
