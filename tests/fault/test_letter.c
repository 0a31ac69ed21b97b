/* Every allocation of a letter fails once: when it is opened, and when a mail is written or shown. Never a
 * crash or a leak (MODE=asan sees those), always a sentence; and with memory the mail is what it was before.
 *
 * One letter for each thing that letters can have. What libraries allocate for themselves (gumbo, md4c,
 * OpenSSL) is not failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "engine/base/mem.h"
#include "templates/dkim/dkim.h"
#include "tests/unit/letter_try.h"

#define HEAD "From: Shop <shop@example.com>\nTo: {{ name }} <{{ email }}>\nSubject: For {{ name }}\n"
enum { MANY = 5000 }; /* more allocations than any letter has */

static struct letter_try t;
static const char *const cells[] = { "M\xc3\xbcller, Ann \xe6\xbc\xa2", "ann@list.example", "row.bin" };

static const struct {
	const char *name, *source;
} letters[] = {
	{ "text", HEAD "Cc: {{ name }} <c@x.example>, Team: d@x.example;\nBcc: e@x.example\nReply-To: {{ name }} <r@x.example>\n"
		  "Return-Path: b+{{ row }}-{{ token }}@x.example\nX-Note: {{ name | upcase }}\n\nHello {{ name }}\n" },
	{ "HTML and a text of it", HEAD "Content-Type: text/html\n\n<h1>Hello {{ name }}</h1><ul><li>a<li><a href='https://x.example'>b</a></ul>"
				   "<table><tr><td>1<td>{{ name }}</table>" },
	{ "both", HEAD "Html-Body: page.html\nInline: pic.png\nAttachment: paper.pdf; name=\"{{ name }}.pdf\"\n\nHello {{ name }}\n" },
	{ "a file a row", HEAD "Attachment: {{ file }}\nAttachment: inner.eml\nAttachment: note.txt; encoding=quoted-printable\n\nHello\n" },
	{ "Markdown", HEAD "Content-Type: text/markdown\nInline: pic.png\n\n# Hello {{ name }}\n\n![](pic.png)\n\n| a | b |\n|---|---|\n| 1 | *2* |\n" },
	{ "charset", HEAD "Charset: gb18030\nHtml-Body: page.html\n\n\xe4\xbd\xa0\xe5\xa5\xbd {{ name }}\n" },
	{ "a charset that does not fit", HEAD "Charset: iso-8859-1\n\nHello {{ name }}\n" },
	{ "parts", HEAD "Content-Type: multipart/alternative; boundary=cut\n\n--cut\nContent-Type: text/plain\n\n{{ name }}\n--cut\n"
		   "Content-Type: text/html\n\n<p>{{ name }}</p>\n--cut--\n" },
	{ "invitation", HEAD "Calendar: event.ics\nMultipart: mixed; boundary=\"=_mine\"\n\nHello {{ name }}\n" },
	{ "bulk", HEAD "Bulk: News <news.example.com>\nList-Unsubscribe: <https://example.com/u?{{ token }}>\n\nleave: https://example.com/unsubscribe\n" },
	{ "DKIM", HEAD "DKIM: e.pem; selector=e\nDKIM: r.pem; selector=r; canon=relaxed/simple\n\nHello {{ name }}\n" },
	{ "S/MIME", HEAD "SMIME: me.pem; key=me.key\n\nHello {{ name }}\n" },
	{ "partials", HEAD "\n{% include \"foot\" %}{% for i in (1..3) %}{{ i }}{% endfor %}\n" },
};
enum { LETTERS = sizeof letters / sizeof letters[0] };

static void must_be_no_memory(int rc, const char *when, size_t letter, long n)
{
	if (rc < 0 && (t.e.kind != ERR_NOMEM || !t.e.text[0]))
		fail_msg("%s, %s, allocation %ld: kind %d, <%s>", letters[letter].name, when, n, (int)t.e.kind, t.e.text);
}

static struct span kept(void)
{
	struct span m = try_message(&t);
	char *p = malloc(m.n + 1);

	assert_non_null(p);
	memcpy(p, m.p, m.n);
	return span_of(p, m.n);
}

static void each_of_opening(size_t i)
{
	int rc;
	long n = 0;

	do {
		mem_fail_after(n);
		rc = try_open(&t, letters[i].source);
		mem_fail_after(-1);
		must_be_no_memory(rc, "opened", i, n);
	} while (rc < 0 && ++n < MANY);
	assert_int_equal(rc, 0);
	assert_true(n > 3);
}

/* write: with a fresh desk, whose buffers have to be made, and an empty arena. */
static void each_of_a_mail(size_t i, struct span whole)
{
	struct letter_view v;

	for (int view = 0; view < 2; view++) {
		int rc;
		long n = 0;

		do {
			arena_release(&t.a);
			mem_fail_after(n);
			rc = view ? try_view(&t, cells, &v) : try_write(&t, cells);
			mem_fail_after(-1);
			must_be_no_memory(rc, view ? "shown" : "written", i, n);
		} while (rc < 0 && ++n < MANY);
		assert_int_equal(rc, 0);
		assert_true(n > 0);
	}
	assert_int_equal(try_write(&t, cells), 0);
	if (strcmp(letters[i].name, "S/MIME") != 0) { /* ECDSA: another signature each time */
		struct span again = try_message(&t);

		if (!span_eq(again, whole))
			fail_msg("%s: it is another mail afterwards\n%.*s\n%.*s", letters[i].name, SPAN_ARG(whole), SPAN_ARG(again));
	}
}

static void every_allocation(void **state)
{
	(void)state;
	for (size_t i = 0; i < LETTERS; i++) {
		struct span whole;

		if (try_open(&t, letters[i].source) < 0 || try_write(&t, cells) < 0)
			fail_msg("%s: %s%s", letters[i].name, t.e.text, t.findings);
		whole = kept();
		each_of_opening(i);
		each_of_a_mail(i, whole);
		free((void *)(size_t)whole.p);
	}
}

/* ---- keys ---- */

static void make_dkim_key(const char *name, bool ed25519)
{
	char path[128];
	struct dkim_new_key k = { path, SPAN("s"), SPAN("example.com"), ed25519, 1024 };
	struct span record;

	snprintf(path, sizeof path, "%s/%s", t.folder, name);
	assert_int_equal(dkim_key_create(&k, &t.a, &record, &t.e), 0);
}

static FILE *create(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", t.folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

static void make_certificate(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "email:shop@example.com");
	FILE *f;

	assert_true(key && x && alt);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"Shop", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509_add_ext(x, alt, -1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	f = create("me.pem");
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	f = create("me.key");
	assert_int_equal(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_EXTENSION_free(alt);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void put(const char *name, const char *text)
{
	try_file(&t, name, text, strlen(text));
}

static int setup(void **state)
{
	(void)state;
	try_begin(&t, "name,email,file");
	put("page.html", "<p>{{ name }}</p><img src=\"cid:pic.png\">");
	put("pic.png", "\x89PNG");
	put("paper.pdf", "%PDF");
	put("row.bin", "only for this row");
	put("note.txt", "caf\xc3\xa9\n");
	put("inner.eml", "From: a@b.example\nSubject: x\n\ninner\n");
	put("event.ics", "BEGIN:VCALENDAR\nMETHOD:REQUEST\nSUMMARY:{{ name }}\nEND:VCALENDAR\n");
	put("foot.liquid", "With love, {{ name }}\n");
	make_dkim_key("e.pem", true);
	make_dkim_key("r.pem", false);
	make_certificate();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	try_end(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
