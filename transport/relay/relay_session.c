/* relay_session.c - what a link's session is told when it begins: its relay's options, and what became known of
 * that relay since. */
#include <string.h>

#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_token.h"

static bool may_login(void *ctx)
{
	const struct relay_link *l = ctx;

	return relay_board_may_login(l->side->relay, l->number);
}

int relay_link_begin_session(struct relay_link *l, int64_t now_ms, struct err *e)
{
	const struct relay *r = l->side->relay;
	unsigned broke = atomic_load_explicit(&r->board->broke, memory_order_relaxed);

	l->options = r->session;
	l->options.lockstep |= (broke & SMTP_BROKE_PIPELINING) != 0;
	l->options.no_chunking |= (broke & SMTP_BROKE_CHUNKING) != 0;
	l->options.trusted = atomic_load_explicit(&r->board->trusted, memory_order_relaxed);
	if (l->side->mails_most && (!l->options.messages_max || l->side->mails_most < l->options.messages_max))
		l->options.messages_max = l->side->mails_most;
	l->options.login_in_clear = !r->way.host[0] && net_address_is_local(net_link_peer(l->net));
	l->options.may_login = may_login;
	l->options.login_ctx = l;
	if (r->token) {
		l->login = r->login;
		l->token = relay_token_copy(r->token, &l->login.token.n, &l->token_serial);
		if (!l->token)
			return err_nomem(e, "for a token");
		l->login.token.p = l->token;
		l->options.login = &l->login;
	}
	if (r->helo[0]) {
		l->options.helo_name = span_str(r->helo);
	} else {
		net_link_own_literal(l->net, l->own_literal);
		l->options.helo_name = span_str(l->own_literal);
	}
	l->ring.count = 0;
	if (l->pool->trace_fd >= 0 || l->pool->trouble_path) {
		l->options.trace = relay_trace_lines;
		l->options.trace_ctx = l;
	}
	return smtp_session_new(&l->session, &l->options, now_ms, e);
}

void relay_bind(const struct net_link *net, struct smtp_session *session)
{
	unsigned char binding[NET_BINDING];

	if (net_link_binding(net, binding) == 0)
		smtp_session_bind(session, span_of(binding, sizeof binding));
	explicit_bzero(binding, sizeof binding);
}
