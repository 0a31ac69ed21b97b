/* dkim_sign.c - signers, desks, and the DKIM-Signature field (RFC 6376 3.5).
 *
 *  1. Signers of one letter share the hash of each body form; a second key costs one signature.
 *  2. A field is laid out once for all mails that have the same fields (dkim_form.c).
 * Held by tests/unit/test_dkim_sign.c and tests/system/test_dkim.py. */
#include "templates/dkim/dkim.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/model/address.h"
#include "templates/dkim/dkim_body.h"
#include "templates/dkim/dkim_form.h"
#include "templates/dkim/dkim_header.h"
#include "templates/dkim/dkim_key.h"

enum {
	SELECTOR_MAX = 190,          /* with "._domainkey." and a domain it must fit a DNS name */
	HASH_BASE64 = 44
};

struct dkim_signer {
	struct dkim_key *key;
	struct arena memory; /* of the names */
	struct span selector, domain;
	enum dkim_canon body;
};

struct dkim_desk {
	struct dkim_signer *const *signers;
	struct dkim_pen **pens; /* one a signer */
	struct dkim_form *forms; /* the same */
	uint32_t n;
	struct digest *digest;
	struct dkim_known known;
};

static const char *const algorithm_names[] = { "rsa-sha256", "ed25519-sha256" };
static const char *const canon_names[] = { "relaxed/relaxed", "relaxed/simple" };

/* ---- names ---- */

static bool is_selector_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* Labels of letters, digits, '-' and '_' with dots between (RFC 6376 3.1). */
static bool selector_ok(struct span s)
{
	char before = '.';

	if (s.n == 0 || s.n > SELECTOR_MAX)
		return false;
	for (size_t i = 0; i < s.n; before = s.p[i], i++) {
		if (s.p[i] == '.' ? before == '.' : !is_selector_char(s.p[i]))
			return false;
	}
	return before != '.';
}

/* Domain in A-labels: by the same rules as the domain of an address. */
static int domain_from(struct span text, struct arena *a, struct span *out, struct err *e)
{
	struct address x;
	struct err why = { 0 };
	char *p = arena_take(a, text.n + 2);

	if (!p)
		return err_nomem(e, "a domain");
	memcpy(p, "x@", 2);
	memcpy(p + 2, text.p, text.n);
	if (text.n > 0 && address_parse(span_of(p, text.n + 2), a, &x, &why) == 0 && x.name.n == 0 &&
	    x.domain.p[0] != '[') {
		*out = x.domain;
		return 0;
	}
	if (why.kind == ERR_NOMEM)
		return err_nomem(e, "a domain");
	return err_set(e, ERR_INPUT, "'%.*s' is not a domain that can sign", SPAN_ARG(text));
}

static int names_from(struct arena *a, struct span selector, struct span domain, struct span *out_selector,
		      struct span *out_domain, struct err *e)
{
	int ok;

	if (!selector_ok(selector))
		return err_set(e, ERR_INPUT, "'%.*s' is not a DKIM selector: letters, digits and '-', dots between",
			       SPAN_ARG(selector));
	*out_selector = arena_copy(a, selector, &ok);
	if (!ok)
		return err_nomem(e, "a selector");
	return domain_from(domain, a, out_domain, e);
}

int dkim_canon_from(struct span word, enum dkim_canon *out)
{
	static const struct {
		const char *word;
		enum dkim_canon canon;
	} words[] = {
		{ "relaxed/relaxed", DKIM_RELAXED }, { "relaxed/simple", DKIM_SIMPLE },
		{ "relaxed", DKIM_RELAXED }, { "simple", DKIM_SIMPLE },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (span_case_eq(word, span_str(words[i].word))) {
			*out = words[i].canon;
			return 0;
		}
	}
	return -1;
}

/* ---- signers ---- */

