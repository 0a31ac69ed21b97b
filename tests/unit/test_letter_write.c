/* Letter + row = mail: whole messages, envelopes, previews, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/unit/letter_try.h"
#include "tests/unit/mail_reader.h"

static struct letter_try t;

#define HEAD "From: Shop <shop@example.com>\nTo: {{ name }} <{{ email }}>\nSubject: Hi {{ name }}\n"
#define ANN ((const char *const[]){ "Ann", "ann@example.org", "4711" })

static void whole_message(void **state)
{
	(void)state;
	try_open_ok(&t, HEAD "X-Mine: a\n\nHello {{ name }},\n\n{{ code }}\n");
	try_write_ok(&t, ANN);
	assert_string_equal(try_message(&t).p,
		"From: Shop <shop@example.com>\r\n"
		"To: Ann <ann@example.org>\r\n"
		"Subject: Hi Ann\r\n"
		"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
		"Message-ID: <exs5lkvtayt3irm4tsmnm5norf@example.com>\r\n"
		"X-Mine: a\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n"
		"\r\n"
		"Hello Ann,\r\n\r\n4711\r\n");
	assert_true(span_eq(t.m.sender, SPAN("shop@example.com")));
	assert_int_equal(t.m.n_recipients, 1);
	assert_true(span_eq(t.m.recipients[0], SPAN("ann@example.org")));
	assert_true(span_eq(t.m.message_id, SPAN("<exs5lkvtayt3irm4tsmnm5norf@example.com>")));
	assert_int_equal(t.m.needs, 0);
	assert_int_equal(t.m.row, 7);
}

static void fixed_bodies(void **state)
{
	(void)state;
	try_open_ok(&t, HEAD "\nplain\n");
	try_write_ok(&t, ANN);
	try_must_have(&t, "Content-Transfer-Encoding: 7bit\r\n\r\nplain\r\n");
	try_open_ok(&t, HEAD "Content-Type: text/html; charset=UTF-8\n\n<p>caf\xc3\xa9</p>");
	try_write_ok(&t, ANN);
	try_must_have(&t, "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "<p>caf=C3=A9</p>\r\n");
	try_open_ok(&t, HEAD "\n");
	try_write_ok(&t, ANN);
	try_must_have(&t, "Content-Transfer-Encoding: 7bit\r\n\r\n");
	try_open_ok(&t, HEAD); /* no empty line at all */
	try_write_ok(&t, ANN);
}

static void html_escapes_and_text_does_not(void **state)
{
	const char *const cells[] = { "<b>&", "ann@example.org", "" };

	(void)state;
	try_file(&t, "b.html", "<p>{{ name }}</p>\n", 18);
	try_open_ok(&t, HEAD "Html-Body: b.html\n\nText {{ name }}\n");
	try_write_ok(&t, cells);
	try_must_have(&t, "<p>&lt;b&gt;&amp;</p>");
	try_must_have(&t, "Text <b>&");
	try_must_have(&t, "Subject: Hi <b>&");
}

static void structures(void **state)
{
	static const struct {
		const char *extra;
		const char *order[8]; /* must come in this order */
	} cases[] = {
		{ "Html-Body: b.html\n\ntext", { "multipart/alternative", "text/plain", "text/html" } },
		{ "Html-Body: b.html\n\n", { "\r\nContent-Type: text/html" } },
		{ "Text-Body: b.txt\nContent-Type: text/html\n\n<p>x</p>",
		  { "multipart/alternative", "text/plain", "text/html" } },
		{ "Text-Body: b.txt\nHtml-Body: b.html\n\n", { "multipart/alternative", "text/plain", "text/html" } },
		{ "Text-Body: none\nHtml-Body: b.html\n\n", { "\r\nContent-Type: text/html" } },
		{ "Attachment: a.pdf\n\ntext", { "multipart/mixed", "text/plain", "application/pdf", "attachment" } },
		{ "Inline: l.png\nHtml-Body: b.html\n\n",
		  { "multipart/related; type=\"text/html\"", "text/html", "image/png", "inline", "Content-ID: <l.png." } },
		{ "Inline: l.png\nHtml-Body: b.html\nAttachment: a.pdf\nATTACHMENT: b.txt\n\ntext",
		  { "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "image/png",
		    "application/pdf", "name=b.txt" } },
		{ "Inline: l.png\n\ntext", { "multipart/mixed", "text/plain", "image/png", "inline" } },
	};

	(void)state;
	try_file(&t, "b.html", "<img src=\"cid:l.png\">", 21);
	try_file(&t, "b.txt", "text twin\n", 10);
	try_file(&t, "a.pdf", "%PDF", 4);
	try_file(&t, "l.png", "\x89PNG", 4);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char source[600];
		const char *at;

		snprintf(source, sizeof source, HEAD "%s", cases[i].extra);
		try_open_ok(&t, source);
		try_write_ok(&t, ANN);
		at = try_message(&t).p;
		for (size_t k = 0; k < 8 && cases[i].order[k]; k++) {
			const char *next = strstr(at, cases[i].order[k]);

			if (!next)
				fail_msg("case %zu: no %s in\n%s", i, cases[i].order[k], at);
			at = next + 1;
		}
		assert_null(lines_wrong(try_message(&t).p, t.m.size, 78));
	}
}

