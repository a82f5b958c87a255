/* SPDX-License-Identifier: MIT */
/*
 * Channel `email`: SMTP submission, one envelope per recipient. The payload is the whole MIME message, made
 * in the worker, so that every attempt sends the same bytes.
 */
#include "send/channels.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "send/mime.h"

#define GREYLISTED_MS 300000 /* who comes back sooner is sent away again */
#define EXCERPT_MAX   200
#define HEAD_BYTES    8192 /* of max_bytes, kept for everything that is not the text */

enum tls { TLS_REQUIRED, TLS_NONE };
static const char *const tls_choices[] = {"required", "none", NULL};

struct email_options {
	const char *url;
	int tls;
	const char *username;
	struct secret password;
	const char *from;
	struct texts to, cc;
	const char *reply_to;
	int64_t max_bytes;
};

static const struct option options_table[] = {
    OPTION(struct email_options, url, OPT_TEXT, .required = true,
        .help =
            "the mail server: smtps://HOST, or smtp://HOST:587; a path is the name given at EHLO instead of "
            "this host's"),
    OPTION(struct email_options, tls, OPT_CHOICE, .choices = tls_choices, .fallback = "required",
        .help = "with smtp://: STARTTLS or nothing, or no TLS at all"),
    OPTION(
        struct email_options, username, OPT_TEXT, .help = "for the log-in, which is never made without TLS"),
    OPTION(struct email_options, password, OPT_SECRET, .help = "for the log-in"),
    OPTION(struct email_options, from, OPT_TEXT, .required = true,
        .help = "the sender, who hears of bounces: a@example.com or Plant <a@example.com>"),
    OPTION(struct email_options, to, OPT_TEXTS,
        .help = "recipients; each is a message of its own in the outbox"),
    OPTION(struct email_options, cc, OPT_TEXTS, .help = "further ones, named as copies"),
    OPTION(struct email_options, reply_to, OPT_TEXT, .help = "where answers go"),
    OPTION(struct email_options, max_bytes, OPT_SIZE, .fallback = "10M", .min = 20000, .max = 100000000,
        .help = "a message that would be bigger, encoded, leaves out attachments, then HTML, then text"),
    OPTION_END,
};

/* -- addresses ----------------------------------------------------------------------------------------- */

/* The channel's own, parsed. */
struct people {
	struct mail_address from;
	struct mail_list reply_to, to, cc;
};

static bool is_reference(const char *text)
{
	return strstr(text, "${") != NULL;
}

static struct err *check_one(const char *key, const char *text)
{
	cleanup(arena_done) struct arena arena = {0};
	struct mail_address address;

	if (!text || is_reference(text))
		return NULL;
	struct err *e = mail_address_parse(text, &arena, &address);
	if (!e)
		return NULL;
	struct err *named = ERR(ERR_CONFIG, "%s: %s", key, err_message(e));
	err_destroy(e);
	return named;
}

static struct err *check_list(const char *key, const struct texts *list)
{
	for (size_t i = 0; i < list->count; i++)
		PASS(check_one(key, list->items[i]));
	return NULL;
}

static struct err *email_check(const struct conf_channel *channel, const void *options)
{
	const struct email_options *o = options;
	bool smtps = !strncasecmp(o->url, "smtps:", 6);

	(void)channel;
	if (!is_reference(o->url))
		PASS(channel_check_mail_url(o->url));
	if (!o->username != !o->password.hidden)
		return ERR(ERR_CONFIG, "%s: goes with %s", o->username ? "username" : "password",
		    o->username ? "password" : "username");
	if (o->tls == TLS_NONE && smtps)
		return ERR(ERR_CONFIG, "tls: smtps:// is TLS from the start; `none` goes with smtp://");
	if (o->tls == TLS_NONE && o->username)
		return ERR(ERR_CONFIG, "tls: with `none` the password would go out in the clear");
	PASS(check_one("from", o->from));
	PASS(check_list("to", &o->to));
	PASS(check_list("cc", &o->cc));
	return check_one("reply_to", o->reply_to);
}

