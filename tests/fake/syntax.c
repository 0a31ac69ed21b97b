/* syntax.c - written from the grammars alone, and shared with nobody: the project's own reader must not
 * be able to agree with a mistake of its own here. */
#include "tests/fake/syntax.h"

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* 0 no atom character, 1 one, 2 beyond ASCII */
static int atom_kind(unsigned char c)
{
	if (c >= 128)
		return 2;
	return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c)) ? 1 : 0;
}

/* Quoted-string = DQUOTE *(qtextSMTP / quoted-pairSMTP) DQUOTE */
static const char *quoted_local(struct text *in, bool *utf8)
{
	size_t i = 1;

	for (; i < in->n && in->p[i] != '"'; i++) {
		if (in->p[i] == '\\')
			i++;
		if (i == in->n)
			break;
		unsigned char c = (unsigned char)in->p[i];

		if (c < 32 || c == 127)
			return "control character in a quoted local part";
		*utf8 |= c >= 128;
	}
	if (i >= in->n)
		return "quoted local part never closed";
	*in = text_of(in->p + i + 1, in->n - i - 1);
	return NULL;
}

/* Dot-string = Atom *("." Atom) */
static const char *dot_local(struct text *in, bool *utf8)
{
	size_t i = 0;

	for (; i < in->n; i++) {
		int kind = atom_kind((unsigned char)in->p[i]);

		if (in->p[i] == '.' ? i == 0 || in->p[i - 1] == '.' : kind == 0)
			break;
		*utf8 |= kind == 2;
	}
	if (i == 0 || in->p[i - 1] == '.')
		return "bad local part";
	*in = text_of(in->p + i, in->n - i);
	return NULL;
}

static const char *address_literal(struct text t)
{
	for (size_t i = 1; i + 1 < t.n; i++)
		if (!is_alnum((unsigned char)t.p[i]) && !strchr(".:-", t.p[i]))
			return "bad address literal";
	return t.n >= 4 && t.p[t.n - 1] == ']' ? NULL : "bad address literal";
}

static const char *label(struct text t, bool *utf8)
{
	if (t.n == 0 || t.n > 63)
		return "bad length of a domain's label";
	if (t.p[0] == '-' || t.p[t.n - 1] == '-')
		return "hyphen at the end of a domain's label";
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c < 128 && c != '-' && !is_alnum(c))
			return "bad character in a domain";
		*utf8 |= c >= 128;
	}
	return NULL;
}

const char *syntax_domain(struct text t, bool *utf8)
{
	const char *wrong = NULL;

	if (t.n == 0 || t.n > 255)
		return "bad length of a domain";
	if (t.p[0] == '[')
		return address_literal(t);
	do
		wrong = label(text_cut(&t, '.'), utf8);
	while (!wrong && t.p);
	return wrong;
}

const char *syntax_path(struct text *in, enum syntax_path_kind kind, struct text *out, bool *utf8)
{
	struct text at;
	const char *wrong, *close;

	*utf8 = false;
	*out = (struct text){ in->p, 0 };
	if (!in->n || in->p[0] != '<')
		return "path without <";
	at = text_of(in->p + 1, in->n - 1);
	out->p = at.p;
	if (kind == PATH_REVERSE && at.n && at.p[0] == '>') {
		*in = text_of(at.p + 1, at.n - 1);
		return NULL;
	}
	wrong = at.n && at.p[0] == '"' ? quoted_local(&at, utf8) : dot_local(&at, utf8);
	if (wrong)
		return wrong;
	close = at.n ? memchr(at.p, '>', at.n) : NULL;
	if (!close)
		return "path without >";
	out->n = (size_t)(close - out->p);
	if (out->n + 2 > 256)
		return "path over 256 octets";
	if (close == at.p && kind == PATH_FORWARD && text_case_eq(*out, TEXT("postmaster")))
		wrong = NULL;
	else if (at.p[0] != '@')
		wrong = "no @ behind the local part";
	else
		wrong = syntax_domain(text_of(at.p + 1, (size_t)(close - at.p) - 1), utf8);
	*in = text_of(close + 1, at.n - (size_t)(close - at.p) - 1);
	return wrong;
}

const char *syntax_parameter(struct text *in, struct text *key, struct text *value)
{
	size_t n = 1, eq;

	if (in->p[0] != ' ')
		return "no space before a parameter";
	while (n < in->n && (is_alnum((unsigned char)in->p[n]) || (n > 1 && in->p[n] == '-')))
		n++;
	*key = text_of(in->p + 1, n - 1);
	*value = (struct text){ NULL, 0 };
	if (key->n == 0)
		return "empty or bad parameter";
	if (n < in->n && in->p[n] == '=') {
		for (eq = ++n; n < in->n && (unsigned char)in->p[n] > 32 && in->p[n] != '=' && in->p[n] != 127;)
			n++;
		*value = text_of(in->p + eq, n - eq);
		if (value->n == 0)
			return "parameter with an empty value";
	}
	if (n < in->n && in->p[n] != ' ')
		return "bad character in a parameter";
	*in = text_of(in->p + n, in->n - n);
	return NULL;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool syntax_xtext(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c == '+') {
			if (i + 2 >= t.n || !is_hex(t.p[i + 1]) || !is_hex(t.p[i + 2]))
				return false;
			i += 2;
		} else if (c < 33 || c > 126 || c == '=') {
			return false;
		}
	}
	return t.n > 0;
}
