/* SPDX-License-Identifier: MIT */
/* Ids, titles and marks of events. */
#include "jobs/rota/event.h"

#include <openssl/sha.h>
#include <string.h>

#include <bmad/escape.h>
#include <bmad/time.h>

#define ID_BYTES  20
#define TITLE_MAX 1000

struct titles {
	struct template *template;
};

/* Five bits a character; 20 bytes are 32 of them, with nothing left over. */
static void base32hex(const unsigned char *bytes, size_t length, char *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned int held = 0, bits = 0;

	for (size_t i = 0; i < length; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 5; bits -= 5)
			*out++ = digits[held >> (bits - 5) & 31];
	}
	*out = '\0';
}

char *event_id(const char *rota_id, int64_t day, int generation, char out[EVENT_ID_TEXT])
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char date[TIME_TEXT];
	cleanup(free_text) char *text =
	    mem_format("bmad-rota\n%s\n%s\n%d", rota_id, date_format(day, date), generation);

	SHA256((const unsigned char *)text, strlen(text), hash);
	base32hex(hash, ID_BYTES, out);
	return out;
}

char *event_pair(const char *lead, const char *assist, char out[EVENT_PAIR_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[SHA256_DIGEST_LENGTH];
	cleanup(free_text) char *text = mem_format("%s\n%s", lead, assist);

	SHA256((const unsigned char *)text, strlen(text), hash);
	for (size_t i = 0; i < sizeof(hash); i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[2 * sizeof(hash)] = '\0';
	return out;
}

struct err *titles_create(const char *text, struct titles **out_titles)
{
	struct template *template;

	PASS(template_compile("summary_template", text, strlen(text), NULL, NULL, &template));
	*out_titles = mem_alloc(sizeof(**out_titles));
	(*out_titles)->template = template;
	return NULL;
}

void titles_destroy(struct titles *titles)
{
	if (!titles)
		return;
	template_destroy(titles->template);
	free(titles);
}

struct err *titles_make(
    const struct titles *titles, const struct rota_day *day, struct arena *arena, const char **out_title)
{
	cleanup(buf_done) struct buf title = {0};
	struct json *names = json_object();
	const struct json *root = names;

	json_set_string(names, "lead", day->lead);
	json_set_string(names, "assist", day->assist);
	struct err *e =
	    template_render(titles->template, &root, 1, escaping_find("txt", NULL), TITLE_MAX, &title);
	json_destroy(names);
	if (e)
		return ERR_AT(e, "render summary_template");
	*out_title = arena_copy(arena, buf_text(&title));
	return NULL;
}
