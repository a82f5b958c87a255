/* SPDX-License-Identifier: MIT */
/* The section `channels`: a type's own keys and those that every channel has, in one mapping. */
#include <string.h>

#include "conf/loader.h"
#include "conf/path.h"
#include "schedule/tz.h"
#include "send/channel.h"

static const char *const severities[] = {
    [SEVERITY_NONE] = "none",
    [SEVERITY_INFO] = "info",
    [SEVERITY_WARNING] = "warning",
    [SEVERITY_ERROR] = "error",
    [SEVERITY_CRITICAL] = "critical",
    NULL,
};
static const char *const ambiguous[] = {[AMBIGUOUS_RETRY] = "retry", [AMBIGUOUS_HOLD] = "hold", NULL};

struct channel_keys {
	struct conf_channel channel;
	const char *type;
};

#define FIELD(member) .offset = offsetof(struct channel_keys, channel.member)

/* clang-format off */
static const struct option retry_options[] = {
    {.name = "initial", .type = OPT_DURATION, FIELD(retry_initial_ms), .min = 1,
        .help = "the longest wait before the second attempt; doubled from one to the next; by type"},
    {.name = "max", .type = OPT_DURATION, FIELD(retry_max_ms), .min = 1,
        .help = "the longest wait between two attempts; by type"},
    {.name = "max_age", .type = OPT_DURATION, FIELD(max_age_ms), .min = 1,
        .help = "a message older than this is dead (expired); by type"},
    OPTION_END,
};

static const struct option breaker_options[] = {
    {.name = "after", .type = OPT_INT, FIELD(breaker_after), .fallback = "5", .min = 1,
        .help = "so many attempts in a row that came to nothing, over 30 s (or `probe`) or more, open it"},
    {.name = "probe", .type = OPT_DURATION, FIELD(breaker_probe_ms), .fallback = "30s", .min = 1,
        .help = "one message is tried after this; if it fails, after 2, 4, 10, 20 times that"},
    OPTION_END,
};

static const struct option fallback_options[] = {
    {.name = "channel", .type = OPT_NAME, FIELD(fallback), .section = "channels",
        .help = "what is rejected goes there, and what waits while the channel is suspended"},
    {.name = "after", .type = OPT_DURATION, FIELD(fallback_after_ms), .fallback = "15m", .min = 1,
        .help = "and what did not get through in this time"},
    OPTION_END,
};

static const struct option accept_options[] = {
    {.name = "kinds", .type = OPT_TEXTS, FIELD(accept_kinds),
        .help = "messages of these kinds only; left out: of any"},
    {.name = "severity", .type = OPT_CHOICE, FIELD(accept_severity), .choices = severities, .fallback = "none",
        .help = "messages of this severity or a higher one"},
    {.name = "times", .type = OPT_TEXT, FIELD(accept_times),
        .help = "a cron expression in whose minutes messages are accepted; left out: always"},
    OPTION_END,
};

const struct option conf_channel_options[] = {
    {.name = "type", .type = OPT_TEXT, .offset = offsetof(struct channel_keys, type), .required = true,
        .help = "what kind of channel it is"},
    {.name = "enabled", .type = OPT_BOOL, FIELD(enabled), .fallback = "true",
        .help = "a channel that is not keeps its messages queued"},
    {.name = "rate", .type = OPT_RATES, FIELD(rate), .help = "messages in a time, all of which hold; by type"},
    {.name = "rate_group", .type = OPT_TEXT, FIELD(rate_group),
        .help = "channels with the same share one rate, as those of one account"},
    {.name = "in_flight", .type = OPT_INT, FIELD(in_flight), .fallback = "1", .min = 1, .max = 128,
        .help = "requests at the same time"},
    {.name = "timeout", .type = OPT_DURATION, FIELD(timeout_ms), .fallback = "30s", .min = 1,
        .help = "how long one attempt may take"},
    {.name = "retry", .type = OPT_GROUP, .group = retry_options, .help = "attempts after a failed one"},
    {.name = "breaker", .type = OPT_GROUP, .group = breaker_options,
        .help = "when nothing is sent for a while because nothing gets through"},
    {.name = "on_ambiguous", .type = OPT_CHOICE, FIELD(on_ambiguous), .choices = ambiguous,
        .help = "what happens to a message that may have arrived: sent again or held for a person; by type"},
    {.name = "fallback", .type = OPT_GROUP, .group = fallback_options,
        .help = "the channel that stands in for this one; just its name will do"},
    {.name = "accept", .type = OPT_GROUP, .group = accept_options,
        .help = "which messages go out at all; the others are suppressed"},
    {.name = "retry_on", .type = OPT_INTS, FIELD(retry_on), .min = 100, .max = 599,
        .help = "more HTTP statuses that mean: try again"},
    {.name = "split", .type = OPT_BOOL, FIELD(split), .fallback = "false",
        .help = "a text that is too long for one message goes out in up to five numbered ones"},
    {.name = "ca_file", .type = OPT_PATH, FIELD(ca_file), .help = "certificates to trust instead of the system's"},
    {.name = "proxy", .type = OPT_TEXT, FIELD(proxy), .help = "the URL of a proxy"},
    {.name = "allow_http", .type = OPT_BOOL, FIELD(allow_http), .fallback = "false",
        .help = "allows plain http:// to hosts other than this one"},
    OPTION_END,
};
/* clang-format on */

