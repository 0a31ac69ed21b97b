/* talk.c - relay_talk.h line by line, for tests: talk URL [helo=NAME] [source=ADDRESS] [password-env=NAME]
 * [mail=OPTIONS] [rcpt=OPTIONS] [trace] -- ACTION...
 *
 *     peer | greeting | ehlo | mechanism | tls      what is known
 *     offers KEYWORD                                "yes PARAMETERS" or "no"
 *     command LINE                                  "CODE TEXT", lines joined by |
 *     send SENDER TO,TO FILE                        a line a recipient: "TO KIND CODE"
 *     quit */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/relay/relay_talk.h"

enum { RECIPIENTS_MAX = 100, FILE_MAX = 1 << 20 };

static void show(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		putchar(s.p[i] == '\n' ? '|' : s.p[i]);
	putchar('\n');
}

static void on_line(void *ctx, bool from_server, struct span line)
{
	(void)ctx;
	printf("%s %.*s\n", from_server ? "<" : ">", SPAN_ARG(line));
}

static int fail(const struct err *e)
{
	printf("error: %s\n", e->text);
	return 1;
}

static int command(struct relay_talk *t, const char *line)
{
	static struct relay_answer a;
	struct err e = { 0 };

	if (relay_talk_command(t, span_str(line), &a, &e) < 0)
		return fail(&e);
	printf("%d ", a.code);
	show(span_str(a.text));
	return 0;
}

static int send_file(struct relay_talk *t, char **words)
{
	static struct verdict verdicts[RECIPIENTS_MAX];
	static char text[FILE_MAX];
	struct span to[RECIPIENTS_MAX], rest = span_str(words[1]), content;
	struct mail m = { .sender = span_str(words[0]), .recipients = to, .content = &content, .n_content = 1,
			  .needs = MAIL_MAY_HAVE_DOTS };
	FILE *f = fopen(words[2], "rb");
	struct err e = { 0 };
	int rc;

	if (!f)
		return 1;
	content = span_of(text, fread(text, 1, sizeof text, f));
	fclose(f);
	m.size = content.n;
	while (rest.n > 0 && m.n_recipients < RECIPIENTS_MAX)
		to[m.n_recipients++] = span_cut(&rest, ',');
	rc = relay_talk_send(t, &m, verdicts, &e);
	for (uint32_t i = 0; i < m.n_recipients; i++)
		printf("%.*s %s %d\n", SPAN_ARG(to[i]), verdict_word(verdicts[i].kind), verdicts[i].code);
	return rc < 0 ? fail(&e) : 0;
}

static int act(struct relay_talk *t, char **words, int n)
{
	char text[256];
	struct span params;
	struct err e = { 0 };

	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], "peer") == 0) {
			net_address_words(relay_talk_peer(t), text);
			puts(text);
		} else if (strcmp(words[i], "greeting") == 0) {
			show(relay_talk_greeting(t));
		} else if (strcmp(words[i], "ehlo") == 0) {
			show(relay_talk_ehlo(t));
		} else if (strcmp(words[i], "mechanism") == 0) {
			puts(relay_talk_mechanism(t) ? relay_talk_mechanism(t) : "none");
		} else if (strcmp(words[i], "tls") == 0) {
			relay_talk_tls(t, text, sizeof text);
			puts(text);
		} else if (strcmp(words[i], "offers") == 0) {
			bool yes = relay_talk_offers(t, span_str(words[++i]), &params);

			printf("%s %.*s\n", yes ? "yes" : "no", yes ? (int)params.n : 0, yes && params.n ? params.p : "");
		} else if (strcmp(words[i], "command") == 0) {
			if (command(t, words[++i]) != 0)
				return 1;
		} else if (strcmp(words[i], "send") == 0) {
			if (send_file(t, words + i + 1) != 0)
				return 1;
			i += 3;
		} else if (strcmp(words[i], "quit") == 0) {
			if (relay_talk_quit(t, &e) < 0)
				return fail(&e);
			puts("quit");
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct relay_options opt = { .url = argv[1], .timeout_ms = 10000 };
	struct relay_talk_options talk = { 0 };
	struct relay_talk *t = NULL;
	struct relay *r = NULL;
	struct err e = { 0 };
	int i, status;

	for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *value = strchr(argv[i], '=');
		const struct {
			const char *name;
			const char **at;
		} known[] = { { "helo=", &opt.helo }, { "source=", &opt.source_address }, { "mail=", &opt.mail_options },
			      { "rcpt=", &opt.rcpt_options }, { "password-env=", &opt.password_env } };

		if (strcmp(argv[i], "trace") == 0)
			talk.trace = on_line;
		for (size_t k = 0; value && k < sizeof known / sizeof *known; k++)
			if (strncmp(argv[i], known[k].name, strlen(known[k].name)) == 0)
				*known[k].at = value + 1;
	}
	if (relay_open(&r, &opt, &e) < 0 || relay_talk_open(&t, r, &talk, &e) < 0)
		status = fail(&e);
	else
		status = act(t, argv + i + 1, argc - i - 1);
	relay_talk_free(&t);
	relay_free(&r);
	return status;
}
