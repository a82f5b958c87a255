/* SPDX-License-Identifier: MIT */
/* The APIs of a configuration, each made when a run first asks for it. */
#include "worker/apis.h"

#include "source/api.h"

struct kept_api {
	struct arena arena;       /* of `resolved` */
	struct conf_api resolved; /* outlives the API */
	struct api *api;          /* NULL: not used yet */
};

struct apis {
	const struct conf *conf;
	struct kept_api *items; /* one for each API of the configuration */
};

struct apis *apis_create(const struct conf *conf)
{
	struct apis *apis = mem_alloc(sizeof(*apis));

	apis->conf = conf;
	apis->items = mem_alloc(conf->api_count * sizeof(*apis->items));
	return apis;
}

void apis_destroy(struct apis *apis)
{
	if (!apis)
		return;
	for (size_t i = 0; i < apis->conf->api_count; i++) {
		api_destroy(apis->items[i].api);
		arena_done(&apis->items[i].arena);
	}
	free(apis->items);
	free(apis);
}

struct err *apis_get(struct apis *apis, const char *name, struct api **out_api)
{
	const struct conf_api *entry = conf_api(apis->conf, name);

	if (!entry)
		return ERR(ERR_CONFIG, "there is no API '%s'", name);
	struct kept_api *kept = &apis->items[entry - apis->conf->apis];
	if (!kept->api) {
		PASS(conf_resolve_api(apis->conf, entry, &kept->arena, &kept->resolved));
		kept->api = api_create(&kept->resolved);
	}
	*out_api = kept->api;
	return NULL;
}
