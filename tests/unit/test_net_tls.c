/* TLS links against a server of this test, with a certificate for each way to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "transport/net/net.h"

enum { DAY = 24 * 60 * 60, BIG = 1000 * 1000 };

/* ---- certificates ---- */

struct party {
	EVP_PKEY *key;
	X509 *cert;
};

static struct party ca, stranger;
static char ca_path[64];

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *x;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(x);
	assert_int_equal(X509_add_ext(cert, x, -1), 1);
	X509_EXTENSION_free(x);
}

/* issuer NULL: self-signed. names: of subjectAltName, NULL none. */
static struct party make_party(const char *common_name, const struct party *issuer, const char *names,
			       const char *usage, int from_days, int to_days, bool is_ca)
{
	struct party p = { .key = EVP_EC_gen("P-256"), .cert = X509_new() };
	static long serial = 1;
	X509_NAME *name = X509_get_subject_name(p.cert);

	X509_set_version(p.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p.cert), serial++);
	X509_time_adj_ex(X509_getm_notBefore(p.cert), from_days, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(p.cert), to_days, 0, NULL);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
	X509_set_issuer_name(p.cert, issuer ? X509_get_subject_name(issuer->cert) : name);
	X509_set_pubkey(p.cert, p.key);
	add_extension(p.cert, issuer ? issuer->cert : p.cert, NID_basic_constraints,
		      is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (names)
		add_extension(p.cert, issuer ? issuer->cert : p.cert, NID_subject_alt_name, names);
	if (usage)
		add_extension(p.cert, issuer ? issuer->cert : p.cert, NID_ext_key_usage, usage);
	assert_true(X509_sign(p.cert, issuer ? issuer->key : p.key, EVP_sha256()) > 0);
	return p;
}

static void free_party(struct party *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
}

static void write_cert(const char *path, X509 *cert)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	PEM_write_X509(f, cert);
	fclose(f);
}

/* ---- server ---- */

enum server_end { END_CLEAN, END_ABRUPT, END_ECHO };

struct server {
	const struct party *who;
	int max_version;
	enum server_end end;
	int fd;
	bool shaken;
	SSL_CTX *ctx; /* kept over connections, for tickets */
};

static void echo(SSL *ssl)
{
	char bytes[30000];
	size_t n;

	while (SSL_read_ex(ssl, bytes, sizeof bytes, &n) == 1 && SSL_write_ex(ssl, bytes, n, &n) == 1)
		;
}

static void *serve(void *arg)
{
	struct server *s = arg;
	SSL *ssl = SSL_new(s->ctx);
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE); /* of this thread only: the client must do without */
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	SSL_set_fd(ssl, s->fd);
	s->shaken = SSL_accept(ssl) == 1;
	if (s->shaken) {
		SSL_write(ssl, "220 hello\r\n", 11);
		if (s->end == END_ECHO)
			echo(ssl);
		if (s->end == END_CLEAN || s->end == END_ECHO)
			SSL_shutdown(ssl);
	}
	shutdown(s->fd, SHUT_WR); /* no reset that takes away what was sent */
	char waste[4096];
	while (read(s->fd, waste, sizeof waste) > 0)
		;
	SSL_free(ssl);
	close(s->fd);
	ERR_clear_error();
	return NULL;
}

static void server_init(struct server *s, const struct party *who, int max_version, enum server_end end)
{
	*s = (struct server){ .who = who, .max_version = max_version, .end = end };
	s->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(s->ctx, 0);
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION);
	if (max_version)
		SSL_CTX_set_max_proto_version(s->ctx, max_version);
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, who->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, who->key), 1);
	SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"t", 1);
}

/* ---- client ---- */

static int wait_for(struct net_link *l)
{
	unsigned wants = net_link_wants(l);
	struct pollfd p = { .fd = net_link_fd(l) };

	p.events = (short)((wants & NET_WANTS_READ ? POLLIN : 0) | (wants & NET_WANTS_WRITE ? POLLOUT : 0));
	return poll(&p, 1, 5000);
}

static struct net_link *connect_to(struct server *s, pthread_t *thread)
{
	struct net_addresses to = { .n = 1 };
	struct net_link *l = NULL;
	struct err e = { 0 };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	assert_int_equal(net_address_literal("127.0.0.1", 0, &to.items[0]), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&to.items[0].at, to.items[0].n), 0);
	assert_int_equal(listen(listener, 4), 0);
	getsockname(listener, (struct sockaddr *)&to.items[0].at, &to.items[0].n);
	assert_int_equal(net_link_new(&l, &e), 0);
	rc = net_link_connect(l, &to, clock_mono_ms(), 5000, &e);
	while (rc == 0) {
		wait_for(l);
		rc = net_link_connect_step(l, clock_mono_ms(), &e);
	}
	assert_int_equal(rc, 1);
	s->fd = accept(listener, NULL, NULL);
	close(listener);
	assert_int_equal(pthread_create(thread, NULL, serve, s), 0);
	return l;
}

