/* SPDX-License-Identifier: MIT */
/* The section `sources`: databases that jobs read. An entry is a mapping, or its url alone. */
#include <string.h>

#include "conf/loader.h"
#include "conf/path.h"
#include "conf/refs.h"
#include "source/source.h"

/* clang-format off */
const struct option conf_source_options[] = {
    {.name = "url", .type = OPT_SECRET, .offset = offsetof(struct conf_source, url), .required = true,
        .help = "where the database is: sqlite:PATH or postgresql://USER@HOST/DATABASE"},
    {.name = "password", .type = OPT_SECRET, .offset = offsetof(struct conf_source, password),
        .help = "its password, if it is not in the url"},
    {.name = "statement_timeout", .type = OPT_DURATION,
        .offset = offsetof(struct conf_source, statement_timeout_ms), .fallback = "60s", .min = 1,
        .help = "the longest that one statement may take"},
    {.name = "schema", .type = OPT_TEXT, .offset = offsetof(struct conf_source, schema),
        .help = "the schema that holds the tables, where the database has schemas"},
    {.name = "writable", .type = OPT_BOOL, .offset = offsetof(struct conf_source, writable), .fallback = "false",
        .help = "whether jobs may write to it"},
    OPTION_END,
};
/* clang-format on */

/* `scheme://user:password@host`: the only part of a source's url that must not be read by others. */
static bool url_has_password(const char *url)
{
	const char *user = strstr(url, "://");

	if (!user)
		return false;
	user += 3;
	const char *at = strpbrk(user, "@/"), *colon = strchr(user, ':');
	return at && *at == '@' && colon && colon < at;
}

static const char *schemes(struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; source_types[i]; i++)
		text = arena_format(arena, "%s%s%s", text, i ? ", " : "", source_types[i]->scheme);
	return text;
}

static void settle_url(struct loader *loader, struct conf_source *source, struct conf_place place)
{
	const char *url = source->url.hidden;

	if (!strncmp(url, "${", 2)) /* known when it is resolved */
		return;
	source->type = source_type_of(url);
	if (source->type)
		source->url.hidden = conf_path_of_url(loader->reader.folder, url, &loader->conf->arena);
	else
		option_problem(&loader->reader, place, "url", "expected one that begins with %s",
		    schemes(&loader->problems->arena));
}

static void read_source(struct loader *loader, struct conf_source *source, const struct node *mapping)
{
	struct option_reader *reader = &loader->reader;
	struct conf_place secret_before = reader->secret_place;

	reader->owner = (struct option_owner){"source", source->name, source->place};
	loader->problems->subject = source->name;
	reader->use = REFERENCES_LATER;
	reader->later = NULL;
	options_default(reader, conf_source_options, source);
	options_read(reader, mapping, &(struct option_part){conf_source_options, source}, 1);
	if (!source->url.hidden)
		return;
	if (!source->password.hidden && !url_has_password(source->url.hidden))
		reader->secret_place = secret_before;
	settle_url(loader, source, node_place(node_find(mapping, "url")));
}

void conf_read_sources(struct loader *loader, const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].mapping)
			read_source(loader, &loader->conf->sources[i], entries->items[i].mapping);
}

struct err *conf_resolve_source(const struct conf *conf, const struct conf_source *source,
    struct arena *arena, struct conf_source *out_source)
{
	const void *resolved;

	TRY(conf_resolve(conf, conf_source_options, source, sizeof(*source), arena, &resolved), "source '%s'",
	    source->name);
	struct conf_source copy = *(const struct conf_source *)resolved;
	copy.type = source_type_of(copy.url.hidden);
	if (!copy.type)
		return ERR(ERR_CONFIG, "source '%s': 'url' must begin with %s", source->name, schemes(arena));
	copy.url.hidden = conf_path_of_url(conf->folder, copy.url.hidden, arena);
	*out_source = copy;
	return NULL;
}
