/* scram.c - SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), with channel binding in the -PLUS forms
 * (tls-exporter, tls-server-end-point).
 *
 *   client  gs2-header n=USER,r=CNONCE                        (first; without the gs2-header)
 *   server  r=CNONCE+SNONCE,s=SALT,i=4096                     (server_first)
 *   client  c=base64(gs2-header + binding),r=...,p=PROOF      (its part before ,p= is signed too)
 *   server  v=SIGNATURE                                       as a last 334, answered by an empty line
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "tests/fake/auth.h"

static unsigned mac(const EVP_MD *md, struct text key, struct text data, unsigned char *out)
{
	unsigned n = 0;

	if (!HMAC(md, key.p, (int)key.n, (const unsigned char *)data.p, data.n, out, &n))
		die("HMAC failed");
	return n;
}

static void derive(struct credentials *login, const EVP_MD *md, struct scram_keys *out)
{
	unsigned char salted[64], client[64];
	size_t n = (size_t)EVP_MD_get_size(md);

	out->md = md;
	if (PKCS5_PBKDF2_HMAC(login->password.p ? login->password.p : "", (int)login->password.n, login->salt,
			      sizeof login->salt, login->iterations, md, (int)n, salted) != 1)
		die("PBKDF2 failed");
	mac(md, text_of(salted, n), TEXT("Client Key"), client);
	mac(md, text_of(salted, n), TEXT("Server Key"), out->server);
	if (!EVP_Digest(client, n, out->stored, NULL, md, NULL))
		die("digest failed");
}

void scram_derive(struct credentials *login)
{
	if (!login->iterations)
		login->iterations = 4096;
	if (RAND_bytes(login->salt, sizeof login->salt) != 1)
		die("no random numbers");
	derive(login, EVP_sha1(), &login->sha1);
	derive(login, EVP_sha256(), &login->sha256);
}

/* gs2-header = ( "p=" cb-name / "n" / "y" ) "," [ "a=" authzid ] "," */
static bool read_gs2(struct auth *a, struct text *message)
{
	struct text rest = *message, flag = text_cut(&rest, ','), authzid = text_cut(&rest, ',');
	size_t n;

	if (!rest.p || (authzid.n && !text_case_begins(authzid, TEXT("a="))))
		return false;
	if (!text_eq(flag, TEXT("n")) && !text_eq(flag, TEXT("y")) && !text_case_begins(flag, TEXT("p=")))
		return false;
	n = message->n - rest.n;
	bytes_add(&a->gs2, message->p, n);
	*message = rest;
	return true;
}

/* =2C and =3D stand for comma and equals sign. */
static bool read_name(struct bytes *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] != '=') {
			bytes_char(out, t.p[i]);
			continue;
		}
		if (t.n - i < 3 || (memcmp(t.p + i, "=2C", 3) != 0 && memcmp(t.p + i, "=3D", 3) != 0))
			return false;
		bytes_char(out, t.p[i + 2] == 'C' ? ',' : '=');
		i += 2;
	}
	return out->n > 0;
}

static enum auth_result client_first(struct auth *a, struct text message, struct bytes *challenge)
{
	struct text name, nonce;

	if (!read_gs2(a, &message) || (a->gs2.p[0] == 'p') != a->plus)
		return AUTH_MALFORMED;
	if (a->gs2.p[0] == 'y' && strstr(a->cfg->mechanisms, "-PLUS"))
		return AUTH_REFUSED; /* somebody took the -PLUS forms out of our offer */
	bytes_text_add(&a->first, message);
	name = text_cut(&message, ',');
	nonce = text_cut(&message, ',');
	if (name.n < 3 || memcmp(name.p, "n=", 2) != 0 || nonce.n < 3 || memcmp(nonce.p, "r=", 2) != 0)
		return AUTH_MALFORMED;
	if (!read_name(&a->user, text_of(name.p + 2, name.n - 2)))
		return AUTH_MALFORMED;
	bytes_add(&a->nonce, nonce.p + 2, nonce.n - 2);
	auth_nonce(&a->nonce);
	bytes_str(&a->server_first, "r=");
	bytes_text_add(&a->server_first, bytes_text(&a->nonce));
	bytes_str(&a->server_first, ",s=");
	bytes_base64(&a->server_first, text_of(a->cfg->login.salt, SCRAM_SALT_BYTES));
	bytes_printf(&a->server_first, ",i=%d", a->cfg->login.iterations);
	bytes_text_add(challenge, bytes_text(&a->server_first));
	return AUTH_CHALLENGE;
}

