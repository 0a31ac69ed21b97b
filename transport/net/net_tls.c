/* net_tls.c - TLS over a link's socket; what it is made from is net_tls_setup.c's.
 *
 * OpenSSL reads and writes through a BIO of ours, which never raises SIGPIPE. Bytes to write are
 * gathered in a buffer as large as a record, so that small pieces make few records. Invariants,
 * held by tests/unit/test_net_tls.c:
 *  1. A record that OpenSSL could not write at once is offered again unchanged: while held > 0
 *     nothing is added to the buffer.
 *  2. Nobody gets bytes of a server whose certificate was refused: the handshake does not end.
 *  3. read_wants_write and write_wants_read remember why OpenSSL stopped, so that the poll loop
 *     waits for the right thing and never spins. */
#include "transport/net/net_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/net/net_cert.h"

/* ---- the BIO ---- */

static int bio_write(BIO *b, const char *p, int n)
{
	const struct tls_link *t = BIO_get_data(b);
	ssize_t rc;

	BIO_clear_retry_flags(b);
	do {
		rc = send(t->link->fd, p, (size_t)n, MSG_NOSIGNAL);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno == EAGAIN)
		BIO_set_retry_write(b);
	return (int)rc;
}

static int bio_read(BIO *b, char *p, int n)
{
	struct tls_link *t = BIO_get_data(b);
	ssize_t rc;

	BIO_clear_retry_flags(b);
	do {
		rc = recv(t->link->fd, p, (size_t)n, 0);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno == EAGAIN)
		BIO_set_retry_read(b);
	if (rc == 0) {
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
		t->cut_off = true;
	}
	return (int)rc;
}

static long bio_ctrl(BIO *b, int what, long number, void *p)
{
	(void)number;
	(void)p;
	if (what == BIO_CTRL_FLUSH)
		return 1;
	if (what == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	return 0;
}

static int bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

BIO_METHOD *tls_link_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "link");

	if (!m)
		return NULL;
	if (BIO_meth_set_write(m, bio_write) == 1 && BIO_meth_set_read(m, bio_read) == 1 &&
	    BIO_meth_set_ctrl(m, bio_ctrl) == 1 && BIO_meth_set_create(m, bio_create) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* ---- one link ---- */

/* RFC 9525: names of the certificate only, never its subject; RFC 6066 3: no SNI for numbers. */
static int expect_host(SSL *ssl, const struct net_tls *t)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);

	if (t->host_is_number)
		return X509_VERIFY_PARAM_set1_ip_asc(p, t->host) == 1;
	if (SSL_set_tlsext_host_name(ssl, t->host) != 1)
		return false;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return SSL_set1_host(ssl, t->host) == 1;
}

static int attach(struct tls_link *t)
{
	BIO *bio = BIO_new(t->setup->method);

	if (!bio)
		return -1;
	BIO_set_data(bio, t);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	SSL_set_connect_state(t->ssl);
	return 0;
}

int tls_link_new(struct tls_link **out, struct net_link *l, const struct net_tls *setup,
		 struct net_ticket *ticket, struct err *e)
{
	struct tls_link *t = mem_new(sizeof *t);

	if (!t)
		return err_nomem(e, "for TLS");
	t->link = l;
	t->setup = setup;
	t->ticket = ticket;
	t->ssl = SSL_new(setup->ctx);
	if (!t->ssl || attach(t) < 0 || (setup->verify && !expect_host(t->ssl, setup)) ||
	    (!setup->verify && !setup->host_is_number && SSL_set_tlsext_host_name(t->ssl, setup->host) != 1)) {
		tls_link_free(&t);
		return net_tls_says(e, "cannot begin TLS");
	}
	if (ticket && ticket->session)
		SSL_set_session(t->ssl, ticket->session);
	*out = t;
	return 0;
}

/* Our close_notify, if the socket takes it now. OpenSSL would call the session spoilt without it; since
 * TLS 1.1 a link that was cut off says nothing against resuming its session. */
