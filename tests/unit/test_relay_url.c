/* Relays as URLs: what is understood, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "transport/relay/relay_url.h"

static const struct good_case {
	const char *url;
	bool lmtp;
	enum smtp_security security;
	const char *host, *socket;
	unsigned port;
	const char *user, *ca, *auth;
	bool verify;
} goods[] = {
	{ "smtp://mx.example", false, SMTP_STARTTLS, "mx.example", "", 587, "", "", "", true },
	{ "SMTP://MX.Example.", false, SMTP_STARTTLS, "mx.example", "", 587, "", "", "", true },
	{ "smtp://mx.example:25?tls=none", false, SMTP_PLAIN, "mx.example", "", 25, "", "", "", true },
	{ "smtp://localhost", false, SMTP_STARTTLS, "localhost", "", 587, "", "", "", true },
	{ "smtps://mx.example", false, SMTP_IMPLICIT, "mx.example", "", 465, "", "", "", true },
	{ "smtps://ann@mx.example:2465", false, SMTP_IMPLICIT, "mx.example", "", 2465, "ann", "", "", true },
	{ "smtp://ann@b.example@mx.example", false, SMTP_STARTTLS, "mx.example", "", 587, "ann@b.example", "", "", true },
	{ "smtp://a%3Ab%40c%20d@mx", false, SMTP_STARTTLS, "mx", "", 587, "a:b@c d", "", "", true },
	{ "smtp://%C3%A9@mx", false, SMTP_STARTTLS, "mx", "", 587, "\xc3\xa9", "", "", true },
	{ "smtp://[2001:db8::1]", false, SMTP_STARTTLS, "2001:db8::1", "", 587, "", "", "", true },
	{ "smtp://ann@[::1]:2525?tls=implicit", false, SMTP_IMPLICIT, "::1", "", 2525, "ann", "", "", true },
	{ "smtp://192.0.2.1:26", false, SMTP_STARTTLS, "192.0.2.1", "", 26, "", "", "", true },
	{ "smtp://mx_1.intern", false, SMTP_STARTTLS, "mx_1.intern", "", 587, "", "", "", true },
	{ "smtp://mx/", false, SMTP_STARTTLS, "mx", "", 587, "", "", "", true },
	{ "smtp://mx?ca=/etc/ca%20x.pem&verify=no", false, SMTP_STARTTLS, "mx", "", 587, "", "/etc/ca x.pem", "", false },
	{ "smtp://u@mx?auth=CRAM-MD5&tls=starttls", false, SMTP_STARTTLS, "mx", "", 587, "u", "", "CRAM-MD5", true },
	{ "smtp://mx?", false, SMTP_STARTTLS, "mx", "", 587, "", "", "", true },
	{ "smtp://b\xc3\xbc" "cher.example", false, SMTP_STARTTLS, "xn--bcher-kva.example", "", 587, "", "", "", true },
	{ "lmtp://mx.example", true, SMTP_STARTTLS, "mx.example", "", 24, "", "", "", true },
	{ "lmtp://127.0.0.1:2003", true, SMTP_PLAIN, "127.0.0.1", "", 2003, "", "", "", true },
	{ "lmtp://localhost", true, SMTP_PLAIN, "localhost", "", 24, "", "", "", true },
	{ "lmtp://[::1]", true, SMTP_PLAIN, "::1", "", 24, "", "", "", true },
	{ "lmtp://127.example.org", true, SMTP_STARTTLS, "127.example.org", "", 24, "", "", "", true },
	{ "lmtp://mx.example?tls=none", true, SMTP_PLAIN, "mx.example", "", 24, "", "", "", true },
	{ "lmtp:///run/dovecot/lmtp", true, SMTP_PLAIN, "", "/run/dovecot/lmtp", 24, "", "", "", true },
	{ "lmtp:///run/a%3Fb", true, SMTP_PLAIN, "", "/run/a?b", 24, "", "", "", true },
};

static void understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
		const struct good_case *c = &goods[i];
		struct relay_url u;
		struct err e = { 0 };

		if (relay_url_parse(c->url, &u, &e) < 0)
			fail_msg("%s: %s", c->url, e.text);
		if (u.lmtp != c->lmtp || u.security != c->security || u.port != c->port || (u.verify == NET_VERIFY_FULL) != c->verify)
			fail_msg("%s: port %d, security %d", c->url, u.port, (int)u.security);
		assert_string_equal(u.host, c->host);
		assert_string_equal(u.socket, c->socket);
		assert_string_equal(u.user, c->user);
		assert_string_equal(u.ca, c->ca);
		assert_string_equal(u.auth, c->auth);
	}
}

static void tls_parameters(void **state)
{
	static const char plain[] = "smtps://mx?tls-min=1.3&cert=/c.pem&key=/k.pem&ca=/etc/ssl&pin=sha256:"
				    "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F&verify=pin";
	static const char colons[] = "smtp://mx?pin=SHA256:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:"
				     "14:15:16:17:18:19:1a:1b:1c:1d:1e:1f";
	struct relay_url u;
	struct err e;

	(void)state;
	assert_int_equal(relay_url_parse(plain, &u, &e), 0);
	assert_true(u.only_tls13 && u.pinned && u.verify == NET_VERIFY_PIN);
	assert_string_equal(u.cert, "/c.pem");
	assert_string_equal(u.key, "/k.pem");
	assert_string_equal(u.ca, "/etc/ssl");
	for (int i = 0; i < NET_FINGERPRINT; i++)
		assert_int_equal(u.pin[i], i);
	assert_int_equal(relay_url_parse(colons, &u, &e), 0);
	assert_true(!u.only_tls13 && u.pinned && u.verify == NET_VERIFY_FULL && u.pin[31] == 31);
}

static const struct bad_case {
	const char *url, *words;
} bads[] = {
	{ "", "begins with smtp://" },
	{ "mx.example", "begins with smtp://" },
	{ "http://mx", "begins with smtp://" },
	{ "smtp:mx", "begins with smtp://" },
	{ "smtp://", "no host" },
	{ "smtp://.", "no host" },
	{ "smtp://:25", "no host" },
	{ "smtp://ann@", "no host" },
	{ "smtp://@mx", "is empty" },
	{ "smtp://ann:canary@mx", "a password in the relay's URL is refused" },
	{ "smtp://ann:canary@mx?bogus", "a password in the relay's URL is refused" },
	{ "smtp://ann:@mx", "a password in the relay's URL is refused" },
	{ "smtp://mx:0", "is no port" },
	{ "smtp://mx:65536", "is no port" },
	{ "smtp://mx:smtp", "is no port" },
	{ "smtp://mx:", "is no port" },
	{ "smtp://mx:25:26", "is no port" },
	{ "smtp://[::1", "not closed" },
	{ "smtp://[::1]25", "without a port" },
	{ "smtp://[mx]", "no IPv6 address" },
	{ "smtp://[192.0.2.1]", "no IPv6 address" },
	{ "smtp://::1", "is no port" },
	{ "smtp://m x", "no host name" },
	{ "smtp://mx\r\n", "no host name" },
	{ "smtp://mx%0a", "no host name" },
	{ "smtp://a%0d%0ab@mx", "control character" },
	{ "smtp://a%00b@mx", "control character" },
	{ "smtp://a%zz@mx", "%XX is broken" },
	{ "smtp://a%4@mx", "%XX is broken" },
	{ "smtp://%ff@mx", "not UTF-8" },
	{ "smtp://\xff.example", "no host name" },
	{ "smtp://mx/inbox", "a path" },
	{ "smtp:///run/socket", "only lmtp://" },
	{ "smtp://mx?tls=maybe", "?tls=maybe" },
	{ "smtp://mx?tls=", "?tls=" },
	{ "smtp://mx?TLS=none", "not known" },
	{ "smtp://mx?verify=0", "?verify=0" },
	{ "smtp://mx?verify=pin", "wants a ?pin=" },
	{ "smtp://mx?pin=00", "no fingerprint" },
	{ "smtp://mx?pin=sha256:00", "no fingerprint" },
	{ "smtp://mx?pin=sha256:", "no fingerprint" },
	{ "smtp://mx?pin=sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00", "no fingerprint" },
	{ "smtp://mx?pin=sha1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "no fingerprint" },
	{ "smtp://mx?tls-min=1.1", "?tls-min=1.1" },
	{ "smtp://mx?proxy=http://x", "?proxy=http://x" },
	{ "smtp://mx?proxy=socks5://", "no host" },
	{ "smtp://mx?proxy=socks5://x:0", "is no port" },
	{ "smtp://mx?proxy=socks5://ann@x", "wants a login" },
	{ "lmtp:///run/x?proxy=socks5://x", "not reached through a proxy" },
	{ "smtp://mx?key=x", "no ?cert=" },
	{ "smtp://mx?tls=none&tls-min=1.3", "there is to be none" },
	{ "smtp://mx?ca=", "not known" },
	{ "smtp://mx?ca", "not known" },
	{ "smtp://mx?auth=PLAIN", "no user" },
	{ "smtp://mx?tls=none?verify=no", "not known" },
	{ "lmtp://mx:25", "never spoken on port 25" },
	{ "lmtp:///run/socket?tls=starttls", "not used with TLS" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		struct relay_url u;
		struct err e = { 0 };

		if (relay_url_parse(bads[i].url, &u, &e) == 0)
			fail_msg("'%s' was understood", bads[i].url);
		assert_int_equal(e.kind, ERR_INPUT);
		if (!strstr(e.text, bads[i].words))
			fail_msg("'%s': %s", bads[i].url, e.text);
		assert_null(strstr(e.text, "canary"));
		assert_null(strstr(e.hint, "canary"));
	}
}

/* Whatever comes, no part is left open or holds a control byte. */
static void any_bytes(void **state)
{
	static const char alphabet[] = "smtp://lm@:[]?&=%0aAtlscaverifyno.1\xc3\xbc\x01 ";
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5, 6);
	for (int i = 0; i < 200000; i++) {
		char text[64] = "smtp://";
		size_t n = i % 2 ? 7 : 0, end = n + rng_below(&rng, 40);
		struct relay_url u;
		struct err e = { 0 };

		for (; n < end; n++)
			text[n] = alphabet[rng_below(&rng, sizeof alphabet - 1)];
		text[n] = '\0';
		if (relay_url_parse(text, &u, &e) < 0)
			continue;
		for (const char *p = u.host; *p; p++)
			assert_true((unsigned char)*p > ' ');
		for (const char *p = u.user; *p; p++)
			assert_true((unsigned char)*p >= ' ');
		assert_true(u.host[0] || u.socket[0]);
		assert_true(u.port > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood), cmocka_unit_test(tls_parameters),
		cmocka_unit_test(refused),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests_name("relay_url", tests, NULL, NULL);
}
