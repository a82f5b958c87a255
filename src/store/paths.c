/* SPDX-License-Identifier: MIT */
/* Where the files beside a store are. */
#include "store/process.h"

#include <string.h>

static const char *beside(const char *url, const char *ending, struct arena *arena)
{
	const char *colon = strchr(url, ':');

	return arena_format(arena, "%s%s", colon ? colon + 1 : url, ending);
}

const char *store_socket_path(const char *url, struct arena *arena)
{
	return beside(url, ".sock", arena);
}

const char *store_lock_path(const char *url, struct arena *arena)
{
	return beside(url, ".lock", arena);
}
