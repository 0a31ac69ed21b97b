/* tls.c - the only file that includes OpenSSL's TLS. */
#include "tests/fake/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum { READ_AHEAD_BYTES = 64 * 1024 };

_Noreturn static void tls_die(const char *what, const char *file)
{
	die("TLS: %s '%s': %s", what, file, ERR_error_string(ERR_get_error(), NULL));
}

static void limit_version(SSL_CTX *ctx, const char *max)
{
	if (!max)
		return;
	if (strcmp(max, "1.2") == 0)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	else if (strcmp(max, "1.3") != 0)
		die("--tls-max wants 1.2 or 1.3, not '%s'", max);
}

SSL_CTX *tls_context(const struct config *cfg)
{
	SSL_CTX *ctx;

	if (!cfg->tls_cert)
		return NULL;
	ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		tls_die("no context for", cfg->tls_cert);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	limit_version(ctx, cfg->tls_max);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_BYTES);
	if (SSL_CTX_use_certificate_chain_file(ctx, cfg->tls_cert) != 1)
		tls_die("bad certificate", cfg->tls_cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, cfg->tls_key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		tls_die("bad key", cfg->tls_key);
	if (cfg->tls_client_ca) {
		if (SSL_CTX_load_verify_locations(ctx, cfg->tls_client_ca, NULL) != 1)
			tls_die("bad CA", cfg->tls_client_ca);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"fake", 4);
	}
	return ctx;
}

void tls_context_free(SSL_CTX *ctx)
{
	SSL_CTX_free(ctx);
}

SSL *tls_new(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		die("no memory for TLS");
	SSL_set_accept_state(ssl);
	return ssl;
}

static int classify(SSL *ssl, int rc)
{
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ: return TLS_AGAIN_READ;
	case SSL_ERROR_WANT_WRITE: return TLS_AGAIN_WRITE;
	case SSL_ERROR_ZERO_RETURN: return TLS_END;
	default: return TLS_BROKEN;
	}
}

int tls_accept(SSL *ssl)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(ssl);
	return rc == 1 ? 0 : classify(ssl, rc);
}

long tls_read(SSL *ssl, char *p, size_t n)
{
	size_t got = 0;

	ERR_clear_error();
	do {
		int rc = SSL_read(ssl, p + got, (int)(n - got));

		if (rc <= 0)
			return got ? (long)got : classify(ssl, rc);
		got += (size_t)rc;
	} while (got < n && SSL_has_pending(ssl)); /* nothing read ahead: epoll will tell of more */
	return (long)got;
}

long tls_write(SSL *ssl, struct text t)
{
	int rc;

	ERR_clear_error();
	rc = SSL_write(ssl, t.p, t.n > 1 << 20 ? 1 << 20 : (int)t.n);
	return rc > 0 ? rc : classify(ssl, rc);
}

/* RFC 5929 4.1: the digest of the certificate's signature, SHA-256 for MD5 and SHA-1. */
static size_t end_point(SSL *ssl, unsigned char *out)
{
	X509 *cert = SSL_get_certificate(ssl);
	int md_nid = NID_undef;
	const EVP_MD *md;
	unsigned n = 0;

	if (!cert || !OBJ_find_sigid_algs(X509_get_signature_nid(cert), &md_nid, NULL))
		return 0;
	md = md_nid == NID_md5 || md_nid == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(md_nid);
	return md && X509_digest(cert, md, out, &n) ? n : 0;
}

void tls_facts(SSL *ssl, struct auth_link *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	X509 *peer = SSL_get0_peer_certificate(ssl);

	out->tls = true;
	if (SSL_export_keying_material(ssl, out->exporter, sizeof out->exporter, label, sizeof label - 1,
				       (const unsigned char *)"", 0, 1) != 1)
		die("TLS exporter failed");
	out->end_point_n = end_point(ssl, out->end_point);
	out->client_verified = peer && SSL_get_verify_mode(ssl) && SSL_get_verify_result(ssl) == X509_V_OK;
	if (peer)
		X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, out->client_name,
					  (int)sizeof out->client_name);
}

void tls_free(SSL *ssl, bool close_notify)
{
	if (ssl && close_notify) {
		ERR_clear_error();
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	ERR_clear_error();
}

void tls_error(struct bytes *out)
{
	unsigned long e = ERR_peek_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	bytes_str(out, reason ? reason : "connection lost");
}
