/* SPDX-License-Identifier: MIT */
/* A blocking caller of the store, over its socket or in this process. */
#include "store/client.h"

#include <unistd.h>

#include "daemon/child.h"
#include "request/link.h"

#define PAUSE_FIRST_MS 20
#define PAUSE_MAX_MS   500

struct store_client {
	struct store *store; /* local */
	/* over the socket */
	struct link *link; /* NULL: not connected */
	char *path;
	struct hello hello;
	struct arena arena; /* HELLO's texts */
	int64_t patience_ms;
};

struct store_client *store_client_socket(const char *path, const struct hello *hello, int64_t patience_ms)
{
	struct store_client *client = mem_alloc(sizeof(*client));

	client->path = mem_copy(path);
	client->hello = *hello;
	client->hello.instance = arena_copy(&client->arena, hello->instance);
	client->patience_ms = patience_ms;
	return client;
}

struct store_client *store_client_local(struct store *store)
{
	struct store_client *client = mem_alloc(sizeof(*client));

	client->store = store;
	return client;
}

void store_client_destroy(struct store_client *client)
{
	if (!client)
		return;
	store_close(client->store);
	link_destroy(client->link);
	free(client->path);
	arena_done(&client->arena);
	free(client);
}

/* -- over the socket ------------------------------------------------------------------------------- */

static void disconnect(struct store_client *client)
{
	link_destroy(client->link);
	client->link = NULL;
}

static struct err *greet(struct store_client *client)
{
	cleanup(arena_done) struct arena arena = {0};
	struct hello_reply reply;

	client->hello.now_ms = wall_ms();
	return link_call(client->link, REQ_HELLO, &client->hello, -1, &arena, &reply);
}

static struct err *connect_store(struct store_client *client)
{
	struct err *e;
	int fd;

	if (client->link)
		return NULL;
	TRY(socket_connect(client->path, &fd), "connect to the store");
	client->link = link_create(fd);
	e = greet(client);
	if (e)
		disconnect(client);
	return ERR_AT(e, "greet the store");
}

/* The link's texts are gone with the next call; a copy by its record type goes wholly into ARENA. */
static struct err *copy_reply(
    const struct record_type *type, const void *reply, struct arena *arena, void *out)
{
	cleanup(buf_done) struct buf bytes = {0};

	record_write(type, reply, &bytes);
	return record_read(
	    type, arena_copy_n(arena, buf_text(&bytes), bytes.length), bytes.length, arena, out);
}

static struct err *call_once(struct store_client *client, enum request_kind kind, const void *request,
    struct arena *arena, void *out_reply)
{
	const struct record_type *type = request_types[kind].reply;
	cleanup(arena_done) struct arena passing = {0};
	void *reply = arena_alloc(&passing, type->size);
	struct err *e;

	PASS(connect_store(client));
	e = link_call(client->link, kind, request, -1, &passing, reply);
	if (e && err_kind(e) == ERR_TEMPORARY)
		disconnect(client); /* lost, or the store is busy: begin anew either way */
	return e ? e : copy_reply(type, reply, arena, out_reply);
}

static struct err *call_patiently(struct store_client *client, enum request_kind kind, const void *request,
    struct arena *arena, void *out_reply)
{
	int64_t until_ms = mono_now().ms + client->patience_ms;
	int64_t pause_ms = PAUSE_FIRST_MS;
	struct err *e;

	for (;;) {
		e = call_once(client, kind, request, arena, out_reply);
		if (!e || err_kind(e) != ERR_TEMPORARY || mono_now().ms + pause_ms > until_ms)
			return e;
		err_destroy(e);
		usleep((useconds_t)pause_ms * 1000);
		pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
	}
}

/* -- in this process ------------------------------------------------------------------------------- */

static struct err *call_local(struct store_client *client, enum request_kind kind, const void *request,
    struct arena *arena, void *out_reply)
{
	struct err *e, *commit_error;
	struct store_news news;

	PASS(store_begin(client->store));
	e = store_do(client->store, kind, request, arena, out_reply);
	commit_error = store_commit(client->store);
	store_news(client->store, &news); /* nobody here waits for it */
	if (!e)
		return commit_error;
	err_ignore(commit_error);
	return e;
}

struct err *store_call(struct store_client *client, enum request_kind kind, const void *request,
    struct arena *arena, void *out_reply)
{
	struct err *e = client->store ? call_local(client, kind, request, arena, out_reply)
	                              : call_patiently(client, kind, request, arena, out_reply);

	return ERR_AT(e, "ask the store: %s", request_types[kind].name);
}
