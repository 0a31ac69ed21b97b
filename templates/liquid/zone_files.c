/* zone_files.c - the time zones of this system, read while a template compiles.
 *
 * A name that the template states is read from its file. Where the name is a value, any zone may be
 * asked for: then all of them are read at once, and a row can only choose among those.
 *
 * Invariant, held by tests/unit/test_liquid_zone.c: no name leads out of the folder of zones. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/utf8.h"
#include "templates/liquid/zone.h"

enum { FILE_BYTES_MAX = 64 << 10, FOLDERS_DEEP = 3, PATH_SIZE = 256 };

static const char folder[] = "/usr/share/zoneinfo";

static bool good_name(struct span name)
{
	if (name.n == 0 || name.n > ZONE_NAME_MAX || name.p[0] == '/' || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
			     c == '-' || c == '+';

		if (!plain && (c != '/' || i + 1 == name.n || name.p[i + 1] == '/'))
			return false;
	}
	return true;
}

const struct zone *zones_find(const struct zones *zs, struct span name)
{
	for (uint32_t i = 0; i < zs->n; i++)
		if (span_eq(zs->items[i]->name, name))
			return zs->items[i];
	return NULL;
}

static int keep(struct zones *zs, struct arena *a, const struct zone *z)
{
	if (zs->n == zs->cap) {
		uint32_t cap = zs->cap ? zs->cap * 2 : 4;
		const struct zone **more = arena_grow(a, zs->items, zs->cap * sizeof(struct zone *),
						      cap * sizeof(struct zone *));

		if (!more)
			return -1;
		zs->items = more;
		zs->cap = cap;
	}
	zs->items[zs->n++] = z;
	return 1;
}

static int add_bytes(struct zones *zs, struct arena *a, struct span name, struct span bytes)
{
	struct zone *z = arena_zero(a, sizeof *z);
	int ok;

	if (!z)
		return -1;
	if (!zone_parse(a, bytes, z))
		return 0;
	z->name = arena_copy(a, name, &ok);
	return ok ? keep(zs, a, z) : -1;
}

int zones_add(struct zones *zs, struct arena *a, struct span name)
{
	char path[PATH_SIZE];
	struct buf bytes;
	int rc;

	if (zones_find(zs, name))
		return 1;
	if (zs->all || !good_name(name))
		return 0;
	snprintf(path, sizeof path, "%s/%.*s", folder, SPAN_ARG(name));
	buf_init(&bytes, FILE_BYTES_MAX);
	rc = file_read(path, &bytes, NULL) < 0 ? 0 : add_bytes(zs, a, name, buf_span(&bytes));
	buf_release(&bytes);
	return rc;
}

/* Areas, and the zones in them: the folder has other files and copies besides. */
static bool is_area(const char *name)
{
	return name[0] >= 'A' && name[0] <= 'Z';
}

static int add_folder(struct zones *zs, struct arena *a, const char *below, int deep)
{
	char path[PATH_SIZE], name[ZONE_NAME_MAX];
	struct dirent *entry;
	DIR *d;
	int rc = 0;

	snprintf(path, sizeof path, "%s/%.*s", folder, ZONE_NAME_MAX, below);
	d = opendir(path);
	while (d && rc >= 0 && (entry = readdir(d))) {
		int n = snprintf(name, sizeof name, "%s%s%s", below, below[0] ? "/" : "", entry->d_name);

		if (!is_area(entry->d_name) || n < 0 || n >= (int)sizeof name)
			continue;
		if (entry->d_type == DT_DIR)
			rc = deep < FOLDERS_DEEP ? add_folder(zs, a, name, deep + 1) : 0;
		else
			rc = zones_add(zs, a, span_str(name));
	}
	if (d)
		closedir(d);
	return rc < 0 ? -1 : 0;
}

int zones_add_all(struct zones *zs, struct arena *a)
{
	if (zs->all)
		return 0;
	if (add_folder(zs, a, "", 1) < 0)
		return -1;
	zs->all = true;
	return 0;
}

/* "berlin" means Europe/Berlin. */
static struct span last_part(struct span name)
{
	while (span_find(name, '/') < name.n)
		name = span_skip(name, span_find(name, '/') + 1);
	return name;
}

struct span zones_nearest(const struct zones *zs, struct span name)
{
	struct span best = { NULL, 0 };
	unsigned least = 2;

	for (uint32_t i = 0; i < zs->n; i++) {
		struct span candidate = zs->items[i]->name;
		unsigned whole = utf8_distance(name, candidate, least);
		unsigned part = utf8_distance(last_part(name), last_part(candidate), least);
		unsigned d = part < whole ? part : whole;

		if (d <= least && (d < least || !best.n)) {
			best = candidate;
			least = d;
		}
	}
	return best;
}
