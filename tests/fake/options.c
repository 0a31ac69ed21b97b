/* options.c - the command line. Everything is checked here, so that no thread can meet a wrong setting. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fake/config.h"

enum {
	OPT_LISTEN = 256, OPT_UNIX, OPT_LMTP, OPT_READY, OPT_CERT, OPT_KEY, OPT_CLIENT_CA, OPT_TLS_MAX, OPT_STARTTLS,
	OPT_IMPLICIT, OPT_REQUIRE_TLS, OPT_REQUIRE_AUTH, OPT_USER, OPT_PASSWORD, OPT_AUTH, OPT_ITERATIONS, OPT_EXTENSIONS,
	OPT_THREADS, OPT_MAX, OPT_CONNECTIONS, OPT_IDLE, OPT_DELAY, OPT_GREETING_DELAY, OPT_BANNER, OPT_HOSTNAME, OPT_RCVBUF, OPT_RECORD,
	OPT_RECORD_HEADER, OPT_RECORD_DIGEST, OPT_STORE, OPT_MBOX, OPT_PROTOCOL, OPT_VIOLATIONS, OPT_FAST, OPT_FAULT,
	OPT_FAULT_FILE, OPT_SEED, OPT_REFUSE, OPT_GREYLIST, OPT_GREYLIST_MS, OPT_QUIRK, OPT_HELP
};

static const struct {
	const char *name, *argument;
	int id;
	const char *help;
} table[] = {
	{ "listen", "[PROTO:]ADDR:PORT", OPT_LISTEN, "repeatable; PROTO smtp, smtps or lmtp; port 0: any" },
	{ "unix", "[PROTO:]PATH", OPT_UNIX, "listen on a Unix socket; repeatable" },
	{ "lmtp", NULL, OPT_LMTP, "LMTP where no PROTO is given" },
	{ "implicit-tls", NULL, OPT_IMPLICIT, "smtps where no PROTO is given" },
	{ "ready-file", "FILE", OPT_READY, "written once all listen: 'smtp 127.0.0.1:40123' a line" },
	{ "tls-cert", "FILE", OPT_CERT, "certificate chain, PEM" },
	{ "tls-key", "FILE", OPT_KEY, "its key, PEM" },
	{ "tls-client-ca", "FILE", OPT_CLIENT_CA, "ask for a client certificate of this CA" },
	{ "tls-max", "VERSION", OPT_TLS_MAX, "1.2 or 1.3" },
	{ "starttls", NULL, OPT_STARTTLS, "offer STARTTLS" },
	{ "require-tls", NULL, OPT_REQUIRE_TLS, "530 to MAIL and AUTH before TLS" },
	{ "require-auth", NULL, OPT_REQUIRE_AUTH, "530 to MAIL before AUTH" },
	{ "user", "NAME", OPT_USER, "who may log in" },
	{ "password-file", "FILE", OPT_PASSWORD, "first line: the password, or the bearer token" },
	{ "scram-iterations", "N", OPT_ITERATIONS, "of SCRAM (4096)" },
	{ "auth", "MECHANISMS", OPT_AUTH, "those offered, strongest set by default" },
	{ "extensions", "LIST", OPT_EXTENSIONS, "what EHLO announces; -NAME and +NAME change the default" },
	{ "threads", "N", OPT_THREADS, "poll loops (1)" },
	{ "max-per-connection", "N", OPT_MAX, "421 at the MAIL after N messages" },
	{ "max-connections", "N", OPT_CONNECTIONS, "421 instead of a greeting to more than N at a time" },
	{ "idle-timeout", "MS", OPT_IDLE, "421 and close after so long without a word" },
	{ "delay", "MS", OPT_DELAY, "a line this much away: every reply that much later" },
	{ "greeting-delay", "MS", OPT_GREETING_DELAY, "the greeting this much later" },
	{ "banner", "TEXT", OPT_BANNER, "the greeting's text" },
	{ "hostname", "NAME", OPT_HOSTNAME, "what the relay calls itself" },
	{ "rcvbuf", "BYTES", OPT_RCVBUF, "receive buffer of each socket" },
	{ "record", "FILE", OPT_RECORD, "one line for each accepted message, before its 250" },
	{ "record-header", "NAME", OPT_RECORD_HEADER, "and this header of it" },
	{ "record-digest", NULL, OPT_RECORD_DIGEST, "and its SHA-256" },
	{ "store", "DIR", OPT_STORE, "keep each message as DIR/CONN-TXN.eml" },
	{ "store-mbox", "FILE", OPT_MBOX, "keep them in one mbox (mboxrd)" },
	{ "log-protocol", "FILE", OPT_PROTOCOL, "every command and reply" },
	{ "violations", "FILE", OPT_VIOLATIONS, "every breach of the protocol by a client" },
	{ "fast", NULL, OPT_FAST, "do not look into contents" },
	{ "fault", "SPEC", OPT_FAULT, "misbehave; repeatable, see README.md" },
	{ "fault-file", "FILE", OPT_FAULT_FILE, "the same, one a line" },
	{ "seed", "N", OPT_SEED, "for faults with p=" },
	{ "refuse", "REGEX=REPLY", OPT_REFUSE, "reply to RCPT of matching addresses; repeatable" },
	{ "greylist", NULL, OPT_GREYLIST, "451 to the first attempt for each recipient" },
	{ "greylist-ms", "MS", OPT_GREYLIST_MS, "and until MS later" },
	{ "quirk", "NAME", OPT_QUIRK, "exim, dovecot, opensmtpd or postfix; repeatable" },
	{ "help", NULL, OPT_HELP, "this text" },
};

enum { TABLE_SIZE = sizeof table / sizeof table[0] };

void options_usage(FILE *to)
{
	fputs("usage: fake-relay --listen 127.0.0.1:0 [options]\n", to);
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		char left[64];

		snprintf(left, sizeof left, "--%s %s", table[i].name, table[i].argument ? table[i].argument : "");
		fprintf(to, "  %-34s %s\n", left, table[i].help);
	}
}

static uint64_t number(const char *option, const char *value, uint64_t max)
{
	uint64_t v;

	if (!text_u64(text_str(value), &v) || v > max)
		die("--%s wants a number up to %llu, not '%s'", option, (unsigned long long)max, value);
	return v;
}

static int64_t milliseconds(const char *option, const char *value)
{
	return (int64_t)number(option, value, 1000000000) * 1000000;
}

static void set(char **to, const char *value)
{
	free(*to);
	*to = need_copy(value);
}

static void add_listener(struct config *c, const char *value, bool is_unix)
{
	static const struct { struct text name; enum protocol protocol; } names[] = {
		{ { "smtp:", 5 }, PROTOCOL_SMTP }, { { "smtps:", 6 }, PROTOCOL_SMTPS }, { { "lmtp:", 5 }, PROTOCOL_LMTP },
	};
	struct listener l = { .protocol = (enum protocol)-1, .is_unix = is_unix, .fd = -1 };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(value, names[i].name.p, names[i].name.n) == 0) {
			l.protocol = names[i].protocol;
			value += names[i].name.n;
			break;
		}
	l.address = need_copy(value);
	c->listeners = need_more(c->listeners, (c->n_listeners + 1) * sizeof l);
	c->listeners[c->n_listeners++] = l;
}

static void add_refusal(struct config *c, const char *value)
{
	struct refusal *r = need(sizeof *r), **end = &c->refusals;
	const char *at = value + strlen(value);
	char *regex;

	/* the last '=' that a reply follows: the expression itself may hold one */
	while (at > value && !(at[-1] == '=' && strspn(at, "0123456789") == 3 && (at[3] == ' ' || !at[3])))
		at--;
	if (at == value)
		die("--refuse wants REGEX=REPLY, as in '@bad\\.example$=550 5.1.1 no such user', not '%s'", value);
	regex = need_copy(value);
	regex[at - value - 1] = 0;
	if (regcomp(&r->address, regex, REG_EXTENDED | REG_ICASE) != 0)
		die("--refuse: bad regular expression '%s'", regex);
	free(regex);
	r->reply = need_copy(at);
	while (*end)
		end = &(*end)->next;
	*end = r;
}