static void default_key(struct loader *loader, const char *key, const char *text, struct channel_keys *keys)
{
	struct node *value = arena_alloc(&loader->conf->arena, sizeof(*value));

	if (!text)
		return;
	*value = (struct node){
	    .kind = NODE_TEXT, .file = "default", .text = text, .count = (uint32_t)strlen(text)};
	option_read(&loader->reader, option_find(conf_channel_options, key), value, keys);
}

static void default_by_type(struct loader *loader, const struct channel_type *type, struct channel_keys *keys)
{
	options_default(&loader->reader, conf_channel_options, keys);
	default_key(loader, "rate", type->rate, keys);
	default_key(
	    loader, "retry.initial", type->retry_initial ? type->retry_initial : CHANNEL_RETRY_INITIAL, keys);
	default_key(loader, "retry.max", type->retry_max ? type->retry_max : CHANNEL_RETRY_MAX, keys);
	default_key(loader, "retry.max_age", type->max_age ? type->max_age : CHANNEL_MAX_AGE, keys);
	keys->channel.on_ambiguous = (int)type->on_ambiguous;
}

static void refuse_type(struct loader *loader, const struct node *type)
{
	const char *names[OPTIONS_MAX + 1] = {0};

	for (size_t i = 0; i < OPTIONS_MAX && channel_types[i]; i++)
		names[i] = channel_types[i]->name;
	option_problem(&loader->reader, node_place(type), "type", "there is no channel type '%.100s'%s",
	    type->text, option_near(&loader->reader, type->text, names));
}

/* The type, or NULL with the reason among the problems; the other keys cannot be judged without it. */
static const struct channel_type *read_type(struct loader *loader, const struct node *mapping)
{
	const struct node *name = node_find(mapping, "type");

	if (mapping->kind != NODE_MAPPING) {
		option_problem(&loader->reader, node_place(mapping), "type",
		    "a channel is a mapping such as {type: webhook, ...}, not %s", node_describe(mapping));
		return NULL;
	}
	if (!name || node_is_null(name) || name->kind != NODE_TEXT) {
		conf_problem(loader->problems, PROBLEM_ERROR,
		    name ? node_place(name) : loader->reader.owner.place,
		    "the key 'type' is missing in %s: what kind of channel it is",
		    option_where(&loader->reader));
		return NULL;
	}
	const struct channel_type *type = channel_type_find(name->text);
	if (!type)
		refuse_type(loader, name);
	return type;
}

/* `fallback: NAME` is short for {channel: NAME}. */
static const struct node *spell_out(struct loader *loader, const struct node *mapping)
{
	const struct node *fallback = node_find(mapping, "fallback");

	if (!fallback || fallback->kind != NODE_TEXT || node_is_null(fallback))
		return mapping;
	return node_with_key(loader->scratch, mapping, "fallback",
	    node_with_key(loader->scratch, NULL, "channel", fallback));
}

static void destroy_schedule(void *schedule)
{
	schedule_destroy(schedule);
}

static void settle_times(struct loader *loader, struct conf_channel *channel, const struct node *mapping)
{
	const struct node *written = node_find_path(mapping, "accept.times");
	struct schedule *schedule;
	const struct tz *tz = NULL;
	struct err *e;
	int column = 1;

	if (!channel->accept_times)
		return;
	e = tz_get(loader->conf->daemon.timezone, &tz);
	if (!e)
		e = schedule_parse(channel->accept_times, tz, NULL, DST_VIXIE, &schedule, &column);
	if (e) {
		option_problem(&loader->reader, node_place_at(written, (size_t)column - 1), "accept.times", "%s",
		    err_message(e));
		err_destroy(e);
		return;
	}
	arena_defer(&loader->conf->arena, destroy_schedule, schedule);
	channel->accept_schedule = schedule;
	if (schedule_kind(schedule) != SCHEDULE_CRON)
		option_problem(&loader->reader, node_place(written), "accept.times",
		    "expected a cron expression such as `* 6-21 * * 1-5`, whose minutes are open");
}

