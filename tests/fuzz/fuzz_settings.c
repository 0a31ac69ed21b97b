/* fuzz_settings.c - any bytes as a settings file of `send`: read, or a sentence with a place. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/cli/options.h"
#include "engine/cli/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o;
	struct err e = { 0 };
	char path[64];
	int fd = memfd_create("settings", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	options_init(&o);
	if (settings_read(&o, FOR_SEND, path, &e) < 0)
		MUST(e.text[0] && (e.kind != ERR_INPUT || e.line > 0));
	for (uint32_t i = 0; i < o.n_sections; i++)
		MUST(o.sections[i].name);
	options_release(&o);
	close(fd);
	return 0;
}
