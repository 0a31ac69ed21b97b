/* relay.c - one relay: what is known before anything is sent.
 *
 * Everything is const after relay_open() except the board (relay_board.c). Held by tests/unit/test_relay_secret.c and test_relay_pool.c. */
#include "transport/relay/relay.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/throttle.h"
#include "engine/base/span.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"
#include "transport/relay/relay_token.h"
#include "transport/smtp/smtp_command.h"

bool relay_url_is_ours(const char *url)
{
	struct span s = span_str(url);

	return span_case_begins(s, SPAN("smtp:")) || span_case_begins(s, SPAN("smtps:")) ||
	       span_case_begins(s, SPAN("lmtp:"));
}

/* ---- opening ---- */

static void write_place(struct relay *r)
{
	const struct relay_url *u = &r->url;

	if (u->socket[0])
		snprintf(r->place, sizeof r->place, "%s", u->socket);
	else if (strchr(u->host, ':'))
		snprintf(r->place, sizeof r->place, "[%s]:%u", u->host, (unsigned)u->port);
	else
		snprintf(r->place, sizeof r->place, "%s:%u", u->host, (unsigned)u->port);
}

static int64_t cap(int64_t ms, int64_t most)
{
	return most > 0 && most < ms ? most : ms;
}

/* RFC 5321 4.5.3.2, each cut to what an impatient user said. */
static void set_timeouts(struct smtp_timeouts *t, int64_t most)
{
	if (most <= 0)
		return;
	t->greeting = cap(5 * 60000, most);
	t->command = cap(5 * 60000, most);
	t->data = cap(2 * 60000, most);
	t->block = cap(3 * 60000, most);
	t->end_of_data = cap(10 * 60000, most);
	t->quit = cap(5000, most);
}

static int take_timeout(struct relay *r, struct span word, struct err *e)
{
	struct smtp_timeouts *t = &r->session.timeouts;
	const struct {
		struct span name;
		int64_t *at;
	} waits[] = {
		{ SPAN("connect"), &r->connect_ms }, { SPAN("greeting"), &t->greeting }, { SPAN("command"), &t->command },
		{ SPAN("data"), &t->data },          { SPAN("block"), &t->block },       { SPAN("end-of-data"), &t->end_of_data },
		{ SPAN("quit"), &t->quit },
	};
	struct span value = word, name = span_cut(&value, '=');
	int64_t ms;

	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		if (!span_eq(name, waits[i].name))
			continue;
		if (clock_parse_span(value, &ms) < 0 || ms <= 0) {
			err_set(e, ERR_INPUT, "'%.*s' is no time to wait for %.*s", SPAN_ARG(value), SPAN_ARG(name));
			return err_hint(e, "it is written as 200ms, 15s or 10min");
		}
		*waits[i].at = ms;
		return 0;
	}
	err_set(e, ERR_INPUT, "there is no wait '%.*s'", SPAN_ARG(name));
	return err_hint(e, "they are connect, greeting, command, data, block, end-of-data and quit, as in greeting=10s,quit=1s");
}

static int take_timeouts(struct relay *r, const char *text, struct err *e)
{
	struct span rest = span_str(text);

	while (rest.n > 0)
		if (take_timeout(r, span_cut(&rest, ','), e) < 0)
			return -1;
	return 0;
}

static bool helo_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* A name, or an address literal in brackets. */
static int take_helo(struct relay *r, const char *helo, struct err *e)
{
	struct span s = span_str(helo);
	bool literal = s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';

	for (size_t i = literal ? 1 : 0; i < s.n - (literal ? 1 : 0); i++)
		if (!helo_byte(s.p[i]) && !(literal && s.p[i] == ':'))
			s.n = 0;
	if (s.n == 0 || s.n > RELAY_HOST_MAX) {
		err_set(e, ERR_INPUT, "'%s' is no name to greet a relay with", helo);
		return err_hint(e, "it may be a host name, as mail.example.com, or an address, as [192.0.2.1]");
	}
	snprintf(r->helo, sizeof r->helo, "%s", helo);
	return 0;
}

/* Strict relays refuse a name without a dot; then the link's own address is better. */
static void machine_helo(struct relay *r)
{
	char name[RELAY_HOST_MAX + 1] = "";

	if (gethostname(name, sizeof name - 1) < 0 || !strchr(name, '.') || name[0] == '.')
		return;
	for (const char *p = name; *p; p++)
		if (!helo_byte(*p))
			return;
	snprintf(r->helo, sizeof r->helo, "%s", name);
}

static int get_password(struct relay *r, const struct relay_options *opt, struct err *e)
{
	char question[RELAY_USER_MAX + RELAY_PLACE_MAX + 32];

	if (opt->password_command)
		return relay_secret_command(opt->password_command, "password", RELAY_COMMAND_MS, &r->password, e);
	if (opt->password_file)
		return relay_secret_file(opt->password_file, &r->password, e);
	if (opt->password_env)
		return relay_secret_env(opt->password_env, &r->password, e);
	if (opt->ask_password) {
		snprintf(question, sizeof question, "Password of %s at %s: ", r->url.user, r->place);
		return relay_secret_ask(question, &r->password, e);
	}
	err_set(e, ERR_INPUT, "the relay %s needs the password of '%s'", r->place, r->url.user);
	return err_hint(e, "give it by --password-command, a file or an environment variable");
}

