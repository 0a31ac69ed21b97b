/* relay_url.c - relays as URLs. Invariants, held by tests/unit/test_relay_url.c:
 *  1. Nothing of a URL with a password is repeated in the sentence that refuses it.
 *  2. No part holds a control byte, whether written plainly or as %XX.
 *  3. What is not understood is refused, never passed over: a misspelt ?tls must not mean "none". */
#include "transport/relay/relay_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"

enum { PORT_SUBMISSION = 587, PORT_SUBMISSIONS = 465, PORT_LMTP = 24, PORT_SOCKS = 1080 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes %XX. what names the part in the sentence. */
static int decode(struct span s, const char *what, char *out, size_t max, struct err *e)
{
	size_t n = 0;

	while (s.n > 0) {
		unsigned char c = (unsigned char)span_take(&s);

		if (c == '%') {
			int high = s.n >= 2 ? hex_digit(s.p[0]) : -1, low = s.n >= 2 ? hex_digit(s.p[1]) : -1;

			if (high < 0 || low < 0)
				return err_set(e, ERR_INPUT, "%%XX is broken in the %s of the relay's URL", what);
			c = (unsigned char)(high * 16 + low);
			s = span_skip(s, 2);
		}
		if (c < 0x20 || c == 0x7f)
			return err_set(e, ERR_INPUT, "the %s of the relay's URL has a control character", what);
		if (n == max)
			return err_set(e, ERR_INPUT, "the %s of the relay's URL has over %zu bytes", what, max);
		out[n++] = (char)c;
	}
	out[n] = '\0';
	if (!utf8_valid(span_of(out, n)))
		return err_set(e, ERR_INPUT, "the %s of the relay's URL is not UTF-8", what);
	return 0;
}

/* ---- behind the question mark ---- */

static int take_tls(struct relay_url *u, struct span value, struct err *e)
{
	if (span_eq(value, SPAN("none")))
		u->security = SMTP_PLAIN;
	else if (span_eq(value, SPAN("starttls")))
		u->security = SMTP_STARTTLS;
	else if (span_eq(value, SPAN("implicit")))
		u->security = SMTP_IMPLICIT;
	else {
		err_set(e, ERR_INPUT, "?tls=%.*s of the relay's URL is not known", SPAN_ARG(value));
		return err_hint(e, "it may be none, starttls or implicit");
	}
	return 0;
}

static int take_verify(struct relay_url *u, struct span value, struct err *e)
{
	if (span_eq(value, SPAN("yes")))
		u->verify = NET_VERIFY_FULL;
	else if (span_eq(value, SPAN("pin")))
		u->verify = NET_VERIFY_PIN;
	else if (span_eq(value, SPAN("no")))
		u->verify = NET_VERIFY_NONE;
	else {
		err_set(e, ERR_INPUT, "?verify=%.*s of the relay's URL is not known", SPAN_ARG(value));
		return err_hint(e, "it may be yes, pin to trust what ?pin= says alone, or no to trust any certificate");
	}
	return 0;
}

static int take_tls_min(struct relay_url *u, struct span value, struct err *e)
{
	u->only_tls13 = span_eq(value, SPAN("1.3"));
	if (u->only_tls13 || span_eq(value, SPAN("1.2")))
		return 0;
	err_set(e, ERR_INPUT, "?tls-min=%.*s of the relay's URL is not known", SPAN_ARG(value));
	return err_hint(e, "it may be 1.2 or 1.3; older ones are not spoken");
}

/* "sha256:" and 64 digits, with or without colons, as `openssl x509 -fingerprint -sha256` and `lettershop
 * probe` print them. */
static int take_pin(struct relay_url *u, struct span value, struct err *e)
{
	struct span hex = span_skip(value, 7);
	size_t n = 0;

	if (!span_case_begins(value, SPAN("sha256:")))
		hex.n = 0;
	while (hex.n >= 2 && n < sizeof u->pin) {
		int high = hex_digit(hex.p[0]), low = hex_digit(hex.p[1]);

		if (high < 0 || low < 0)
			break;
		u->pin[n++] = (unsigned char)(high * 16 + low);
		hex = span_skip(hex, 2);
		if (hex.n > 1 && *hex.p == ':')
			hex = span_skip(hex, 1);
	}
	u->pinned = n == sizeof u->pin && hex.n == 0;
	if (u->pinned)
		return 0;
	err_set(e, ERR_INPUT, "?pin= of the relay's URL is no fingerprint");
	return err_hint(e, "it is sha256: and 64 digits of the certificate's SHA-256; lettershop probe URL shows it");
}

static int take_authority(struct relay_url *u, struct span s, struct err *e);

static int take_proxy(struct relay_url *u, struct span value, struct err *e)
{
	static const struct span scheme = { "socks5://", 9 };
	char text[RELAY_HOST_MAX + 32];
	struct relay_url p = { .port = PORT_SOCKS };

	if (decode(value, "?proxy", text, sizeof text - 1, e) < 0)
		return -1;
	value = span_str(text);
	if (!span_case_begins(value, scheme)) {
		err_set(e, ERR_INPUT, "?proxy=%s of the relay's URL is not known", text);
		return err_hint(e, "it is written ?proxy=socks5://HOST:1080");
	}
	value = span_skip(value, scheme.n);
	if (value.n > 0 && value.p[value.n - 1] == '/')
		value.n--;
	if (take_authority(&p, value, e) < 0)
		return -1;
	if (p.user[0])
		return err_set(e, ERR_INPUT, "a proxy that wants a login is not known how to be used");
	memcpy(u->proxy, p.host, sizeof u->proxy);
	u->proxy_port = p.port;
	return 0;
}

static int take_count(struct span value, const char *what, unsigned max, unsigned *out, struct err *e)
{
	unsigned long long n;

	if (span_number(value, max, &n) < 0 || n == 0)
		return err_set(e, ERR_INPUT, "?%s=%.*s of the relay's URL is no number from 1 to %u", what, SPAN_ARG(value), max);
	*out = (unsigned)n;
	return 0;
}

/* What it says is read by whoever keeps to it: relay_open(). */
static int take_rate(struct span value, const char *what, char out[RELAY_RATE_MAX + 1], struct err *e)
{
	if (decode(value, what, out, RELAY_RATE_MAX, e) < 0)
		return -1;
	return out[0] ? 0 : err_set(e, ERR_INPUT, "%s of the relay's URL is empty", what);
}

/* 1 it was one of these, 0 not, -1. */
static int take_limit(struct relay_limits *l, struct span key, struct span value, struct err *e)
{
	int rc;

	if (span_eq(key, SPAN("weight")))
		rc = take_count(value, "weight", RELAY_WEIGHT_MAX, &l->weight, e);
	else if (span_eq(key, SPAN("connections")))
		rc = take_count(value, "connections", 4096, &l->connections, e);
	else if (span_eq(key, SPAN("messages")))
		rc = take_count(value, "messages", 1000000000, &l->messages, e);
	else if (span_eq(key, SPAN("window")))
		rc = take_count(value, "window", SMTP_WINDOW_MAX, &l->window, e);
	else if (span_eq(key, SPAN("rate")))
		rc = take_rate(value, "?rate", l->rate, e);
	else if (span_eq(key, SPAN("connection-rate")))
		rc = take_rate(value, "?connection-rate", l->connection_rate, e);
	else
		return 0;
	return rc < 0 ? -1 : 1;
}

static int take_parameter(struct relay_url *u, struct span parameter, struct err *e)
{
	struct span value = parameter, key = span_cut(&value, '=');
	int limit = take_limit(&u->limits, key, value, e);

	if (limit != 0)
		return limit < 0 ? -1 : 0;
	if (span_eq(key, SPAN("tls")))
		return take_tls(u, value, e);
	if (span_eq(key, SPAN("verify")))
		return take_verify(u, value, e);
	if (span_eq(key, SPAN("tls-min")))
		return take_tls_min(u, value, e);
	if (span_eq(key, SPAN("proxy")) && value.n)
		return take_proxy(u, value, e);
	if (span_eq(key, SPAN("pin")))
		return take_pin(u, value, e);
	if (span_eq(key, SPAN("ca")) && value.n)
		return decode(value, "?ca", u->ca, RELAY_PATH_MAX, e);
	if (span_eq(key, SPAN("cert")) && value.n)
		return decode(value, "?cert", u->cert, RELAY_PATH_MAX, e);
	if (span_eq(key, SPAN("key")) && value.n)
		return decode(value, "?key", u->key, RELAY_PATH_MAX, e);
	if (span_eq(key, SPAN("auth")) && value.n)
		return decode(value, "?auth", u->auth, RELAY_AUTH_MAX, e);
	err_set(e, ERR_INPUT, "the relay's URL has a parameter that is not known: '%.*s'", SPAN_ARG(parameter));
	return err_hint(e, "known are ?tls=none|starttls|implicit, ?tls-min=1.3, ?ca=FILE, ?cert=FILE, ?key=FILE, ?pin=sha256:HEX, "
			   "?verify=no|pin, ?proxy=socks5://HOST, ?auth=MECHANISM, ?rate=10/s, ?connection-rate=2/s, "
			   "?connections=N, ?messages=N, ?window=N and ?weight=N, joined by &");
}

static int take_parameters(struct relay_url *u, struct span query, struct err *e)
{
	while (query.n > 0)
		if (take_parameter(u, span_cut(&query, '&'), e) < 0)
			return -1;
	return 0;
}

/* ---- user, host, port ---- */

static int take_user(struct relay_url *u, struct span user, struct err *e)
{
	if (span_find(user, ':') < user.n) {
		err_set(e, ERR_INPUT, "a password in the relay's URL is refused, as everyone on this machine could see it");
		return err_hint(e, "give it by --password-command, a file, an environment variable or at the prompt "
				   "(a ':' of the user name itself is written %%3A)");
	}
	if (decode(user, "user", u->user, RELAY_USER_MAX, e) < 0)
		return -1;
	return u->user[0] ? 0 : err_set(e, ERR_INPUT, "the user in front of the @ of the relay's URL is empty");
}

static int take_port(struct relay_url *u, struct span port, struct err *e)
{
	unsigned long long n;

	if (span_number(port, 65535, &n) < 0 || n == 0)
		return err_set(e, ERR_INPUT, "'%.*s' in the relay's URL is no port", SPAN_ARG(port));
	u->port = (uint16_t)n;
	return 0;
}

/* A name beyond ASCII becomes A-labels, as certificates have it. */
static int take_idn(struct relay_url *u, struct span host, struct err *e)
{
	char text[RELAY_HOST_MAX + 16];
	struct arena memory;
	struct address a;
	int rc;

	arena_init(&memory, 4096, 1 << 20);
	snprintf(text, sizeof text, "x@%.*s", SPAN_ARG(host));
	rc = address_parse(span_str(text), &memory, &a, e);
	if (rc == 0)
		snprintf(u->host, sizeof u->host, "%.*s", SPAN_ARG(a.domain));
	else
		err_set(e, ERR_INPUT, "'%.*s' in the relay's URL is no host name", SPAN_ARG(host));
	arena_release(&memory);
	return rc;
}

static bool name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.';
}