static void cid_names_are_completed(void **state)
{
	const char *at, *p;

	(void)state;
	try_file(&t, "l.png", "x", 1);
	try_open_ok(&t, HEAD "Inline: l.png\nContent-Type: text/html\n\n<img src=\"cid:l.png\"> cid:l.png2 {{ name }}");
	try_write_ok(&t, ANN);
	p = try_message(&t).p;
	at = strstr(p, "cid:l.png.");
	assert_non_null(at);
	assert_non_null(strstr(p, "Content-ID: <l.png."));
	assert_memory_equal(at + 4, strstr(p, "Content-ID: <l.png.") + 13, strlen("l.png.12345678@example.com"));
	assert_non_null(strstr(p, "cid:l.png2"));
}

static void envelope(void **state)
{
	static const struct {
		const char *head, *sender, *recipients; /* joined by blanks; NULL: the row fails */
	} cases[] = {
		{ "From: s@x.example\nTo: {{ email }}\n", "s@x.example", "ann@example.org" },
		{ "From: s@x.example\n", "s@x.example", "ann@example.org" }, /* the address column fills the To */
		{ "From: s@x.example\nTo: {{ email }}\nCc: ANN@Example.org, b@x.example\nBcc: b@X.example, c@x.example\n",
		  "s@x.example", "ann@example.org b@x.example c@x.example" },
		{ "From: s@x.example\nTo: {{ email }}\nTo: d@x.example\n", "s@x.example", "ann@example.org d@x.example" },
		{ "From: s@x.example\nBcc: {{ email }}\nTo: undisclosed-recipients:;\n", "s@x.example", "ann@example.org" },
		{ "From: s@x.example\nSender: t@x.example\n", "t@x.example", "ann@example.org" },
		{ "From: s@x.example\nSender: t@x.example\nReturn-Path: b+{{ row }}@x.example\n", "b+7@x.example",
		  "ann@example.org" },
		{ "From: s@x.example\nReturn-Path: <>\n", "", "ann@example.org" },
		{ "From: s@x.example\nTo: {{ code }}\n", NULL, NULL },
		{ "From: s@x.example, {{ email }}\n", NULL, NULL },
		{ "From: {{ code }}\n", NULL, NULL },
		{ "From: s@x.example, t@x.example\nSender: t@x.example\n", "t@x.example", "ann@example.org" },
	};
	const char *const cells[] = { "Ann", "ann@example.org", "" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char source[600], all[200] = "";

		snprintf(source, sizeof source, "%s\nx\n", cases[i].head);
		try_open_ok(&t, source);
		if (try_write(&t, cells) < 0) {
			if (cases[i].sender)
				fail_msg("case %zu: %s", i, t.e.text);
			assert_int_equal(t.e.kind, ERR_INPUT);
			continue;
		}
		if (!cases[i].sender)
			fail_msg("case %zu is written", i);
		for (uint32_t k = 0; k < t.m.n_recipients; k++)
			snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.*s", k ? " " : "",
				 SPAN_ARG(t.m.recipients[k]));
		assert_string_equal(all, cases[i].recipients);
		assert_true(span_eq(t.m.sender, span_str(cases[i].sender)));
		assert_false(try_has(&t, "Bcc"));
		assert_false(try_has(&t, "Return-Path"));
	}
}

