/* cmd_probe.c - what a relay is: connects, TLS, EHLO, and what the user asked for beyond that.
 *
 *  1. No address is asked about, and nobody logs in, unless the command line says so.
 *  2. Exit status: 0 all that was asked for worked, 1 the relay cannot be used so (or refused something),
 *     2 the command line is wrong.
 * Held by tests/system/test_probe.py. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/cli/commands.h"
#include "engine/cli/probe.h"
#include "engine/cli/relays.h"
#include "engine/cli/say.h"
#include "engine/model/address.h"

enum { PATIENCE_MS = 30 * 1000 }; /* somebody sits there and waits */

static const char help[] =
	"Usage: lettershop probe URL [options]\n"
	"Connects to a relay and shows what it is: greeting, TLS and certificate, what it\n"
	"can do and what that means, its limits, the time of each step. Nothing is sent.\n"
	"The URL is as for send, or the name of a [relay NAME] section.\n"
	"Log in  --login  --password-command CMD | --password-file FILE | --password-env\n"
	"Ask     --vrfy ADDRESS  --command LINE  --size BYTES     (the first two: again)\n"
	"Ways    --helo NAME  --timeout TIME (30s)  --settings FILE\n"
	"Output  --json  --transcript FILE  -h, --help\n"
	"Exit status: 0 all of it worked, 1 the relay said no somewhere, 2 usage\n"
	"Examples:\n"
	"  lettershop probe smtp://smtp.example.com\n"
	"  lettershop probe smtps://ann@smtp.example.com --login\n"
	"  lettershop probe 'smtp://mail.example.com:25?tls=none' --vrfy bob@example.com\n"
	"  lettershop probe lmtp:///run/lmtp.sock --command NOOP --json\n"
	"  lettershop help probe --all                           (every option in words)\n";

struct asking {
	struct options *o;
	struct relay *relay;
	struct probe p;
	bool implicit; /* TLS from the first octet */
	int trace_fd;
};

static void trace(void *ctx, bool from_server, struct span line)
{
	const struct asking *a = ctx;

	relay_trace_write(a->trace_fd, relay_name(a->relay), 1, from_server, line);
}

static int open_relay(struct asking *a, struct err *e)
{
	const struct delivery_relay *r;
	struct options *o = a->o;
	uint32_t n;

	if (text_list_add(o, &o->relays, o->operands[0]) < 0)
		return err_nomem(e, "the options");
	if (relays_read(o, &r, &n, e) < 0)
		return -1;
	if (!relay_url_is_ours(r->url)) {
		err_set(e, ERR_INPUT, "'%s' is no relay that could be asked", r->url);
		return err_hint(e, "a relay's URL begins with smtp://, smtps:// or lmtp://");
	}
	a->implicit = span_case_begins(span_str(r->url), SPAN("smtps:"));
	const struct relay_options opt = {
		.name = r->name,
		.url = r->url,
		.password_command = r->password_command,
		.password_file = r->password_file,
		.password_env = r->password_env,
		.token_command = r->token_command,
		.ask_password = r->ask_password,
		.no_login = !o->login,
		.helo = o->helo,
		.source_address = o->source_address,
		.timeouts = o->timeouts,
		.timeout_ms = o->timeout_ms ? o->timeout_ms : PATIENCE_MS,
	};

	return relay_open(&a->relay, &opt, e);
}

/* One line of the user's; the answer is kept. */
static int ask_line(struct asking *a, const char *line, struct err *e)
{
	struct probe_asked *x = &a->p.asked[a->p.n_asked];

	if (a->p.n_asked == PROBE_ASKED_MAX)
		return err_set(e, ERR_INPUT, "more than %d lines to be sent", PROBE_ASKED_MAX);
	x->line = line;
	if (relay_talk_command(a->p.talk, span_str(line), &x->answer, e) < 0)
		return -1;
	a->p.n_asked++;
	return x->answer.code < 400 ? 0 : err_set(e, ERR_NET, "the relay refused '%s'", line);
}

static int ask_vrfy(struct asking *a, const char *text, struct err *e)
{
	struct address address;
	struct span parts[2] = { SPAN("VRFY ") };
	char *line;

	if (address_parse(span_str(text), &a->o->memory, &address, e) < 0)
		return -1;
	parts[1] = address.path;
	line = arena_take(&a->o->memory, parts[0].n + parts[1].n + 1);
	if (!line)
		return err_nomem(e, "the options");
	memcpy(line, parts[0].p, parts[0].n);
	memcpy(line + parts[0].n, parts[1].p, parts[1].n);
	line[parts[0].n + parts[1].n] = '\0';
	return ask_line(a, line, e);
}

