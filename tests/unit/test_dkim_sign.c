/* Signers: the known example of RFC 8463, keys that cannot sign, names, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "templates/dkim/dkim.h"
#include "templates/dkim/dkim_key.h"

static char folder[64], path[96];
static struct arena a;

static const char *put_file(const char *content)
{
	FILE *f;

	snprintf(path, sizeof path, "%s/key.pem", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
	chmod(path, 0600);
	return path;
}

/* RFC 8463 A.2: the Ed25519 key of the example, as PKCS#8. */
static const char rfc_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	"-----END PRIVATE KEY-----\n";

static void key_of_the_rfc(void **state)
{
	struct dkim_key *k;
	struct dkim_pen *p;
	struct span public;
	unsigned char digest[SHA256_SIZE] = { 1, 2, 3 }, one[DKIM_SIGNATURE_MAX], two[DKIM_SIGNATURE_MAX];
	size_t n;

	(void)state;
	assert_int_equal(dkim_key_read(&k, put_file(rfc_key), NULL), 0);
	assert_int_equal(dkim_key_algorithm(k), DKIM_ED25519_SHA256);
	assert_int_equal(dkim_key_public(k, &a, &public, NULL), 0);
	assert_true(span_eq(public, SPAN("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="))); /* its p= */
	assert_int_equal(dkim_pen_new(&p, k, NULL), 0);
	assert_int_equal(dkim_pen_sign(p, digest, one, &n, NULL), 0);
	assert_int_equal(n, 64);
	assert_int_equal(dkim_pen_sign(p, digest, two, &n, NULL), 0); /* a pen signs again and again */
	assert_memory_equal(one, two, 64);
	dkim_pen_free(&p);
	dkim_key_free(&k);
}

static int try_signer(const char *key, const char *selector, const char *domain, struct err *e)
{
	struct dkim_options opt = { put_file(key), span_str(selector), span_str(domain), DKIM_RELAXED };
	struct dkim_signer *s;
	int rc;

	*e = (struct err){ 0 };
	rc = dkim_signer_new(&s, &opt, e);
	if (rc == 0) {
		assert_null(dkim_signer_weakness(s));
		dkim_signer_free(&s);
	} else {
		assert_null(s);
		assert_null(strstr(e->text, "MC4CAQ")); /* nothing of the key in a message */
	}
	return rc;
}

