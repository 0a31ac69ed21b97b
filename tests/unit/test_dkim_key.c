/* Keys: every form they come in, what cannot sign, pens that verify with OpenSSL's own verifier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "templates/dkim/dkim_key.h"

static char folder[64], path[96];
static struct arena a;

static const char *new_path(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	unlink(path);
	return path;
}

static EVP_PKEY *read_public(const char *file)
{
	FILE *f = fopen(file, "r");
	EVP_PKEY *k;

	assert_non_null(f);
	k = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(k);
	return k;
}

/* By OpenSSL's one-shot calls, which share nothing with the pen's. */
static int verifies(const char *file, bool ed25519, const unsigned char *signature, size_t n, const unsigned char digest[SHA256_SIZE])
{
	EVP_PKEY *k = read_public(file);
	int ok = 0;

	if (ed25519) {
		EVP_MD_CTX *m = EVP_MD_CTX_new();

		ok = EVP_DigestVerifyInit(m, NULL, NULL, NULL, k) == 1 && EVP_DigestVerify(m, signature, n, digest, SHA256_SIZE) == 1;
		EVP_MD_CTX_free(m);
	} else {
		EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);

		ok = EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, 1 /* PKCS#1 */) == 1 &&
		     EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 && EVP_PKEY_verify(c, signature, n, digest, SHA256_SIZE) == 1;
		EVP_PKEY_CTX_free(c);
	}
	EVP_PKEY_free(k);
	return ok;
}

/* RFC 8032 leaves nothing to choose: whoever signs, the octets are OpenSSL's. */
static void same_octets_as_openssl(const char *file, const unsigned char *signature, const unsigned char digest[SHA256_SIZE])
{
	EVP_PKEY *k = read_public(file);
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	unsigned char theirs[64];
	size_t n = sizeof theirs;

	assert_int_equal(EVP_DigestSignInit(m, NULL, NULL, NULL, k), 1);
	assert_int_equal(EVP_DigestSign(m, theirs, &n, digest, SHA256_SIZE), 1);
	assert_memory_equal(theirs, signature, sizeof theirs);
	EVP_MD_CTX_free(m);
	EVP_PKEY_free(k);
}

static void pens(void **state)
{
	static const struct {
		enum dkim_algorithm algorithm;
		unsigned bits;
		size_t n;
	} cases[] = { { DKIM_ED25519_SHA256, 0, 64 }, { DKIM_RSA_SHA256, 1024, 128 }, { DKIM_RSA_SHA256, 2048, 256 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool ed25519 = cases[i].algorithm == DKIM_ED25519_SHA256;
		unsigned char digest[SHA256_SIZE] = { (unsigned char)i }, signature[DKIM_SIGNATURE_MAX];
		struct dkim_key *made, *k;
		struct dkim_pen *p;
		size_t n;

		assert_int_equal(dkim_key_make(&made, cases[i].algorithm, cases[i].bits, NULL), 0);
		assert_int_equal(dkim_key_write(made, new_path("k.pem"), NULL), 0);
		assert_int_equal(dkim_key_read(&k, path, NULL), 0);
		assert_int_equal(dkim_key_algorithm(k), cases[i].algorithm);
		assert_true(ed25519 || dkim_key_bits(k) == cases[i].bits);
		assert_false(dkim_key_is_exposed(k));
		assert_int_equal(dkim_pen_new(&p, k, NULL), 0);
		assert_int_equal(dkim_pen_max(p), cases[i].n);
		for (int turn = 0; turn < 5; turn++) {
			digest[1] = (unsigned char)turn;
			assert_int_equal(dkim_pen_sign(p, digest, signature, &n, NULL), 0);
			assert_int_equal(n, cases[i].n);
			assert_true(verifies(path, ed25519, signature, n, digest));
			if (ed25519)
				same_octets_as_openssl(path, signature, digest);
			signature[n / 2] ^= 1;
			assert_false(verifies(path, ed25519, signature, n, digest));
			signature[n / 2] ^= 1;
			digest[31] ^= 1;
			assert_false(verifies(path, ed25519, signature, n, digest));
			digest[31] ^= 1;
		}
		dkim_pen_free(&p);
		dkim_key_free(&k);
		dkim_key_free(&made);
		unlink(path);
	}
}

/* PKCS#8 and the older forms, PEM and DER: the same public key. */
static void forms(void **state)
{
	struct dkim_key *made, *k;
	struct span wanted, got;
	EVP_PKEY *pkey;

	(void)state;
	assert_int_equal(dkim_key_make(&made, DKIM_RSA_SHA256, 1024, NULL), 0);
	assert_int_equal(dkim_key_write(made, new_path("k.pem"), NULL), 0);
	assert_int_equal(dkim_key_public(made, &a, &wanted, NULL), 0);
	pkey = read_public(path);
	for (int form = 0; form < 4; form++) {
		FILE *f = fopen(new_path("form"), "w");

		assert_non_null(f);
		assert_int_equal(form == 0 ? PEM_write_PKCS8PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL) :
				 form == 1 ? PEM_write_PrivateKey_ex(f, pkey, NULL, NULL, 0, NULL, NULL, NULL, NULL) :
				 form == 2 ? i2d_PKCS8PrivateKey_fp(f, pkey, NULL, NULL, 0, NULL, NULL) : i2d_PrivateKey_fp(f, pkey), 1);
		fclose(f);
		assert_int_equal(dkim_key_read(&k, path, NULL), 0);
		assert_int_equal(dkim_key_public(k, &a, &got, NULL), 0);
		assert_true(span_eq(wanted, got));
		dkim_key_free(&k);
	}
	EVP_PKEY_free(pkey);
	dkim_key_free(&made);
}

