/* mini_smtpd.c - everything shared is guarded by lock. */
#include "mini_smtpd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 8192, LINE_SIZE = 1024 };
static const char *const verbs[] = { "AUTH", "MAIL", "STARTTLS", "QUIT" };
enum { VERBS = sizeof verbs / sizeof *verbs };

struct mini_smtpd {
	struct mini_options o;
	int listener;
	uint16_t port;
	pthread_t acceptor;
	pthread_mutex_t lock;
	unsigned connections, open_now, commands[VERBS];
	int fds[CONNECTIONS_MAX]; /* -1: closed */
	pthread_t threads[CONNECTIONS_MAX];
	unsigned char took[MINI_MAILS_MAX];
};

struct talk {
	struct mini_smtpd *s;
	unsigned index;
	FILE *in;
	int fd;
	unsigned mail; /* of the transaction */
	unsigned done;
	bool refused; /* the MAIL was */
	bool held; /* says nothing any more */
};

static void say(struct talk *t, const char *text)
{
	size_t n = strlen(text);

	if (n && !t->held)
		(void)!send(t->fd, text, n, MSG_NOSIGNAL);
}

static void count(struct mini_smtpd *s, const char *line)
{
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < VERBS; i++)
		s->commands[i] += strncasecmp(line, verbs[i], strlen(verbs[i])) == 0;
	pthread_mutex_unlock(&s->lock);
}

/* This MAIL, which is counted already, gets the bad reply. */
static bool is_bad(struct mini_smtpd *s)
{
	return s->o.bad_mails == 0 || mini_smtpd_commands(s, "MAIL") <= s->o.bad_mails;
}

/* The content is read; 0 go on, -1 hang up. */
static int end_of_data(struct talk *t)
{
	const struct mini_options *o = &t->s->o;
	const char *reply = o->end_of_data ? o->end_of_data : "250 2.0.0 queued as M1\r\n";

	if (o->mute_end)
		return -1;
	if (o->hold_end) {
		t->held = true;
		return 0;
	}
	if (reply[0] == '2') {
		pthread_mutex_lock(&t->s->lock);
		t->s->took[t->mail % MINI_MAILS_MAX]++;
		pthread_mutex_unlock(&t->s->lock);
	}
	say(t, reply);
	t->done++;
	if (o->mails_per_connection == 0 || t->done < o->mails_per_connection)
		return 0;
	if (o->say_421)
		say(t, "421 4.7.0 enough for now\r\n");
	return -1;
}

static int take_data(struct talk *t)
{
	char line[LINE_SIZE];

	say(t, "354 go\r\n");
	while (fgets(line, sizeof line, t->in))
		if (strcmp(line, ".\r\n") == 0)
			return end_of_data(t);
	return -1;
}

static int take_chunk(struct talk *t, const char *line)
{
	char bytes[4096];
	size_t left = strtoul(line + 5, NULL, 10);

	while (left > 0) {
		size_t n = fread(bytes, 1, left < sizeof bytes ? left : sizeof bytes, t->in);

		if (n == 0)
			return -1;
		left -= n;
	}
	if (!t->refused)
		return end_of_data(t);
	say(t, "503 5.5.1 no MAIL\r\n");
	return 0;
}

static int take_line(struct talk *t, const char *line)
{
	const struct mini_options *o = &t->s->o;
	const char *at;

	count(t->s, line);
	if (!strncasecmp(line, "EHLO", 4) || !strncasecmp(line, "LHLO", 4))
		say(t, o->ehlo ? o->ehlo : "250-mini\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n");
	else if (!strncasecmp(line, "STARTTLS", 8))
		say(t, o->starttls ? o->starttls : "502 no\r\n");
	else if (!strncasecmp(line, "AUTH", 4))
		say(t, o->auth ? o->auth : "235 yes\r\n");
	else if (!strncasecmp(line, "MAIL", 4)) {
		if (o->drop_mail)
			return -1;
		t->refused = o->mail && is_bad(t->s);
		say(t, t->refused ? o->mail : "250 ok\r\n");
	} else if (!strncasecmp(line, "RCPT", 4)) {
		at = strstr(line, "<r");
		t->mail = at ? (unsigned)strtoul(at + 2, NULL, 10) : 0;
		say(t, t->refused ? "503 5.5.1 no MAIL\r\n" : "250 ok\r\n");
	} else if (!strncasecmp(line, "DATA", 4) && t->refused)
		say(t, "503 5.5.1 no MAIL\r\n");
	else if (!strncasecmp(line, "DATA", 4))
		return take_data(t);
	else if (!strncasecmp(line, "BDAT", 4) && o->no_bdat)
		say(t, "502 5.5.2 not implemented\r\n");
	else if (!strncasecmp(line, "BDAT", 4) && o->drop_bdat)
		return -1;
	else if (!strncasecmp(line, "BDAT", 4))
		return take_chunk(t, line);
	else if (!strncasecmp(line, "QUIT", 4)) {
		say(t, "221 bye\r\n");
		return -1;
	} else
		say(t, "250 ok\r\n");
	return 0;
}

