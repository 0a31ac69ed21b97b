/* bench_signing.c - the most that OpenSSL alone can do for signed mails.
 *
 *     bench/signing SECONDS KEY OCTETS
 *
 * Over and over: SHA-256 of OCTETS octets, and a signature of that, in one thread, with everything that can be
 * prepared prepared. Prints the times a second of processor time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

enum { ROUND = 64, SIGNATURE_MAX = 1024 };

static void stop(const char *why)
{
	fprintf(stderr, "signing: %s\n", why);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (!key)
		stop("no key");
	fclose(f);
	return key;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: signing SECONDS KEY OCTETS\n", stderr);
		return 2;
	}

	EVP_PKEY *key = read_key(argv[2]);
	int ed25519 = EVP_PKEY_is_a(key, "ED25519");
	EVP_PKEY_CTX *rsa = EVP_PKEY_CTX_new(key, NULL);
	EVP_MD_CTX *edwards = EVP_MD_CTX_new(), *digest = EVP_MD_CTX_new();
	EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	size_t n = strtoul(argv[3], NULL, 10), signature_n;
	double seconds = strtod(argv[1], NULL), begun = now(), spent = 0;
	unsigned char hash[32], signature[SIGNATURE_MAX], *octets = calloc(1, n ? n : 1);
	unsigned long done = 0;

	if (!octets || (ed25519 ? EVP_DigestSignInit(edwards, NULL, NULL, NULL, key) != 1
				: EVP_PKEY_sign_init(rsa) != 1 || EVP_PKEY_CTX_set_rsa_padding(rsa, RSA_PKCS1_PADDING) != 1 ||
					  EVP_PKEY_CTX_set_signature_md(rsa, sha256) != 1))
		stop("a key that cannot sign");
	for (; spent < seconds; done += ROUND, spent = now() - begun) {
		for (int i = 0; i < ROUND; i++) {
			octets[0]++;
			signature_n = sizeof signature;
			if (EVP_DigestInit_ex2(digest, sha256, NULL) != 1 || EVP_DigestUpdate(digest, octets, n) != 1 ||
			    EVP_DigestFinal_ex(digest, hash, NULL) != 1 ||
			    (ed25519 ? EVP_DigestSign(edwards, signature, &signature_n, hash, sizeof hash)
				     : EVP_PKEY_sign(rsa, signature, &signature_n, hash, sizeof hash)) != 1)
				stop("no signature");
		}
	}
	printf("%.1f signatures and digests a second\n", (double)done / spent);
	free(octets);
	EVP_MD_free(sha256);
	EVP_MD_CTX_free(edwards);
	EVP_MD_CTX_free(digest);
	EVP_PKEY_CTX_free(rsa);
	EVP_PKEY_free(key);
	return 0;
}