static void envelope_from_option(void **state)
{
	(void)state;
	t.opt.envelope_from = "bounce+{{ row }}@x.example";
	try_open_ok(&t, HEAD "Return-Path: other@x.example\n\nx\n");
	try_write_ok(&t, ANN);
	assert_true(span_eq(t.m.sender, SPAN("bounce+7@x.example")));
	t.opt.envelope_from = NULL;
}

static void named_address_column(void **state)
{
	(void)state;
	t.opt.address_column = "email";
	try_open_ok(&t, "From: s@x.example\nTo: {{ code }}\n\nx\n");
	assert_int_equal(try_write(&t, (const char *const[]){ "", "ann@example.org", "bob@example.org" }), -1);
	assert_non_null(strstr(t.e.text, "ann@example.org"));
	try_write_ok(&t, (const char *const[]){ "", "ann@example.org", "Ann <ANN@example.org>" });
	t.opt.address_column = "nosuch";
	assert_int_equal(try_open(&t, HEAD "\nx\n"), -1);
	t.opt.address_column = NULL;
}

static void smtputf8(void **state)
{
	(void)state;
	try_open_ok(&t, HEAD "\nx\n");
	try_write_ok(&t, (const char *const[]){ "Ann", "m\xc3\xbcller@example.org", "" });
	assert_int_equal(t.m.needs, MAIL_NEEDS_SMTPUTF8 | MAIL_NEEDS_8BITMIME);
	try_write_ok(&t, (const char *const[]){ "M\xc3\xbcller", "ann@m\xc3\xbcller.example", "" });
	assert_int_equal(t.m.needs, 0);
	assert_true(span_eq(t.m.recipients[0], SPAN("ann@xn--mller-kva.example")));
}

static void empty_headers_are_left_out(void **state)
{
	const char *const cells[] = { "Ann", "ann@example.org", "" };

	(void)state;
	try_open_ok(&t, "From: s@x.example\nReply-To: {{ code }}\nX-Code: {{ code }}\nX-None:\n"
		"Cc: {{ code }} <{{ code }}>\nSubject: x\n\nx\n");
	try_write_ok(&t, cells);
	assert_false(try_has(&t, "Reply-To"));
	assert_false(try_has(&t, "X-"));
	assert_false(try_has(&t, "Cc"));
}

static void own_date_and_id(void **state)
{
	(void)state;
	try_open_ok(&t, HEAD "Date: Mon, 01 Jan 2024 00:00:00 +0000\nMessage-ID: <{{ code }}@x.example>\n\nx\n");
	try_write_ok(&t, ANN);
	try_must_have(&t, "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <4711@x.example>\r\n");
	assert_true(span_eq(t.m.message_id, SPAN("<4711@x.example>")));
	assert_int_equal(letter_message_id(t.l, &t.a, 7).n, 0);
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "a@x.example", "no id" }), -1);
}

static void folded_and_encoded_source(void **state)
{
	(void)state;
	try_open_ok(&t, "\xef\xbb\xbf" "from: =?UTF-8?Q?B=C3=BCcher?= <s@x.example>\r\nTO: {{ name }}\r\n  <{{ email }}>\r\n"
		"subject: one\r\n\t two =?iso-8859-1?Q?caf=E9?= {{ name }}\r\n\r\nHello\r\n{{ name }}\r\n");
	try_write_ok(&t, ANN);
	try_must_have(&t, "From: =?UTF-8?Q?B=C3=BCcher?= <s@x.example>\r\nTo: Ann <ann@example.org>\r\n");
	try_must_have(&t, "Subject: one two =?UTF-8?B?Y2Fmw6k=?= Ann\r\n");
	try_must_have(&t, "\r\n\r\nHello\r\nAnn\r\n");
	assert_false(try_has(&t, "=0D"));
}

