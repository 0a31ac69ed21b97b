/* net_tls_setup.c - certificates, keys and what is asked of a server: read once, then const.
 *
 * After net_tls_new() a struct net_tls is only read; OpenSSL locks its own counters. Held by
 * tests/unit/test_net_tls.c. */
#include "transport/net/net_tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/net/net_cert.h"

enum { READ_BUFFER = 64 * 1024 /* OpenSSL reads this much ahead: one system call for many replies */ };

int net_tls_says(struct err *e, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	err_set(e, ERR_TLS, "%s: %s", what, reason ? reason : "unknown error of OpenSSL");
	ERR_clear_error();
	return -1;
}

/* Why a PEM file could not be used: the system's word, or what it should have been. */
static int bad_file(const char *path, const char *what, const char *wanted, struct err *e)
{
	unsigned long code = ERR_peek_error();

	if (ERR_GET_LIB(code) == ERR_LIB_SYS)
		err_set(e, ERR_INPUT, "cannot read the %s: %s", what, strerror(ERR_GET_REASON(code)));
	else
		err_set(e, ERR_INPUT, "this is no file of %s in the PEM form", wanted);
	ERR_clear_error();
	return err_at(e, path, 0, 0);
}

static int load_folder(SSL_CTX *ctx, const char *path, struct err *e)
{
	if (SSL_CTX_load_verify_dir(ctx, path) == 1)
		return 0;
	net_tls_says(e, "cannot use the folder of certificates");
	return err_at(e, path, 0, 0);
}

static int load_store(SSL_CTX *ctx, const char *ca, struct err *e)
{
	struct stat st;

	if (!ca) {
		if (SSL_CTX_set_default_verify_paths(ctx) == 1)
			return 0;
		return net_tls_says(e, "cannot load this machine's certificate store");
	}
	ERR_clear_error();
	/* Who is named is trusted, be it a server's own certificate. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	if (stat(ca, &st) == 0 && S_ISDIR(st.st_mode))
		return load_folder(ctx, ca, e);
	if (SSL_CTX_load_verify_file(ctx, ca) == 1)
		return 0;
	bad_file(ca, "certificate file", "certificates", e);
	return err_hint(e, "?ca= names a PEM file with the authority to trust, or a folder of them");
}

/* OpenSSL works out an authority's extensions when it first needs them, in whatever thread that is: they are there
 * before the first thread is, as all else that is const. */
static void read_extensions(SSL_CTX *ctx)
{
	STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));

	for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
		X509 *x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));

		if (x)
			X509_check_purpose(x, -1, 0); /* what is wrong with it is found when it is used */
	}
	ERR_clear_error();
}

/* A key with a passphrase: nobody is asked, least of all on a terminal. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return 0;
}

static int check_key_file(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		err_sys(e, "cannot read the key of our certificate");
		return err_at(e, path, 0, 0);
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	err_set(e, ERR_INPUT, "the key may be read by others");
	err_hint(e, "make it your own: chmod 600 %s", path);
	return err_at(e, path, 0, 0);
}

static int load_own(SSL_CTX *ctx, const char *cert, const char *key, struct err *e)
{
	if (check_key_file(key, e) < 0)
		return -1;
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
		bad_file(cert, "certificate of ours", "certificates", e);
		return err_hint(e, "?cert= names our own certificate, for relays that ask for one");
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
			err_set(e, ERR_INPUT, "the key does not belong to the certificate '%s'", cert);
		else
			bad_file(key, "key of our certificate", "a key without a passphrase", e);
		ERR_clear_error();
		err_hint(e, "?key= names the key that belongs to ?cert=");
		return err_at(e, key, 0, 0);
	}
	return 0;
}

/* The newest ticket is kept, for the next connection to the same server. */
static int new_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_link *t = SSL_get_app_data(ssl);

	if (!t->ticket || !SSL_SESSION_is_resumable(session))
		return 0;
	net_ticket_release(t->ticket);
	t->ticket->session = session;
	return 1; /* the reference is ours now */
}

/* Called for each fault of the chain; the first one is explained. */
static int verify_step(int ok, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_link *t = SSL_get_app_data(ssl);

	if (!ok && t && t->refused.kind == ERR_NONE)
		net_cert_explain(X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_current_cert(store),
				 X509_STORE_CTX_get0_cert(store), t->setup->host, &t->refused);
	return ok;
}

static int make_ctx(struct net_tls *t, const struct net_tls_options *opt, struct err *e)
{
	int least = opt->only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;

	t->ctx = SSL_CTX_new(TLS_client_method());
	if (!t->ctx || SSL_CTX_set_min_proto_version(t->ctx, least) != 1)
		return net_tls_says(e, "cannot set up TLS");
	/* A missing close_notify is told apart by cut_off; to OpenSSL it would spoil the session's ticket. */
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(t->ctx, 1);
	SSL_CTX_set_default_read_buffer_len(t->ctx, READ_BUFFER);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(t->ctx, new_session);
	SSL_CTX_set_verify(t->ctx, t->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, t->verify ? verify_step : NULL);
	if (opt->cert_file && load_own(t->ctx, opt->cert_file, opt->key_file ? opt->key_file : opt->cert_file, e) < 0)
		return -1;
	if (!t->verify)
		return 0;
	if (load_store(t->ctx, opt->ca, e) < 0)
		return -1;
	read_extensions(t->ctx);
	return 0;
}

int net_tls_new(struct net_tls **out, const struct net_tls_options *opt, struct err *e)
{
	struct net_tls *t = mem_new(sizeof *t);
	struct net_address number;

	if (!t)
		return err_nomem(e, "for TLS");
	t->verify = opt->verify == NET_VERIFY_FULL;
	t->only_tls13 = opt->only_tls13;
	t->own_cert = opt->cert_file != NULL;
	t->pinned = opt->pin != NULL;
	if (opt->pin)
		memcpy(t->pin, opt->pin, sizeof t->pin);
	MUST(opt->verify != NET_VERIFY_PIN || t->pinned);
	snprintf(t->host, sizeof t->host, "%s", opt->host);
	t->host_is_number = net_address_literal(opt->host, 0, &number) == 0;
	t->method = tls_link_method();
	if (!t->method) {
		net_tls_says(e, "cannot set up TLS");
		goto fail;
	}
	if (make_ctx(t, opt, e) < 0)
		goto fail;
	*out = t;
	return 0;
fail:
	net_tls_free(&t);
	return -1;
}

void net_tls_free(struct net_tls **t)
{
	if (!*t)
		return;
	SSL_CTX_free((*t)->ctx);
	BIO_meth_free((*t)->method);
	mem_free(*t);
	*t = NULL;
}

void net_ticket_release(struct net_ticket *t)
{
	SSL_SESSION_free(t->session);
	t->session = NULL;
}