/* Our certificate says who we are; a user in the URL is whom we want to act as. */
static int set_external(struct relay *r, bool given, struct err *e)
{
	if (given)
		return err_set(e, ERR_INPUT, "?auth=EXTERNAL logs in by our certificate: there is no password");
	if (!r->url.cert[0] && r->url.security != SMTP_PLAIN) {
		err_set(e, ERR_INPUT, "?auth=EXTERNAL logs in by our certificate, and none is given");
		return err_hint(e, "?cert=FILE&key=FILE in the relay's URL name it");
	}
	r->login.authzid = span_str(r->url.user);
	r->login.mechanism = "EXTERNAL";
	r->session.login = &r->login;
	return 0;
}

/* Each session gets a copy of its own, of the newest one. */
static int get_token(struct relay *r, const struct relay_options *opt, struct err *e)
{
	if (opt->password_command || opt->password_file || opt->password_env)
		return err_set(e, ERR_INPUT, "a login has a password or a token, not both");
	r->login.host = span_str(r->url.host);
	r->login.port = r->url.port;
	return relay_token_new(&r->token, opt->token_command, e);
}

static int set_login(struct relay *r, const struct relay_options *opt, struct err *e)
{
	bool given = opt->password_command || opt->password_file || opt->password_env;

	bool external = strcasecmp(r->url.auth, "EXTERNAL") == 0;

	given = given || opt->token_command;

	if (opt->no_login || (!r->url.user[0] && !given && !external))
		return 0;
	if (external)
		return set_external(r, given, e);
	if (!r->url.user[0]) {
		err_set(e, ERR_INPUT, "a password is given for the relay %s, but no user", r->place);
		return err_hint(e, "write the user in front of the host: %s://USER@%s",
				r->url.security == SMTP_IMPLICIT ? "smtps" : "smtp", r->place);
	}
	if (r->url.auth[0] && !sasl_knows(span_str(r->url.auth))) {
		err_set(e, ERR_INPUT, "?auth=%s of the relay's URL is not known", r->url.auth);
		return err_hint(e, "leave it out, and the strongest one that the relay offers is taken");
	}
	if (opt->token_command ? get_token(r, opt, e) < 0 :
				 get_password(r, opt, e) < 0 || sasl_keys_new(&r->login.keys, e) < 0)
		return -1;
	r->login.user = span_str(r->url.user);
	r->login.password = span_of(r->password.p, r->password.n);
	r->login.mechanism = r->url.auth[0] ? r->url.auth : NULL;
	r->session.login = &r->login;
	return 0;
}

static int set_tls(struct relay *r, struct err *e)
{
	struct net_tls_options opt = {
		.host = r->url.host,
		.ca = r->url.ca[0] ? r->url.ca : NULL,
		.cert_file = r->url.cert[0] ? r->url.cert : NULL,
		.key_file = r->url.key[0] ? r->url.key : NULL,
		.only_tls13 = r->url.only_tls13,
		.verify = r->url.verify,
		.pin = r->url.pinned ? r->url.pin : NULL,
	};

	return r->url.security == SMTP_PLAIN ? 0 : net_tls_new(&r->tls, &opt, e);
}

static int take_way(struct relay *r, const struct relay_options *opt, struct err *e)
{
	const struct relay_url *u = &r->url;

	r->reach_host = u->proxy[0] ? u->proxy : u->host;
	r->reach_port = u->proxy[0] ? u->proxy_port : u->port;
	if (u->proxy[0]) {
		snprintf(r->way.host, sizeof r->way.host, "%s", u->host);
		r->way.port = u->port;
	}
	if (!opt->source_address || net_address_literal(opt->source_address, 0, &r->way.source) == 0)
		return 0;
	err_set(e, ERR_INPUT, "'%s' is no address of this machine", opt->source_address);
	return err_hint(e, "it is written in numbers: 192.0.2.1 or 2001:db8::1");
}

static int resolve(struct relay *r, int64_t timeout_ms, struct err *e)
{
	int64_t begun_ms;
	int rc;

	if (r->url.socket[0]) {
		r->addresses.n = 1;
		return net_address_unix(r->url.socket, &r->addresses.items[0], e);
	}
	begun_ms = clock_mono_ms();
	rc = net_lookup_now(r->reach_host, r->reach_port, cap(RELAY_LOOKUP_MS, timeout_ms), &r->addresses, e);
	r->lookup_took_ms = clock_mono_ms() - begun_ms;
	return rc;
}

/* Copies s to *at and moves that on. */
static struct span keep_words(char **at, const char *s)
{
	size_t n = s ? strlen(s) : 0;
	struct span kept = { *at, n };

