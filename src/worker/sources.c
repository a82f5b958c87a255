/* SPDX-License-Identifier: MIT */
/* The connections to SQL sources that a worker keeps between its runs. */
#include "worker/sources.h"

#include <string.h>

#include "source/source.h"

struct kept_source {
	const char *name;
	struct conf_source resolved; /* outlives the connection */
	struct arena arena;          /* of `resolved` */
	struct sql *db;              /* NULL: none is open */
};

struct sources {
	const struct conf *conf;
	struct kept_source *items; /* one for each source of the configuration */
	size_t count;
};

struct sources *sources_create(const struct conf *conf)
{
	struct sources *sources = mem_alloc(sizeof(*sources));

	sources->conf = conf;
	sources->count = conf->source_count;
	sources->items = mem_alloc(sources->count * sizeof(*sources->items));
	for (size_t i = 0; i < sources->count; i++)
		sources->items[i].name = conf->sources[i].name;
	return sources;
}

static void drop(struct kept_source *kept)
{
	sql_disconnect(kept->db);
	kept->db = NULL;
	arena_done(&kept->arena);
}

void sources_destroy(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->count; i++)
		drop(&sources->items[i]);
	free(sources->items);
	free(sources);
}

/* References are resolved for each connection: a changed password takes effect with the next one. */
static struct err *open_kept(
    struct sources *sources, struct kept_source *kept, const struct conf_source *source)
{
	PASS(conf_resolve_source(sources->conf, source, &kept->arena, &kept->resolved));
	return sql_open(&kept->resolved, &kept->db);
}

struct err *sources_get(struct sources *sources, const char *name, struct sql **out_db)
{
	const struct conf_source *source = conf_source(sources->conf, name);
	struct kept_source *kept;

	if (!source)
		return ERR(ERR_CONFIG, "there is no source '%s'", name);
	kept = &sources->items[source - sources->conf->sources];
	if (!kept->db) {
		struct err *e = open_kept(sources, kept, source);

		if (e) {
			drop(kept);
			return ERR_AT(e, "connect to source %s", name);
		}
	}
	*out_db = kept->db;
	return NULL;
}

void sources_reset(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		struct kept_source *kept = &sources->items[i];

		if (!kept->db)
			continue;
		sql_reset(kept->db);
		if (!sql_usable(kept->db))
			drop(kept);
	}
}