static int shake(struct net_link *l, struct err *e)
{
	int rc;

	while ((rc = net_link_handshake(l, e)) == 0)
		assert_int_equal(wait_for(l), 1);
	return rc;
}

/* ---- certificates, right and wrong ---- */

static const struct cert_case {
	const char *title, *host, *common_name, *names, *usage;
	int from_days, to_days;
	enum { BY_CA, BY_STRANGER, BY_ITSELF } by;
	int max_version;
	bool no_verify;
	int rc;
	const char *words; /* of the sentence */
} certs[] = {
	{ "good", "mx.example", "x", "DNS:mx.example", NULL, -1, 9, BY_CA, 0, false, 1, NULL },
	{ "good, TLS 1.2", "mx.example", "x", "DNS:mx.example", NULL, -1, 9, BY_CA, TLS1_2_VERSION, false, 1, NULL },
	{ "upper case", "mx.example", "x", "DNS:MX.Example", NULL, -1, 9, BY_CA, 0, false, 1, NULL },
	{ "number", "192.0.2.7", "x", "IP:192.0.2.7", NULL, -1, 9, BY_CA, 0, false, 1, NULL },
	{ "IPv6 number", "2001:db8::7", "x", "IP:2001:db8::7", NULL, -1, 9, BY_CA, 0, false, 1, NULL },
	{ "wildcard", "mx.example.org", "x", "DNS:*.example.org", NULL, -1, 9, BY_CA, 0, false, 1, NULL },
	{ "server usage", "mx.example", "x", "DNS:mx.example", "serverAuth", -1, 9, BY_CA, 0, false, 1, NULL },
	{ "not verified", "mx.example", "x", "DNS:other", NULL, -9, -1, BY_ITSELF, 0, true, 1, NULL },
	{ "expired", "mx.example", "x", "DNS:mx.example", NULL, -9, -1, BY_CA, 0, false, -1, "mx.example expired on 20" },
	{ "not yet", "mx.example", "x", "DNS:mx.example", NULL, 2, 9, BY_CA, 0, false, -1, "is not valid before 20" },
	{ "self-signed", "mx.example", "x", "DNS:mx.example", NULL, -1, 9, BY_ITSELF, 0, false, -1, "self-signed" },
	{ "unknown", "mx.example", "x", "DNS:mx.example", NULL, -1, 9, BY_STRANGER, 0, false, -1,
	  "comes from 'Stranger', whom this machine does not know" },
	{ "wrong name", "mx.example", "x", "DNS:a.example,DNS:b.example", NULL, -1, 9, BY_CA, 0, false, -1,
	  "is not for mx.example but for a.example, b.example" },
	{ "many names", "mx.example", "x",
	  "DNS:a.x,DNS:b.x,DNS:c.x,DNS:d.x,DNS:e.x,DNS:f.x,DNS:g.x,IP:192.0.2.1", NULL, -1, 9, BY_CA, 0, false, -1,
	  "a.x, b.x, c.x, d.x, e.x, f.x and 2 more" },
	{ "common name only", "mx.example", "mx.example", NULL, NULL, -1, 9, BY_CA, 0, false, -1, "names no host at all" },
	{ "common name beside", "mx.example", "mx.example", "DNS:a.x", NULL, -1, 9, BY_CA, 0, false, -1, "but for a.x" },
	{ "part of a label", "mx.example.org", "x", "DNS:m*.example.org", NULL, -1, 9, BY_CA, 0, false, -1, "but for m*" },
	{ "two levels", "a.b.example.org", "x", "DNS:*.example.org", NULL, -1, 9, BY_CA, 0, false, -1, "but for *." },
	{ "bare domain", "example.org", "x", "DNS:*.example.org", NULL, -1, 9, BY_CA, 0, false, -1, "but for *." },
	{ "number as a name", "192.0.2.7", "x", "DNS:192.0.2.7", NULL, -1, 9, BY_CA, 0, false, -1, "is not for 192.0.2.7" },
	{ "other number", "192.0.2.7", "x", "IP:192.0.2.8", NULL, -1, 9, BY_CA, 0, false, -1, "but for 192.0.2.8" },
	{ "for clients", "mx.example", "x", "DNS:mx.example", "clientAuth", -1, 9, BY_CA, 0, false, -1,
	  "not meant for a server" },
	{ "TLS 1.1", "mx.example", "x", "DNS:mx.example", NULL, -1, 9, BY_CA, TLS1_1_VERSION, false, -1, "no TLS 1.2" },
};

