/* delivery_kind.h - what every kind of delivery is to delivery.c. Private to the room.
 *
 * A kind's plan and delivery begin with these structs; delivery.c calls through the tables and knows
 * nothing else. The functions mean what delivery.h says of those with the same names. */
#ifndef TRANSPORT_DELIVERY_DELIVERY_KIND_H
#define TRANSPORT_DELIVERY_DELIVERY_KIND_H

#include "transport/delivery/delivery.h"

struct delivery_plan_ops {
	bool rehearsal;
	void (*free)(struct delivery_plan *p);
	void (*describe)(const struct delivery_plan *p, char *out, size_t out_size);
	void (*destination)(const struct delivery_plan *p, char *out, size_t out_size); /* delivery_plan_class() */
	int (*probe)(const struct delivery_plan *p, struct err *e);
	int (*open)(struct delivery **out, const struct delivery_plan *p, unsigned index, unsigned n_workers,
		    int wake_fd, struct err *e);
};

struct delivery_plan {
	const struct delivery_plan_ops *ops;
	unsigned connections; /* at least 1 */
};

struct delivery_ops {
	void (*close)(struct delivery *d);
	unsigned (*wants)(const struct delivery *d);
	void (*wake)(struct delivery *d); /* NULL: there is nothing to be woken */
	unsigned (*tickets)(const struct delivery *d);
	int (*offer)(struct delivery *d, const struct mail *m);
	void (*grant)(struct delivery *d, uint32_t ticket);
	void (*push)(struct delivery *d);
	int (*wait)(struct delivery *d, int64_t max_ms, struct err *e);
	int (*event)(struct delivery *d, struct delivery_event *out);
	void (*finish)(struct delivery *d);
	void (*abort)(struct delivery *d);
	unsigned (*in_hand)(const struct delivery *d);
	unsigned (*open_links)(const struct delivery *d);
};

struct delivery {
	const struct delivery_ops *ops;
};

/* delivery_smtp.c: all relays of opt. */
int delivery_smtp_plan(struct delivery_plan **out, const struct delivery_options *opt, struct err *e);
/* delivery_file.c: eml, mbox, maildir or null, of which there may be only one. */
int delivery_file_plan(struct delivery_plan **out, const struct delivery_options *opt, struct err *e);
/* True when url has a scheme of delivery_file.c. */
bool delivery_file_is_ours(const char *url);
/* delivery_pipe.c: "pipe:COMMAND", of which there may be only one. */
int delivery_pipe_plan(struct delivery_plan **out, const struct delivery_options *opt, struct err *e);
bool delivery_pipe_is_ours(const char *url);

#endif