/* Commands behind which nothing may stand yet. */
static bool take_none(const char *line)
{
	return !strncasecmp(line, "MAIL", 4) || !strncasecmp(line, "RCPT", 4);
}

static void talk(struct talk *t, bool bad)
{
	const struct mini_options *o = &t->s->o;
	char line[LINE_SIZE];

	if (bad) {
		say(t, o->first_greeting ? o->first_greeting : "");
		return;
	}
	say(t, o->greeting ? o->greeting : "220 mini ESMTP\r\n");
	if (o->no_groups)
		setvbuf(t->in, NULL, _IONBF, 0);
	while (fgets(line, sizeof line, t->in)) {
		struct pollfd early = { .fd = t->fd, .events = POLLIN };

		if (o->no_groups && strncasecmp(line, "EHLO", 4) && take_none(line) && poll(&early, 1, 0) > 0) {
			say(t, "250 ok\r\n");
			say(t, o->no_groups);
			return;
		}
		if (take_line(t, line) < 0)
			return;
	}
}

static void *connection(void *arg)
{
	struct talk *t = arg;
	struct mini_smtpd *s = t->s;
	char waste[4096];

	t->in = fdopen(dup(t->fd), "r");
	talk(t, t->index < s->o.bad_connections);
	shutdown(t->fd, SHUT_WR);
	while (read(t->fd, waste, sizeof waste) > 0) /* no reset that overtakes the last reply */
		;
	fclose(t->in);
	pthread_mutex_lock(&s->lock);
	close(t->fd);
	s->fds[t->index] = -1;
	s->open_now--;
	pthread_mutex_unlock(&s->lock);
	free(t);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct mini_smtpd *s = arg;
	int fd, on = 1;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		struct talk *t = calloc(1, sizeof *t);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		t->s = s;
		t->fd = fd;
		pthread_mutex_lock(&s->lock);
		t->index = s->connections++;
		if (t->index >= CONNECTIONS_MAX)
			abort();
		s->open_now++;
		s->fds[t->index] = fd;
		if (pthread_create(&s->threads[t->index], NULL, connection, t) != 0)
			abort();
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

struct mini_smtpd *mini_smtpd_start(const struct mini_options *o, uint16_t port)
{
	struct mini_smtpd *s = calloc(1, sizeof *s);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof a;
	int on = 1;

	s->o = *o;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s->listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(s->listener, 128) < 0)
		abort();
	getsockname(s->listener, (struct sockaddr *)&a, &n);
	s->port = ntohs(a.sin_port);
	pthread_mutex_init(&s->lock, NULL);
	if (pthread_create(&s->acceptor, NULL, accept_all, s) != 0)
		abort();
	return s;
}

void mini_smtpd_hang_up(struct mini_smtpd *s)
{
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->connections; i++)
		if (s->fds[i] >= 0)
			shutdown(s->fds[i], SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

void mini_smtpd_stop(struct mini_smtpd *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	close(s->listener);
	mini_smtpd_hang_up(s);
	for (unsigned i = 0; i < s->connections; i++)
		pthread_join(s->threads[i], NULL);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

uint16_t mini_smtpd_port(const struct mini_smtpd *s)
{
	return s->port;
}

unsigned mini_smtpd_took(struct mini_smtpd *s, unsigned n)
{
	unsigned times;

	pthread_mutex_lock(&s->lock);
	times = s->took[n];
	pthread_mutex_unlock(&s->lock);
	return times;
}

static unsigned read_locked(struct mini_smtpd *s, const unsigned *what)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = *what;
	pthread_mutex_unlock(&s->lock);
	return n;
}

unsigned mini_smtpd_connections(struct mini_smtpd *s)
{
	return read_locked(s, &s->connections);
}

unsigned mini_smtpd_open_now(struct mini_smtpd *s)
{
	return read_locked(s, &s->open_now);
}

unsigned mini_smtpd_commands(struct mini_smtpd *s, const char *verb)
{
	for (int i = 0; i < VERBS; i++)
		if (strcmp(verb, verbs[i]) == 0)
			return read_locked(s, &s->commands[i]);
	abort();
}
