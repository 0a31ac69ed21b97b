#include "tests/unit/script_server.h"

#include <stdio.h>
#include <stdlib.h>

static void owe(struct server *v, enum owed_kind kind, unsigned trans, unsigned rcpt)
{
	if (v->n == SERVER_OWED)
		abort();
	v->owed[(v->first + v->n++) % SERVER_OWED] = (struct owed){ kind, trans, rcpt };
}

void server_begin(struct server *v, const struct script *script)
{
	memset(v, 0, sizeof *v);
	v->script = script;
	owe(v, OWE_GREETING, 0, 0);
}

static struct server_trans *newest(struct server *v)
{
	return v->n_trans > 0 ? &v->trans[v->n_trans - 1] : NULL;
}

static void take_mail(struct server *v)
{
	if (v->n_trans == SERVER_TRANS)
		abort();
	memset(&v->trans[v->n_trans++], 0, sizeof v->trans[0]);
	owe(v, OWE_MAIL, v->n_trans - 1, 0);
}

static void take_rcpt(struct server *v, struct span path)
{
	struct server_trans *t = newest(v);
	int found = -1;

	if (!t || t->n == SCRIPT_RCPTS)
		abort();
	for (unsigned m = 0; m < v->script->n_mails; m++)
		for (unsigned i = 0; i < v->script->mail[m].mail.n_recipients; i++)
			if (span_eq(v->script->mail[m].rcpt[i], path)) {
				t->mail = m;
				found = (int)i;
			}
	t->rcpt[t->n] = found;
	owe(v, OWE_RCPT, v->n_trans - 1, t->n++);
}

/* All content is here: for everyone who was not refused before. */
static void content_complete(struct server *v)
{
	struct server_trans *t = newest(v);

	v->state = SERVER_LINES;
	for (unsigned i = 0; i < t->n; i++) {
		struct fate *f = &v->fate[t->mail][t->rcpt[i]];

		if (t->rcpt[i] >= 0)
			f->whole = true;
	}
}

static void take_line(struct server *v, struct span line)
{
	if (span_begins(line, SPAN("EHLO ")) || span_begins(line, SPAN("LHLO "))) {
		owe(v, OWE_EHLO, 0, 0);
	} else if (span_eq(line, SPAN("STARTTLS"))) {
		owe(v, OWE_TLS, 0, 0);
	} else if (span_begins(line, SPAN("AUTH "))) {
		owe(v, OWE_AUTH, 0, 0);
	} else if (span_begins(line, SPAN("MAIL FROM:<"))) {
		take_mail(v);
	} else if (span_begins(line, SPAN("RCPT TO:<"))) {
		struct span path = span_skip(line, 9); /* parameters may follow */

		take_rcpt(v, span_sub(path, 0, span_search(path, SPAN("> ")) < path.n ? span_search(path, SPAN("> ")) : path.n - 1));
	} else if (span_eq(line, SPAN("DATA"))) {
		owe(v, OWE_DATA, v->n_trans - 1, 0);
	} else if (span_begins(line, SPAN("BDAT "))) {
		struct span rest = span_skip(line, 5);

		if (span_number(span_cut(&rest, ' '), 1 << 30, &v->bdat) < 0 || !span_eq(rest, SPAN("LAST")))
			abort();
		v->state = SERVER_BDAT;
		owe(v, OWE_END, v->n_trans - 1, 0); /* it may be refused before its octets are through */
		if (v->bdat == 0)
			content_complete(v);
	} else if (span_eq(line, SPAN("QUIT"))) {
		v->quit = true;
		owe(v, OWE_QUIT, 0, 0);
	} else { /* HELO, RSET, a line of a login */
		owe(v, OWE_PLAIN, 0, 0);
	}
}

static void take_octet(struct server *v, char c)
{
	if (v->line_n == sizeof v->line)
		abort();
	v->line[v->line_n++] = c;
	if (c != '\n')
		return;
	if (v->line_n < 2 || v->line[v->line_n - 2] != '\r') { /* a bare line feed on the wire */
		fprintf(stderr, "bare LF from the client\n");
		abort();
	}
	struct span line = span_of(v->line, v->line_n - 2);

	v->line_n = 0;
	if (v->state == SERVER_LINES) {
		take_line(v, line);
	} else if (span_eq(line, SPAN("."))) {
		owe(v, OWE_END, v->n_trans - 1, 0);
		content_complete(v);
	}
}

