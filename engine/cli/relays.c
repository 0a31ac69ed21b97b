/* relays.c - a word with a ':' is a URL, one without names a section.
 *
 * Held by tests/system/test_cli_settings.py. */
#include "engine/cli/relays.h"

#include <string.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/cli/say.h"
#include "transport/relay/relay_providers.h"

static const char no_relay_hint[] =
	"--relay smtps://user@smtp.example.com sends; --relay maildir:out writes the messages to a folder";

static const struct relay_section *find_section(const struct options *o, const char *name, struct err *e)
{
	const char *nearest = NULL;
	unsigned best = 4;

	for (uint32_t i = 0; i < o->n_sections; i++) {
		unsigned d;

		if (strcmp(o->sections[i].name, name) == 0)
			return &o->sections[i];
		d = utf8_distance(span_str(name), span_str(o->sections[i].name), best);
		if (d < best) {
			best = d;
			nearest = o->sections[i].name;
		}
	}
	err_set(e, ERR_INPUT, "'%s' is neither a relay's URL nor a [relay] section of the settings", name);
	if (nearest)
		err_hint(e, "did you mean %s?", nearest);
	else
		err_hint(e, "a URL is written smtp://user@host, smtps://user@host, lmtp://host:24, maildir:FOLDER ...");
	return NULL;
}

static struct delivery_relay of_section(const struct relay_section *s)
{
	return (struct delivery_relay){ .name = s->name,
					.url = s->url,
					.password_command = s->password_command,
					.password_file = s->password_file,
					.password_env = s->password_env,
					.token_command = s->token_command };
}

static int read_word(const struct options *o, const char *word, struct delivery_relay *out, struct err *e)
{
	const struct relay_section *s;

	if (strchr(word, ':')) {
		*out = (struct delivery_relay){ .url = word };
		return 0;
	}
	s = find_section(o, word, e);
	if (!s)
		return -1;
	*out = of_section(s);
	return 0;
}

/* --password-... belongs to the only relay and goes before what its section says. */
static int give_password(const struct options *o, struct delivery_relay *relays, uint32_t n, struct err *e)
{
	unsigned ways = (o->password_command != NULL) + (o->password_file != NULL) + (o->password_env != NULL) +
			(o->token_command != NULL);

	if (ways == 0)
		return 0;
	if (ways > 1)
		return err_set(e, ERR_INPUT, "a password has one source: --password-command, --password-file, "
					     "--password-env or --token-command");
	if (n != 1) {
		err_set(e, ERR_INPUT, "with %u relays it is not clear whose password that is", n);
		return err_hint(e, "give each relay a [relay NAME] section in a settings file");
	}
	relays->password_command = o->password_command;
	relays->password_file = o->password_file;
	relays->password_env = o->password_env;
	relays->token_command = o->token_command;
	return 0;
}

/* --provider NAME is a relay of its own. */
static int read_provider(struct options *o, struct delivery_relay *out, struct err *e)
{
	char url[RELAY_PROVIDER_URL];

	if (relay_provider_url(o->provider, o->user, url, e) < 0)
		return -1;
	*out = (struct delivery_relay){ .name = o->provider, .url = arena_str(&o->memory, span_str(url)) };
	return out->url ? 0 : err_nomem(e, "the relays");
}

static int check_choice(const struct options *o, uint32_t count, struct err *e)
{
	if (o->provider && o->relays.n) {
		err_set(e, ERR_INPUT, "--provider and --relay both say where to send");
		return err_hint(e, "name one of them, or each relay in a settings file");
	}
	if (o->user && !o->provider) {
		err_set(e, ERR_INPUT, "--user goes with --provider");
		return err_hint(e, "in a relay's URL the user stands before the host: smtp://USER@HOST");
	}
	if (count > 0)
		return 0;
	err_set(e, ERR_INPUT, "no relay is given: where should the messages go?");
	return err_hint(e, "%s", no_relay_hint);
}

static int read_one(struct options *o, uint32_t i, struct delivery_relay *out, struct err *e)
{
	if (o->provider)
		return read_provider(o, out, e);
	if (o->relays.n)
		return read_word(o, o->relays.items[i], out, e);
	*out = of_section(&o->sections[i]);
	return 0;
}

int relays_read(struct options *o, const struct delivery_relay **out, uint32_t *n, struct err *e)
{
	uint32_t count = o->provider ? 1 : o->relays.n ? o->relays.n : o->n_sections;
	struct delivery_relay *relays = arena_array(&o->memory, count + 1, sizeof *relays);

	if (!relays)
		return err_nomem(e, "the relays");
	if (check_choice(o, count, e) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (read_one(o, i, &relays[i], e) < 0)
			return -1;
		relays[i].ask_password = say_to_person();
	}
	if (give_password(o, relays, count, e) < 0)
		return -1;
	*out = relays;
	*n = count;
	return 0;
}

bool relays_rehearse(const struct delivery_relay *relays, uint32_t n)
{
	static const char *const schemes[] = { "eml:", "mbox:", "maildir:", "null:" };

	for (uint32_t i = 0; i < n; i++) {
		bool file = false;

		for (unsigned k = 0; k < sizeof schemes / sizeof *schemes; k++)
			file = file || span_case_begins(span_str(relays[i].url), span_str(schemes[k]));
		if (!file)
			return false;
	}
	return n > 0;
}
