/* markup.c - a small part of HTML's tokenizer: as much as it takes to know an attribute's value.
 *
 * Mail has one special case: <!--[if mso]> is a comment to browsers, and markup to Outlook. What stands
 * inside of it is followed as markup.
 *
 * Invariant, held by tests/unit/test_liquid_links.c: each byte is looked at once or twice. */
#include "templates/liquid/markup.h"

#include <string.h>

static bool white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* ---- names ---- */

static void begin_name(struct markup *m)
{
	m->n_name = 0;
	m->name[0] = '\0';
}

/* A longer name is cut, and then is none that is looked for. */
static void add_name(struct markup *m, char c)
{
	if (m->n_name < MARKUP_NAME_MAX)
		m->name[m->n_name++] = lower(c);
	m->name[m->n_name] = '\0';
}

static bool holds_link(const char *name)
{
	static const char *const all[] = { "href", "src", "action", "formaction", "xlink:href" };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(name, all[i]) == 0)
			return true;
	return false;
}

/* ---- tags ---- */

static void end_tag(struct markup *m)
{
	bool script = strcmp(m->tag, "script") == 0 || strcmp(m->tag, "style") == 0;

	m->state = script && !m->closing ? MARKUP_SCRIPT : MARKUP_TEXT;
	m->matched = 0;
	m->link = false;
}

static void open_tag(struct markup *m, char c)
{
	m->closing = false;
	begin_name(m);
	if (letter(c)) {
		m->state = MARKUP_TAG_NAME;
		add_name(m, c);
	} else if (c == '/') {
		m->state = MARKUP_TAG_NAME;
		m->closing = true;
	} else if (c == '!') {
		m->state = MARKUP_DECLARATION;
	} else if (c == '?') {
		m->state = MARKUP_REMARK;
		m->comment = false;
	} else if (c != '<') {
		m->state = MARKUP_TEXT;
	}
}

/* "--" begins a comment, "--[if" markup for Outlook, anything else ends at the next >. */
static void declaration(struct markup *m, char c)
{
	static const char outlook[] = "--[if";

	if (m->n_name < sizeof outlook - 1 && lower(c) == outlook[m->n_name]) {
		add_name(m, c);
		return;
	}
	m->state = MARKUP_REMARK;
	m->comment = m->n_name >= 2 && m->n_name < sizeof outlook - 1;
	m->matched = 0;
	if (c == '>' && (!m->comment || m->n_name == 2))
		m->state = MARKUP_TEXT;
	else if (m->comment)
		m->matched = c == '-';
}

static void remark(struct markup *m, char c)
{
	if (c == '>' && (!m->comment || m->matched >= 2))
		m->state = MARKUP_TEXT;
	m->matched = c == '-' ? m->matched < 2 ? m->matched + 1 : 2 : 0;
}

/* Looks for "</script". */
static void script(struct markup *m, char c)
{
	size_t n = strlen(m->tag);

	if (c == '<')
		m->matched = 1;
	else if (m->matched == 1 && c == '/')
		m->matched = 2;
	else if (m->matched >= 2 && m->matched - 2u < n && lower(c) == m->tag[m->matched - 2])
		m->matched++;
	else
		m->matched = 0;
	if (m->matched == n + 2) {
		m->state = MARKUP_TAG_NAME;
		m->closing = true;
		memcpy(m->name, m->tag, n + 1);
		m->n_name = (uint8_t)n;
	}
}

/* ---- attributes ---- */

static void end_name(struct markup *m, char c)
{
	if (c == '=') {
		m->state = MARKUP_BEFORE_VALUE;
		m->link = holds_link(m->name);
		m->begun = m->decided = false;
		m->guard = (struct link){ 0 };
	} else if (c == '>') {
		end_tag(m);
	} else {
		m->state = white(c) ? MARKUP_AFTER_NAME : MARKUP_BEFORE_NAME;
	}
}

static void before_name(struct markup *m, char c)
{
	if (c == '>') {
		end_tag(m);
	} else if (!white(c) && c != '/') {
		m->state = MARKUP_NAME;
		begin_name(m);
		add_name(m, c);
	}
}

static void end_value(struct markup *m)
{
	m->state = MARKUP_BEFORE_NAME;
	m->link = false;
}

static bool before_value(struct markup *m, char c)
{
	if (white(c))
		return false;
	if (c == '>') {
		end_tag(m);
		return false;
	}
	m->quote = c;
	m->state = c == '"' || c == '\'' ? MARKUP_QUOTED : MARKUP_BARE;
	return m->state == MARKUP_BARE;
}

static bool in_value(struct markup *m, char c)
{
	if (m->state == MARKUP_QUOTED ? c == m->quote : white(c)) {
		end_value(m);
		return false;
	}
	if (m->state == MARKUP_BARE && c == '>') {
		end_tag(m);
		return false;
	}
	return true;
}

