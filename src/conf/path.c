/* SPDX-License-Identifier: MIT */
/* Paths relative to the configuration. */
#include "conf/path.h"

#include <string.h>

const char *conf_path(const char *folder, const char *path, struct arena *arena)
{
	if (*path == '/' || !strncmp(path, "${", 2))
		return path;
	return arena_format(arena, "%s/%s", folder, path);
}

const char *conf_path_of_url(const char *folder, const char *url, struct arena *arena)
{
	static const char scheme[] = "sqlite:";
	const char *path = url + strlen(scheme);

	/* `sqlite::memory:` is a database without a file. */
	if (strncmp(url, scheme, strlen(scheme)) != 0 || !*path || *path == ':')
		return url;
	const char *absolute = conf_path(folder, path, arena);
	return absolute == path ? url : arena_format(arena, "%s%s", scheme, absolute);
}

const char *conf_folder_of(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_copy_n(arena, path, (size_t)(slash - path));
}
