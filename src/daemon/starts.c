/* SPDX-License-Identifier: MIT */
/* Keys of slots that come with a start. */
#include "daemon/starts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BOOT_ID  "/proc/sys/kernel/random/boot_id"
#define START    "start:"
#define ID_CHARS "0123456789abcdef-"

struct err *starts_boot_key(char out_key[START_KEY_TEXT])
{
	char id[48] = "";
	FILE *file = fopen(BOOT_ID, "re");

	if (!file)
		return ERR(ERR_TEMPORARY, "%s: %s", BOOT_ID, strerror(errno));
	if (!fgets(id, sizeof(id), file))
		id[0] = '\0';
	fclose(file);
	id[strspn(id, ID_CHARS)] = '\0';
	if (!id[0])
		return ERR(ERR_TEMPORARY, "%s: holds no id", BOOT_ID);
	snprintf(out_key, START_KEY_TEXT, "boot:%s", id);
	return NULL;
}

void starts_key(const char *instance, char out_key[START_KEY_TEXT])
{
	snprintf(out_key, START_KEY_TEXT, START "%s", instance);
}

bool starts_is_key(const char *key)
{
	return !strncmp(key, START, strlen(START));
}
