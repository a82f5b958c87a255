/* SPDX-License-Identifier: MIT */
/* The file of an environment: found, judged, laid over the configuration. */
#include "conf/environment.h"

#include <string.h>
#include <unistd.h>

#include "conf/merge.h"
#include "conf/path.h"

/* It becomes part of a file's name: no way out of the folder, no hidden file. */
static bool is_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	return strlen(name) <= 64 && !strchr("_.-", *name) && strspn(name, letters) == strlen(name);
}

/* `/etc/bmad/bmad.yaml` and `staging`: `/etc/bmad/bmad.staging.yaml`. */
static const char *path_of(const char *name, const char *path, struct arena *arena)
{
	static const char *const suffixes[] = {".yaml", ".yml"};
	size_t length = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (length > suffix && !strcmp(path + length - suffix, suffixes[i]))
			return arena_format(
			    arena, "%.*s.%s%s", (int)(length - suffix), path, name, suffixes[i]);
	}
	return arena_format(arena, "%s.%s.yaml", path, name);
}

static const struct node *read_layer(
    const char *name, const char *path, struct arena *arena, struct conf_problems *problems,
    struct yaml_reading *reading)
{
	if (access(path, F_OK) < 0) {
		conf_problem(problems, PROBLEM_ERROR, (struct conf_place){.file = path},
		    "there is no such file, and the environment '%s' (--env, $BMAD_ENV) is made by it", name);
		return NULL;
	}
	const struct node *layer = yaml_read_file(path, arena, problems, reading);
	if (!layer || node_is_null(layer) || layer->kind == NODE_MAPPING)
		return layer;
	conf_problem(problems, PROBLEM_ERROR, node_place(layer),
	    "an environment is a mapping like the configuration that it changes, not %s",
	    node_describe(layer));
	return NULL;
}

static const struct node *find_written(const struct node *daemon, const char *key)
{
	const struct node *value = node_find(daemon, key);

	return value && !node_is_null(value) ? value : NULL;
}

static bool same_store(const struct node *own, const struct node *base, const char *path, struct arena *arena)
{
	const char *folder = conf_folder_of(path, arena);

	return base && base->kind == NODE_TEXT && own->kind == NODE_TEXT &&
	       !strcmp(
	           conf_path_of_url(folder, base->text, arena), conf_path_of_url(folder, own->text, arena));
}

/*
 * Messages that are kept back or go elsewhere use up their keys, and runs move their watermarks on: in the
 * store of production they would be missing there.
 */
static void check_store(const struct node *layer, const struct node *root, const char *path,
    struct arena *arena, struct conf_problems *problems)
{
	static const char *const keys[] = {"redirect_to", "allow_channels"};
	const struct node *daemon = node_find(layer, "daemon"), *store = find_written(daemon, "store");

	if (store && !same_store(store, node_find_path(root, "daemon.store"), path, arena))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (find_written(daemon, keys[i]))
			conf_problem(problems, PROBLEM_ERROR, node_place(node_pair(daemon, keys[i])->key),
			    "an environment with '%s' must name a store of its own (daemon.store): in that "
			    "of %s "
			    "it would use up message keys and the state of jobs",
			    keys[i], path);
}

const struct node *environment_lay(const char *name, const char *path, const struct node *root,
    struct arena *arena, struct conf_problems *problems, struct yaml_reading *reading)
{
	if (!is_name(name)) {
		conf_problem(problems, PROBLEM_ERROR, (struct conf_place){0},
		    "'%.100s' is no name for an environment (--env, $BMAD_ENV): letters, digits, '_', '.' "
		    "and "
		    "'-', at most 64, a letter or digit first",
		    name);
		return root;
	}
	const struct node *layer = read_layer(name, path_of(name, path, arena), arena, problems, reading);
	if (!layer || node_is_null(layer))
		return root;
	check_store(layer, root, path, arena, problems);
	return node_is_null(root) ? layer : node_merge(arena, root, layer);
}