static void cannot_sign(void **state)
{
	static const struct {
		const char *type, *says;
		unsigned bits;
	} cases[] = { { "EC", "cannot sign mail", 0 }, { "X25519", "cannot sign mail", 0 }, { "RSA", "bits", 512 } };
	struct dkim_key *k;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EVP_PKEY *pkey = cases[i].bits ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)cases[i].bits) :
				 i == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256") : EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type);
		FILE *f = fopen(new_path("no.pem"), "w");

		assert_true(f && pkey);
		assert_int_equal(PEM_write_PKCS8PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL), 1);
		fclose(f);
		EVP_PKEY_free(pkey);
		e = (struct err){ 0 };
		assert_int_equal(dkim_key_read(&k, path, &e), -1);
		assert_null(k);
		assert_non_null(strstr(e.text, cases[i].says));
	}
	e = (struct err){ 0 };
	assert_int_equal(dkim_key_read(&k, folder, &e), -1);
	assert_non_null(strstr(e.text, "is not a file"));
	e = (struct err){ 0 };
	assert_int_equal(dkim_key_read(&k, "/nonexistent/key", &e), -1);
	assert_int_equal(truncate(path, 70000), 0);
	e = (struct err){ 0 };
	assert_int_equal(dkim_key_read(&k, path, &e), -1);
	assert_non_null(strstr(e.text, "too long"));
	assert_int_equal(mkfifo(new_path("pipe"), 0600), 0); /* nobody writes: it must not wait */
	assert_int_equal(dkim_key_read(&k, path, NULL), -1);
	unlink(path);
}

static void exposed(void **state)
{
	struct dkim_key *made, *k;

	(void)state;
	assert_int_equal(dkim_key_make(&made, DKIM_ED25519_SHA256, 0, NULL), 0);
	assert_int_equal(dkim_key_write(made, new_path("k.pem"), NULL), 0);
	assert_int_equal(dkim_key_write(made, path, NULL), -1); /* never over another */
	for (unsigned mode = 0; mode < 3; mode++) {
		assert_int_equal(chmod(path, mode == 0 ? 0600 : mode == 1 ? 0640 : 0604), 0);
		assert_int_equal(dkim_key_read(&k, path, NULL), 0);
		assert_int_equal(dkim_key_is_exposed(k), mode > 0);
		dkim_key_free(&k);
	}
	dkim_key_free(&made);
	unlink(path);
}

static void no_memory(void **state)
{
	struct dkim_key *made, *k = NULL;
	struct dkim_pen *p = NULL;
	long n = 0;
	int rc;

	(void)state;
	assert_int_equal(dkim_key_make(&made, DKIM_ED25519_SHA256, 0, NULL), 0);
	assert_int_equal(dkim_key_write(made, new_path("k.pem"), NULL), 0);
	dkim_key_free(&made);
	do {
		struct err e = { 0 };

		mem_fail_after(n++);
		rc = dkim_key_read(&k, path, &e);
		if (rc == 0)
			rc = dkim_pen_new(&p, k, &e);
		mem_fail_after(-1);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
		dkim_pen_free(&p);
		dkim_key_free(&k);
	} while (rc < 0 && n < 50);
	assert_true(n > 2 && n < 50);
	unlink(path);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test_dkim_key.XXXXXX");
	arena_init(&a, 4096, 1 << 20);
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	new_path("k.pem");
	new_path("form");
	new_path("no.pem");
	rmdir(folder);
	arena_release(&a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pens), cmocka_unit_test(forms), cmocka_unit_test(cannot_sign),
		cmocka_unit_test(exposed), cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