static void check_cert(const struct cert_case *c)
{
	const struct party *issuer = c->by == BY_CA ? &ca : c->by == BY_STRANGER ? &stranger : NULL;
	struct party who = make_party(c->common_name, issuer, c->names, c->usage, c->from_days, c->to_days, false);
	const struct net_tls_options opt = { .host = c->host, .ca = ca_path, .verify = c->no_verify ? NET_VERIFY_NONE : NET_VERIFY_FULL };
	struct net_tls *t = NULL;
	struct net_link *l;
	struct server s;
	struct err e = { 0 };
	pthread_t thread;
	int rc;

	server_init(&s, &who, c->max_version, END_CLEAN);
	assert_int_equal(net_tls_new(&t, &opt, &e), 0);
	l = connect_to(&s, &thread);
	assert_int_equal(net_link_secure(l, t, NULL, &e), 0);
	rc = shake(l, &e);
	if (rc != c->rc)
		fail_msg("%s: %d, %s", c->title, rc, e.text);
	if (c->words && !strstr(e.text, c->words))
		fail_msg("%s: %s", c->title, e.text);
	if (rc < 0)
		assert_int_equal(e.kind, ERR_TLS);
	net_link_free(&l);
	pthread_join(thread, NULL);
	net_tls_free(&t);
	SSL_CTX_free(s.ctx);
	free_party(&who);
}

static void certificates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof certs / sizeof *certs; i++)
		check_cert(&certs[i]);
}

/* ---- reading and writing ---- */

struct setting {
	struct party who;
	struct net_tls *tls;
	struct server server;
	struct net_link *link;
	pthread_t thread;
};

static void set_up(struct setting *x, int max_version, enum server_end end, struct net_ticket *ticket)
{
	const struct net_tls_options opt = { .host = "mx.example", .ca = ca_path };
	struct err e = { 0 };

	if (!x->tls) {
		x->who = make_party("x", &ca, "DNS:mx.example", NULL, -1, 9, false);
		assert_int_equal(net_tls_new(&x->tls, &opt, &e), 0);
		server_init(&x->server, &x->who, max_version, end);
	}
	x->link = connect_to(&x->server, &x->thread);
	assert_int_equal(net_link_secure(x->link, x->tls, ticket, &e), 0);
	if (shake(x->link, &e) != 1)
		fail_msg("%s", e.text);
}

static void hang_up(struct setting *x)
{
	net_link_free(&x->link);
	pthread_join(x->thread, NULL);
}

static void tear_down(struct setting *x)
{
	net_tls_free(&x->tls);
	SSL_CTX_free(x->server.ctx);
	free_party(&x->who);
}

/* Until the link is gone. Returns bytes read. */
static size_t read_to_end(struct net_link *l, char *p, size_t size, struct err *e)
{
	size_t sum = 0, n;
	int rc;

	while ((rc = net_link_read(l, p + sum, size - sum, &n, e)) >= 0) {
		sum += n;
		if (rc == 0)
			assert_int_equal(wait_for(l), 1);
	}
	return sum;
}

static void ends(void **state)
{
	static const struct {
		enum server_end end;
		const char *words;
	} cases[] = { { END_CLEAN, "the server closed the connection" },
		      { END_ABRUPT, "the server closed the connection without the end of TLS (close_notify)" } };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct setting x = { 0 };
		struct err e = { 0 };
		char got[64];

		set_up(&x, i < 2 ? 0 : TLS1_2_VERSION, cases[i % 2].end, NULL);
		assert_int_equal(read_to_end(x.link, got, sizeof got, &e), 11);
		assert_memory_equal(got, "220 hello\r\n", 11);
		assert_string_equal(e.text, cases[i % 2].words);
		assert_int_equal(e.kind, ERR_NET);
		hang_up(&x);
		tear_down(&x);
	}
}