/* What it announces decides; MAIL asks it where it announces nothing fixed. */
static int ask_size(struct asking *a, struct err *e)
{
	uint64_t most = relay_talk_caps(a->p.talk)->size_max;
	char *line;

	if (!relay_talk_offers(a->p.talk, SPAN("SIZE"), NULL))
		return err_set(e, ERR_NET, "the relay does not say how large a message may be (no SIZE)");
	if (most > 0 && a->o->size > most)
		return err_set(e, ERR_NET, "a message of %llu octets is too large: the relay takes %llu at most",
			       (unsigned long long)a->o->size, (unsigned long long)most);
	line = arena_take(&a->o->memory, 64);
	if (!line)
		return err_nomem(e, "the options");
	snprintf(line, 64, "MAIL FROM:<> SIZE=%llu", (unsigned long long)a->o->size);
	return ask_line(a, line, e) < 0 || ask_line(a, "RSET", e) < 0 ? -1 : 0;
}

/* The first reason is the one that is told: what other questions brought is shown with them. */
static void note(struct asking *a, int rc, const struct err *e)
{
	if (rc < 0 && !a->p.failed)
		a->p.why = *e;
	a->p.failed |= rc < 0;
}

/* False: the command line is wrong, or there is nobody left to ask. */
static bool may_go_on(const struct asking *a)
{
	return (!a->p.failed || a->p.why.kind != ERR_INPUT) && relay_talk_is_open(a->p.talk);
}

/* A refusal does not keep the other questions from being asked. */
static void ask_all(struct asking *a)
{
	struct options *o = a->o;
	struct err e = { 0 };

	if (o->size)
		note(a, ask_size(a, &e), &e);
	for (uint32_t i = 0; i < o->vrfy.n && may_go_on(a); i++)
		note(a, ask_vrfy(a, o->vrfy.items[i], &e), &e);
	for (uint32_t i = 0; i < o->commands.n && may_go_on(a); i++)
		note(a, ask_line(a, o->commands.items[i], &e), &e);
}

/* Connected, and not a word: a port that begins with TLS waits for ours. */
static void advise(struct asking *a)
{
	const struct relay_talk *t = a->p.talk;
	struct err *e = &a->p.why;

	if (e->kind == ERR_NET && !e->hint[0] && !a->implicit && t && relay_talk_peer(t) && relay_talk_greeting(t).n == 0)
		err_hint(e, "a port that begins with TLS, as 465 does, needs smtps:// in the relay's URL");
}

static void converse(struct asking *a)
{
	const struct relay_talk_options opt = { .trace = a->trace_fd >= 0 ? trace : NULL, .trace_ctx = a };
	struct probe *p = &a->p;
	struct err e = { 0 };

	if (relay_talk_open(&p->talk, a->relay, &opt, &e) < 0) {
		p->failed = true;
		p->why = e;
		advise(a);
		return;
	}
	p->logged_in = relay_talk_mechanism(p->talk) != NULL;
	if (a->o->login && !p->logged_in) {
		p->failed = true;
		err_set(&p->why, ERR_INPUT, "--login wants to know who: the relay's URL names no user");
		err_hint(&p->why, "write the user in front of the host: smtps://ann@smtp.example.com");
		return;
	}
	ask_all(a);
}

static int show(struct asking *a)
{
	struct probe *p = &a->p;
	struct err ignored;

	if (a->o->json)
		probe_print_json(p);
	else
		probe_print(p);
	fflush(stdout);
	if (p->talk && relay_talk_is_open(p->talk))
		(void)relay_talk_quit(p->talk, &ignored);
	if (p->failed && !a->o->json)
		say_err(&p->why);
	return !p->failed ? EXIT_SENT : p->why.kind == ERR_INPUT ? EXIT_WRONG : EXIT_SOME;
}

static int open_all(struct asking *a, struct err *e)
{
	const char *path = a->o->transcript;

	if (open_relay(a, e) < 0)
		return -1;
	if (!path)
		return 0;
	a->trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	return a->trace_fd < 0 ? err_sys(e, "cannot write the transcript '%s'", path) : 0;
}

static int run(struct options *o)
{
	static struct asking a; /* answers are large */
	struct err e = { 0 };
	int status;

	a.o = o;
	a.trace_fd = -1;
	if (open_all(&a, &e) < 0) {
		say_err(&e);
		status = e.kind == ERR_NET ? EXIT_SOME : EXIT_WRONG;
	} else {
		relay_describe(a.relay, a.p.place, sizeof a.p.place);
		converse(&a);
		status = show(&a);
	}
	relay_talk_free(&a.p.talk);
	relay_free(&a.relay);
	if (a.trace_fd >= 0)
		close(a.trace_fd);
	return status;
}

const struct command command_probe = {
	.name = "probe",
	.operands = "URL",
	.summary = "shows what a relay can do; sends no mail",
	.help = help,
	.bit = FOR_PROBE,
	.n_operands = 1,
	.run = run,
};