/* RESOLVE NULL: the texts are resolved already. */
static struct err *read_one(const struct conf *resolve, const char *key, const char *text,
    struct arena *arena, struct mail_address *out)
{
	if (resolve)
		TRY(conf_resolve_text(resolve, text, arena, &text), "'%s'", key);
	TRY(mail_address_parse(text, arena, out), "'%s'", key);
	return NULL;
}

static struct err *read_list(const struct conf *resolve, const char *key, const struct texts *texts,
    struct arena *arena, struct mail_list *out)
{
	struct mail_address *items = arena_alloc(arena, (texts->count + 1) * sizeof(*items));

	for (size_t i = 0; i < texts->count; i++)
		PASS(read_one(resolve, key, texts->items[i], arena, &items[i]));
	*out = (struct mail_list){items, texts->count};
	return NULL;
}

static struct err *read_people(
    const struct conf *resolve, const struct email_options *o, struct arena *arena, struct people *out)
{
	const struct texts reply_to = {&o->reply_to, o->reply_to != NULL};

	PASS(read_one(resolve, "from", o->from, arena, &out->from));
	PASS(read_list(resolve, "reply_to", &reply_to, arena, &out->reply_to));
	PASS(read_list(resolve, "to", &o->to, arena, &out->to));
	return read_list(resolve, "cc", &o->cc, arena, &out->cc);
}

static void add_recipients(const struct mail_list *list, const char **items, size_t *count)
{
	for (size_t i = 0; i < list->count; i++) {
		bool known = false;

		for (size_t k = 0; k < *count; k++)
			known = known || !strcasecmp(items[k], list->items[i].address);
		if (!known)
			items[(*count)++] = list->items[i].address;
	}
}

/* Whoever is named twice gets one copy. */
static struct texts all_of(const struct people *people, struct arena *arena)
{
	const char **items = arena_alloc(arena, (people->to.count + people->cc.count + 1) * sizeof(*items));
	size_t count = 0;

	add_recipients(&people->to, items, &count);
	add_recipients(&people->cc, items, &count);
	return (struct texts){items, count};
}

static struct err *email_recipients(const struct conf *conf, const struct conf_channel *channel,
    struct arena *arena, struct texts *out_recipients)
{
	struct people people;

	TRY(read_people(conf, channel->options, arena, &people), "channel '%s'", channel->name);
	*out_recipients = all_of(&people, arena);
	return NULL;
}

/* -- the message ----------------------------------------------------------------------------------------- */

static struct mail mail_of(const struct people *people, const struct draft *draft, struct arena *arena)
{
	struct mail mail = {
	    .id = draft->id,
	    .date = draft->created_ms / 1000,
	    .from = people->from,
	    .reply_to = people->reply_to,
	    .subject = draft->subject,
	    .text = draft->text,
	    .html = draft->html,
	    .attachments = draft->attachments,
	    .attachment_count = draft->attachment_count,
	};
	struct mail_address *to = arena_alloc(arena, sizeof(*to));

	if (draft->own) {
		mail.to = people->to;
		mail.cc = people->cc;
		return mail;
	}
	/* What is no address is named nowhere; the sender will refuse to send there. */
	struct err *e = mail_address_parse(draft->to, arena, to);
	mail.to = (struct mail_list){to, !e};
	err_ignore(e);
	return mail;
}

static size_t compose_size(const struct mail *mail, struct buf *out)
{
	buf_truncate(out, 0);
	mime_compose(mail, out);
	return out->length;
}

/* No encoding makes anything shorter: what is far too big is not composed, for which memory might be short.
 */
static bool fits(const struct mail *mail, size_t most, struct buf *out)
{
	size_t least = strlen(mail->text) + (mail->html ? strlen(mail->html) : 0);

	for (size_t i = 0; i < mail->attachment_count; i++)
		least += mail->attachments[i].length;
	return least <= most && compose_size(mail, out) <= most;
}