static void files_of_one_mail(void **state)
{
	const char *const other[] = { "Ann", "ann@example.org", "none" };

	(void)state;
	try_file(&t, "4711.pdf", "for Ann", 7);
	try_open_ok(&t, HEAD "Attachment: {{ code }}.pdf; name=\"Invoice {{ code }}; {{ name }}.pdf\"\n\nx\n");
	try_write_ok(&t, (const char *const[]){ "Ann; type=text/html", "ann@example.org", "4711" });
	try_must_have(&t, "Content-Type: application/pdf; name=\"Invoice 4711; Ann; type=text_html.pdf\"\r\n");
	try_must_have(&t, "Zm9yIEFubg==\r\n");
	assert_int_equal(try_write(&t, other), -1);
	assert_non_null(strstr(t.e.text, "'none.pdf' does not exist"));
	assert_int_equal(t.e.line, 4);
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "a@x.example", "../../etc/passwd" }), -1);
	try_open_ok(&t, HEAD "Attachment: {% if code != \"none\" %}{{ code }}.pdf{% endif %}\n\nx\n");
	try_write_ok(&t, other);
	assert_false(try_has(&t, "attachment"));
	assert_null(lines_wrong(try_message(&t).p, t.m.size, 78));
	try_open_ok(&t, HEAD "Attachment: {{ code }}\n\nx\n");
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "a@x.example", "/etc/passwd" }), -1);
	assert_non_null(strstr(t.e.text, "outside the letter's folder"));
	try_write_ok(&t, (const char *const[]){ "Ann", "a@x.example", "4711.pdf" });
}

static void inline_files_of_one_mail(void **state)
{
	(void)state;
	try_file(&t, "4711.png", "picture", 7);
	try_open_ok(&t, HEAD "Inline: {{ code }}.png; cid=photo\nContent-Type: text/html\n\n<img src=\"cid:photo\"> {{ name }}\n");
	try_write_ok(&t, ANN);
	try_must_have(&t, "cid:photo.");
	try_must_have(&t, "Content-ID: <photo.");
	assert_int_equal(try_open(&t, HEAD "Inline: {{ code }}.png\nContent-Type: text/html\n\nx"), -1);
}

static void attached_messages_are_not_encoded(void **state)
{
	static const char message[] = "Subject: \xc3\xa9\n\n.dot\nend";

	(void)state;
	try_file(&t, "m.eml", message, sizeof message - 1);
	try_open_ok(&t, HEAD "Attachment: m.eml\n\nx\n");
	try_write_ok(&t, ANN);
	try_must_have(&t, "Content-Type: message/rfc822; name=m.eml\r\nContent-Transfer-Encoding: 8bit\r\n");
	try_must_have(&t, "Subject: \xc3\xa9\r\n\r\n.dot\r\nend\r\n");
	assert_int_equal(t.m.needs, MAIL_NEEDS_8BITMIME | MAIL_MAY_HAVE_DOTS);
}

static void written_in_parts(void **state)
{
	(void)state;
	try_file(&t, "a.pdf", "%PDF", 4);
	try_open_ok(&t, HEAD "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"cut\"\nAttachment: a.pdf\n\n"
		"for old readers\n--cut\nContent-Type: text/plain; charset=us-ascii\n\nHello {{ name }}\n\n"
		"--cut\nContent-Type: text/html; charset=us-ascii\nContent-ID: <h@x.example>\n\n<p>{{ name }}</p>\n"
		"--cut\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lGODlh\n--cut--\n");
	try_write_ok(&t, (const char *const[]){ "A&B", "ann@example.org", "" });
	try_must_have(&t, "multipart/mixed");
	try_must_have(&t, "multipart/alternative");
	try_must_have(&t, "\r\n\r\nHello A&B\r\n\r\n--=_");
	try_must_have(&t, "Content-ID: <h@x.example>\r\n\r\n<p>A&amp;B</p>\r\n");
	try_must_have(&t, "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lGODlh\r\n");
	assert_false(try_has(&t, "old readers"));
	assert_false(try_has(&t, "--cut"));
}

static void too_long(void **state)
{
	(void)state;
	t.opt.max_message_bytes = 1000;
	try_open_ok(&t, HEAD "\n{{ code }}\n");
	try_write_ok(&t, ANN);
	char *big = calloc(2000, 1);
	assert_non_null(big);
	memset(big, 'x', 1999);
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "a@x.example", big }), -1);
	assert_non_null(strstr(t.e.text, "more than the 1000 allowed"));
	try_file(&t, "big.bin", big, 900);
	assert_int_equal(try_open(&t, HEAD "Attachment: big.bin\n\nx"), -1);
	free(big);
	t.opt.max_message_bytes = 0;
}

