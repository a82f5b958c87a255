/* SPDX-License-Identifier: MIT */
/* The providers' limits. */
#include "render/limits.h"

#include <string.h>

#include "base/mem.h"

static const struct limit slack[] = {
    {"text", LIMIT_FILLED, 0, NULL},
    {"text", LIMIT_TEXT, 4000, NULL},
    {"blocks.*.text.text", LIMIT_FILLED, 0, NULL},
    {"blocks.*.fields.*.text", LIMIT_FILLED, 0, NULL},
    {"blocks.*.elements.*.text", LIMIT_FILLED, 0, NULL},
    {"blocks.*.elements.*.text.text", LIMIT_FILLED, 0, NULL},
    {"blocks", LIMIT_ITEMS, 50, NULL},
    {"blocks.*.fields", LIMIT_ITEMS, 10, NULL},
    {"blocks.*.fields.*.text", LIMIT_TEXT, 2000, NULL},
    {"blocks.*.elements", LIMIT_ITEMS, 10, NULL},
    {"blocks.*.elements.*.text", LIMIT_TEXT, 2000, NULL},
    {"blocks.*.elements.*.text.text", LIMIT_TEXT, 75, NULL},
    {"blocks.*.text.text", LIMIT_TEXT, 150, "header"},
    {"blocks.*.text.text", LIMIT_TEXT, 3000, NULL},
    {"blocks.*.text", LIMIT_TEXT, 12000, NULL},
    {"blocks", LIMIT_SUM, 12000, NULL},
    {0},
};

static const struct limit discord[] = {
    {"username", LIMIT_TEXT, 80, NULL},
    {"content", LIMIT_TEXT, 2000, NULL},
    {"embeds", LIMIT_ITEMS, 10, NULL},
    {"embeds.*.title", LIMIT_TEXT, 256, NULL},
    {"embeds.*.description", LIMIT_TEXT, 4096, NULL},
    {"embeds.*.fields", LIMIT_ITEMS, 25, NULL},
    {"embeds.*.fields.*.name", LIMIT_FILLED, 0, NULL},
    {"embeds.*.fields.*.value", LIMIT_FILLED, 0, NULL},
    {"embeds.*.fields.*.name", LIMIT_TEXT, 256, NULL},
    {"embeds.*.fields.*.value", LIMIT_TEXT, 1024, NULL},
    {"embeds.*.footer.text", LIMIT_TEXT, 2048, NULL},
    {"embeds.*.author.name", LIMIT_TEXT, 256, NULL},
    {"embeds", LIMIT_SUM, 6000, NULL},
    {0},
};

static const struct limit mattermost[] = {
    {"text", LIMIT_TEXT, 16383, NULL},
    {"attachments.*.fallback", LIMIT_FILLED, 0, NULL},
    {"attachments", LIMIT_SUM, 7900, NULL}, /* old servers refuse more */
    {0},
};

static const struct limit pagerduty[] = {
    {"payload.summary", LIMIT_FILLED, 0, NULL},
    {"payload.source", LIMIT_FILLED, 0, NULL},
    {"payload.summary", LIMIT_TEXT, 1024, NULL},
    {"payload.source", LIMIT_TEXT, 1024, NULL},
    {"payload.custom_details", LIMIT_DROP, 0, NULL},
    {0},
};

/*
 * Teams takes 28 KB, but counts its own stored form, which is larger than what was sent by a fifth and
 * more; bodies over 21 KB were seen to fail. The sender may put the frame of a message around a card.
 */
#define TEAMS_BYTES 20000
#define TEAMS_FRAME 128

static const struct type_limits table[] = {
    {"teams", TEAMS_BYTES - TEAMS_FRAME, 0, "…", NULL},
    {"slack", 0, 0, "…", slack},
    {"discord", 0, 0, "…", discord},
    {"mattermost", 0, 0, "…", mattermost},
    {"pagerduty", 500000, 0, "…", pagerduty}, /* 512 KB with the key that the sender adds */
    {"sms", 0, 1600, "...", NULL},
};
static const struct type_limits none = {"", 0, 0, "…", NULL};

const struct type_limits *limits_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].type, type))
			return &table[i];
	return &none;
}