static int take_name(struct relay_url *u, struct span host, struct err *e)
{
	if (host.n == 0) {
		err_set(e, ERR_INPUT, "the relay's URL has no host");
		return err_hint(e, "for example smtp://smtp.example.com:587");
	}
	if (host.n > RELAY_HOST_MAX)
		return err_set(e, ERR_INPUT, "the host of the relay's URL has over %d bytes", RELAY_HOST_MAX);
	if (!utf8_ascii(host))
		return take_idn(u, host, e);
	for (size_t i = 0; i < host.n; i++) {
		if (!name_byte(host.p[i]))
			return err_set(e, ERR_INPUT, "'%.*s' in the relay's URL is no host name", SPAN_ARG(host));
		u->host[i] = host.p[i] >= 'A' && host.p[i] <= 'Z' ? (char)(host.p[i] + 32) : host.p[i];
	}
	u->host[host.n] = '\0';
	if (u->host[host.n - 1] == '.') /* the root's dot is in no certificate */
		u->host[host.n - 1] = '\0';
	return u->host[0] ? 0 : err_set(e, ERR_INPUT, "the relay's URL has no host");
}

/* "[2001:db8::1]" and what follows it. */
static int take_bracket(struct relay_url *u, struct span *rest, struct err *e)
{
	struct span all = *rest, number;
	struct in6_addr v6;

	*rest = span_skip(*rest, 1);
	number = span_cut(rest, ']');
	if (number.n + 2 > all.n || all.p[number.n + 1] != ']' || number.n > INET6_ADDRSTRLEN)
		return err_set(e, ERR_INPUT, "the bracket of the relay's URL is not closed");
	snprintf(u->host, sizeof u->host, "%.*s", SPAN_ARG(number));
	if (inet_pton(AF_INET6, u->host, &v6) != 1)
		return err_set(e, ERR_INPUT, "'%s' in the relay's URL is no IPv6 address", u->host);
	return 0;
}

