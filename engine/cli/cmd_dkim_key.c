/* cmd_dkim_key.c - makes a key to sign with, and the DNS record that tells the world of it.
 *
 * The record is the product: it goes to standard output. */
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/cli/commands.h"
#include "engine/cli/say.h"
#include "templates/dkim/dkim.h"

static const char help[] =
	"Usage: lettershop dkim-key SELECTOR DOMAIN [options]\n"
	"Makes a key for DKIM signatures, readable by its owner only, and prints the TXT\n"
	"record that belongs into the DNS of DOMAIN. SELECTOR is any short name; a new\n"
	"key takes a new one, so that mail on its way still finds the old record.\n"
	"\n"
	"  --algorithm rsa|ed25519  rsa (what every receiver checks) or ed25519 (short\n"
	"                           and fast; not every receiver checks it: use both)\n"
	"  --bits N                 of an RSA key (2048)\n"
	"  --out FILE               where the key goes (SELECTOR.DOMAIN.pem); a file that\n"
	"                           is there is never written over\n"
	"\n"
	"Sign with it by a line in the letter, or as in the last example:\n"
	"  DKIM: s1.example.com.pem; selector=s1; domain=example.com\n"
	"\n"
	"Examples:\n"
	"  lettershop dkim-key s1 example.com >s1.record\n"
	"  lettershop dkim-key e1 example.com --algorithm ed25519 --out e1.pem\n"
	"  lettershop check l.eml l.csv --dkim-key s1.example.com.pem --dkim-selector s1\n";

static int run(struct options *o)
{
	char name[512];
	struct dkim_new_key k = {
		.path = o->out ? o->out : name,
		.selector = span_str(o->operands[0]),
		.domain = span_str(o->operands[1]),
		.ed25519 = o->algorithm == 1,
		.bits = (unsigned)o->bits,
	};
	struct span record;
	struct err e = { 0 };
	int n = snprintf(name, sizeof name, "%s.%s.pem", o->operands[0], o->operands[1]);

	if (n < 0 || (size_t)n >= sizeof name) {
		err_set(&e, ERR_INPUT, "selector and domain are too long");
		return command_failed(&e);
	}
	if (dkim_key_create(&k, &o->memory, &record, &e) < 0)
		return command_failed(&e);
	printf("%.*s", SPAN_ARG(record));
	say_note("the key is in %s; keep it secret", k.path);
	return EXIT_SENT;
}

const struct command command_dkim_key = {
	.name = "dkim-key",
	.operands = "SELECTOR DOMAIN",
	.summary = "makes a key to sign with and its DNS record",
	.help = help,
	.bit = FOR_DKIM_KEY,
	.n_operands = 2,
	.run = run,
};
