/* letter_compile_sign.c - who signs the letter's mails: "DKIM: KEY; selector=S; domain=D", and the
 * options of the same meaning; "SMIME: CERTIFICATE; key=KEY" likewise.
 *
 * Keys named in the letter lie beside it or have an absolute path. The private key takes no part
 * in the digest of the letter; its public half does, for it changes the mails. */
#include "templates/letter/letter_compile.h"

#include "engine/base/clock.h"
#include "templates/dkim/dkim.h"
#include "templates/dkim/smime.h"
#include "templates/letter/letter_params.h"

static int keep_signer(struct letter_compile *c, struct dkim_signer *s)
{
	struct letter *l = c->l;
	struct dkim_signer **all = arena_grow(&l->memory, l->signers, l->n_signers * sizeof(struct dkim_signer *),
					      (l->n_signers + 1) * sizeof(struct dkim_signer *));

	if (!all) {
		dkim_signer_free(&s);
		return err_nomem(c->e, "the letter");
	}
	l->signers = all;
	all[l->n_signers++] = s;
	return 0;
}

static bool is_within(struct span domain, struct span outer)
{
	return span_ends(domain, outer) &&
	       (domain.n == outer.n || (outer.n > 0 && domain.p[domain.n - outer.n - 1] == '.'));
}

/* What receivers will hold against it: none of it stops the letter. */
static void warn_of(struct letter_compile *c, const struct dkim_signer *s, const char *path, uint64_t line,
		    uint64_t column)
{
	struct span from = c->l->from_domain, domain = dkim_signer_domain(s);
	const char *weakness = dkim_signer_weakness(s);

	if (weakness)
		letter_warning(c, "DKIM", path, line, column, NULL, "%s", weakness);
	if (from.n > 0 && !is_within(from, domain) && !is_within(domain, from))
		letter_warning(c, "DKIM", path, line, column, "receivers that check DMARC want them to be alike",
			       "the 'From:' is of '%.*s', and the signature of '%.*s'", SPAN_ARG(from),
			       SPAN_ARG(domain));
}

static int add_signer(struct letter_compile *c, const struct dkim_options *opt, const char *path, uint64_t line,
		      uint64_t column)
{
	struct dkim_signer *s = NULL;
	struct span identity;
	struct err e = { 0 };

	if (dkim_signer_new(&s, opt, &e) < 0) {
		if (e.kind == ERR_NOMEM)
			return err_nomem(c->e, "the letter");
		err_at(&e, path, line, column);
		finding_of_err(&c->watch.sink, "DKIM", &e);
		return 0;
	}
	if (keep_signer(c, s) < 0)
		return -1;
	identity = dkim_signer_identity(s, &c->l->memory);
	if (!identity.p)
		return err_nomem(c->e, "the letter");
	letter_digest_add(c, "DKIM", identity);
	warn_of(c, s, path, line, column);
	return 0;
}

/* ---- the letter's own ---- */

struct dkim_words { /* of a DKIM: header */
	struct span key, selector, domain, canon;
};

static int read_words(struct letter_compile *c, const struct letter_header *h, struct span value,
		      struct dkim_words *out)
{
	struct letter_params p = { .text = value, .a = &c->l->memory };
	struct span key, word;
	struct err e = { 0 };
	int got = letter_params_first(&p, &out->key, &e);

	while (got >= 0 && (got = letter_params_next(&p, &key, &word, &e)) > 0) {
		struct span *to = span_case_eq(key, SPAN("selector")) ? &out->selector
				  : span_case_eq(key, SPAN("domain")) ? &out->domain
				  : span_case_eq(key, SPAN("canon"))  ? &out->canon : NULL;

		if (to)
			*to = word;
		else
			letter_mistake(c, "DKIM", h->line, h->column, "selector=, domain= and canon= are",
				       "'%.*s' is no parameter of 'DKIM:'", SPAN_ARG(key));
	}
	if (e.kind == ERR_NOMEM)
		return err_nomem(c->e, "the letter");
	if (got < 0)
		letter_mistake(c, "DKIM", h->line, h->column, NULL, "%s", e.text);
	return got;
}

/* Completes what was left out: 0; 1 with e. */
static int complete(struct letter_compile *c, const struct dkim_words *w, struct dkim_options *opt, struct err *e)
{
	*opt = (struct dkim_options){ .selector = w->selector, .domain = w->domain, .body = DKIM_RELAXED };
	if (w->canon.n > 0 && dkim_canon_from(w->canon, &opt->body) < 0) {
		err_set(e, ERR_INPUT, "'%.*s' is no canonical form", SPAN_ARG(w->canon));
		err_hint(e, "relaxed/relaxed (the default) or relaxed/simple");
		return 1;
	}
	if (w->selector.n == 0) {
		err_set(e, ERR_INPUT, "the DKIM key has no selector");
		err_hint(e, "it is the name that the key has in the DNS: SELECTOR._domainkey.DOMAIN");
		return 1;
	}
	if (opt->domain.n == 0)
		opt->domain = c->l->from_domain;
	if (opt->domain.n == 0) {
		err_set(e, ERR_INPUT, "the DKIM key has no domain, and the 'From:' does not tell it");
		return 1;
	}
	return 0;
}

