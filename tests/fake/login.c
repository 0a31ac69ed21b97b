/* login.c - AUTH (RFC 4954): when it may be, base64 both ways, and what its end becomes. The mechanisms
 * themselves are in auth.c. */
#include "tests/fake/login.h"

#include "tests/fake/answer.h"

static void go_on(struct session *s, enum auth_result result, struct text line)
{
	struct bytes *b = &s->scratch;

	s->mode = MODE_COMMAND;
	switch (result) {
	case AUTH_CHALLENGE:
		s->mode = MODE_AUTH;
		b->n = 0;
		bytes_str(b, "334 ");
		bytes_base64(b, bytes_text(&s->challenge));
		bytes_char(b, 0);
		s->challenge.n = 0;
		bytes_text_add(&s->challenge, bytes_text(b)); /* scratch belongs to answer */
		answer(s, s->challenge.p);
		break;
	case AUTH_OK:
		s->authenticated = true;
		answer(s, "235 2.7.0 Authentication successful");
		break;
	case AUTH_REFUSED:
		answer(s, "535 5.7.8 Authentication credentials invalid");
		break;
	case AUTH_MALFORMED:
		answer_violation(s, "bad message of the AUTH mechanism", line);
		answer(s, "501 5.5.2 Bad message of this mechanism");
		break;
	}
}

static bool offers(const struct session *s, struct text mechanism)
{
	struct text rest = text_str(s->cfg->mechanisms);

	while (rest.p)
		if (text_case_eq(text_cut(&rest, ' '), mechanism))
			return auth_known(mechanism);
	return false;
}

/* Why AUTH cannot be now; NULL when it can. All of them are the client's mistakes. */
static const char *before_auth(struct session *s, struct text mechanism, const char **rule)
{
	if (!s->extended || !s->cfg->mechanisms || (s->cfg->require_tls && !s->link.tls)) {
		*rule = "AUTH that was not announced";
		return s->cfg->mechanisms && s->extended ? "530 5.7.0 Must issue a STARTTLS command first" :
							   "503 5.5.1 AUTH is not offered";
	}
	if (s->authenticated || s->t.open) {
		*rule = s->authenticated ? "AUTH twice" : "AUTH inside a transaction";
		return "503 5.5.1 Not now";
	}
	if (!offers(s, mechanism)) {
		*rule = "AUTH mechanism that was not announced";
		return "504 5.5.4 Unrecognized authentication type";
	}
	return NULL;
}

/* Strict base64; "=" alone is an empty initial response (RFC 4954 4). */
static bool decode(struct session *s, struct text line, bool initial)
{
	s->scratch.n = 0;
	if (initial && text_eq(line, TEXT("=")))
		return true;
	return bytes_unbase64(&s->scratch, line) && !(initial && line.n == 0);
}

void login_begin(struct session *s, struct text args, struct text line)
{
	struct fault_subject nobody = { 0 };
	struct text rest = args, mechanism, initial = { NULL, 0 };
	const char *rule, *refusal;

	text_cut(&rest, ' ');
	mechanism = text_cut(&rest, ' ');
	if (answer_stage(s, STAGE_AUTH, &nobody))
		return;
	refusal = before_auth(s, mechanism, &rule);
	if (refusal) {
		answer_violation(s, rule, line);
		answer(s, refusal);
		return;
	}
	if (rest.p) {
		if (!decode(s, rest, true)) {
			answer_violation(s, "bad base64 in AUTH", line);
			answer(s, "501 5.5.2 Bad base64");
			return;
		}
		initial = text_of(s->scratch.p ? s->scratch.p : "", s->scratch.n);
	}
	s->challenge.n = 0;
	go_on(s, auth_begin(&s->auth, s->cfg, &s->link, mechanism, initial, &s->challenge), line);
}

void login_response(struct session *s, struct text line)
{
	struct fault_subject nobody = { 0 };

	if (answer_stage(s, STAGE_AUTHCONT, &nobody)) {
		s->mode = MODE_COMMAND;
		return;
	}
	if (text_eq(line, TEXT("*"))) {
		s->mode = MODE_COMMAND;
		answer(s, "501 5.7.0 Authentication cancelled");
		return;
	}
	if (!decode(s, line, false)) {
		s->mode = MODE_COMMAND;
		answer_violation(s, "bad base64 in AUTH", line);
		answer(s, "501 5.5.2 Bad base64");
		return;
	}
	s->challenge.n = 0;
	go_on(s, auth_next(&s->auth, bytes_text(&s->scratch), &s->challenge), line);
}
