/* SPDX-License-Identifier: MIT */
/* `bmad outbox`: list and show messages, send dead ones again, discard what is not wanted any more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/columns.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/store_access.h"
#include "daemon/child.h"
#include "render/preview.h"
#include "send/channel.h"
#include "send/mime.h"

#define MESSAGES_SHOWN 100

static const char *const states[] = {
    "queued", "sending", "retrying", "delivered", "ambiguous", "dead", "suppressed", "discarded", NULL};

struct outbox_wish {
	const char *verb; /* list, show, retry, discard */
	const char *state, *channel, *since;
	int64_t since_ms, limit;
	struct id_record *ids;
	size_t id_count;
	bool again, json;
};

/* -- arguments ------------------------------------------------------------------------------------- */

static int read_argument(int argc, char **argv, int *i, struct outbox_wish *wish)
{
	const char *argument = argv[*i], *count;

	if (cli_option(argc, argv, i, "-n", &count))
		return cli_count("outbox", count, &wish->limit);
	if (!strcmp(argument, "--json")) {
		wish->json = true;
		return EXIT_OK;
	}
	if (!strcmp(argument, "--again")) {
		wish->again = true;
		return EXIT_OK;
	}
	if (cli_option(argc, argv, i, "--state", &wish->state) ||
	    cli_option(argc, argv, i, "--channel", &wish->channel) ||
	    cli_option(argc, argv, i, "--since", &wish->since))
		return EXIT_OK;
	if (argument[0] == '-')
		return cli_usage("outbox: unknown or incomplete option '%s'", argument);
	if (!wish->verb)
		wish->verb = argument;
	else
		wish->ids[wish->id_count++].id = argument;
	return EXIT_OK;
}

static int check_state(const char *state)
{
	const char *near;

	for (size_t i = 0; states[i]; i++)
		if (!state || !strcmp(state, states[i]))
			return EXIT_OK;
	near = near_name(state, states);
	return near ? cli_usage("outbox: unknown state '%s'; did you mean '%s'?", state, near)
	            : cli_usage("outbox: unknown state '%s'", state);
}

static int check_list(struct outbox_wish *wish)
{
	struct err *e;
	utc_t since;

	if (wish->id_count || wish->again)
		return cli_usage("outbox list: takes --state, --channel, --since and -n only");
	if (!wish->since)
		return EXIT_OK;
	e = utc_parse(wish->since, &since);
	if (e)
		return cli_fail(ERR_AT(e, "outbox: --since"));
	wish->since_ms = since * 1000;
	return EXIT_OK;
}

static int check_show(struct outbox_wish *wish)
{
	if (wish->id_count != 1 || wish->state || wish->channel || wish->since || wish->again || wish->limit)
		return cli_usage("outbox show: takes one ID");
	return EXIT_OK;
}

static int check_change(struct outbox_wish *wish)
{
	if (!wish->id_count == !wish->channel)
		return cli_usage("outbox %s: name either IDs or --channel", wish->verb);
	if (wish->state && !wish->channel)
		return cli_usage("outbox %s: --state goes with --channel", wish->verb);
	if (wish->since || wish->limit)
		return cli_usage("outbox %s: takes neither --since nor -n", wish->verb);
	if (wish->again && strcmp(wish->verb, "retry"))
		return cli_usage("outbox %s: takes no --again", wish->verb);
	return EXIT_OK;
}

/* -- rows as JSON ---------------------------------------------------------------------------------- */

static struct json *describe(const struct message_row *row)
{
	struct json *object = json_object();