static int take_authority(struct relay_url *u, struct span s, struct err *e)
{
	size_t at = s.n;

	while (at > 0 && s.p[at - 1] != '@')
		at--;
	if (at > 0) {
		if (take_user(u, span_sub(s, 0, at - 1), e) < 0)
			return -1;
		s = span_skip(s, at);
	}
	if (s.n > 0 && s.p[0] == '[') {
		if (take_bracket(u, &s, e) < 0)
			return -1;
		if (s.n > 0 && s.p[0] != ':')
			return err_set(e, ERR_INPUT, "the relay's URL goes on behind the bracket without a port");
		return s.n > 0 ? take_port(u, span_skip(s, 1), e) : 0;
	}
	struct span host = span_cut(&s, ':');

	if (s.p && take_port(u, s, e) < 0)
		return -1;
	return take_name(u, host, e);
}

/* By the number: a name such as 127.example.org may be anywhere. */
static bool on_this_machine(const char *host)
{
	struct net_address number;

	return strcmp(host, "localhost") == 0 ||
	       (net_address_literal(host, 0, &number) == 0 && net_address_is_local(&number));
}

/* The part between "scheme://" and "?". */
static int take_place(struct relay_url *u, struct span s, struct err *e)
{
	struct span path;

	if (s.n > 0 && s.p[0] == '/') {
		if (!u->lmtp)
			return err_set(e, ERR_INPUT, "only lmtp:// may name a socket's path");
		u->security = SMTP_PLAIN;
		return decode(s, "path", u->socket, RELAY_SOCKET_MAX, e);
	}
	path = s;
	s = span_cut(&path, '/');
	if (path.n > 0) {
		err_set(e, ERR_INPUT, "the relay's URL has a path, '/%.*s', that nothing is done with", SPAN_ARG(path));
		return err_hint(e, "a socket is written with three slashes: lmtp:///run/lmtp.sock");
	}
	if (take_authority(u, s, e) < 0)
		return -1;
	if (u->lmtp && on_this_machine(u->host))
		u->security = SMTP_PLAIN;
	return 0;
}