static void cjk_bodies_are_base64(void **state)
{
	struct text back;
	const char *p;

	(void)state;
	try_open_ok(&t, HEAD "\n\xe5\xb0\x8a\xe6\x95\xac\xe7\x9a\x84{{ name }}\xef\xbc\x8c\n\xe6\x82\xa8\xe5\xa5\xbd\xe3\x80\x82\n");
	try_write_ok(&t, ANN);
	try_must_have(&t, "Content-Transfer-Encoding: base64\r\n");
	p = strstr(try_message(&t).p, "\r\n\r\n") + 4;
	back = read_base64(p, strlen(p));
	assert_string_equal(back.p, "\xe5\xb0\x8a\xe6\x95\xac\xe7\x9a\x84" "Ann\xef\xbc\x8c\r\n\xe6\x82\xa8\xe5\xa5\xbd\xe3\x80\x82\r\n");
	free(back.p);
}

static void same_bytes_again(void **state)
{
	struct span first;
	unsigned char one[32], two[32];
	char *copy;

	(void)state;
	try_open_ok(&t, HEAD "\nx {{ name }}\n");
	letter_digest(t.l, one);
	try_write_ok(&t, ANN);
	first = try_message(&t);
	copy = malloc(first.n);
	assert_non_null(copy);
	memcpy(copy, first.p, first.n);
	try_open_ok(&t, HEAD "\nx {{ name }}\n");
	letter_digest(t.l, two);
	assert_memory_equal(one, two, 32);
	try_write_ok(&t, ANN);
	assert_int_equal(t.m.size, first.n);
	assert_memory_equal(try_message(&t).p, copy, t.m.size);
	t.row.number = 8;
	try_write_ok(&t, ANN);
	assert_memory_not_equal(try_message(&t).p, copy, t.m.size);
	t.row.number = 7;
	t.opt.seed[0] ^= 1;
	try_open_ok(&t, HEAD "\nx {{ name }}\n");
	try_write_ok(&t, ANN);
	assert_memory_not_equal(try_message(&t).p, copy, t.m.size);
	t.opt.seed[0] ^= 1;
	free(copy);
}

static void digests(void **state)
{
	unsigned char seen[8][32];
	struct member var = { SPAN("v"), { 0 } };
	size_t n = 0;

	(void)state;
	try_file(&t, "a.pdf", "one", 3);
	try_file(&t, "p.txt", "one", 3);
	for (int step = 0; step < 6; step++) {
		if (step == 1)
			try_file(&t, "a.pdf", "two", 3);
		if (step == 2)
			try_file(&t, "p.txt", "two", 3);
		if (step == 3) {
			var.value = value_text(SPAN("one"));
			t.opt.vars = &var;
			t.opt.n_vars = 1;
		}
		if (step == 4)
			var.value = value_text(SPAN("two"));
		if (step == 5)
			t.opt.envelope_from = "b@x.example";
		try_open_ok(&t, HEAD "Attachment: a.pdf\nText-Body: p.txt\n\n");
		letter_digest(t.l, seen[n]);
		for (size_t i = 0; i < n; i++)
			assert_memory_not_equal(seen[i], seen[n], 32);
		n++;
	}
	t.opt.vars = NULL;
	t.opt.n_vars = 0;
	t.opt.envelope_from = NULL;
}