/* ---- Markdown ---- */

static void begin_target(struct markup *m, char quote)
{
	m->state = MARKUP_TARGET;
	m->quote = quote;
	m->link = true;
	m->begun = m->decided = false;
	m->guard = (struct link){ 0 };
	m->n_name = 0; /* bytes of the target so far, 0 or more */
}

static void in_text(struct markup *m, char c)
{
	char before = (char)m->matched;

	m->matched = (uint8_t)c;
	if (c == '<') {
		m->state = MARKUP_TAG_OPEN;
	} else if (m->markdown && before == ']' && c == '(') {
		begin_target(m, ')');
	} else if (m->markdown && before == ']' && c == ':' && m->named) {
		begin_target(m, '\n');
	} else if (c == '\n') {
		m->named = false;
	} else if (c == '[' && (before == '\n' || before == '\0')) {
		m->named = true;
	}
}

static bool in_target(struct markup *m, char c)
{
	if (white(c) && m->n_name == 0 && c != '\n')
		return false;
	if (c == '<' && m->n_name == 0 && m->quote != '>') {
		m->quote = '>';
		return false;
	}
	if (c == m->quote || (white(c) && m->quote != '>') || c == '\n') {
		m->state = MARKUP_TEXT;
		m->matched = (uint8_t)c;
		m->link = m->named = false;
		return false;
	}
	m->n_name = 1;
	return true;
}

/* ---- the whole ---- */

bool markup_step(struct markup *m, char c)
{
	switch ((enum markup_state)m->state) {
	case MARKUP_TEXT:
		in_text(m, c);
		return false;
	case MARKUP_TARGET:
		return in_target(m, c);
	case MARKUP_TAG_OPEN:
		open_tag(m, c);
		return false;
	case MARKUP_DECLARATION:
		declaration(m, c);
		return false;
	case MARKUP_REMARK:
		remark(m, c);
		return false;
	case MARKUP_SCRIPT:
		script(m, c);
		return false;
	case MARKUP_TAG_NAME:
		if (!white(c) && c != '/' && c != '>') {
			add_name(m, c);
			return false;
		}
		memcpy(m->tag, m->name, sizeof m->tag);
		if (c == '>')
			end_tag(m);
		else
			m->state = MARKUP_BEFORE_NAME;
		return false;
	case MARKUP_BEFORE_NAME:
		before_name(m, c);
		return false;
	case MARKUP_NAME:
		if (c == '=' || c == '>' || c == '/' || white(c))
			end_name(m, c);
		else
			add_name(m, c);
		return false;
	case MARKUP_AFTER_NAME:
		if (c == '=')
			end_name(m, c);
		else
			before_name(m, c);
		return false;
	case MARKUP_BEFORE_VALUE:
		return before_value(m, c) && m->link;
	case MARKUP_QUOTED:
	case MARKUP_BARE:
		return in_value(m, c) && m->link;
	}
	return false;
}

void markup_before_value(struct markup *m)
{
	if (m->markdown && m->state == MARKUP_TAG_OPEN)
		begin_target(m, '>'); /* <{{ link }}> */
}

void markup_value(struct markup *m)
{
	switch ((enum markup_state)m->state) {
	case MARKUP_TAG_OPEN:
		m->state = MARKUP_TAG_NAME;
		begin_name(m);
		add_name(m, '?');
		break;
	case MARKUP_BEFORE_NAME:
	case MARKUP_AFTER_NAME:
		m->state = MARKUP_NAME;
		begin_name(m);
		add_name(m, '?');
		break;
	case MARKUP_NAME:
	case MARKUP_TAG_NAME:
		add_name(m, '?');
		break;
	case MARKUP_BEFORE_VALUE:
		m->state = MARKUP_BARE;
		break;
	case MARKUP_TEXT:
		m->matched = 'x';
		break;
	case MARKUP_TARGET:
		m->n_name = 1;
		break;
	default:
		break;
	}
}

/* The way that is inside a link wins: there more is looked at. */
struct markup markup_merge(const struct markup *x, const struct markup *y)
{
	struct markup m = !markup_in_link(x) && markup_in_link(y) ? *y : *x;

	if (markup_in_link(x) && markup_in_link(y)) {
		m.decided = x->decided && y->decided;
		m.begun = x->begun && y->begun;
		if (x->state == MARKUP_BEFORE_VALUE)
			m.state = y->state;
	}
	return m;
}

bool markup_same(const struct markup *x, const struct markup *y)
{
	return x->state == y->state && x->link == y->link && x->begun == y->begun && x->decided == y->decided &&
	       x->quote == y->quote && x->closing == y->closing && x->comment == y->comment &&
	       x->matched == y->matched && x->named == y->named && strcmp(x->name, y->name) == 0 && strcmp(x->tag, y->tag) == 0;
}