	json_set_string(object, "id", row->id);
	json_set_int(object, "run", row->run);
	json_set_string(object, "job", row->job);
	json_set_string(object, "channel", row->channel);
	json_set_string(object, "kind", row->kind);
	json_set_string(object, "key", row->key);
	json_set_string(object, "to", text_is_empty(row->to) ? NULL : row->to);
	json_set_string(object, "subject", text_is_empty(row->subject) ? NULL : row->subject);
	json_set_string(object, "state", row->state);
	json_set_string(object, "reason", row->reason);
	json_set_int(object, "attempts", row->attempts);
	json_set_bool(object, "ambiguous", row->ambiguous);
	json_set_time(object, "created", row->created_ms / 1000);
	json_set_time(object, "next_try", row->next_ms / 1000);
	json_set_time(object, "expires", row->expires_ms / 1000);
	json_set_string(object, "last_answer", row->answer);
	return object;
}

/* The payload as a value: JSON where it is that, else text. */
static struct json *payload_json(const struct message_row *row)
{
	struct json *value = NULL;

	if (row->content_type && strstr(row->content_type, "json"))
		err_ignore(json_parse(row->payload, row->payload_length, &value));
	return value ? value : json_string_n(row->payload ? row->payload : "", row->payload_length);
}

static bool is_mail(const char *content_type)
{
	return text_equal(content_type, MIME_TYPE);
}

/* Mail is for programs to read; people get its text, and what is attached by name. */
static void set_mail(struct json *object, const struct message_row *row)
{
	struct json *mail;

	json_set_array(object, "attachments");
	if (!is_mail(row->content_type) || !row->payload)
		return;
	mail = mime_read(row->payload, row->payload_length);
	json_set(object, "from", json_copy(json_get(mail, "from")));
	json_set(object, "attachments", json_copy(json_get(mail, "attachments")));
	json_set(object, "preview", json_copy(json_get(mail, "text")));
	json_destroy(mail);
}

static struct json *describe_whole(const struct message_row *row)
{
	struct json *object = describe(row);

	json_set_time(object, "slot", row->slot);
	json_set_string(object, "lane", text_is_empty(row->lane) ? NULL : row->lane);
	json_set_string(object, "provider_id", row->provider_id);
	json_set_string(object, "content_type", row->content_type);
	set_mail(object, row);
	json_set(object, "payload", payload_json(row));
	return object;
}

/* -- for people ------------------------------------------------------------------------------------ */

static void add_row(struct columns *columns, const struct message_row *row)
{
	struct arena *arena = &columns->arena;

	columns_row(columns, (const char *[]){
	                         row->id,
	                         instant_text(row->created_ms / 1000, arena),
	                         row->job,
	                         row->channel,
	                         row->kind,
	                         row->state,
	                         arena_format(arena, "%lld", (long long)row->attempts),
	                         instant_text(row->next_ms / 1000, arena),
	                         row->reason ? one_line(row->reason, arena) : "",
	                     });
}

static int show_table(const struct messages_reply *messages)
{
	cleanup(columns_done) struct columns columns = {.count = 9};
	cleanup(buf_done) struct buf out = {0};

	columns_row(&columns, (const char *[]){"ID", "CREATED", "JOB", "CHANNEL", "KIND", "STATE", "TRIES",
	                          "NEXT TRY", "REASON"});
	for (size_t i = 0; i < messages->count; i++)
		add_row(&columns, &messages->rows[i]);
	columns_print(&columns, &out);
	return cli_write(&out);
}

static void add_line(struct buf *out, const char *name, const struct json *value)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(free_text) char *printed = json_is(value, JSON_STRING) ? NULL : json_print(value);

	if (!json_is(value, JSON_NULL))
		buf_format(out, "%-13s %s\n", name, one_line(printed ? printed : json_text(value), &arena));
}

