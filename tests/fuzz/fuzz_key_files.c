/* fuzz_key_files.c - any bytes as the file of a private key, and of a certificate with its key: refused with a
 * sentence, or it signs. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/must.h"
#include "templates/dkim/dkim_key.h"
#include "templates/dkim/smime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(const char *path, struct arena *a)
{
	static const unsigned char digest[SHA256_SIZE] = { 1 };
	unsigned char signature[DKIM_SIGNATURE_MAX];
	struct dkim_key *k = NULL;
	struct dkim_pen *pen = NULL;
	struct err e = { 0 };
	struct span public;
	size_t n = 0;

	if (dkim_key_read(&k, path, &e) < 0) {
		MUST(!k && e.text[0]);
		return;
	}
	MUST(dkim_key_bits(k) <= DKIM_RSA_BITS_MAX);
	MUST(dkim_key_public(k, a, &public, &e) == 0 || e.text[0]);
	if (dkim_pen_new(&pen, k, &e) == 0 && dkim_pen_sign(pen, digest, signature, &n, &e) == 0)
		MUST(n > 0 && n <= dkim_pen_max(pen));
	dkim_pen_free(&pen);
	dkim_key_free(&k);
}

static void check_certificate(const char *path, struct arena *a)
{
	const struct smime_options opt = { .cert_path = path };
	const struct span content = SPAN("Hello\r\n");
	struct smime_signer *s = NULL;
	struct err e = { 0 };
	struct span der;

	if (smime_signer_new(&s, &opt, &e) < 0) {
		MUST(!s && e.text[0]);
		return;
	}
	(void)smime_signer_is_for(s, SPAN("ann@example.com"));
	(void)smime_signer_is_valid(s, 1790000000000);
	MUST(smime_sign(s, &content, 1, 1790000000000, a, &der, &e) == 0 ? der.n > 0 : e.text[0] != '\0');
	smime_signer_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("key", MFD_CLOEXEC);
	struct arena a;
	char path[40];

	MUST(fd >= 0 && file_write_full(fd, data, size) == 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	arena_init(&a, 4096, 1 << 20);
	check_key(path, &a);
	check_certificate(path, &a);
	arena_release(&a);
	close(fd);
	return 0;
}