static void say_left_out(struct mail *mail, struct arena *arena, const char *note)
{
	const char *body = mail->html ? strstr(mail->html, "</body>") : NULL;

	mail->text = arena_format(arena, "%s\n(%s)\n", mail->text, note);
	if (mail->html)
		mail->html = arena_format(arena, "%.*s<p>(%s)</p>%s",
		    (int)(body ? (size_t)(body - mail->html) : strlen(mail->html)), mail->html, note,
		    body ? body : "");
}

static void cut_text(struct mail *mail, int64_t max_bytes, struct arena *arena)
{
	/* Base64 makes four of three, line ends add to that. */
	size_t most = (size_t)(max_bytes - HEAD_BYTES) / 10 * 7;
	size_t length = strlen(mail->text);

	if (length > most)
		mail->text = arena_format(arena, "%.*s…\n(shortened: %zu bytes left out)\n",
		    (int)utf8_cut(mail->text, length, most), mail->text, length - most);
}

/* Attachments go first, from the last; then the HTML; then the end of the text. */
static const char *compose_fitting(struct mail *mail, int64_t max_bytes, struct arena *arena, struct buf *out)
{
	size_t count = mail->attachment_count, most = (size_t)max_bytes;
	const char *note = NULL;

	if (fits(mail, most, out))
		return NULL;
	while (mail->attachment_count && !fits(mail, most, out))
		mail->attachment_count--;
	if (mail->attachment_count < count) {
		note = arena_format(arena, "%zu of %zu attachments left out: too big for one mail",
		    count - mail->attachment_count, count);
		say_left_out(mail, arena, note);
	}
	if (fits(mail, most, out))
		return note;
	mail->html = NULL;
	cut_text(mail, max_bytes, arena);
	compose_size(mail, out);
	return note ? note : "shortened: too big for one mail";
}

static struct err *email_pack(const struct conf *conf, const struct conf_channel *channel,
    const struct draft *draft, struct arena *arena, struct packed *out_packed)
{
	const struct email_options *o = channel->options;
	cleanup(buf_done) struct buf message = {0};
	struct people people;

	TRY(read_people(conf, o, arena, &people), "channel '%s'", channel->name);
	struct mail mail = mail_of(&people, draft, arena);
	const char *left_out = compose_fitting(&mail, o->max_bytes, arena, &message);
	*out_packed = (struct packed){
	    .payload = arena_copy_n(arena, buf_text(&message), message.length),
	    .payload_length = message.length,
	    .content_type = MIME_TYPE,
	    .subject = mail_one_line(draft->subject ? draft->subject : "", arena),
	    .attachment_count = mail.attachment_count,
	    .left_out = left_out,
	};
	return NULL;
}

/* -- the request ----------------------------------------------------------------------------------------- */

static struct err *envelope_to(
    const struct outgoing *message, const struct people *people, struct arena *arena, struct texts *out_to)
{
	const char **items = arena_alloc(arena, sizeof(*items));
	struct mail_address to;
	struct err *e;

	if (!*message->to) {
		*out_to = all_of(people, arena);
		return out_to->count
		           ? NULL
		           : ERR(ERR_PERMANENT, "the message names no recipient, nor does the channel");
	}
	e = mail_address_parse(message->to, arena, &to);
	if (e) { /* it comes from data: the fault is this message's */
		struct err *permanent = ERR(ERR_PERMANENT, "%s", err_message(e));

		err_destroy(e);
		return permanent;
	}
	items[0] = to.address;
	*out_to = (struct texts){items, 1};
	return NULL;
}

/* What came to the outbox as plain text becomes mail here, the same for every attempt. */
static void wrap(const struct outgoing *message, const struct people *people, struct arena *arena,
    struct wire_request *request)
{
	cleanup(buf_done) struct buf out = {0};
	struct draft draft = {
	    .id = message->id,
	    .to = message->to,
	    .own = !*message->to,
	    .created_ms = message->created_ms,
	    .subject = *message->subject ? message->subject
	                                 : arena_format(arena, "%s: %s", message->job, message->kind),
	    .text = message->payload,
	};
	struct mail mail = mail_of(people, &draft, arena);

