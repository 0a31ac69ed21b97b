/* test_sasl_login.c - each mechanism against a server written here, from the RFCs: OpenSSL's
 * digests, not GNU SASL's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <time.h>

#include "engine/base/mem.h"
#include "transport/sasl/sasl.h"
#include "transport/sasl/sasl_base64.h"

static struct sasl_login login = {
	.user = { "ann,=x", 6 },
	.password = { "pencil", 6 },
};

static struct span encode(struct span raw)
{
	static char text[SASL_LINE_MAX];

	return span_of(text, sasl_base64_put(raw, text));
}

/* The response to a challenge, base64 taken off, NUL-terminated. */
static const char *step(struct sasl *x, const char *challenge, size_t *n)
{
	static char raw[SASL_LINE_MAX];
	struct span response;
	struct err e;

	if (sasl_step(x, encode(span_str(challenge)), &response, &e) < 0)
		return NULL;
	assert_int_equal(sasl_base64_take(response, raw, n), 0);
	raw[*n] = '\0';
	return raw;
}

static struct sasl *begin(const char *mechanism)
{
	struct sasl *x = NULL;
	struct err e;

	assert_int_equal(sasl_new(&x, &login, mechanism, &e), 0);
	return x;
}

static void test_choice(void **state)
{
	static const struct {
		const char *wanted, *offered, *chosen;
	} cases[] = {
		{ NULL, "PLAIN LOGIN", "PLAIN" },
		{ NULL, "LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5", "SCRAM-SHA-256" },
		{ NULL, "LOGIN SCRAM-SHA-1 PLAIN", "SCRAM-SHA-1" },
		{ NULL, "login", "LOGIN" },
		{ NULL, "CRAM-MD5 EXTERNAL", NULL },
		{ NULL, "XPLAIN PLAINX", NULL },
		{ NULL, "", NULL },
		{ "cram-md5", "PLAIN CRAM-MD5", "CRAM-MD5" },
		{ "LOGIN", "SCRAM-SHA-256 LOGIN", "LOGIN" },
		{ "LOGIN", "SCRAM-SHA-256 PLAIN", NULL },
		{ "GSSAPI", "GSSAPI", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sasl_login l = login;
		struct err e;
		const char *name;

		l.mechanism = cases[i].wanted;
		name = sasl_choose(&l, span_str(cases[i].offered), &e);
		if (!name != !cases[i].chosen || (name && strcmp(name, cases[i].chosen) != 0))
			fail_msg("'%s' of '%s'", name ? name : "none", cases[i].offered);
		if (!name)
			assert_true(e.kind == ERR_AUTH && e.text[0]);
		if (!name && !l.mechanism)
			assert_int_equal(strstr(cases[i].offered, "CRAM-MD5") != NULL, strstr(e.text, "?auth=CRAM-MD5") != NULL);
	}
}

static void test_plain(void **state)
{
	struct sasl *x = begin("PLAIN");
	const char *r;
	size_t n;

	(void)state;
	assert_true(sasl_speaks_first(x));
	r = step(x, "", &n);
	assert_true(r && span_eq(span_of(r, n), SPAN("\0ann,=x\0pencil")));
	assert_true(sasl_complete(x));
	sasl_free(&x);
	assert_null(x);

	login.authzid = SPAN("boss");
	x = begin("PLAIN");
	r = step(x, "", &n);
	assert_true(r && span_eq(span_of(r, n), SPAN("boss\0ann,=x\0pencil")));
	sasl_free(&x);
	login.authzid = SPAN("");
}

static void test_login_and_external(void **state)
{
	struct sasl *x = begin("LOGIN");
	const char *r;
	size_t n;

	(void)state;
	assert_false(sasl_speaks_first(x));
	r = step(x, "Username:", &n);
	assert_true(r && strcmp(r, "ann,=x") == 0);
	r = step(x, "anything", &n);
	assert_true(r && strcmp(r, "pencil") == 0);
	assert_null(step(x, "and now?", &n));
	sasl_free(&x);

	x = begin("EXTERNAL");
	r = step(x, "", &n);
	assert_true(r && n == 0);
	sasl_free(&x);
}

/* --- SCRAM, the server's side of RFC 5802 */

struct scram {
	const EVP_MD *md;
	char bare[300], first[300];
	unsigned char salted[64], auth[1200];
	int size;
};

static const char salt[] = "salt of the server";

static void hmac(const struct scram *s, const void *key, int key_n, const char *text, unsigned char *out)
{
	unsigned n = 0;

	HMAC(s->md, key, key_n, (const unsigned char *)text, strlen(text), out, &n);
}

/* Answers the client's first message with `rounds`. */
static void server_first(struct scram *s, const char *client_first, const char *rounds)
{
	const char *bare = client_first + 3;

	assert_memory_equal(client_first, "n,,", 3);
	assert_non_null(strstr(bare, "n=ann=2C=3Dx,r="));
	snprintf(s->bare, sizeof s->bare, "%s", bare);
	snprintf(s->first, sizeof s->first, "%sSERVER,s=%.*s,i=%s", strstr(bare, "r="), SPAN_ARG(encode(span_str(salt))),
		 rounds);
	s->size = EVP_MD_get_size(s->md);
	PKCS5_PBKDF2_HMAC("pencil", 6, (const unsigned char *)salt, sizeof salt - 1, 4096, s->md, s->size, s->salted);
}

/* Checks the client's proof; writes the server's last message. */
static void server_final(struct scram *s, const char *client_final, char *out, size_t out_size)
{
	unsigned char client_key[64], stored[64], signature[64], proof[64], server_key[64], v[64];
	const char *p = strstr(client_final, ",p=");
	char message[1200];
	unsigned n;
	size_t proof_n;

	assert_non_null(p);
	snprintf(message, sizeof message, "%s,%s,%.*s", s->bare, s->first, (int)(p - client_final), client_final);
	hmac(s, s->salted, s->size, "Client Key", client_key);
	EVP_Digest(client_key, (size_t)s->size, stored, &n, s->md, NULL);
	hmac(s, stored, s->size, message, signature);
	assert_int_equal(sasl_base64_take(span_str(p + 3), (char *)proof, &proof_n), 0);
	assert_int_equal(proof_n, s->size);
	for (int i = 0; i < s->size; i++)
		assert_int_equal(proof[i], client_key[i] ^ signature[i]);
	hmac(s, s->salted, s->size, "Server Key", server_key);
	hmac(s, server_key, s->size, message, v);
	snprintf(out, out_size, "v=%.*s", SPAN_ARG(encode(span_of(v, (size_t)s->size))));
}

static void rest_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* As step(), for a server-first-message; with a store the response may come later, unless it is kept there:
 * whether it does is between the store's thread and ours. */
static const char *step_salted(struct sasl *x, const char *challenge, size_t *n, bool may_wait)
{
	static char raw[SASL_LINE_MAX];
	struct span response = { 0 };
	struct err e;
	int rc = sasl_step(x, encode(span_str(challenge)), &response, &e);

	assert_in_range(rc, 0, may_wait);
	while (rc == 1) {
		assert_false(sasl_complete(x));
		rest_ms(1);
		rc = sasl_again(x, &response, &e);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(sasl_base64_take(response, raw, n), 0);
	raw[*n] = '\0';
	return raw;
}

/* kept: a store has worked on that salt before. */
static void scram(const char *mechanism, const EVP_MD *md, bool kept)
{
	for (int lie = 0; lie < 2; lie++) {
		struct scram s = { .md = md };
		struct sasl *x = begin(mechanism);
		char last[200];
		const char *r;
		size_t n;

		r = step(x, "", &n);
		assert_non_null(r);
		assert_false(sasl_complete(x));
		server_first(&s, r, "4096");
		r = step_salted(x, s.first, &n, login.keys && !kept && !lie); /* the liar's is the second login */
		assert_false(sasl_complete(x)); /* the server has proved nothing yet */
		server_final(&s, r, last, sizeof last);
		if (lie)
			last[5] = last[5] == 'A' ? 'B' : 'A';
		r = step(x, last, &n);
		if (lie) {
			assert_null(r);
			assert_false(sasl_complete(x));
		} else {
			assert_true(r && n == 0 && sasl_complete(x));
		}
		sasl_free(&x);
	}
}

static void test_scram(void **state)
{
	(void)state;
	scram("SCRAM-SHA-256", EVP_sha256(), false);
	scram("SCRAM-SHA-1", EVP_sha1(), false);
}

static void test_scram_with_a_store(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(sasl_keys_new(&login.keys, &e), 0);
	scram("SCRAM-SHA-256", EVP_sha256(), false);
	assert_int_equal(sasl_keys_made(login.keys), 1); /* for two logins: the second finds it */
	scram("SCRAM-SHA-1", EVP_sha1(), false);
	assert_int_equal(sasl_keys_made(login.keys), 2);
	scram("SCRAM-SHA-256", EVP_sha256(), true);
	assert_int_equal(sasl_keys_made(login.keys), 2);
	sasl_keys_free(&login.keys);
}

/* Ten servers with a salt each; some logins are given up while they wait or are being worked on. */
static void test_scram_given_up(void **state)
{
	struct sasl *all[10];
	int waits[10];
	struct err e;
	size_t n;

	(void)state;
	assert_int_equal(sasl_keys_new(&login.keys, &e), 0);
	for (int i = 0; i < 10; i++) {
		char first[400];
		const char *r;
		struct span response;

		all[i] = begin("SCRAM-SHA-256");
		r = strstr(step(all[i], "", &n), "r=");
		snprintf(first, sizeof first, "%sS,s=c2Fsd%c==,i=20000", r, "AQgw"[i % 4]);
		waits[i] = sasl_step(all[i], encode(span_str(first)), &response, &e);
		assert_in_range(waits[i], 0, 1);
	}
	rest_ms(2);
	for (int i = 0; i < 10; i += 2)
		sasl_free(&all[i]);
	for (int i = 1; i < 10; i += 2) {
		struct span response;

		while (waits[i] == 1) {
			rest_ms(1);
			waits[i] = sasl_again(all[i], &response, &e);
		}
		assert_int_equal(waits[i], 0);
		sasl_free(&all[i]);
	}
	assert_true(sasl_keys_made(login.keys) <= 4); /* four salts */
	sasl_keys_free(&login.keys);
}

static void test_scram_bad_servers(void **state)
{
	static const char *const rounds[] = { "1000001", "99999999999999999999", "0", "-1", "", "4096x", "1", "4095", NULL };
	static const char *const words[] = { "r=other,s=c2FsdA==,i=4096", "e=other-error", "v=AAAA", "", "x", "r=", "r=,s=,i=" };
	size_t n;

	(void)state;
	for (int i = 0; rounds[i]; i++) {
		struct scram s = { .md = EVP_sha256() };
		struct sasl *x = begin("SCRAM-SHA-256");

		server_first(&s, step(x, "", &n), rounds[i]);
		assert_null(step(x, s.first, &n));
		assert_false(sasl_complete(x));
		sasl_free(&x);
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct sasl *x = begin("SCRAM-SHA-1");

		assert_non_null(step(x, "", &n));
		assert_null(step(x, words[i], &n));
		sasl_free(&x);
	}
}

/* Sendmail quotes a line that it does not know, others the word that was wrong. */
static void test_hidden(void **state)
{
	static const struct {
		const char *said, *shown;
	} words[] = {
		{ "Command unrecognized: \"AUTH PLAIN AGFubgBwZW5jaWwgYm94\"", "Command unrecognized: \"AUTH PLAIN ********************\"" },
		{ "AGFubgBwZW5jaW.. is too long", "**************.. is too long" }, /* cut short */
		{ "UNKNOWN AGFUBGBWZW5JAWWGYM94", "UNKNOWN ********************" },
		{ "wrong: pencil box, pencil box", "wrong: **********, **********" },
		{ "AGFubgB no, pencil no", "AGFubgB no, pencil no" },
		{ "", "" },
	};
	const struct sasl_login box = { .user = SPAN("ann"), .password = SPAN("pencil box") };
	struct sasl *x = NULL;
	struct span response;
	char text[80];
	struct err e;

	(void)state;
	assert_int_equal(sasl_new(&x, &box, "PLAIN", &e), 0);
	assert_int_equal(sasl_step(x, SPAN(""), &response, &e), 0);
	assert_int_equal(response.n, 20);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		snprintf(text, sizeof text, "%s", words[i].said);
		sasl_hide(x, text, strlen(text));
		assert_string_equal(text, words[i].shown);
	}
	sasl_free(&x);
}

static void test_bad_words(void **state)
{
	struct sasl_login l = login;
	struct sasl *x = NULL;
	struct span r;
	struct err e;

	(void)state;
	l.password = SPAN("a\0b");
	assert_int_equal(sasl_new(&x, &l, "PLAIN", &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	l.password = SPAN("");
	assert_int_equal(sasl_new(&x, &l, "PLAIN", &e), -1);
	assert_null(x);
	x = begin("LOGIN");
	assert_int_equal(sasl_step(x, SPAN("no base64"), &r, &e), -1);
	assert_int_equal(e.kind, ERR_AUTH);
	sasl_free(&x);
	sasl_free(&x);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (long n = 0;; n++) {
		struct sasl *x = NULL;
		struct err e;
		int rc;

		mem_fail_after(n);
		rc = sasl_new(&x, &login, "SCRAM-SHA-256", &e);
		mem_fail_after(-1);
		sasl_free(&x);
		if (rc == 0)
			break;
		assert_int_equal(e.kind, ERR_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),           cmocka_unit_test(test_plain),
		cmocka_unit_test(test_login_and_external), cmocka_unit_test(test_scram),
		cmocka_unit_test(test_scram_with_a_store), cmocka_unit_test(test_scram_given_up),
		cmocka_unit_test(test_scram_bad_servers), cmocka_unit_test(test_bad_words),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
