/* relay_session.c - what a session is told when it begins: its relay's options, and, for a pool's link, what became
 * known of that relay since. */
#include <string.h>

#include "engine/base/mem.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_token.h"

int relay_tell(struct relay_told *told, const struct relay *r, const struct net_link *net, struct err *e)
{
	told->options = r->session;
	told->options.login_in_clear = !r->way.host[0] && net_address_is_local(net_link_peer(net));
	net_link_own_literal(net, told->own_literal);
	told->options.helo_name = span_str(r->helo[0] ? r->helo : told->own_literal);
	if (!r->token)
		return 0;
	told->login = r->login;
	told->token = relay_token_copy(r->token, &told->login.token.n, &told->token_serial);
	if (!told->token)
		return err_nomem(e, "for a token");
	told->login.token.p = told->token;
	told->options.login = &told->login;
	return 0;
}

void relay_told_forget(struct relay_told *told)
{
	if (told->token)
		mem_hidden_free(told->token, told->login.token.n + 1);
	told->token = NULL;
}

static bool may_login(void *ctx)
{
	const struct relay_link *l = ctx;

	return relay_board_may_login(l->side->relay, l->number);
}

int relay_link_begin_session(struct relay_link *l, int64_t now_ms, struct err *e)
{
	const struct relay *r = l->side->relay;
	unsigned broke = atomic_load_explicit(&r->board->broke, memory_order_relaxed);
	struct smtp_options *opt = &l->told.options;

	if (relay_tell(&l->told, r, l->net, e) < 0)
		return -1;
	opt->lockstep |= (broke & SMTP_BROKE_PIPELINING) != 0;
	opt->no_chunking |= (broke & SMTP_BROKE_CHUNKING) != 0;
	opt->trusted = atomic_load_explicit(&r->board->trusted, memory_order_relaxed);
	if (l->side->mails_most && (!opt->messages_max || l->side->mails_most < opt->messages_max))
		opt->messages_max = l->side->mails_most;
	opt->may_login = may_login;
	opt->login_ctx = l;
	l->ring.count = 0;
	if (l->pool->trace_fd >= 0 || l->pool->trouble_path) {
		opt->trace = relay_trace_lines;
		opt->trace_ctx = l;
	}
	return smtp_session_new(&l->session, opt, now_ms, e);
}

void relay_bind(const struct net_link *net, struct smtp_session *session)
{
	unsigned char binding[NET_BINDING];

	if (net_link_binding(net, binding) == 0)
		smtp_session_bind(session, span_of(binding, sizeof binding));
	explicit_bzero(binding, sizeof binding);
}