static void say_goodbye(struct tls_link *t)
{
	if (!t->dead && t->held == 0)
		(void)SSL_shutdown(t->ssl);
	SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void tls_link_free(struct tls_link **t)
{
	if (!*t)
		return;
	if ((*t)->ssl && (*t)->shaken)
		say_goodbye(*t);
	SSL_free((*t)->ssl);
	ERR_clear_error();
	explicit_bzero((*t)->record, (*t)->gathered); /* a login that the socket did not take */
	mem_free(*t);
	*t = NULL;
}

static int truncated(struct err *e)
{
	return err_set(e, ERR_NET, "the server closed the connection without the end of TLS (close_notify)");
}

/* The server ended TLS because of our certificate, or for the lack of one. */
static int refused_ours(const struct tls_link *t, struct err *e)
{
	if (t->setup->own_cert)
		return err_set(e, ERR_TLS, "the server does not accept our certificate");
	err_set(e, ERR_TLS, "the server refuses TLS with us: it may want a certificate of ours");
	return err_hint(e, "?cert=FILE&key=FILE in the relay's URL name one");
}

/* Why the handshake failed, where no certificate is to blame. */
static int explain_handshake(const struct tls_link *t, struct err *e, int saved_errno)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	if (code == 0 || ERR_GET_LIB(code) == ERR_LIB_SYS) {
		errno = saved_errno;
		if (saved_errno != 0)
			return net_link_broken(e);
		return err_set(e, ERR_NET, "the server closed the connection during the TLS handshake");
	}
	switch (ERR_GET_REASON(code)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
		err_set(e, ERR_TLS, "the server does not speak TLS on this port");
		return err_hint(e, "smtps:// begins with TLS (port 465), smtp:// turns it on with STARTTLS (port 587)");
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return err_set(e, ERR_TLS, "the server has no TLS 1.%d or newer", t->setup->only_tls13 ? 3 : 2);
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		return refused_ours(t, e);
	default:
		return err_set(e, ERR_TLS, "the TLS handshake failed: %s", reason ? reason : "unknown reason");
	}
}

/* A resumed session has the certificate of the one before it. */
static bool is_pinned(const struct tls_link *t, struct err *e)
{
	struct net_cert_facts facts = { 0 };
	char shown[2 * NET_FINGERPRINT + 1] = "";

	if (tls_link_cert(t, &facts) == 0 && memcmp(facts.sha256, t->setup->pin, sizeof facts.sha256) == 0)
		return true;
	for (size_t i = 0; i < sizeof facts.sha256; i++)
		snprintf(shown + 2 * i, 3, "%02x", facts.sha256[i]);
	err_set(e, ERR_TLS, "the certificate of %s is not the pinned one, but sha256:%s", t->setup->host, shown);
	err_hint(e, "has it been renewed? Ask the relay's owner before you pin the new one");
	return false;
}

int tls_link_handshake(struct tls_link *t, struct err *e)
{
	int rc, saved_errno;

	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(t->ssl);
	saved_errno = errno;
	t->handshake_wants_write = false;
	if (rc == 1) {
		MUST(!t->setup->verify || SSL_get_verify_result(t->ssl) == X509_V_OK);
		t->shaken = true;
		if (!t->setup->pinned || is_pinned(t, e))
			return 1;
		t->dead = true;
		return -1;
	}
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		t->handshake_wants_write = true;
		return 0;
	default:
		break;
	}
	t->dead = true;
	if (t->refused.kind != ERR_NONE) {
		if (e)
			*e = t->refused;
	} else {
		explain_handshake(t, e, saved_errno);
	}
	ERR_clear_error();
	return -1;
}

/* The link is gone for reading or writing. */
static int explain_broken(struct tls_link *t, int ssl_error, int saved_errno, struct err *e)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	if (ssl_error == SSL_ERROR_ZERO_RETURN && !t->cut_off) /* a clean end: ours may still be sent */
		return err_set(e, ERR_NET, "the server closed the connection");
	t->dead = true;
	if (t->cut_off)
		truncated(e);
	else if (ssl_error == SSL_ERROR_SYSCALL) {
		errno = saved_errno;
		net_link_broken(e);
	} else if (ERR_GET_REASON(code) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
		   ERR_GET_REASON(code) == SSL_R_TLSV1_ALERT_UNKNOWN_CA) {
		refused_ours(t, e); /* TLS 1.3: told only after our side of the handshake is through */
	} else {
		err_set(e, ERR_NET, "TLS broke: %s", reason ? reason : "unknown reason");
	}
	ERR_clear_error();
	return -1;
}