static void add_quirk(struct config *c, const char *value)
{
	static const struct { const char *name; unsigned bit; } names[] = {
		{ "exim", QUIRK_EXIM }, { "dovecot", QUIRK_DOVECOT },
		{ "opensmtpd", QUIRK_OPENSMTPD }, { "postfix", QUIRK_POSTFIX },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(value, names[i].name) == 0) {
			c->quirks |= names[i].bit;
			return;
		}
	die("--quirk wants exim, dovecot, opensmtpd or postfix, not '%s'", value);
}

static void set_limits(struct extensions *e, struct text list)
{
	do {
		struct text value = text_cut(&list, ','), key = text_cut(&value, '=');
		uint64_t n;

		if (!text_u64(value, &n) || n == 0)
			die("--extensions: LIMITS=MAILMAX=n,RCPTMAX=n is wanted");
		if (text_case_eq(key, TEXT("MAILMAX")))
			e->mail_max = n;
		else if (text_case_eq(key, TEXT("RCPTMAX")))
			e->rcpt_max = n;
		else
			die("--extensions: unknown limit '%.*s'", TEXT_ARG(key));
	} while (list.p);
}

static void set_extension(struct extensions *e, struct text word, bool on)
{
	struct text value = word, name = text_cut(&value, '=');
	const struct { struct text name; bool *to; } flags[] = {
		{ TEXT("PIPELINING"), &e->pipelining }, { TEXT("CHUNKING"), &e->chunking },
		{ TEXT("8BITMIME"), &e->eightbit }, { TEXT("SMTPUTF8"), &e->utf8 }, { TEXT("DSN"), &e->dsn },
		{ TEXT("ENHANCEDSTATUSCODES"), &e->enhanced }, { TEXT("BINARYMIME"), &e->binary },
	};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (text_case_eq(name, flags[i].name)) {
			*flags[i].to = on;
			return;
		}
	if (text_case_eq(name, TEXT("SIZE"))) {
		e->size = on;
		if (value.p && !text_u64(value, &e->size_max))
			die("--extensions: SIZE wants a number");
	} else if (text_case_eq(name, TEXT("LIMITS")) && on) {
		set_limits(e, value);
	} else if (text_case_eq(name, TEXT("LIMITS"))) {
		e->mail_max = e->rcpt_max = 0;
	} else {
		die("--extensions: unknown extension '%.*s'", TEXT_ARG(name));
	}
}

