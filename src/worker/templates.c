/* SPDX-License-Identifier: MIT */
/* Where templates are looked for: the configuration's own first, then those that came with bmad. */
#include "worker/templates.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Beside the binary, for a source tree that is not installed; NULL if that cannot be known. */
static const char *beside_binary(struct arena *arena)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (length < 0)
		return NULL;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	return arena_format(arena, "%s/templates", path);
}

struct template_set *worker_templates(const struct conf *conf)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *candidates[] = {
	    arena_format(&arena, "%s/templates", conf->folder),
	    getenv("BMAD_TEMPLATES"),
	    BMAD_TEMPLATE_FOLDER,
	    beside_binary(&arena),
	};
	const char *folders[ARRAY_SIZE(candidates) + 1] = {NULL};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (candidates[i])
			folders[count++] = candidates[i];
	return template_set_create(folders);
}
