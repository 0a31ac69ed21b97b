/* sasl_gnu.c - mechanisms of GNU SASL. The only file that includes its header.
 *
 * The library's handle is made once for the process and only read afterwards; every exchange has
 * a session of its own, whose callback finds the login through the session's hook. Properties
 * that the library copied are wiped before it frees them. */
#include <gsasl.h>
#include <pthread.h>
#include <string.h>

#include "engine/base/mem.h"
#include "transport/sasl/sasl_base64.h"
#include "transport/sasl/sasl_keys.h"
#include "transport/sasl/sasl_mech.h"

enum { BINDING_MAX = 64 };

static struct {
	pthread_once_t once;
	Gsasl *handle; /* NULL: it could not be made */
} library = { .once = PTHREAD_ONCE_INIT };

struct exchange {
	Gsasl_session *session;
	const struct sasl_login *login;
	struct sasl_key *key; /* asked for; NULL: GNU SASL makes it of the password */
	bool sha256;
	char salted[SASL_KEY_HEX + 1]; /* "": not known */
	bool plus; /* else the binding is not mentioned: a server may offer both */
};

static const Gsasl_property secrets[] = { GSASL_AUTHID, GSASL_AUTHZID, GSASL_PASSWORD, GSASL_SCRAM_SALTED_PASSWORD };

static int give(Gsasl_session *session, Gsasl_property what, struct span value)
{
	return gsasl_property_set_raw(session, what, value.p ? value.p : "", value.n);
}

static int give_binding(Gsasl_session *session, struct span binding)
{
	char text[2 * BINDING_MAX];

	if (binding.n == 0 || binding.n > BINDING_MAX)
		return GSASL_NO_CALLBACK;
	return give(session, GSASL_CB_TLS_EXPORTER, span_of(text, sasl_base64_put(binding, text)));
}

static int on_question(Gsasl *handle, Gsasl_session *session, Gsasl_property what)
{
	const struct exchange *x = gsasl_session_hook_get(session);

	(void)handle;
	if (!x)
		return GSASL_NO_CALLBACK;
	switch (what) {
	case GSASL_AUTHID:
		return give(session, what, x->login->user);
	case GSASL_PASSWORD:
		return give(session, what, x->login->password);
	case GSASL_SCRAM_SALTED_PASSWORD:
		return x->salted[0] ? give(session, what, span_str(x->salted)) : GSASL_NO_CALLBACK;
	case GSASL_AUTHZID:
		return x->login->authzid.n ? give(session, what, x->login->authzid) : GSASL_NO_CALLBACK;
	case GSASL_CB_TLS_EXPORTER:
		return x->plus ? give_binding(session, x->login->binding) : GSASL_NO_CALLBACK;
	default:
		return GSASL_NO_CALLBACK;
	}
}

static void open_library(void)
{
	if (gsasl_init(&library.handle) != GSASL_OK)
		library.handle = NULL;
	else
		gsasl_callback_set(library.handle, on_question);
}

int sasl_gnu_begin(void **state, const struct sasl_login *login, const char *name, struct err *e)
{
	struct exchange *x;
	int rc;

	pthread_once(&library.once, open_library);
	if (!library.handle)
		return err_set(e, ERR_NOMEM, "GNU SASL does not start");
	x = mem_new(sizeof *x);
	if (!x)
		return err_nomem(e, "a login");
	x->login = login;
	x->sha256 = span_begins(span_str(name), SPAN("SCRAM-SHA-256"));
	x->plus = span_ends(span_str(name), SPAN("-PLUS"));
	rc = gsasl_client_start(library.handle, name, &x->session);
	if (rc != GSASL_OK) {
		mem_free(x);
		return err_set(e, ERR_AUTH, "login with %s cannot begin: %s", name, gsasl_strerror(rc));
	}
	gsasl_session_hook_set(x->session, x);
	*state = x;
	return 0;
}

int sasl_gnu_step(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e)
{
	struct exchange *x = state;
	char *answer = NULL;
	size_t n = 0;
	int rc = gsasl_step(x->session, challenge.n ? challenge.p : "", challenge.n, &answer, &n);

	*out_n = 0;
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE) {
		gsasl_free(answer);
		return err_set(e, ERR_AUTH, "login cannot go on: %s", gsasl_strerror(rc));
	}
	if (n > SASL_RAW_MAX) {
		explicit_bzero(answer, n);
		gsasl_free(answer);
		return err_set(e, ERR_AUTH, "login needs a line of %zu octets, the limit is %d", n, SASL_RAW_MAX);
	}
	if (n)
		memcpy(out, answer, n);
	*out_n = n;
	*done = rc == GSASL_OK;
	if (answer)
		explicit_bzero(answer, n);
	gsasl_free(answer);
	return 0;
}

int sasl_gnu_prepare(void *state, struct span salt, unsigned rounds, struct err *e)
{
	struct exchange *x = state;

	if (!x->login->keys || rounds <= SASL_ROUNDS_AT_ONCE)
		return 0;
	if (!x->key)
		x->key = sasl_key_ask(x->login->keys, x->login->password, x->sha256, salt, rounds);
	if (!x->key)
		return err_nomem(e, "a login");
	/* Where nothing can be made of it, GNU SASL finds that out too, and has the words. */
	return sasl_key_get(x->key, x->salted) == 0;
}

int sasl_gnu_salt(struct span password, bool sha256, struct span salt, unsigned rounds, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[4][SASL_KEY_HEX / 2]; /* salted, and three that the library makes of it */
	size_t n = sha256 ? 32 : 20;
	char *word = mem_copy(password);
	int rc = -1;

	if (word && gsasl_scram_secrets_from_password(sha256 ? GSASL_HASH_SHA256 : GSASL_HASH_SHA1, word, rounds, salt.p,
						      salt.n, (char *)raw[0], (char *)raw[1], (char *)raw[2],
						      (char *)raw[3]) == GSASL_OK) {
		for (size_t i = 0; i < n; i++) {
			hex[2 * i] = digits[raw[0][i] >> 4];
			hex[2 * i + 1] = digits[raw[0][i] & 15];
		}
		hex[2 * n] = '\0';
		rc = 0;
	}
	explicit_bzero(raw, sizeof raw);
	if (word)
		mem_free_secret(word, password.n + 1);
	return rc;
}

void sasl_gnu_end(void *state)
{
	struct exchange *x = state;

	if (!x)
		return;
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		/* The library's own copy: const to its users, and about to be freed unwiped. */
		const char *copy = gsasl_property_fast(x->session, secrets[i]);

		if (copy)
			explicit_bzero((char *)copy, strlen(copy));
	}
	gsasl_finish(x->session);
	sasl_key_drop(&x->key);
	mem_free_secret(x, sizeof *x);
}
