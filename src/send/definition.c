/* SPDX-License-Identifier: MIT */
/*
 * A channel's definition as a number, to tell whether two configurations mean the same by its name. What
 * `${...}` stands for is not part of it: that is known only where it is used.
 */
#include "send/channel.h"

#include <string.h>

#include <bmad/json.h>

#include "base/text.h"

static uint64_t add_number(uint64_t hash, int64_t number)
{
	return fnv1a(hash, &number, sizeof(number));
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	return text ? fnv1a(hash, text, strlen(text) + 1) : add_number(hash, -1);
}

static uint64_t add_texts(uint64_t hash, const struct texts *texts)
{
	hash = add_number(hash, (int64_t)texts->count);
	for (size_t i = 0; i < texts->count; i++)
		hash = add_text(hash, texts->items[i]);
	return hash;
}

static uint64_t add_rates(uint64_t hash, const struct rates *rates)
{
	hash = add_number(hash, (int64_t)rates->count);
	for (size_t i = 0; i < rates->count; i++)
		hash = add_number(add_number(hash, rates->items[i].count), rates->items[i].window_ms);
	return hash;
}

static uint64_t add_map(uint64_t hash, const struct json *map)
{
	cleanup(free_text) char *text = map ? json_print(map) : NULL;

	return add_text(hash, text);
}

static uint64_t add_options(uint64_t hash, const struct option *table, const void *structure);

static uint64_t add_option(uint64_t hash, const struct option *option, const void *structure)
{
	const void *value = (const char *)structure + option->offset;

	switch (option->type) {
	case OPT_TEXT:
	case OPT_PATH:
	case OPT_NAME:
		return add_text(hash, *(const char *const *)value);
	case OPT_SECRET:
		return add_text(hash, ((const struct secret *)value)->hidden);
	case OPT_BOOL:
		return add_number(hash, *(const bool *)value);
	case OPT_INT:
	case OPT_SIZE:
	case OPT_DURATION:
		return add_number(hash, *(const int64_t *)value);
	case OPT_CHOICE:
		return add_number(hash, *(const int *)value);
	case OPT_TEXTS:
	case OPT_SECRETS:
	case OPT_INTS:
	case OPT_NAMES:
		return add_texts(hash, value);
	case OPT_RATES:
		return add_rates(hash, value);
	case OPT_LIST:
	case OPT_MAP:
		return add_map(hash, *(const struct json *const *)value);
	case OPT_GROUP:
		if (option->can_be_false)
			hash = add_number(hash, *(const bool *)value);
		return add_options(hash, option->group, structure);
	}
	return hash;
}

static uint64_t add_options(uint64_t hash, const struct option *table, const void *structure)
{
	for (const struct option *option = table; option && option->name; option++)
		hash = add_option(hash, option, structure);
	return hash;
}

int64_t channel_definition(const struct conf_channel *channel)
{
	const int64_t numbers[] = {channel->enabled, channel->in_flight, channel->timeout_ms,
	    channel->retry_initial_ms, channel->retry_max_ms, channel->max_age_ms, channel->on_ambiguous,
	    channel->allow_http, channel->split, channel->breaker_after, channel->breaker_probe_ms,
	    channel->fallback_after_ms, channel->accept_severity};
	uint64_t hash = fnv1a(FNV_START, numbers, sizeof(numbers));

	hash = add_text(hash, channel->type->name);
	hash = add_options(hash, channel->type->options, channel->options);
	hash = add_rates(hash, &channel->rate);
	hash = add_texts(hash, &channel->retry_on);
	hash = add_text(hash, channel->ca_file);
	hash = add_text(hash, channel->proxy);
	hash = add_text(hash, channel->rate_group);
	hash = add_text(hash, channel->fallback);
	hash = add_texts(hash, &channel->accept_kinds);
	hash = add_text(hash, channel->accept_times);
	return (int64_t)(hash | 1); /* 0 means: not to be compared */
}

int64_t channel_destination(const struct conf_channel *channel, const void *options)
{
	uint64_t hash =
	    add_options(add_text(FNV_START, channel->type->name), channel->type->options, options);

	return (int64_t)(((hash >> 32) ^ (hash & UINT32_MAX)) | 1);
}
