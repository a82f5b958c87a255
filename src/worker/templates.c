/* SPDX-License-Identifier: MIT */
/* Where templates are looked for: the configuration's own first, then those that came with bmad. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "worker/inside.h"

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
	const char *own = arena_format(&arena, "%s/templates", conf->folder);
	const char *beside = beside_binary(&arena);
	const char *folders[] = {own, BMAD_TEMPLATES, NULL, NULL};

	if (beside) {
		folders[1] = beside;
		folders[2] = BMAD_TEMPLATES;
	}
	return template_set_create(folders);
}