static void wrong_keys(void **state)
{
	static const struct {
		const char *key, *selector, *domain, *says;
	} cases[] = {
		{ rfc_key, "s1", "example.com", NULL },
		{ rfc_key, "a.b-c_d", "b\xc3\xbc" "cher.example", NULL },
		{ "", "s", "example.com", "no private key" },
		{ "MC4CAQAwBQYDK2VwBCIEIJ1h", "s", "example.com", "no private key" },
		{ "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n", "s", "example.com", "no private key" },
		{ "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
		  "-----END PUBLIC KEY-----\n", "s", "example.com", "public key" },
		{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "s",
		  "example.com", "pass phrase" },
		{ rfc_key, "", "example.com", "selector" }, { rfc_key, "a b", "example.com", "selector" },
		{ rfc_key, ".a", "example.com", "selector" }, { rfc_key, "a..b", "example.com", "selector" },
		{ rfc_key, "a;d=evil", "example.com", "selector" }, { rfc_key, "s", "", "domain" },
		{ rfc_key, "s", "[127.0.0.1]", "domain" }, { rfc_key, "s", "a b", "domain" },
		{ rfc_key, "s", "x@example.com", "domain" }, { rfc_key, "s", "example.com; s=x", "domain" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int rc = try_signer(cases[i].key, cases[i].selector, cases[i].domain, &e);

		if (!cases[i].says)
			assert_int_equal(rc, 0);
		else if (rc == 0 || !strstr(e.text, cases[i].says))
			fail_msg("case %zu: %d <%s>", i, rc, e.text);
	}
}

static void made_keys(void **state)
{
	char name[128];
	struct dkim_new_key k = { name, SPAN("s1"), SPAN("EXAMPLE.com"), true, 0 };
	struct dkim_options opt = { name, SPAN("s1"), SPAN("EXAMPLE.com"), DKIM_SIMPLE };
	struct dkim_signer *s;
	struct span record, identity;
	struct stat st;
	struct err e = { 0 };

	(void)state;
	snprintf(name, sizeof name, "%s/new.pem", folder);
	assert_int_equal(dkim_key_create(&k, &a, &record, &e), 0);
	assert_true(span_begins(record, SPAN("s1._domainkey.example.com. IN TXT ( \"v=DKIM1; k=ed25519; p=\"\n  \"")));
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(dkim_signer_new(&s, &opt, &e), 0);
	identity = dkim_signer_identity(s, &a);
	assert_true(span_begins(identity, SPAN("ed25519-sha256 relaxed/simple s1 example.com ")));
	dkim_signer_free(&s);
	assert_int_equal(dkim_key_create(&k, &a, &record, &e), -1); /* never written over */
	assert_int_equal(e.kind, ERR_CONFLICT);
	unlink(name);
	k.ed25519 = false;
	k.bits = 1023;
	assert_int_equal(dkim_key_create(&k, &a, &record, &e), -1);
	k.bits = 1024;
	assert_int_equal(dkim_key_create(&k, &a, &record, &e), 0);
	assert_int_equal(chmod(name, 0644), 0);
	assert_int_equal(dkim_signer_new(&s, &opt, &e), 0);
	assert_string_equal(dkim_signer_weakness(s), "the RSA key has less than 2048 bits");
	dkim_signer_free(&s);
	unlink(name);
}

static int sign_once(struct span *fields, struct err *e)
{
	struct dkim_options opt = { path, SPAN("s"), SPAN("example.com"), DKIM_RELAXED };
	struct span content[] = { SPAN("From: a@example.com\r\n"), SPAN("\r\n"), SPAN("text\r\n") };
	struct dkim_signer *s = NULL;
	struct dkim_desk *d = NULL;
	int rc = dkim_signer_new(&s, &opt, e);

	if (rc == 0)
		rc = dkim_desk_new(&d, &s, 1, e);
	if (rc == 0)
		rc = dkim_sign(d, &a, content, 3, 1700000000999, fields, e);
	dkim_desk_free(&d);
	dkim_signer_free(&s);
	return rc;
}

static void every_allocation_fails(void **state)
{
	struct span fields;
	struct err e = { 0 };
	long n = 0;

	(void)state;
	put_file(rfc_key);
	for (;; n++) {
		int rc;

		arena_release(&a);
		arena_init(&a, 4096, 1 << 20);
		mem_fail_after(n);
		rc = sign_once(&fields, &e);
		mem_fail_after(-1);
		if (rc == 0)
			break;
		assert_int_equal(e.kind, ERR_NOMEM);
		e = (struct err){ 0 };
	}
	assert_true(n > 5);
	assert_true(span_begins(fields, SPAN("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\r\n"
					     " s=s; t=1700000000; h=From:From:")));
	for (struct span line, rest = fields; rest.n > 0; assert_true(line.n <= 78))
		line = span_cut(&rest, '\n');
}

/* A desk lays a field out once: what it signs after other mails is what a new desk signs. */
static void mails_do_not_show_in_each_other(void **state)
{
	static const char *const headers[] = {
		"From: a@example.com\r\nTo: b@example.com\r\n", "From: a@example.com\r\nCc: c@example.com\r\nCc: d@example.com\r\n",
		"From: a@example.com\r\n", "From: a@example.com\r\nTo: x@example.com\r\n",
		"From: a@example.com\r\nList-Id: <l.example.com>\r\nSubject: x\r\nReferences: <a@b>\r\n",
	};
	static const int64_t times[] = { 1700000000000, 999999999000, 0, 1700000001000, -5 };
	struct dkim_options opt = { put_file(rfc_key), SPAN("s"), SPAN("example.com"), DKIM_RELAXED };
	struct dkim_signer *s;
	struct dkim_desk *used, *fresh;

	(void)state;
	assert_int_equal(dkim_signer_new(&s, &opt, NULL), 0);
	assert_int_equal(dkim_desk_new(&used, &s, 1, NULL), 0);
	for (int i = 0; i < 60; i++) {
		char body[32];
		struct span content[] = { span_str(headers[i * 7 % 5]), SPAN("\r\n"), span_of(body, 0) }, one, two;

		content[2].n = (size_t)snprintf(body, sizeof body, "text %d\r\n", i);
		assert_int_equal(dkim_desk_new(&fresh, &s, 1, NULL), 0);
		assert_int_equal(dkim_sign(used, &a, content, 3, times[i * 3 / 2 % 5], &one, NULL), 0);
		assert_int_equal(dkim_sign(fresh, &a, content, 3, times[i * 3 / 2 % 5], &two, NULL), 0);
		assert_true(span_eq(one, two));
		dkim_desk_free(&fresh);
		arena_reset(&a);
	}
	dkim_desk_free(&used);
	dkim_signer_free(&s);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test_dkim.XXXXXX");
	arena_init(&a, 4096, 1 << 20);
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(folder);
	arena_release(&a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_of_the_rfc),
		cmocka_unit_test(wrong_keys),
		cmocka_unit_test(made_keys),
		cmocka_unit_test(every_allocation_fails),
		cmocka_unit_test(mails_do_not_show_in_each_other),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