/* A list with a sign anywhere changes the default; one without is the whole list. */
static void set_extensions(struct extensions *e, const char *value)
{
	struct text rest = text_str(value);

	if (value[0] != '-' && value[0] != '+' && !strstr(value, " -") && !strstr(value, " +"))
		*e = (struct extensions){ .size_max = e->size_max };
	do {
		struct text word = text_cut(&rest, ' ');
		bool minus = word.n && word.p[0] == '-', plus = word.n && word.p[0] == '+';

		if (word.n)
			set_extension(e, text_of(word.p + (minus || plus), word.n - (minus || plus)), !minus);
	} while (rest.p);
}

static void read_password(struct bytes *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die("cannot read password file '%s': %s", path, strerror(errno));
	out->n = 0;
	bytes_room(out, 8192);
	n = read(fd, out->p, 8192);
	if (n < 0)
		die("cannot read password file '%s': %s", path, strerror(errno));
	close(fd);
	for (out->n = 0; out->n < (size_t)n && out->p[out->n] != '\n' && out->p[out->n] != '\r';)
		out->n++;
}

static void take_flag(struct config *c, int id)
{
	switch (id) {
	case OPT_STARTTLS: c->starttls = true; break;
	case OPT_REQUIRE_TLS: c->require_tls = true; break;
	case OPT_REQUIRE_AUTH: c->require_auth = true; break;
	case OPT_RECORD_DIGEST: c->record_digest = true; break;
	case OPT_FAST: c->fast = true; break;
	case OPT_GREYLIST: c->greylist = true; break;
	default: break;
	}
}

static char **string_of(struct config *c, int id)
{
	switch (id) {
	case OPT_READY: return &c->ready_file;
	case OPT_CERT: return &c->tls_cert;
	case OPT_KEY: return &c->tls_key;
	case OPT_CLIENT_CA: return &c->tls_client_ca;
	case OPT_TLS_MAX: return &c->tls_max;
	case OPT_USER: return &c->login.user;
	case OPT_AUTH: return &c->mechanisms;
	case OPT_BANNER: return &c->banner;
	case OPT_HOSTNAME: return &c->hostname;
	case OPT_RECORD: return &c->record_file;
	case OPT_RECORD_HEADER: return &c->record_header;
	case OPT_STORE: return &c->store_dir;
	case OPT_MBOX: return &c->store_mbox;
	case OPT_PROTOCOL: return &c->protocol_file;
	case OPT_VIOLATIONS: return &c->violations_file;
	default: return NULL;
	}
}

