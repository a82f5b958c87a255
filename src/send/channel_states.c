/* SPDX-License-Identifier: MIT */
/* The states of channels as the store knows them: the sender keeps its records up to date. */
#include "send/channel_states.h"

#include <string.h>

static const char *copy(struct arena *arena, const char *text)
{
	return text ? arena_copy(arena, text) : NULL;
}

static struct lane_view view_of(
    const struct conf_channel *channel, const char *record, int64_t wall_ms, struct arena *arena)
{
	struct json *value = NULL;
	struct lane_view view;

	/* One that cannot be read says nothing, as to the sender. */
	if (record)
		err_ignore(json_parse(record, strlen(record), &value));
	lane_view(value, channel->enabled, wall_ms, &view);
	view.reason = copy(arena, view.reason);
	view.by = copy(arena, view.by);
	json_destroy(value);
	return view;
}

const struct lane_view *channel_states(
    const struct conf *conf, const struct lanes_reply *lanes, int64_t wall_ms, struct arena *arena)
{
	struct lane_view *views = arena_alloc(arena, (conf->channel_count + 1) * sizeof(*views));
	const char **records = arena_alloc(arena, (conf->channel_count + 1) * sizeof(*records));

	for (size_t i = 0; i < lanes->count; i++) {
		const struct conf_channel *channel = conf_channel(conf, lanes->lanes[i].channel);

		if (channel)
			records[channel - conf->channels] = lanes->lanes[i].value;
	}
	for (size_t i = 0; i < conf->channel_count; i++)
		views[i] = view_of(&conf->channels[i], records[i], wall_ms, arena);
	return views;
}

void channel_state_print(const struct lane_view *view, struct json *object)
{
	char text[TIME_TEXT];

	json_set_string(object, "state", view->state);
	json_set_string(object, "until", view->until_ms ? utc_format(view->until_ms / 1000, text) : NULL);
	json_set_string(object, "reason", view->reason);
	json_set_string(object, "by", view->by);
}
