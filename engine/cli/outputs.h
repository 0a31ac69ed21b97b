/* outputs.h - no output may be an input. */
#ifndef ENGINE_CLI_OUTPUTS_H
#define ENGINE_CLI_OUTPUTS_H

#include "engine/cli/options.h"
#include "transport/delivery/delivery.h"

/* Compares every file that a run writes (results, its side files, transcript, mbox) with every
 * one that it reads, by name and by device and inode. ERR_INPUT names both. */
int outputs_check(const struct options *o, const char *results, const struct delivery_relay *relays,
		  uint32_t n_relays, struct err *e);

#endif
