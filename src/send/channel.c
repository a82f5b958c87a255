/* SPDX-License-Identifier: MIT */
/* The table of channel types, and what is allowed as a URL. */
#include "send/channel.h"

#include <string.h>
#include <strings.h>

#include "send/channels.h"

const struct channel_type *const channel_types[] = {
    &channel_bruin_note,
    &channel_console,
    &channel_email,
    &channel_file,
    &channel_teams,
    &channel_slack,
    &channel_discord,
    &channel_mattermost,
    &channel_pagerduty,
    &channel_sms,
    &channel_webhook,
    NULL,
};

int64_t channel_cost(const struct conf_channel *channel, const struct outgoing *message)
{
	return channel->type->cost ? channel->type->cost(message) : 1;
}

/* The part of a URL between the two slashes and the path, without the port. */
struct host {
	const char *text;
	size_t length;
};

static struct host host_of(const char *authority, size_t length)
{
	const char *end = authority + length;
	const char *colon;

	if (*authority == '[') {
		const char *bracket = memchr(authority, ']', length);

		return (struct host){authority, bracket ? (size_t)(bracket + 1 - authority) : 0};
	}
	colon = memchr(authority, ':', length);
	return (struct host){authority, (size_t)((colon ? colon : end) - authority)};
}

static bool host_is(struct host host, const char *name)
{
	return host.length == strlen(name) && !strncasecmp(host.text, name, host.length);
}

/* 127.0.0.0/8 written out: `127.` begins other names too (127.example.org). */
static bool is_loopback_ipv4(struct host host)
{
	int dots = 0;

	if (host.length < 9 || strncmp(host.text, "127.", 4) != 0)
		return false;
	for (size_t i = 0; i < host.length; i++) {
		if (host.text[i] == '.')
			dots++;
		else if (host.text[i] < '0' || host.text[i] > '9')
			return false;
	}
	return dots == 3;
}

static bool is_loopback(struct host host)
{
	return host_is(host, "localhost") || host_is(host, "[::1]") || is_loopback_ipv4(host);
}

/* The first byte that may not stand in a URL that goes out as it is written, or NULL. */
static const char *forbidden_byte(const char *url)
{
	for (; *url; url++)
		if ((unsigned char)*url <= ' ' || (unsigned char)*url >= 127 || strchr("\"<>\\^`", *url))
			return url;
	return NULL;
}

struct err *channel_check_url(const char *url, bool allow_http)
{
	bool https = !strncasecmp(url, "https://", 8);
	const char *authority = url + (https ? 8 : 7);
	size_t length;
	struct host host;

	/* The URL is a secret: no text here may show any of it. */
	if (forbidden_byte(url))
		return ERR(ERR_CONFIG,
		    "url: byte %zu may not stand in a URL (blank, control character, quote or not ASCII)",
		    (size_t)(forbidden_byte(url) - url) + 1);
	if (!https && strncasecmp(url, "http://", 7) != 0)
		return ERR(ERR_CONFIG, "url: must begin with https://");
	length = strcspn(authority, "/?#");
	if (memchr(authority, '@', length))
		return ERR(ERR_CONFIG, "url: must not hold a user or password");
	host = host_of(authority, length);
	if (!host.length)
		return ERR(ERR_CONFIG, "url: names no host");
	if (!https && !allow_http && !is_loopback(host))
		return ERR(ERR_CONFIG, "url: plain http:// needs `allow_http: true` (or a loopback host)");
	return NULL;
}

struct err *channel_check_mail_url(const char *url)
{
	size_t scheme = !strncasecmp(url, "smtps://", 8) ? 8 : !strncasecmp(url, "smtp://", 7) ? 7 : 0;
	const char *authority = url + scheme;
	size_t length = strcspn(authority, "/?#");
	const char *name = authority + length;

	if (!scheme)
		return ERR(ERR_CONFIG, "url: must begin with smtp:// or smtps://");
	if (forbidden_byte(url))
		return ERR(ERR_CONFIG, "url: byte %zu may not stand in a URL",
		    (size_t)(forbidden_byte(url) - url) + 1);
	if (memchr(authority, '@', length))
		return ERR(
		    ERR_CONFIG, "url: must not hold a user or password; say `username` and `password`");
	if (!host_of(authority, length).length)
		return ERR(ERR_CONFIG, "url: names no host");
	name += *name == '/';
	if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")])
		return ERR(ERR_CONFIG, "url: after the host only a name for EHLO may stand");
	return NULL;
}

struct err *check_url_option(struct secret url, bool allow_http)
{
	if (!url.hidden || strstr(url.hidden, "${"))
		return NULL;
	return channel_check_url(url.hidden, allow_http);
}

#define MENTIONS_MAX 20

struct err *check_mentions(const struct texts *mention)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@&-";

	if (mention->count > MENTIONS_MAX)
		return ERR(ERR_CONFIG, "mention: at most %d ids", MENTIONS_MAX);
	for (size_t i = 0; i < mention->count; i++) {
		const char *id = mention->items[i];

		if (strstr(id, "${"))
			continue;
		if (!*id || strlen(id) > 100 || id[strspn(id, allowed)])
			return ERR(ERR_CONFIG,
			    "mention: `%.120s` is no id: letters, digits and . _ @ & - are allowed", id);
	}
	return NULL;
}

struct wire_request post_json(const struct outgoing *message, const char *url)
{
	return (struct wire_request){
	    .method = "POST",
	    .url = url,
	    .headers = {{"Content-Type", "application/json"}},
	    .header_count = 1,
	    .body = message->payload,
	    .body_length = message->payload_length,
	};
}