static int sign_with(struct letter_compile *c, const struct dkim_words *w, const char *key_path, const char *path,
		     uint64_t line, uint64_t column)
{
	struct dkim_options opt;
	struct err e = { 0 };

	if (complete(c, w, &opt, &e) != 0) {
		err_at(&e, path, line, column);
		finding_of_err(&c->watch.sink, "DKIM", &e);
		return 0;
	}
	opt.key_path = key_path;
	return add_signer(c, &opt, path, line, column);
}

static int sign_by_header(struct letter_compile *c, const struct letter_header *h)
{
	struct dkim_words w = { 0 };
	struct span value;
	const char *path;

	if (letter_fixed_value(c, h, &value) < 0)
		return -1;
	if (value.n == 0)
		return 0;
	if (read_words(c, h, value, &w) < 0)
		return c->watch.sink.errors ? 0 : -1;
	if (w.key.n == 0) {
		letter_mistake(c, "DKIM", h->line, h->column, "DKIM: KEY; selector=S", "'DKIM:' names no key");
		return 0;
	}
	path = letter_beside(c->l, w.key);
	if (!path)
		return err_nomem(c->e, "the letter");
	return sign_with(c, &w, path, c->l->path, h->line, h->column);
}

/* ---- S/MIME ---- */

static int set_smime(struct letter_compile *c, const struct smime_options *opt, const char *path, uint64_t line,
		     uint64_t column)
{
	const struct letter_field *from = c->l->role[ROLE_FROM];
	unsigned char identity[32];
	struct err e = { 0 };

	if (smime_signer_new(&c->l->smime, opt, &e) < 0) {
		if (e.kind == ERR_NOMEM)
			return err_nomem(c->e, "the letter");
		err_at(&e, path, line, column);
		finding_of_err(&c->watch.sink, "S/MIME", &e);
		return 0;
	}
	if (smime_signer_identity(c->l->smime, identity) < 0)
		return err_nomem(c->e, "the letter");
	letter_digest_add(c, "S/MIME", span_of(identity, sizeof identity));
	if (from && from->fixed && from->list.n > 0 && !smime_signer_is_for(c->l->smime, from->list.items[0].path))
		letter_warning(c, "S/MIME", path, line, column, "readers show such a signature as wrong",
			       "the certificate is not for the address of the 'From:', %.*s",
			       SPAN_ARG(from->list.items[0].path));
	if (!smime_signer_is_valid(c->l->smime, clock_wall_ms()))
		letter_warning(c, "S/MIME", path, line, column, NULL, "the certificate is not valid today");
	return 0;
}

/* "SMIME: cert.pem; key=key.pem" */
static int smime_by_header(struct letter_compile *c, const struct letter_header *h)
{
	struct letter_params p = { .a = &c->l->memory };
	struct smime_options opt = { NULL, NULL };
	struct span key, word, cert;
	struct err e = { 0 };
	int got;

	if (letter_fixed_value(c, h, &p.text) < 0)
		return -1;
	got = letter_params_first(&p, &cert, &e);
	if (got == 0 && cert.n == 0)
		return 0;
	opt.cert_path = got == 0 ? letter_beside(c->l, cert) : NULL;
	while (got >= 0 && (got = letter_params_next(&p, &key, &word, &e)) > 0) {
		if (!span_case_eq(key, SPAN("key")))
			got = err_set(&e, ERR_INPUT, "'%.*s' is no parameter of 'SMIME:'", SPAN_ARG(key));
		else if (!(opt.key_path = letter_beside(c->l, word)))
			return err_nomem(c->e, "the letter");
	}
	if (got < 0) {
		if (e.kind == ERR_NOMEM)
			return err_nomem(c->e, "the letter");
		letter_mistake(c, "S/MIME", h->line, h->column, NULL, "%s", e.text);
		return 0;
	}
	if (!opt.cert_path)
		return err_nomem(c->e, "the letter");
	return set_smime(c, &opt, c->l->path, h->line, h->column);
}

static int compile_smime(struct letter_compile *c)
{
	const struct letter_smime *smime = &c->l->opt.ways.smime;
	struct smime_options opt = { smime->cert, smime->key };

	if (smime->cert)
		return set_smime(c, &opt, "--smime-cert", 0, 0);
	for (uint32_t i = 0; i < c->source.n_headers; i++) {
		if (letter_field_known(c->source.headers[i].name)->control == CONTROL_SMIME)
			return smime_by_header(c, &c->source.headers[i]);
	}
	return 0;
}

int letter_compile_signers(struct letter_compile *c)
{
	const struct letter_ways *ways = &c->l->opt.ways;

	for (uint32_t i = 0; i < c->source.n_headers; i++) {
		const struct letter_header *h = &c->source.headers[i];

		if (letter_field_known(h->name)->control == CONTROL_DKIM && sign_by_header(c, h) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < ways->n_dkim; i++) {
		const struct letter_dkim *d = &ways->dkim[i];
		struct dkim_words w = { span_str(d->key), span_str(d->selector), span_str(d->domain),
					span_str(d->canon) };

		if (sign_with(c, &w, d->key, "--dkim-key", 0, 0) < 0)
			return -1;
	}
	return compile_smime(c);
}
