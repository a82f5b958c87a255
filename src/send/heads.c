/* SPDX-License-Identifier: MIT */
/* Heads of named lanes that failed. */
#include "send/heads.h"

#include <string.h>

#include "base/text.h"

#define FAILURES_MAX 3

static struct head *head_of(struct heads *heads, uint64_t id, int64_t delivered)
{
	struct head *head;

	for (size_t i = 0; i < HEADS_MAX; i++)
		if (heads->items[i].id == id)
			return &heads->items[i];
	head = &heads->items[heads->next];
	heads->next = (heads->next + 1) % HEADS_MAX;
	*head = (struct head){.id = id, .delivered_before = delivered};
	return head;
}

bool heads_failed(struct heads *heads, const char *id, int64_t delivered)
{
	struct head *head = head_of(heads, fnv1a(FNV_START, id, strlen(id)), delivered);

	return ++head->failures >= FAILURES_MAX && delivered > head->delivered_before;
}
