/* fuzz_smtp_reply.c - a server's bytes as replies, and each reply as an EHLO's: whole, and again cut into
 * pieces as the first octet says. The outcome must not depend on the cuts. */
#include <stdint.h>
#include <string.h>

#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "transport/smtp/smtp_caps.h"
#include "transport/smtp/smtp_reply.h"
#include "transport/smtp/smtp_verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	unsigned replies;
	uint64_t sum; /* of all codes and texts */
	int rc;
};

static struct smtp_reply_parser parser;
static struct smtp_ehlo ehlo;

static void look(const struct smtp_reply *r, struct outcome *o)
{
	struct verdict v = { 0 };
	char words[256];
	struct span params;

	MUST(r->code >= 200 && r->code <= 599 && r->text_n <= sizeof r->text);
	o->replies++;
	o->sum = o->sum * 31 + (uint64_t)r->code;
	for (size_t i = 0; i < r->text_n; i++) {
		MUST((unsigned char)r->text[i] >= ' ' || r->text[i] == '\n');
		o->sum = o->sum * 31 + (unsigned char)r->text[i];
	}
	smtp_reply_words(r, words, sizeof words);
	MUST(strlen(words) < sizeof words && utf8_valid(span_str(words)));
	if (r->code >= 400)
		smtp_verdict_of(&v, (enum smtp_stage)(1 << r->code % 4), r, r->code % 7);
	smtp_caps_read(&ehlo, smtp_reply_text(r));
	MUST(ehlo.mechanisms_n <= sizeof ehlo.mechanisms && ehlo.text_n <= sizeof ehlo.text);
	MUST(ehlo.caps.mail_max <= 999999 && ehlo.caps.rcpt_max <= 999999);
	MUST(smtp_caps_find(&ehlo, SPAN("PIPELINING"), &params) >= (ehlo.caps.pipelining && ehlo.text_n == r->text_n));
}

static struct outcome run(struct span all, size_t cut)
{
	struct outcome o = { 0 };

	memset(&parser, 0, sizeof parser);
	while (all.n > 0 && o.rc >= 0) {
		struct span piece = span_sub(all, 0, cut);
		const struct smtp_reply *r;
		struct err e;

		all = span_skip(all, piece.n);
		while (piece.n > 0 && (o.rc = smtp_reply_feed(&parser, &piece, &r, &e)) > 0)
			look(r, &o);
	}
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = span_of(data, size);
	struct outcome whole, cut;

	if (size < 2)
		return 0;
	all = span_skip(all, 1);
	whole = run(all, all.n);
	cut = run(all, data[0] % 37u + 1);
	MUST(whole.replies == cut.replies && whole.sum == cut.sum && (whole.rc < 0) == (cut.rc < 0));
	return 0;
}