/* MAPPING NULL: nothing but defaults. */
static void read_keys(struct loader *loader, struct conf_channel *channel, const struct channel_type *type,
    const struct node *mapping)
{
	struct option_reader *reader = &loader->reader;
	struct channel_keys keys = {0};
	void *options = arena_alloc(&loader->conf->arena, type->options_size);
	struct option_part parts[] = {{conf_channel_options, &keys}, {type->options, options}};

	default_by_type(loader, type, &keys);
	options_default(reader, type->options, options);
	mapping = mapping ? spell_out(loader, mapping) : NULL;
	bool good = !mapping || options_read(reader, mapping, parts, ARRAY_SIZE(parts));
	keys.channel.name = channel->name;
	keys.channel.place = channel->place;
	keys.channel.type = type;
	keys.channel.options = options;
	*channel = keys.channel;
	settle_times(loader, channel, mapping);
	if (!good)
		return;
	if (type->check)
		conf_report(loader, mapping, type->check(channel, options));
	const char *advice = type->advise ? type->advise(channel, options) : NULL;
	if (advice)
		conf_problem(loader->problems, PROBLEM_WARNING, channel->place, "channel '%s': %s", channel->name, advice);
}

static void read_channel(struct loader *loader, struct conf_channel *channel, const struct node *mapping)
{
	loader->reader.owner = (struct option_owner){"channel", channel->name, channel->place};
	loader->problems->subject = channel->name;
	loader->reader.use = REFERENCES_LATER;
	loader->reader.later = NULL;
	const struct channel_type *type = mapping ? read_type(loader, mapping) : channel_type_find(CONSOLE_CHANNEL);
	if (type)
		read_keys(loader, channel, type, mapping);
}

/* -- what channels are to each other --------------------------------------------------------------- */

static void check_fallback(const struct loader *loader, const struct conf_channel *channel)
{
	const struct conf *conf = loader->conf;
	const struct conf_channel *next = channel;

	for (size_t steps = 0; next && next->fallback && steps < conf->channel_count; steps++) {
		next = conf_channel(conf, next->fallback);
		if (next != channel)
			continue;
		conf_problem(loader->problems, PROBLEM_ERROR, channel->place,
		    "channel '%s' is in the end its own fallback: what it cannot send would go round in circles",
		    channel->name);
		return;
	}
}

static bool same_rate(const struct rates *a, const struct rates *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].count != b->items[i].count || a->items[i].window_ms != b->items[i].window_ms)
			return false;
	return true;
}

static void check_group(const struct loader *loader, const struct conf_channel *channel)
{
	const struct conf_channel *first = loader->conf->channels;

	if (!channel->rate_group)
		return;
	while (!first->rate_group || strcmp(first->rate_group, channel->rate_group) != 0)
		first++;
	if (!same_rate(&first->rate, &channel->rate))
		conf_problem(loader->problems, PROBLEM_ERROR, channel->place,
		    "channel '%s' has another rate than '%s', with which it shares one: both are in the "
		    "rate_group '%s'",
		    channel->name, first->name, channel->rate_group);
}

void conf_read_channels(struct loader *loader, const struct entries *entries)
{
	struct conf *conf = loader->conf;

	for (size_t i = 0; i < conf->channel_count; i++) {
		bool named = i < entries->count;

		if (!named || entries->items[i].mapping)
			read_channel(loader, &conf->channels[i], named ? entries->items[i].mapping : NULL);
	}
	for (size_t i = 0; i < conf->channel_count; i++) {
		loader->problems->subject = conf->channels[i].name;
		check_fallback(loader, &conf->channels[i]);
		check_group(loader, &conf->channels[i]);
	}
}

struct err *conf_resolve_channel(const struct conf *conf, const struct conf_channel *channel,
    struct arena *arena, struct conf_channel *out_channel)
{
	struct channel_keys keys = {.channel = *channel, .type = channel->type->name};
	const void *resolved, *options;

	TRY(conf_resolve(conf, conf_channel_options, &keys, sizeof(keys), arena, &resolved), "channel '%s'",
	    channel->name);
	TRY(conf_resolve(
	        conf, channel->type->options, channel->options, channel->type->options_size, arena, &options),
	    "channel '%s'", channel->name);
	*out_channel = ((const struct channel_keys *)resolved)->channel;
	out_channel->options = options;
	return NULL;
}