void server_take(struct server *v, struct span bytes)
{
	while (bytes.n > 0) {
		if (v->state != SERVER_BDAT) {
			take_octet(v, span_take(&bytes));
			continue;
		}
		size_t n = bytes.n < v->bdat ? bytes.n : (size_t)v->bdat;

		bytes = span_skip(bytes, n);
		v->bdat -= n;
		if (v->bdat == 0)
			content_complete(v);
	}
}

static void mark(struct server *v, const struct server_trans *t, unsigned i, bool yes)
{
	if (t->rcpt[i] < 0)
		return;
	if (yes)
		v->fate[t->mail][t->rcpt[i]].yes = true;
	else
		v->fate[t->mail][t->rcpt[i]].no = true;
}

static void replied_end(struct server *v, const struct owed *o, int code)
{
	struct server_trans *t = &v->trans[o->trans];

	if (!v->script->options.lmtp) {
		for (unsigned i = 0; i < t->n; i++)
			if (t->accepted[i] && (code < 300 || code >= 400))
				mark(v, t, i, code < 300);
		return;
	}
	while (t->lmtp_at < t->n && !t->accepted[t->lmtp_at])
		t->lmtp_at++;
	if (t->lmtp_at == t->n)
		return;
	if (code < 300 || code >= 400)
		mark(v, t, t->lmtp_at, code < 300);
	for (t->lmtp_at++; t->lmtp_at < t->n; t->lmtp_at++)
		if (t->accepted[t->lmtp_at]) { /* one more is owed, before all others */
			v->first = (v->first + SERVER_OWED - 1) % SERVER_OWED;
			v->owed[v->first] = *o;
			v->n++;
			return;
		}
}

static void refuse_all(struct server *v, const struct server_trans *t)
{
	for (unsigned i = 0; i < t->n; i++)
		mark(v, t, i, false);
}

static void everything_refused(struct server *v)
{
	for (unsigned m = 0; m < v->script->n_mails; m++)
		for (unsigned i = 0; i < SCRIPT_RCPTS; i++)
			if (!v->fate[m][i].yes)
				v->fate[m][i].no = true;
}

void server_replied(struct server *v, int code)
{
	struct owed o;

	if (code == 421)
		everything_refused(v);
	if (v->n == 0)
		return;
	o = v->owed[v->first];
	v->first = (v->first + 1) % SERVER_OWED;
	v->n--;
	switch (o.kind) {
	case OWE_MAIL:
		v->trans[o.trans].refused = code >= 400;
		if (code >= 400)
			refuse_all(v, &v->trans[o.trans]);
		break;
	case OWE_RCPT:
		v->trans[o.trans].accepted[o.rcpt] = code < 300;
		if (code >= 400)
			mark(v, &v->trans[o.trans], o.rcpt, false);
		break;
	case OWE_DATA:
		if (code == 354)
			v->state = SERVER_DATA;
		else if (code >= 400)
			refuse_all(v, &v->trans[o.trans]);
		break;
	case OWE_END:
		replied_end(v, &o, code);
		break;
	default:
		break;
	}
}

static bool anyone(const struct server_trans *t)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->accepted[i])
			return true;
	return false;
}

bool server_next_reply(const struct server *v, char *out, size_t out_size, int *code)
{
	const struct owed *o = &v->owed[v->first];

	if (v->n == 0)
		return false;
	*code = 250;
	if (o->kind == OWE_GREETING || o->kind == OWE_TLS)
		*code = 220;
	else if (o->kind == OWE_QUIT)
		*code = 221;
	else if (o->kind == OWE_AUTH)
		*code = 235;
	else if ((o->kind == OWE_DATA || o->kind == OWE_END) && (!anyone(&v->trans[o->trans])))
		*code = 503;
	else if (o->kind == OWE_DATA)
		*code = 354;
	if (o->kind == OWE_EHLO && v->script->ehlo.n > 0) {
		snprintf(out, out_size, "%.*s", SPAN_ARG(v->script->ehlo));
	} else {
		snprintf(out, out_size, "%d made up\r\n", *code);
	}
	return true;
}
