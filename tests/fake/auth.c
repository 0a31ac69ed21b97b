/* auth.c - mechanisms as a table of steps. Passwords are compared as octets: SASLprep is left out, tests
 * use passwords that it does not change. */
#include "tests/fake/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

struct auth_mechanism {
	struct text name;
	bool client_first; /* the first message is the client's */
	enum auth_result (*step)(struct auth *a, struct text response, struct bytes *challenge);
};

bool auth_same(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void auth_nonce(struct bytes *b)
{
	unsigned char random[18];

	if (RAND_bytes(random, sizeof random) != 1)
		die("no random numbers");
	bytes_base64(b, text_of(random, sizeof random));
}

static bool is_user(const struct auth *a, struct text name)
{
	return auth_same(name, text_str(a->cfg->login.user));
}

static enum auth_result decide(struct auth *a, struct text user, struct text password)
{
	bool right = is_user(a, user) && auth_same(password, bytes_text(&a->cfg->login.password));

	a->user.n = 0;
	bytes_text_add(&a->user, user);
	return right ? AUTH_OK : AUTH_REFUSED;
}

/* RFC 4616: [authzid] NUL authcid NUL passwd */
static enum auth_result plain(struct auth *a, struct text response, struct bytes *challenge)
{
	struct text authzid = text_cut(&response, 0), user = text_cut(&response, 0);

	(void)challenge;
	if (!response.p || memchr(response.p, 0, response.n) || user.n == 0)
		return AUTH_MALFORMED;
	if (authzid.n && !text_eq(authzid, user))
		return AUTH_REFUSED;
	return decide(a, user, response);
}

static enum auth_result login(struct auth *a, struct text response, struct bytes *challenge)
{
	switch (a->step++) {
	case 0:
		bytes_str(challenge, "Username:");
		return AUTH_CHALLENGE;
	case 1:
		bytes_text_add(&a->first, response);
		bytes_str(challenge, "Password:");
		return AUTH_CHALLENGE;
	default:
		return decide(a, bytes_text(&a->first), response);
	}
}

/* RFC 2195: user SP hex(HMAC-MD5(password, challenge)) */
static enum auth_result cram_md5(struct auth *a, struct text response, struct bytes *challenge)
{
	const struct bytes *password = &a->cfg->login.password;
	unsigned char md[EVP_MAX_MD_SIZE];
	struct bytes hex = { 0 };
	unsigned n = 0;
	const char *space;
	bool right;

	if (a->step++ == 0) {
		bytes_char(&a->nonce, '<');
		auth_nonce(&a->nonce);
		bytes_printf(&a->nonce, "@%s>", a->cfg->hostname);
		bytes_text_add(challenge, bytes_text(&a->nonce));
		return AUTH_CHALLENGE;
	}
	space = response.n ? memrchr(response.p, ' ', response.n) : NULL;
	if (!space)
		return AUTH_MALFORMED;
	if (!HMAC(EVP_md5(), password->p, (int)password->n, (const unsigned char *)a->nonce.p, a->nonce.n, md, &n))
		die("HMAC-MD5 failed");
	for (unsigned i = 0; i < n; i++)
		bytes_printf(&hex, "%02x", md[i]);
	struct text user = text_of(response.p, (size_t)(space - response.p));

	bytes_text_add(&a->user, user);
	right = is_user(a, user) && auth_same(text_of(space + 1, response.n - user.n - 1), bytes_text(&hex));
	bytes_free(&hex);
	return right ? AUTH_OK : AUTH_REFUSED;
}

/* Finds "key=value" among parts that \1 ends. */
static struct text oauth_part(struct text all, struct text key)
{
	while (all.p) {
		struct text part = text_cut(&all, 1);

		if (text_case_begins(part, key))
			return text_of(part.p + key.n, part.n - key.n);
	}
	return (struct text){ NULL, 0 };
}

static enum auth_result oauth_decide(struct auth *a, struct text user, struct text bearer, struct bytes *challenge)
{
	struct text token;

	if (!text_case_begins(bearer, TEXT("Bearer ")))
		return AUTH_MALFORMED;
	token = text_of(bearer.p + 7, bearer.n - 7);
	if (decide(a, user, token) == AUTH_OK)
		return AUTH_OK;
	a->failed = true;
	bytes_str(challenge, "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"mail\"}");
	return AUTH_CHALLENGE;
}

/* "user=" U \1 "auth=Bearer " T \1 \1; an error is acknowledged by an empty response */
static enum auth_result xoauth2(struct auth *a, struct text response, struct bytes *challenge)
{
	if (a->failed)
		return response.n ? AUTH_MALFORMED : AUTH_REFUSED;
	if (response.n < 2 || memcmp(response.p + response.n - 2, "\1\1", 2) != 0)
		return AUTH_MALFORMED;
	return oauth_decide(a, oauth_part(response, TEXT("user=")), oauth_part(response, TEXT("auth=")), challenge);
}

/* RFC 7628: gs2-header \1 *(key "=" value \1) \1; an error is acknowledged by a lone \1 */
static enum auth_result oauthbearer(struct auth *a, struct text response, struct bytes *challenge)
{
	struct text header, user;

	if (a->failed)
		return text_eq(response, TEXT("\1")) ? AUTH_REFUSED : AUTH_MALFORMED;
	header = text_cut(&response, 1);
	if (!text_case_begins(header, TEXT("n,a=")) || header.p[header.n - 1] != ',' || response.n < 2 ||
	    memcmp(response.p + response.n - 2, "\1\1", 2) != 0)
		return AUTH_MALFORMED;
	user = text_of(header.p + 4, header.n - 5);
	return oauth_decide(a, user, oauth_part(response, TEXT("auth=")), challenge);
}

/* RFC 4422 appendix A: the response is the identity to act as, empty for the certificate's own */
static enum auth_result external(struct auth *a, struct text response, struct bytes *challenge)
{
	struct text own = text_str(a->link->client_name);

	(void)challenge;
	bytes_text_add(&a->user, response.n ? response : own);
	if (!a->link->client_verified || (response.n && !text_eq(response, own)))
		return AUTH_REFUSED;
	return AUTH_OK;
}

static const struct auth_mechanism mechanisms[] = {
	{ { "PLAIN", 5 }, true, plain },
	{ { "LOGIN", 5 }, false, login },
	{ { "CRAM-MD5", 8 }, false, cram_md5 },
	{ { "SCRAM-SHA-1", 11 }, true, scram_step },
	{ { "SCRAM-SHA-256", 13 }, true, scram_step },
	{ { "SCRAM-SHA-1-PLUS", 16 }, true, scram_step },
	{ { "SCRAM-SHA-256-PLUS", 18 }, true, scram_step },
	{ { "XOAUTH2", 7 }, true, xoauth2 },
	{ { "OAUTHBEARER", 11 }, true, oauthbearer },
	{ { "EXTERNAL", 8 }, true, external },
};

static const struct auth_mechanism *find(struct text name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
		if (text_case_eq(mechanisms[i].name, name))
			return &mechanisms[i];
	return NULL;
}

bool auth_known(struct text mechanism)
{
	return find(mechanism) != NULL;
}

void auth_prepare(struct credentials *credentials)
{
	if (credentials->user)
		scram_derive(credentials);
}

/* LOGIN takes an initial response for the user's name, as most servers do. */
enum auth_result auth_begin(struct auth *a, const struct config *cfg, const struct auth_link *link,
			    struct text mechanism, struct text initial, struct bytes *challenge)
{
	a->cfg = cfg;
	a->link = link;
	a->mechanism = find(mechanism);
	a->step = 0;
	a->failed = false;
	a->plus = mechanism.n > 5 && text_case_eq(text_of(mechanism.p + mechanism.n - 5, 5), TEXT("-PLUS"));
	a->user.n = a->nonce.n = a->gs2.n = a->first.n = a->server_first.n = 0;
	a->keys = text_case_begins(mechanism, TEXT("SCRAM-SHA-256")) ? &cfg->login.sha256 : &cfg->login.sha1;
	if (a->mechanism->client_first)
		return initial.p ? a->mechanism->step(a, initial, challenge) : AUTH_CHALLENGE;
	if (!initial.p)
		return a->mechanism->step(a, initial, challenge);
	if (a->mechanism->step != login)
		return AUTH_MALFORMED;
	a->step = 1;
	return login(a, initial, challenge);
}

enum auth_result auth_next(struct auth *a, struct text response, struct bytes *challenge)
{
	return a->mechanism->step(a, response, challenge);
}

void auth_release(struct auth *a)
{
	bytes_free(&a->user);
	bytes_free(&a->nonce);
	bytes_free(&a->gs2);
	bytes_free(&a->first);
	bytes_free(&a->server_first);
}
