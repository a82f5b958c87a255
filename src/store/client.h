/* SPDX-License-Identifier: MIT */
/*
 * A blocking caller of the store: over its socket, or in this process where no other may be needed.
 *
 * Over the socket a lost connection is opened again and the call repeated, for up to PATIENCE_MS: the store's
 * verbs are idempotent for this reason.
 */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include "request/request.h"
#include "store/store.h"

struct store_client;

/* Connects when first used. HELLO (copied) is sent on every connection. */
struct store_client *store_client_socket(const char *path, const struct hello *hello, int64_t patience_ms);
/* Takes STORE: each call is a batch of its own. */
struct store_client *store_client_local(struct store *store);
void store_client_destroy(struct store_client *client);

/* As link_call(): lists of OUT_REPLY are in ARENA, texts too. */
struct err *store_call(struct store_client *client, enum request_kind kind, const void *request,
    struct arena *arena, void *out_reply) MUST_CHECK;

#endif