static int check_whole(const struct relay_url *u, struct err *e)
{
	if (u->socket[0] && u->proxy[0])
		return err_set(e, ERR_INPUT, "a socket on this machine is not reached through a proxy");
	if (u->socket[0] && u->security != SMTP_PLAIN)
		return err_set(e, ERR_INPUT, "a socket on this machine is not used with TLS");
	if (u->verify == NET_VERIFY_PIN && !u->pinned) {
		err_set(e, ERR_INPUT, "?verify=pin wants a ?pin= with the certificate's fingerprint");
		return err_hint(e, "lettershop probe 'URL?verify=no' shows it");
	}
	if (u->key[0] && !u->cert[0])
		return err_set(e, ERR_INPUT, "the relay's URL has ?key= but no ?cert=");
	if (u->security == SMTP_PLAIN && (u->only_tls13 || u->pinned || u->cert[0] || u->ca[0]))
		return err_set(e, ERR_INPUT, "the relay's URL says how TLS is to be, and that there is to be none");
	if (u->auth[0] && !u->user[0] && strcasecmp(u->auth, "EXTERNAL") != 0) {
		err_set(e, ERR_INPUT, "the relay's URL has ?auth= but no user");
		return err_hint(e, "write the user in front of the host: smtp://ann@smtp.example.com");
	}
	if (u->lmtp && u->port == 25)
		return err_set(e, ERR_INPUT, "LMTP is never spoken on port 25 (RFC 2033)");
	return 0;
}

/* 1 and *rest stands behind "scheme://", 0 another scheme. */
static int take_scheme(struct span text, struct relay_url *u, struct span *rest)
{
	static const struct {
		struct span begins;
		bool lmtp;
		enum smtp_security security;
		uint16_t port;
	} schemes[] = {
		{ SPAN("smtp://"), false, SMTP_STARTTLS, PORT_SUBMISSION },
		{ SPAN("smtps://"), false, SMTP_IMPLICIT, PORT_SUBMISSIONS },
		{ SPAN("lmtp://"), true, SMTP_STARTTLS, PORT_LMTP },
	};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (span_case_begins(text, schemes[i].begins)) {
			u->lmtp = schemes[i].lmtp;
			u->security = schemes[i].security;
			u->port = schemes[i].port;
			*rest = span_skip(text, schemes[i].begins.n);
			return 1;
		}
	return 0;
}

int relay_url_parse(const char *text, struct relay_url *out, struct err *e)
{
	struct span rest, place;

	memset(out, 0, sizeof *out);
	out->verify = NET_VERIFY_FULL;
	if (!take_scheme(span_str(text), out, &rest)) {
		err_set(e, ERR_INPUT, "a relay's URL begins with smtp://, smtps:// or lmtp://");
		return err_hint(e, "for example smtp://ann@smtp.example.com:587");
	}
	place = span_cut(&rest, '?');
	if (take_place(out, place, e) < 0 || take_parameters(out, rest, e) < 0)
		return -1;
	return check_whole(out, e);
}