static void much_both_ways(void **state)
{
	static char out[BIG], in[BIG + 11];
	struct setting x = { 0 };
	struct err e = { 0 };
	size_t written = 0, got = 0, n;
	int small = 4096;

	(void)state;
	for (size_t i = 0; i < BIG; i++)
		out[i] = (char)(i % 241);
	set_up(&x, 0, END_ECHO, NULL);
	setsockopt(net_link_fd(x.link), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	while (got < BIG + 11) {
		struct span pieces[3] = { span_sub(span_of(out, BIG), written, 100),
					  span_sub(span_of(out, BIG), written + 100, 1),
					  span_sub(span_of(out, BIG), written + 101, 40000) };
		int count = written < BIG ? written + 100 < BIG ? written + 101 < BIG ? 3 : 2 : 1 : 0;

		assert_int_equal(net_link_write(x.link, pieces, count, &n, &e), 0);
		written += n;
		do {
			assert_true(net_link_read(x.link, in + got, sizeof in - got, &n, &e) >= 0);
			got += n;
		} while (net_link_has_more(x.link) && got < sizeof in);
		if (n == 0 && got < BIG + 11)
			assert_int_equal(wait_for(x.link), 1);
	}
	assert_memory_equal(in + 11, out, BIG);
	hang_up(&x);
	tear_down(&x);
}

static void resumes(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	(void)state;
	for (size_t v = 0; v < 4; v++) {
		struct net_ticket ticket = { NULL };
		struct setting x = { 0 };
		struct err e = { 0 };
		char got[64], words[128];

		for (int i = 0; i < 3; i++) {
			set_up(&x, versions[v % 2], v < 2 ? END_CLEAN : END_ABRUPT, &ticket);
			read_to_end(x.link, got, sizeof got, &e);
			if (net_link_resumed(x.link) != (i > 0))
				fail_msg("version %zu, connection %d", v, i);
			net_link_tls_words(x.link, words, sizeof words);
			assert_memory_equal(words, v % 2 ? "TLSv1.3, " : "TLSv1.2, ", 9);
			hang_up(&x);
		}
		net_ticket_release(&ticket);
		tear_down(&x);
	}
}

/* ---- what is no TLS at all ---- */

static void *say_and_close(void *arg)
{
	struct server *s = arg;
	char waste[4096];

	if (s->end == END_CLEAN)
		(void)!write(s->fd, "220 plain text\r\n", 16);
	shutdown(s->fd, SHUT_WR);
	while (read(s->fd, waste, sizeof waste) > 0)
		;
	close(s->fd);
	return NULL;
}

static void no_tls_there(void **state)
{
	const struct net_tls_options opt = { .host = "mx.example", .ca = ca_path };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct net_addresses to = { .n = 1 };
		struct server s = { .end = i ? END_ABRUPT : END_CLEAN };
		struct net_tls *t = NULL;
		struct net_link *l = NULL;
		struct err e = { 0 };
		pthread_t thread;
		int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(net_address_literal("127.0.0.1", 0, &to.items[0]), 0);
		assert_int_equal(bind(listener, (struct sockaddr *)&to.items[0].at, to.items[0].n), 0);
		assert_int_equal(listen(listener, 4), 0);
		getsockname(listener, (struct sockaddr *)&to.items[0].at, &to.items[0].n);
		assert_int_equal(net_tls_new(&t, &opt, &e), 0);
		assert_int_equal(net_link_new(&l, &e), 0);
		while (net_link_fd(l) < 0)
			net_link_connect(l, &to, clock_mono_ms(), 5000, &e);
		while (net_link_connect_step(l, clock_mono_ms(), &e) == 0)
			wait_for(l);
		s.fd = accept(listener, NULL, NULL);
		pthread_create(&thread, NULL, say_and_close, &s);
		assert_int_equal(net_link_secure(l, t, NULL, &e), 0);
		assert_int_equal(shake(l, &e), -1);
		assert_int_equal(e.kind, i ? ERR_NET : ERR_TLS);
		assert_non_null(strstr(e.text, i ? "during the TLS handshake" : "does not speak TLS"));
		net_link_free(&l);
		pthread_join(thread, NULL);
		net_tls_free(&t);
		close(listener);
	}
}

static void bad_ca_files(void **state)
{
	struct net_tls_options opt = { .host = "mx.example", .ca = "/nonexistent.pem" };
	struct net_tls *t = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(net_tls_new(&t, &opt, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_equal(e.path, "/nonexistent.pem");
	assert_non_null(strstr(e.text, "No such file"));
	opt.ca = "Makefile";
	memset(&e, 0, sizeof e);
	assert_int_equal(net_tls_new(&t, &opt, &e), -1);
	assert_non_null(strstr(e.text, "PEM"));
	assert_null(t);
	opt.ca = NULL;
	assert_int_equal(net_tls_new(&t, &opt, &e), 0);
	net_tls_free(&t);
	mem_fail_after(0);
	assert_int_equal(net_tls_new(&t, &opt, &e), -1);
	mem_fail_after(-1);
	assert_int_equal(e.kind, ERR_NOMEM);
}

static int make_authorities(void **state)
{
	(void)state;
	ca = make_party("Authority", NULL, NULL, NULL, -9, 99, true);
	stranger = make_party("Stranger", NULL, NULL, NULL, -9, 99, true);
	snprintf(ca_path, sizeof ca_path, "/tmp/test_net_tls.%d.pem", (int)getpid());
	write_cert(ca_path, ca.cert);
	return 0;
}

static int drop_authorities(void **state)
{
	(void)state;
	unlink(ca_path);
	free_party(&ca);
	free_party(&stranger);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates),   cmocka_unit_test(ends),         cmocka_unit_test(much_both_ways),
		cmocka_unit_test(resumes),        cmocka_unit_test(no_tls_there), cmocka_unit_test(bad_ca_files),
	};

	return cmocka_run_group_tests_name("net_tls", tests, make_authorities, drop_authorities);
}