static void views(void **state)
{
	struct letter_view v;
	const char *const cells[] = { "M\xc3\xbcller, Ann", "ann@example.org", "4711" };

	(void)state;
	try_file(&t, "4711.pdf", "for Ann", 7);
	try_file(&t, "b.html", "<p>{{ name }}</p><img src=\"cid:l.png\">", 38);
	try_file(&t, "l.png", "x", 1);
	try_open_ok(&t, HEAD "Html-Body: b.html\nAttachment: {{ code }}.pdf\nInline: l.png\n\nDear {{ name }}\r\n");
	if (try_view(&t, cells, &v) < 0)
		fail_msg("%s", t.e.text);
	assert_true(span_eq(v.headers[0].name, SPAN("From")));
	assert_true(span_eq(v.headers[1].value, SPAN("M\xc3\xbcller, Ann <ann@example.org>")));
	assert_true(span_eq(v.headers[2].value, SPAN("Hi M\xc3\xbcller, Ann")));
	assert_true(span_eq(v.headers[v.n_headers - 1].value, SPAN("multipart/mixed")));
	assert_true(v.has_text && v.has_html);
	assert_true(span_eq(v.text, SPAN("Dear M\xc3\xbcller, Ann\n")));
	assert_true(span_begins(v.html, SPAN("<p>M\xc3\xbcller, Ann</p><img src=\"cid:l.png\">")));
	assert_int_equal(v.n_parts, 2);
	assert_true(span_eq(v.parts[0].name, SPAN("4711.pdf")));
	assert_true(span_eq(v.parts[0].data, SPAN("for Ann")));
	assert_true(span_eq(v.parts[1].cid, SPAN("l.png")));
}

static void no_heap_after_the_first(void **state)
{
	uint64_t before;

	(void)state;
	try_file(&t, "b.html", "<p>{{ name }} {{ code }}</p>", 28);
	try_file(&t, "4711.pdf", "for Ann", 7);
	try_open_ok(&t, HEAD "Cc: {{ name }} <c@x.example>\nHtml-Body: b.html\nAttachment: {{ code }}.pdf\n\nHello {{ name }}\n");
	for (int i = 0; i < 3; i++)
		try_write_ok(&t, ANN);
	before = mem_count();
#ifndef ARENA_REAL_MALLOC
	for (int i = 0; i < 100; i++)
		try_write_ok(&t, ANN);
	assert_int_equal(mem_count(), before);
#endif
	(void)before;
}

static void survives_no_memory(void **state)
{
	long n = 0;
	int rc;

	(void)state;
	try_file(&t, "b.html", "<p>{{ name }}</p>", 17);
	try_file(&t, "a.pdf", "%PDF", 4);
	do {
		mem_fail_after(n++);
		rc = try_open(&t, HEAD "Cc: {{ name }} <c@x.example>, Team: d@x.example;\nHtml-Body: b.html\nAttachment: a.pdf\n"
				  "Inline: {{ code }}.png; cid=c\n\nHello {{ name }}\n");
		mem_fail_after(-1);
		if (rc < 0 && t.e.kind != ERR_NOMEM)
			fail_msg("allocation %ld: %s", n - 1, t.e.text);
	} while (rc < 0 && n < 2000);
	assert_int_equal(rc, 0);
	try_file(&t, "4711.png", "x", 1);
	n = 0;
	do {
		arena_release(&t.a);
		mem_fail_after(n++);
		rc = try_write(&t, ANN);
		mem_fail_after(-1);
		if (rc < 0 && t.e.kind != ERR_NOMEM)
			fail_msg("allocation %ld: %s", n - 1, t.e.text);
	} while (rc < 0 && n < 2000);
	assert_int_equal(rc, 0);
}

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	try_begin(&t, "name,email,code");
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_message),
		cmocka_unit_test(fixed_bodies),
		cmocka_unit_test(html_escapes_and_text_does_not),
		cmocka_unit_test(structures),
		cmocka_unit_test(cid_names_are_completed),
		cmocka_unit_test(envelope),
		cmocka_unit_test(envelope_from_option),
		cmocka_unit_test(named_address_column),
		cmocka_unit_test(smtputf8),
		cmocka_unit_test(empty_headers_are_left_out),
		cmocka_unit_test(own_date_and_id),
		cmocka_unit_test(folded_and_encoded_source),
		cmocka_unit_test(files_of_one_mail),
		cmocka_unit_test(inline_files_of_one_mail),
		cmocka_unit_test(attached_messages_are_not_encoded),
		cmocka_unit_test(written_in_parts),
		cmocka_unit_test(too_long),
		cmocka_unit_test(cjk_bodies_are_base64),
		cmocka_unit_test(same_bytes_again),
		cmocka_unit_test(digests),
		cmocka_unit_test(views),
		cmocka_unit_test(no_heap_after_the_first),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
