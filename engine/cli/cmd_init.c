/* cmd_init.c - a first letter, list and settings file, with what a beginner needs to know in them.
 *
 * Nothing is ever written over: when one of the names is taken, none is written. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/cli/commands.h"

static const char help[] =
	"Usage: lettershop init FOLDER\n"
	"Writes a letter, a list of recipients and a settings file to begin with, with\n"
	"comments that explain them. FOLDER is made when it is not there; nothing is ever\n"
	"written over.\n"
	"\n"
	"  letter.eml       the letter: headers, an empty line, the text\n"
	"  recipients.csv   the list: the names in its first line are the letter's words\n"
	"  lettershop.conf  settings: the relay, where its password comes from, the pace\n"
	"\n"
	"Examples:\n"
	"  lettershop init welcome\n"
	"  cd welcome\n"
	"  lettershop check letter.eml recipients.csv\n"
	"  lettershop preview letter.eml recipients.csv --out preview\n"
	"  lettershop send letter.eml recipients.csv --relay maildir:rehearsal\n"
	"  lettershop send letter.eml recipients.csv --settings lettershop.conf\n";

static const char letter[] =
	"From: Your Name <you@example.com>\n"
	"To: {{ name }} <{{ email }}>\n"
	"Subject: Welcome{% if city != \"\" %} to {{ city }}{% endif %}, {{ name }}\n"
	"\n"
	"{% comment %}\n"
	"  A letter has header lines, an empty line, and a text. Everywhere in it {{ column }} stands\n"
	"  for the cell of that column of the list; a column that the list does not have is an error\n"
	"  before anything is sent. What stands between comment and endcomment is not sent.\n"
	"\n"
	"  More headers that you may want:\n"
	"    Reply-To: support@example.com\n"
	"    Attachment: terms.pdf               a file beside this letter; repeat for more\n"
	"    Html-Body: letter.html              an HTML twin of this text, from a file\n"
	"    Content-Type: text/html             when this text itself is HTML\n"
	"{% endcomment -%}\n"
	"Dear {{ name | default: \"friend\" }},\n"
	"\n"
	"thank you for joining us on {{ joined | date: \"%-d %B %Y\" }}.\n"
	"{%- if plan == \"pro\" %}\n"
	"As a member of the pro plan you can call us at any time.\n"
	"{%- else %}\n"
	"Whenever you like, have a look at our pro plan.\n"
	"{%- endif %}\n"
	"\n"
	"Kind regards\n"
	"Your Name\n";

static const char recipients[] =
	"email,name,city,plan,joined\r\n"
	"ann@example.com,Ann,Lisbon,pro,2026-03-01\r\n"
	"bob@example.com,\"Bob \"\"the builder\"\" Smith\",,free,2026-04-17\r\n"
	"jose@example.com,Jos\xc3\xa9,M\xc3\xa9rida,free,2026-05-30\r\n";

static const char settings[] =
	"# Settings for lettershop: every long option of send, preview and check may stand here as\n"
	"# name = value. A # begins a comment. What is typed on the command line goes first.\n"
	"#\n"
	"#   lettershop send letter.eml recipients.csv --settings lettershop.conf\n"
	"\n"
	"connections = 4\n"
	"# Not more than the relay's owner allows; 30/min,2000/day means both.\n"
	"rate = 10/s\n"
	"# Where to write what became of everyone.\n"
	"results = results.csv\n"
	"# var = company=Example Ltd\n"
	"\n"
	"# A section for each relay. smtps:// is TLS from the start (port 465), smtp:// is STARTTLS\n"
	"# (port 587). The user stands before the last @ of the URL.\n"
	"[relay main]\n"
	"url = smtps://you@smtp.example.com\n"
	"# A password never stands here, only where it comes from; with none of these you are asked.\n"
	"# password_command = pass show smtp.example.com\n"
	"# password_file = /home/you/.smtp-password\n"
	"# password_env = SMTP_PASSWORD\n";

static const struct starter {
	const char *name, *content;
} starters[] = {
	{ "letter.eml", letter },
	{ "recipients.csv", recipients },
	{ "lettershop.conf", settings },
};
enum { N_STARTERS = sizeof starters / sizeof *starters };

static int open_folder(const char *path, int *out, struct err *e)
{
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make the folder '%s'", path);
	*out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? err_sys(e, "cannot write to the folder '%s'", path) : 0;
}

static int nothing_is_there(int folder, const char *path, struct err *e)
{
	for (int i = 0; i < N_STARTERS; i++) {
		if (faccessat(folder, starters[i].name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		err_set(e, ERR_INPUT, "'%s' has a %s already; nothing was written", path, starters[i].name);
		return err_hint(e, "give the name of a new folder");
	}
	return 0;
}

static int write_one(int folder, const struct starter *s, struct err *e)
{
	int fd = openat(folder, s->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), rc = 0;

	if (fd < 0)
		return err_sys(e, "cannot write '%s'", s->name);
	if (file_write_full(fd, s->content, strlen(s->content)) < 0)
		rc = err_sys(e, "cannot write '%s'", s->name);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(e, "cannot write '%s'", s->name);
	return rc;
}

static int write_all(const char *path, struct err *e)
{
	int folder = -1, rc = open_folder(path, &folder, e);

	if (rc == 0)
		rc = nothing_is_there(folder, path, e);
	for (int i = 0; rc == 0 && i < N_STARTERS; i++)
		rc = write_one(folder, &starters[i], e);
	if (folder >= 0)
		close(folder);
	return rc;
}

static int run(struct options *o)
{
	struct err e = { 0 };

	if (write_all(o->operands[0], &e) < 0)
		return command_failed(&e);
	for (int i = 0; i < N_STARTERS; i++)
		printf("%s/%s\n", o->operands[0], starters[i].name);
	printf("Now look into them, then: lettershop check %s/letter.eml %s/recipients.csv\n", o->operands[0],
	       o->operands[0]);
	return EXIT_SENT;
}

const struct command command_init = {
	.name = "init",
	.operands = "FOLDER",
	.summary = "writes a first letter, list and settings file",
	.help = help,
	.bit = FOR_INIT,
	.n_operands = 1,
	.run = run,
};