static void take_value(struct config *c, int id, const char *name, const char *value)
{
	char **string = string_of(c, id);

	if (string) {
		set(string, value);
		return;
	}
	switch (id) {
	case OPT_LISTEN: add_listener(c, value, false); break;
	case OPT_UNIX: add_listener(c, value, true); break;
	case OPT_PASSWORD: read_password(&c->login.password, value); break;
	case OPT_EXTENSIONS: set_extensions(&c->ext, value); break;
	case OPT_ITERATIONS: c->login.iterations = (int)number(name, value, 10000000); break;
	case OPT_THREADS: c->threads = (unsigned)number(name, value, 64); break;
	case OPT_MAX: c->max_per_connection = number(name, value, UINT32_MAX); break;
	case OPT_CONNECTIONS: c->max_connections = number(name, value, UINT32_MAX); break;
	case OPT_IDLE: c->idle_ns = milliseconds(name, value); break;
	case OPT_DELAY: c->delay_ns = milliseconds(name, value); break;
	case OPT_GREETING_DELAY: c->greeting_delay_ns = milliseconds(name, value); break;
	case OPT_RCVBUF: c->rcvbuf_bytes = (int)number(name, value, 1 << 30); break;
	case OPT_FAULT: faults_add(&c->faults, value, "--fault"); break;
	case OPT_FAULT_FILE: faults_add_file(&c->faults, value); break;
	case OPT_SEED: c->faults.seed = number(name, value, UINT64_MAX >> 1); break;
	case OPT_REFUSE: add_refusal(c, value); break;
	case OPT_GREYLIST_MS:
		c->greylist = true;
		c->greylist_ns = milliseconds(name, value);
		break;
	case OPT_QUIRK: add_quirk(c, value); break;
	default: break;
	}
}

/* What depends on several options, whatever their order. */
static void finish(struct config *c, enum protocol fallback)
{
	bool wants_tls = c->starttls || c->require_tls;

	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].protocol == (enum protocol)-1)
			c->listeners[i].protocol = fallback;
		wants_tls |= c->listeners[i].protocol == PROTOCOL_SMTPS;
	}
	if (!c->n_listeners)
		die("nothing to listen on: --listen 127.0.0.1:0 or --unix PATH");
	if (wants_tls && (!c->tls_cert || !c->tls_key))
		die("TLS wants --tls-cert and --tls-key");
	if (!c->threads)
		die("--threads wants at least 1");
	if ((c->require_auth || c->mechanisms) && !c->login.user)
		die("AUTH wants --user and --password-file");
	if (c->login.user && !c->mechanisms)
		set(&c->mechanisms, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN");
	if (c->quirks & QUIRK_OPENSMTPD)
		c->ext.pipelining = c->ext.chunking = false;
	if (c->fast && (c->store_dir || c->store_mbox || c->record_digest || c->record_header))
		die("--fast does not look into contents: no --store, --store-mbox, --record-header or --record-digest");
	if (!c->hostname)
		set(&c->hostname, "fake-relay.example");
	if (!c->banner)
		set(&c->banner, "ESMTP practice relay");
}

enum options_result options_parse(struct config *c, int argc, char **argv)
{
	struct option longs[TABLE_SIZE + 1] = { 0 };
	enum protocol fallback = PROTOCOL_SMTP;
	int at, id;

	for (size_t i = 0; i < TABLE_SIZE; i++)
		longs[i] = (struct option){ table[i].name, table[i].argument ? required_argument : no_argument, NULL,
					    table[i].id };
	*c = (struct config){ .threads = 1,
			      .ext = { .pipelining = true, .chunking = true, .eightbit = true, .utf8 = true,
				       .dsn = true, .enhanced = true, .size = true, .size_max = 52428800 } };
	while ((id = getopt_long(argc, argv, "", longs, &at)) != -1) {
		if (id == '?') {
			options_usage(stderr);
			exit(2);
		}
		if (id == OPT_HELP) {
			options_usage(stdout);
			return OPTIONS_DONE;
		}
		if (id == OPT_LMTP)
			fallback = PROTOCOL_LMTP;
		else if (id == OPT_IMPLICIT)
			fallback = PROTOCOL_SMTPS;
		else if (optarg)
			take_value(c, id, longs[at].name, optarg);
		else
			take_flag(c, id);
	}
	if (optind < argc)
		die("what is '%s' for? See --help", argv[optind]);
	finish(c, fallback);
	return OPTIONS_RUN;
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < c->n_listeners; i++)
		free(c->listeners[i].address);
	free(c->listeners);
	for (struct refusal *r = c->refusals, *next; r; r = next) {
		next = r->next;
		regfree(&r->address);
		free(r->reply);
		free(r);
	}
	for (int id = OPT_LISTEN; id < OPT_HELP; id++)
		if (string_of(c, id))
			free(*string_of(c, id));
	OPENSSL_cleanse(c->login.password.p, c->login.password.cap);
	bytes_free(&c->login.password);
	faults_free(&c->faults);
}