/* Lines as they are, but no control characters that a terminal would act on. */
static void add_preview(struct buf *out, const struct json *payload)
{
	cleanup(free_text) char *pretty =
	    json_is(payload, JSON_STRING) ? mem_copy(json_text(payload)) : json_print_pretty(payload);

	for (char *at = pretty; *at; at++)
		if (((unsigned char)*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f)
			*at = ' ';
	buf_format(out, "\n%s\n", pretty);
}

static int show_whole(const struct json *message)
{
	cleanup(buf_done) struct buf out = {0};

	for (const struct json *member = json_first(message); member; member = json_next(member))
		if (strcmp(json_key(member), "payload") && strcmp(json_key(member), "preview"))
			add_line(&out, json_key(member), member);
	add_preview(&out, json_get(message, json_get(message, "preview") ? "preview" : "payload"));
	return cli_write(&out);
}

/* -- list and show --------------------------------------------------------------------------------- */

static struct err *read_messages(
    const struct conf *conf, const struct messages_ask *ask, struct arena *arena, struct messages_reply *out)
{
	struct store_client *client;
	struct err *e;

	PASS(store_access_read(conf, &client));
	e = store_call(client, REQ_MESSAGES, ask, arena, out);
	store_client_destroy(client);
	return e;
}

/* Messages of a channel that was taken out of the configuration are shown; one that has none must be in it.
 */
static struct err *check_channel(const struct conf *conf, const struct outbox_wish *wish, size_t count)
{
	const struct conf_channel *channel;

	return count || !wish->channel ? NULL : conf_channel_get(conf, wish->channel, &channel);
}

static int list(const struct conf *conf, const struct outbox_wish *wish)
{
	struct messages_ask ask = {.state = wish->state,
	    .channel = wish->channel,
	    .since_ms = wish->since_ms,
	    .limit = wish->limit ? wish->limit : MESSAGES_SHOWN};
	cleanup(arena_done) struct arena arena = {0};
	struct messages_reply messages = {0};
	struct err *e = store_access_there(conf) ? read_messages(conf, &ask, &arena, &messages) : NULL;
	struct json *rows;

	if (!e)
		e = check_channel(conf, wish, messages.count);
	if (e)
		return cli_fail(e);
	if (!wish->json)
		return show_table(&messages);
	rows = json_array();
	for (size_t i = 0; i < messages.count; i++)
		json_add(rows, describe(&messages.rows[i]));
	return cli_write_json(rows);
}

/* A payload holds what the job's references stood for; those that resolve here are hidden again. */
static void learn_secrets(const struct conf *conf)
{
	cleanup(arena_done) struct arena arena = {0};
	const char *value;

	for (size_t i = 0; i < conf->reference_count; i++)
		err_ignore(conf_resolve_text(conf, conf->references[i].text, &arena, &value));
}

/* What its reader sees of a chat's body. */
static void set_preview(struct json *message, const struct conf *conf, const struct message_row *row)
{
	const struct conf_channel *channel = row->channel ? conf_channel(conf, row->channel) : NULL;
	cleanup(buf_done) struct buf preview = {0};

	if (channel && channel->type &&
	    preview_add(&preview, channel->type->name, json_get(message, "payload")))
		json_set_string(message, "preview", buf_text(&preview));
}

/* The message as it may be shown. */
static struct json *describe_shown(const struct conf *conf, const struct message_row *row)
{
	struct json *message = describe_whole(row);

	set_preview(message, conf, row);
	learn_secrets(conf);
	struct json *shown = redact_json(message);
	/* In the encodings of a mail a secret may be broken over lines, where nothing finds it. */
	if (!json_equal(json_get(shown, "preview"), json_get(message, "preview")))
		json_set_string(shown, "payload", "***");
	json_destroy(message);
	return shown;
}

static int show(const struct conf *conf, const struct outbox_wish *wish)
{
	struct messages_ask ask = {.id = wish->ids[0].id};
	cleanup(arena_done) struct arena arena = {0};
	struct messages_reply messages = {0};
	struct err *e = read_messages(conf, &ask, &arena, &messages);
	struct json *message;
	int status;

	if (e)
		return cli_fail(e);
	message = describe_shown(conf, &messages.rows[0]);
	if (wish->json)
		return cli_write_json(message);
	status = show_whole(message);
	json_destroy(message);
	return status;
}

/* -- retry and discard ----------------------------------------------------------------------------- */

static int tell_json(const struct outbox_reply *reply)
{
	struct json *rows = json_array();

	for (size_t i = 0; i < reply->count; i++) {
		struct json *row = json_add_object(rows);

		json_set_string(row, "id", reply->changes[i].id);
		json_set_string(row, "before", reply->changes[i].before);
		json_set_string(row, "after", reply->changes[i].after);
		json_set_string(row, "refused", reply->changes[i].refused);
	}
	return cli_write_json(rows);
}

static int tell(const struct outbox_wish *wish, const struct outbox_reply *reply)
{
	cleanup(buf_done) struct buf out = {0};

	for (size_t i = 0; i < reply->count; i++) {
		const struct outbox_change *change = &reply->changes[i];

		if (change->refused)
			buf_format(
			    &out, "%s: %s, left so: %s\n", change->id, change->before, change->refused);
		else if (!strcmp(change->before, change->after))
			buf_format(&out, "%s: %s, due now\n", change->id, change->after);
		else
			buf_format(&out, "%s: %s -> %s\n", change->id, change->before, change->after);
	}
	if (!reply->count)
		buf_format(&out, "nothing to %s\n", wish->verb);
	return cli_write(&out);
}

static int worst_of(const struct outbox_reply *reply)
{
	for (size_t i = 0; i < reply->count; i++)
		if (reply->changes[i].refused)
			return EXIT_FAILED;
	return EXIT_OK;
}

static struct err *ask_change(
    const struct conf *conf, const struct outbox_wish *wish, struct arena *arena, struct outbox_reply *reply)
{
	struct outbox request = {
	    .verb = wish->verb,
	    .ids = wish->ids,
	    .count = wish->id_count,
	    .channel = wish->channel,
	    .state = wish->state,
	    .again = wish->again,
	    .now_ms = wall_ms(),
	};
	struct store_client *client;
	struct err *e;
	int lock;

	PASS(store_access_write(conf, &client, &lock));
	e = store_call(client, REQ_OUTBOX, &request, arena, reply);
	store_client_destroy(client);
	if (lock >= 0)
		close(lock);
	return e;
}

static int change(const struct conf *conf, const struct outbox_wish *wish)
{
	cleanup(arena_done) struct arena arena = {0};
	struct outbox_reply reply = {0};
	struct err *e = ask_change(conf, wish, &arena, &reply);
	int status;

	if (!e)
		e = check_channel(conf, wish, reply.count);
	if (e)
		return cli_fail(e);
	status = wish->json ? tell_json(&reply) : tell(wish, &reply);
	return status ? status : worst_of(&reply);
}

/* -- the command ----------------------------------------------------------------------------------- */

static const struct outbox_verb {
	const char *name;
	int (*check)(struct outbox_wish *wish);
	int (*run)(const struct conf *conf, const struct outbox_wish *wish);
} verbs[] = {
    {"list", check_list, list},
    {"show", check_show, show},
    {"retry", check_change, change},
    {"discard", check_change, change},
};

static const struct outbox_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static int run_verb(const struct outbox_verb *verb, struct outbox_wish *wish)
{
	struct conf *conf;
	int status = verb->check(wish);

	if (status == EXIT_OK)
		status = check_state(wish->state);
	if (status != EXIT_OK)
		return status;
	conf = cli_load_conf();
	if (!conf)
		return EXIT_USAGE;
	status = verb->run(conf, wish);
	conf_destroy(conf);
	return status;
}

int cmd_outbox(int argc, char **argv)
{
	cleanup(arena_done) struct arena arena = {0};
	struct outbox_wish wish = {.ids = arena_alloc(&arena, (size_t)argc * sizeof(*wish.ids))};
	const struct outbox_verb *verb;

	for (int i = 1; i < argc; i++) {
		int status = read_argument(argc, argv, &i, &wish);

		if (status != EXIT_OK)
			return status;
	}
	if (!wish.verb)
		wish.verb = "list";
	verb = find_verb(wish.verb);
	if (!verb)
		return cli_usage("outbox: '%s': expected list, show, retry or discard", wish.verb);
	return run_verb(verb, &wish);
}