/* What c= must hold: the gs2-header again, and the channel's own octets behind it. */
static bool binding_right(const struct auth *a, struct text c)
{
	const struct auth_link *link = a->link;
	struct bytes want = { 0 }, got = { 0 };
	bool right;

	bytes_text_add(&want, bytes_text(&a->gs2));
	if (text_case_begins(bytes_text(&a->gs2), TEXT("p=tls-exporter,")))
		bytes_add(&want, link->exporter, sizeof link->exporter);
	else if (text_case_begins(bytes_text(&a->gs2), TEXT("p=tls-server-end-point,")))
		bytes_add(&want, link->end_point, link->end_point_n);
	right = bytes_unbase64(&got, c) && text_eq(bytes_text(&got), bytes_text(&want));
	if (a->plus && !link->tls)
		right = false;
	bytes_free(&want);
	bytes_free(&got);
	return right;
}

static bool proof_right(const struct auth *a, struct text auth_message, struct text proof64)
{
	const EVP_MD *md = a->keys->md;
	size_t n = (size_t)EVP_MD_get_size(md);
	unsigned char signature[64], stored[64];
	struct bytes proof = { 0 };
	bool right = bytes_unbase64(&proof, proof64) && proof.n == n;

	if (right) {
		mac(md, text_of(a->keys->stored, n), auth_message, signature);
		for (size_t i = 0; i < n; i++)
			signature[i] ^= (unsigned char)proof.p[i];
		if (!EVP_Digest(signature, n, stored, NULL, md, NULL))
			die("digest failed");
		right = auth_same(text_of(stored, n), text_of(a->keys->stored, n));
	}
	bytes_free(&proof);
	return right;
}

static enum auth_result client_final(struct auth *a, struct text message, struct bytes *challenge)
{
	struct text rest = message, c = text_cut(&rest, ','), r = text_cut(&rest, ',');
	const char *p = message.n ? memrchr(message.p, ',', message.n) : NULL;
	struct bytes signed_text = { 0 };
	unsigned char signature[64];
	bool right;
	unsigned n;

	if (!p || c.n < 2 || memcmp(c.p, "c=", 2) != 0 || r.n < 2 || memcmp(r.p, "r=", 2) != 0 ||
	    message.n - (size_t)(p - message.p) < 4 || memcmp(p, ",p=", 3) != 0)
		return AUTH_MALFORMED;
	if (!text_eq(text_of(r.p + 2, r.n - 2), bytes_text(&a->nonce)))
		return AUTH_MALFORMED;
	if (!binding_right(a, text_of(c.p + 2, c.n - 2)))
		return AUTH_REFUSED;
	bytes_text_add(&signed_text, bytes_text(&a->first));
	bytes_char(&signed_text, ',');
	bytes_text_add(&signed_text, bytes_text(&a->server_first));
	bytes_char(&signed_text, ',');
	bytes_add(&signed_text, message.p, (size_t)(p - message.p));
	right = proof_right(a, bytes_text(&signed_text), text_of(p + 3, message.n - (size_t)(p - message.p) - 3));
	n = mac(a->keys->md, text_of(a->keys->server, (size_t)EVP_MD_get_size(a->keys->md)),
		bytes_text(&signed_text), signature);
	bytes_str(challenge, "v=");
	bytes_base64(challenge, text_of(signature, n));
	bytes_free(&signed_text);
	return right && text_eq(bytes_text(&a->user), text_str(a->cfg->login.user)) ? AUTH_CHALLENGE : AUTH_REFUSED;
}

enum auth_result scram_step(struct auth *a, struct text response, struct bytes *challenge)
{
	switch (a->step++) {
	case 0: return client_first(a, response, challenge);
	case 1: return client_final(a, response, challenge);
	default: return response.n == 0 ? AUTH_OK : AUTH_MALFORMED;
	}
}