int dkim_signer_new(struct dkim_signer **out, const struct dkim_options *opt, struct err *e)
{
	struct dkim_signer *s = mem_new(sizeof *s);

	*out = NULL;
	if (!s)
		return err_nomem(e, "a signer");
	arena_init(&s->memory, 1024, 65536);
	s->body = opt->body;
	if (names_from(&s->memory, opt->selector, opt->domain, &s->selector, &s->domain, e) < 0 ||
	    dkim_key_read(&s->key, opt->key_path, e) < 0) {
		dkim_signer_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void dkim_signer_free(struct dkim_signer **s)
{
	if (!*s)
		return;
	dkim_key_free(&(*s)->key);
	arena_release(&(*s)->memory);
	mem_free(*s);
	*s = NULL;
}

struct span dkim_signer_domain(const struct dkim_signer *s)
{
	return s->domain;
}

struct span dkim_signer_identity(const struct dkim_signer *s, struct arena *a)
{
	struct span key;
	size_t size;
	char *p;
	int n;

	if (dkim_key_public(s->key, a, &key, NULL) < 0)
		return (struct span){ NULL, 0 };
	size = s->selector.n + s->domain.n + key.n + 64;
	p = arena_take(a, size);
	if (!p)
		return (struct span){ NULL, 0 };
	n = snprintf(p, size, "%s %s %.*s %.*s %.*s", algorithm_names[dkim_key_algorithm(s->key)],
		     canon_names[s->body], SPAN_ARG(s->selector), SPAN_ARG(s->domain), SPAN_ARG(key));
	return span_of(p, (size_t)n);
}

const char *dkim_signer_weakness(const struct dkim_signer *s)
{
	if (dkim_key_algorithm(s->key) == DKIM_RSA_SHA256 && dkim_key_bits(s->key) < DKIM_RSA_BITS_SHOULD)
		return "the RSA key has less than 2048 bits";
	return dkim_key_is_exposed(s->key) ? "others than its owner may read the key" : NULL;
}

/* ---- desks ---- */

int dkim_desk_new(struct dkim_desk **out, struct dkim_signer *const *signers, uint32_t n, struct err *e)
{
	struct dkim_desk *d = mem_new(sizeof *d);

	*out = NULL;
	if (!d)
		return err_nomem(e, "a signature");
	d->signers = signers;
	d->pens = mem_array(n, sizeof(struct dkim_pen *));
	d->forms = mem_array(n, sizeof *d->forms);
	if (!d->pens || !d->forms) {
		err_nomem(e, "a signature");
		dkim_desk_free(&d);
		return -1;
	}
	for (; d->n < n; d->n++) {
		const struct dkim_signer *s = signers[d->n];

		if (dkim_pen_new(&d->pens[d->n], s->key, e) < 0) {
			dkim_desk_free(&d);
			return -1;
		}
		dkim_form_init(&d->forms[d->n], algorithm_names[dkim_key_algorithm(s->key)], canon_names[s->body], s->domain,
			       s->selector);
	}
	if (digest_new(&d->digest, DIGEST_SHA256, e) < 0) {
		dkim_desk_free(&d);
		return -1;
	}
	*out = d;
	return 0;
}

void dkim_desk_free(struct dkim_desk **dp)
{
	struct dkim_desk *d = *dp;

	if (!d)
		return;
	*dp = NULL;
	for (uint32_t i = 0; i < d->n; i++) {
		dkim_pen_free(&d->pens[i]);
		dkim_form_release(&d->forms[i]);
	}
	mem_free(d->pens);
	mem_free(d->forms);
	digest_free(&d->digest);
	mem_free(d);
}

void dkim_desk_know(struct dkim_desk *d, struct span piece)
{
	dkim_body_know(&d->known, piece);
}

/* ---- the field ---- */

static int hash_header(struct dkim_desk *d, struct span field, const struct dkim_choice *choices, uint32_t n,
		       unsigned char out[SHA256_SIZE])
{
	struct dkim_gather g;

	dkim_gather_begin(&g, d->digest);
	for (uint32_t i = 0; i < n; i++) {
		if (choices[i].field)
			dkim_gather_add(&g, choices[i].field->canonical);
	}
	dkim_gather_add(&g, field);
	return dkim_gather_end(&g, out) == SHA256_SIZE ? 0 : -1;
}

/* Appends the signer's field. */
static int sign_with(struct dkim_desk *d, uint32_t at, struct dkim_text *t, const struct dkim_choice *choices,
		     uint32_t n, const char *body_hash, int64_t wall_ms, struct arena *a, struct err *e)
{
	unsigned char hash[SHA256_SIZE], signature[DKIM_SIGNATURE_MAX];
	struct dkim_form *f = &d->forms[at];
	size_t signature_n;

	if (dkim_form_fill(f, choices, n, wall_ms, body_hash, a) < 0)
		return err_nomem(e, "a signature");
	if (hash_header(d, f->relaxed, choices, n, hash) < 0)
		return err_nomem(e, "a signature");
	if (dkim_pen_sign(d->pens[at], hash, signature, &signature_n, e) < 0)
		return -1;
	dkim_form_put(f, signature, signature_n, t);
	return 0;
}

/* ---- a message ---- */

static int hash_body(struct dkim_desk *d, enum dkim_canon canon, const struct span *content, uint32_t n,
		      struct dkim_place from, char out[HASH_BASE64 + 1])
{
	unsigned char hash[SHA256_SIZE];
	struct dkim_body b;

	dkim_body_begin(&b, d->digest, canon, &d->known);
	for (uint32_t i = from.span; i < n; i++)
		dkim_body_add(&b, i == from.span ? span_skip(content[i], from.octet) : content[i]);
	if (dkim_body_end(&b, hash) < 0)
		return -1;
	dkim_base64(hash, sizeof hash, out);
	return 0;
}

int dkim_sign(struct dkim_desk *d, struct arena *a, const struct span *content, uint32_t n, int64_t wall_ms,
	      struct span *fields, struct err *e)
{
	char hashes[2][HASH_BASE64 + 1] = { "", "" };
	struct dkim_header header;
	struct dkim_choice *choices;
	struct dkim_place body;
	struct dkim_text t = { 0 };
	struct span text;
	uint32_t n_choices;

	if (dkim_header_cut(content, n, a, &text, &body) < 0 || dkim_header_parse(text, a, &header) < 0 ||
	    dkim_header_choose(&header, a, &choices, &n_choices) < 0)
		return err_nomem(e, "a signature");
	for (uint32_t i = 0; i < d->n; i++)
		t.cap += dkim_form_size(&d->forms[i], n_choices);
	t.p = arena_take(a, t.cap);
	if (!t.p)
		return err_nomem(e, "a signature");
	for (uint32_t i = 0; i < d->n; i++) {
		enum dkim_canon canon = d->signers[i]->body;

		if (!hashes[canon][0] && hash_body(d, canon, content, n, body, hashes[canon]) < 0)
			return err_nomem(e, "a signature");
		if (sign_with(d, i, &t, choices, n_choices, hashes[canon], wall_ms, a, e) < 0)
			return -1;
	}
	*fields = span_of(t.p, t.n);
	return 0;
}

/* ---- making keys ---- */

/* A TXT record: strings of at most 255 octets (RFC 1035 3.3.14), in parentheses over lines. */
static int write_record(const struct dkim_key *k, struct span selector, struct span domain, struct arena *a,
			struct span *out, struct err *e)
{
	enum { STRING_MAX = 250 };
	const char *type = dkim_key_algorithm(k) == DKIM_ED25519_SHA256 ? "ed25519" : "rsa";
	struct span key = SPAN("");
	size_t size, n;
	char *p;

	if (dkim_key_public(k, a, &key, e) < 0)
		return -1;
	size = selector.n + domain.n + key.n + (key.n / STRING_MAX + 1) * 8 + 128;
	p = arena_take(a, size);
	if (!p)
		return err_nomem(e, "a record");
	n = (size_t)snprintf(p, size, "%.*s._domainkey.%.*s. IN TXT ( \"v=DKIM1; k=%s; p=\"", SPAN_ARG(selector),
			     SPAN_ARG(domain), type);
	for (size_t i = 0; i < key.n; i += STRING_MAX)
		n += (size_t)snprintf(p + n, size - n, "\n  \"%.*s\"", SPAN_ARG(span_sub(key, i, STRING_MAX)));
	n += (size_t)snprintf(p + n, size - n, " )\n");
	*out = span_of(p, n);
	return 0;
}

int dkim_key_create(const struct dkim_new_key *k, struct arena *a, struct span *record, struct err *e)
{
	struct span selector = SPAN(""), domain = SPAN("");
	struct dkim_key *key = NULL;
	int rc;

	if (names_from(a, k->selector, k->domain, &selector, &domain, e) < 0)
		return -1;
	if (!k->ed25519 && (k->bits < DKIM_RSA_BITS_MIN || k->bits > DKIM_RSA_BITS_MAX))
		return err_set(e, ERR_INPUT, "an RSA key has %d to %d bits", DKIM_RSA_BITS_MIN, DKIM_RSA_BITS_MAX);
	rc = dkim_key_make(&key, k->ed25519 ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256, k->bits, e);
	if (rc == 0)
		rc = write_record(key, selector, domain, a, record, e);
	if (rc == 0)
		rc = dkim_key_write(key, k->path, e);
	dkim_key_free(&key);
	return rc;
}