int tls_link_read(struct tls_link *t, char *p, size_t size, size_t *out_n, struct err *e)
{
	int rc, why, saved_errno;

	ERR_clear_error();
	errno = 0;
	rc = SSL_read(t->ssl, p, size > TLS_RECORD_MAX * 4 ? TLS_RECORD_MAX * 4 : (int)size);
	saved_errno = errno;
	t->read_wants_write = false;
	if (rc > 0) {
		*out_n = (size_t)rc;
		return 1;
	}
	why = SSL_get_error(t->ssl, rc);
	if (why == SSL_ERROR_WANT_READ)
		return 0;
	if (why == SSL_ERROR_WANT_WRITE) {
		t->read_wants_write = true;
		return 0;
	}
	return explain_broken(t, why, saved_errno, e);
}

bool tls_link_has_more(const struct tls_link *t)
{
	return !t->dead && SSL_has_pending(t->ssl) == 1;
}

/* Fills the record from the pieces, where *skip bytes of the first are gone already. */
static size_t fill_record(struct tls_link *t, const struct span **pieces, int *n, size_t *skip)
{
	size_t before = t->gathered;

	while (*n > 0 && t->gathered < TLS_RECORD_MAX) {
		size_t left = (*pieces)->n - *skip, room = TLS_RECORD_MAX - t->gathered;
		size_t take = left < room ? left : room;

		memcpy(t->record + t->gathered, (*pieces)->p + *skip, take);
		t->gathered += take;
		*skip += take;
		if (take == left) {
			(*pieces)++;
			(*n)--;
			*skip = 0;
		}
	}
	return t->gathered - before;
}

/* 1 the record is gone, 0 it waits, -1. */
static int write_record(struct tls_link *t, struct err *e)
{
	int rc, why, saved_errno;

	ERR_clear_error();
	errno = 0;
	rc = SSL_write(t->ssl, t->record, (int)t->gathered);
	saved_errno = errno;
	t->write_full = t->write_wants_read = false;
	if (rc > 0) {
		MUST((size_t)rc == t->gathered);
		if (rc < TLS_RECORD_MAX) /* a login is no full record: no line of it stays behind */
			explicit_bzero(t->record, (size_t)rc);
		t->gathered = t->held = 0;
		return 1;
	}
	t->held = t->gathered;
	why = SSL_get_error(t->ssl, rc);
	if (why == SSL_ERROR_WANT_WRITE) {
		t->write_full = true;
		return 0;
	}
	if (why == SSL_ERROR_WANT_READ) {
		t->write_wants_read = true;
		return 0;
	}
	return explain_broken(t, why, saved_errno, e);
}

int tls_link_write(struct tls_link *t, const struct span *pieces, int n, size_t *out_n, struct err *e)
{
	size_t skip = 0;
	int rc = 1;

	if (t->held > 0)
		rc = write_record(t, e);
	while (rc == 1 && n > 0) {
		*out_n += fill_record(t, &pieces, &n, &skip);
		rc = write_record(t, e);
	}
	return rc < 0 ? -1 : 0;
}

unsigned tls_link_wants(const struct tls_link *t)
{
	bool write = t->handshake_wants_write || t->read_wants_write || t->write_full;

	return NET_WANTS_READ | (write ? NET_WANTS_WRITE : 0);
}

void tls_link_words(const struct tls_link *t, char *out, size_t out_size)
{
	if (out_size > 0)
		out[0] = '\0';
	if (t->shaken)
		snprintf(out, out_size, "%s, %s%s", SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl),
			 tls_link_resumed(t) ? ", resumed" : "");
}

bool tls_link_resumed(const struct tls_link *t)
{
	return t->shaken && SSL_session_reused(t->ssl) == 1;
}

int tls_link_cert(const struct tls_link *t, struct net_cert_facts *out)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);

	return cert ? net_cert_read(cert, out) : -1;
}

int tls_link_binding(const struct tls_link *t, unsigned char out[NET_BINDING])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!t->shaken || SSL_version(t->ssl) < TLS1_3_VERSION)
		return -1;
	return SSL_export_keying_material(t->ssl, out, NET_BINDING, label, sizeof label - 1, NULL, 0, 0) == 1 ? 0 : -1;
}