	mime_compose(&mail, &out);
	request->body = arena_copy_n(arena, buf_text(&out), out.length);
	request->body_length = out.length;
}

static struct err *email_compose(const struct conf_channel *channel, const void *options,
    const struct outgoing *message, int64_t now, struct arena *arena, struct wire_request *out_request)
{
	const struct email_options *o = options;
	struct people people;
	struct wire_request request = {
	    .url = o->url,
	    .body = message->payload,
	    .body_length = message->payload_length,
	    .username = o->username,
	    .password = o->password.hidden,
	    .starttls = o->tls == TLS_REQUIRED,
	};

	(void)now;
	/* Once more: what was a reference when the configuration was checked is known only now. */
	PASS(email_check(channel, options));
	PASS(read_people(NULL, o, arena, &people));
	PASS(envelope_to(message, &people, arena, &request.mail_to));
	request.mail_from = people.from.address;
	if (strcmp(message->content_type, MIME_TYPE) != 0)
		wrap(message, &people, arena, &request);
	*out_request = request;
	return NULL;
}

static struct err *email_probe(const void *options, struct probe *out_probe)
{
	const struct email_options *o = options;

	*out_probe = (struct probe){
	    .url = o->url,
	    .username = o->username,
	    .password = o->password.hidden,
	    .starttls = o->tls == TLS_REQUIRED,
	    .tried = o->username ? "the server greets us and lets us log in; nothing was sent"
	                         : "the server greets us; nothing was sent",
	};
	return NULL;
}

/* -- the answer ------------------------------------------------------------------------------------ */

/* Replies of SMTP (RFC 5321, RFC 4954) that do not mean what their first digit says. */
static const struct {
	long status;
	enum verdict verdict;
} special[] = {
    {521, VERDICT_GONE}, /* this host takes no mail */
    {530, VERDICT_GONE}, /* a log-in is wanted, or TLS */
    {534, VERDICT_GONE},
    {535, VERDICT_GONE},
    {538, VERDICT_GONE},
};

static enum verdict verdict_of(const struct conf_channel *channel, const struct wire_answer *answer)
{
	if (!answer->status)
		return answer->request_sent ? VERDICT_UNCERTAIN : VERDICT_LATER;
	if (status_listed(&channel->retry_on, answer->status))
		return VERDICT_LATER;
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (answer->status == special[i].status)
			return special[i].verdict;
	if (answer->status < 300)
		return VERDICT_DELIVERED;
	if (answer->status < 500)
		return VERDICT_LATER;
	/* Refused before a message was named: it is us, or everybody. */
	return answer->greeted ? VERDICT_REJECTED : VERDICT_GONE;
}

static void email_classify(const struct conf_channel *channel, const void *options,
    const struct wire_answer *answer, struct arena *arena, struct classification *out)
{
	bool grey = answer->greeted && (answer->status == 450 || answer->status == 451);

	(void)options;
	*out = (struct classification){
	    .verdict = verdict_of(channel, answer),
	    .retry_after_ms = -1,
	    .wait_ms = grey ? GREYLISTED_MS : 0,
	};
	if (answer->status)
		out->reason = arena_format(
		    arena, "SMTP %s", answer_excerpt(answer->body, answer->body_length, EXCERPT_MAX, arena));
	else
		out->reason = arena_copy(arena, answer->fault ? answer->fault : "no answer");
}

const struct channel_type channel_email = {
    .name = "email",
    .summary = "mails the message: text, HTML and attachments, by SMTP",
    .format = "txt",
    .content_type = MIME_TYPE,
    .options = options_table,
    .options_size = sizeof(struct email_options),
    .rate = "10/60s",
    .retry_initial = "30s",
    .retry_max = "30m",
    .max_age = "24h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .check = email_check,
    .recipients = email_recipients,
    .pack = email_pack,
    .compose = email_compose,
    .probe = email_probe,
    .classify = email_classify,
};
