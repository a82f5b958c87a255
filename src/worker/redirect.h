/* SPDX-License-Identifier: MIT */
/* Pure: what a message says that went to daemon.redirect_to instead of where it was meant to go. */
#ifndef WORKER_REDIRECT_H
#define WORKER_REDIRECT_H

/* The mark makes a payload longer by this at most. */
#define REDIRECT_BYTES_MAX 512

/*
 * PAYLOAD for a channel of type TYPE, marked as meant for the channel MEANT_FOR: a card's first block, a line
 * before a text, the key `redirected_from` of any other JSON object. Allocated.
 */
char *redirect_mark(const char *type, const char *content_type, const char *payload, const char *meant_for);

#endif