	if (n > 0)
		memcpy(*at, s, n);
	*at += n;
	return kept;
}

static int take_wishes(struct relay *r, const struct relay_options *opt, struct err *e)
{
	const char *words[] = { opt->dsn_notify, opt->dsn_ret, opt->mail_options, opt->rcpt_options };
	struct smtp_wishes *w = &r->session.wishes;
	size_t sum = 0;
	char *at;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		sum += words[i] ? strlen(words[i]) : 0;
	at = r->wishes = mem_new(sum + 1);
	if (!at)
		return err_nomem(e, "for a relay");
	*w = (struct smtp_wishes){
		.notify = keep_words(&at, words[0]),
		.ret = keep_words(&at, words[1]),
		.mail = keep_words(&at, words[2]),
		.rcpt = keep_words(&at, words[3]),
		.requiretls = opt->requiretls,
	};
	if (w->requiretls && r->url.security != SMTP_PLAIN && r->url.verify == NET_VERIFY_NONE) {
		err_set(e, ERR_INPUT, "TLS is to be required on the whole way, and the relay's URL says ?verify=no");
		return err_hint(e, "REQUIRETLS wants a certificate that is verified (RFC 8689 4.2), or ?verify=pin");
	}
	return smtp_wishes_check(w, e);
}

/* Those of the URL go before those of the run. */
static int take_limits(struct relay *r, struct err *e)
{
	const struct relay_limits *l = &r->url.limits;
	struct throttle *probe = NULL;

	if (l->window)
		r->session.window = l->window;
	if (l->messages)
		r->session.messages_max = l->messages;
	if ((l->rate[0] && throttle_new(&r->rate, l->rate, e) < 0) ||
	    (l->connection_rate[0] && throttle_new(&probe, l->connection_rate, e) < 0))
		return -1;
	throttle_free(&probe);
	return 0;
}

static int take_options(struct relay *r, const struct relay_options *opt, struct err *e)
{
	if (relay_url_parse(opt->url, &r->url, e) < 0)
		return -1;
	write_place(r);
	r->name = mem_strdup(opt->name ? opt->name : r->url.socket[0] ? r->url.socket : r->url.host);
	if (!r->name)
		return err_nomem(e, "for a relay");
	r->connect_ms = cap(RELAY_CONNECT_MS, opt->timeout_ms);
	r->session.lmtp = r->url.lmtp;
	r->session.security = r->url.security;
	r->session.window = opt->window > SMTP_WINDOW_MAX ? SMTP_WINDOW_MAX : opt->window ? opt->window : 1;
	r->session.messages_max = opt->messages_per_connection;
	if (take_limits(r, e) < 0)
		return -1;
	r->session.lockstep = opt->lockstep;
	set_timeouts(&r->session.timeouts, opt->timeout_ms);
	if (take_timeouts(r, opt->timeouts, e) < 0 || take_wishes(r, opt, e) < 0)
		return -1;
	if (opt->helo)
		return take_helo(r, opt->helo, e);
	machine_helo(r);
	return 0;
}

int relay_open(struct relay **out, const struct relay_options *opt, struct err *e)
{
	struct relay *r = mem_new(sizeof *r);

	if (!r)
		return err_nomem(e, "for a relay");
	if (take_options(r, opt, e) < 0 || take_way(r, opt, e) < 0 || relay_board_new(&r->board, e) < 0 || set_tls(r, e) < 0 ||
	    set_login(r, opt, e) < 0 || resolve(r, opt->timeout_ms, e) < 0) {
		relay_free(&r);
		return -1;
	}
	*out = r;
	return 0;
}

void relay_free(struct relay **out)
{
	struct relay *r = *out;

	if (!r)
		return;
	net_tls_free(&r->tls);
	sasl_keys_free(&r->login.keys);
	relay_secret_release(&r->password);
	relay_token_free(&r->token);
	relay_board_free(&r->board);
	throttle_free(&r->rate);
	mem_free(r->name);
	mem_free(r->wishes);
	mem_free(r);
	*out = NULL;
}

const char *relay_name(const struct relay *r)
{
	return r->name;
}

unsigned relay_connections_max(const struct relay *r)
{
	return r->url.limits.connections;
}

void relay_describe(const struct relay *r, char *out, size_t out_size)
{
	static const char *const words[] = {
		[SMTP_PLAIN] = "no TLS", [SMTP_STARTTLS] = "STARTTLS", [SMTP_IMPLICIT] = "TLS"
	};
	static const char *const verified[] = {
		[NET_VERIFY_FULL] = "", [NET_VERIFY_PIN] = ", certificate pinned", [NET_VERIFY_NONE] = ", certificate not verified"
	};
	char user[RELAY_USER_MAX + 16] = "";

	if (r->url.user[0])
		snprintf(user, sizeof user, ", user %s", r->url.user);
	snprintf(out, out_size, "%s (%s%s%s%s)", r->place, r->url.lmtp ? "LMTP, " : "", words[r->url.security],
		 r->url.security == SMTP_PLAIN ? "" : verified[r->url.verify], user);
}
