/* SPDX-License-Identifier: MIT */
/* The section `apis`: a type's own keys and those that every API has, in one mapping. */
#include <string.h>

#include <bmad/api.h>

#include "conf/loader.h"

struct api_keys {
	struct conf_api api;
	const char *type;
};

#define FIELD(member) .offset = offsetof(struct api_keys, api.member)

/* clang-format off */
const struct option conf_api_options[] = {
    {.name = "type", .type = OPT_TEXT, .offset = offsetof(struct api_keys, type), .required = true,
        .help = "whose API it is"},
    {.name = "request_timeout", .type = OPT_DURATION, FIELD(request_timeout_ms), .min = 1,
        .help = "how long one call may take, with all its tries and the waits between them; by type"},
    {.name = "retry_wait", .type = OPT_DURATION, FIELD(retry_wait_ms), .min = 1,
        .help = "the wait before the second try of a call; doubled from one to the next; by type"},
    {.name = "pace", .type = OPT_DURATION, FIELD(pace_ms),
        .help = "from the beginning of one call to that of the next, at least; by type"},
    {.name = "ca_file", .type = OPT_PATH, FIELD(ca_file), .help = "certificates to trust instead of the system's"},
    {.name = "proxy", .type = OPT_TEXT, FIELD(proxy), .help = "the URL of a proxy"},
    OPTION_END,
};
/* clang-format on */

static const struct api_type *find_type(const char *name)
{
	for (size_t i = 0; api_types[i]; i++)
		if (!strcmp(api_types[i]->name, name))
			return api_types[i];
	return NULL;
}

static void default_key(struct loader *loader, const char *key, const char *text, struct api_keys *keys)
{
	const struct node value = {
	    .kind = NODE_TEXT, .file = "default", .text = text, .count = (uint32_t)strlen(text)};

	option_read(&loader->reader, option_find(conf_api_options, key), &value, keys);
}

/* The type, or NULL with the reason among the problems; the other keys cannot be judged without it. */
static const struct api_type *read_type(struct loader *loader, const struct node *mapping)
{
	const struct node *name = mapping->kind == NODE_MAPPING ? node_find(mapping, "type") : NULL;
	const char *names[OPTIONS_MAX + 1] = {0};

	if (!name || name->kind != NODE_TEXT) {
		option_problem(&loader->reader, name ? node_place(name) : loader->reader.owner.place, "type",
		    "an API is a mapping that says whose it is, such as {type: bruin, ...}");
		return NULL;
	}
	const struct api_type *type = find_type(name->text);
	for (size_t i = 0; i < OPTIONS_MAX && api_types[i]; i++)
		names[i] = api_types[i]->name;
	if (!type)
		option_problem(&loader->reader, node_place(name), "type", "there is no API type '%.100s'%s",
		    name->text, option_near(&loader->reader, name->text, names));
	return type;
}

static void read_keys(
    struct loader *loader, struct conf_api *api, const struct api_type *type, const struct node *mapping)
{
	struct option_reader *reader = &loader->reader;
	void *options = arena_alloc(&loader->conf->arena, type->options_size);
	struct api_keys keys = {.api = *api};
	struct option_part parts[] = {{conf_api_options, &keys}, {type->options, options}};

	options_default(reader, conf_api_options, &keys);
	default_key(loader, "request_timeout", type->request_timeout, &keys);
	default_key(loader, "retry_wait", type->retry_wait, &keys);
	keys.api.pace_ms = type->pace_ms;
	options_default(reader, type->options, options);
	bool good = options_read(reader, mapping, parts, ARRAY_SIZE(parts));
	*api = keys.api;
	api->type = type;
	api->options = options;
	if (good && type->check)
		conf_report(loader, mapping, type->check(options));
}

void conf_read_apis(struct loader *loader, const struct entries *entries)
{
	loader->reader.use = REFERENCES_LATER;
	loader->reader.later = NULL;
	for (size_t i = 0; i < entries->count; i++) {
		struct conf_api *api = &loader->conf->apis[i];
		const struct node *mapping = entries->items[i].mapping;

		loader->reader.owner = (struct option_owner){"API", api->name, api->place};
		loader->problems->subject = api->name;
		const struct api_type *type = mapping ? read_type(loader, mapping) : NULL;
		if (type)
			read_keys(loader, api, type, mapping);
	}
}

struct err *conf_resolve_api(
    const struct conf *conf, const struct conf_api *api, struct arena *arena, struct conf_api *out_api)
{
	const struct api_type *type = api->type;
	struct api_keys keys = {.api = *api, .type = type->name};
	const void *resolved, *options;

	TRY(conf_resolve(conf, conf_api_options, &keys, sizeof(keys), arena, &resolved), "API '%s'",
	    api->name);
	TRY(conf_resolve(conf, type->options, api->options, type->options_size, arena, &options), "API '%s'",
	    api->name);
	*out_api = ((const struct api_keys *)resolved)->api;
	out_api->options = options;
	return NULL;
}
