/* SPDX-License-Identifier: MIT */
/* What must stand before the first run. */
#include "daemon/stage.h"

#include <event2/event.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/child.h"
#include "request/link.h"
#include "store/process.h"

#define SYSLOG_SOCKET "/dev/log"
#define LOCK_POLL_MS  50

struct err *stage_log(const struct conf *conf, bool by_hand)
{
	const struct conf_daemon *daemon = &conf->daemon;
	enum log_format format = (enum log_format)daemon->log_format;
	bool to_stderr = by_hand || daemon->log_target == TARGET_STDERR ||
	    (daemon->log_target == TARGET_AUTO && isatty(STDERR_FILENO));

	log_set_level((enum log_level)daemon->log_level);
	if (to_stderr) {
		log_to_stderr(format, wall_ms);
		return NULL;
	}
	return log_to_syslog(SYSLOG_SOCKET, daemon->log_facility, format, wall_ms);
}

void stage_init(struct stage *stage, const struct conf *conf)
{
	char uuid[UUID_TEXT];

	*stage = (struct stage){.conf = conf, .lock = -1, .listener = -1};
	stage->socket_path = store_socket_path(conf->daemon.store, &stage->arena);
	stage->instance = arena_copy(&stage->arena, uuid_v7(wall_ms(), uuid));
	/* libevent may read the monotonic clock exactly: a timer must never be early. */
	struct event_config *config = event_config_new();
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	stage->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!stage->base)
		abort(); /* no epoll: not a Linux that bmad runs on */
}

/* The folder of the store, if it is not there yet: only its last part is made. */
static void make_folder(const char *path)
{
	cleanup(free_text) char *folder = mem_copy(path);
	char *slash = strrchr(folder, '/');

	if (!slash || slash == folder)
		return;
	*slash = '\0';
	for (char *part = folder + 1; (part = strchr(part, '/')); part++) {
		*part = '\0';
		mkdir(folder, 0750); /* what fails here is told when the lock is opened */
		*part = '/';
	}
	mkdir(folder, 0750);
}

struct err *stage_lock(struct stage *stage, const char *role, int64_t patience_ms, bool *out_held,
    struct lock_holder *out_holder)
{
	const char *path = store_lock_path(stage->conf->daemon.store, &stage->arena);
	int64_t until = mono_now().ms + patience_ms;

	make_folder(path);
	for (;;) {
		TRY(lock_try(path, role, &stage->lock, out_holder), "lock the store");
		if (stage->lock >= 0)
			break;
		*out_held = false;
		if (out_holder->alive && out_holder->daemon)
			return NULL;
		if (mono_now().ms >= until)
			return ERR(ERR_CONFIG, "the store %s is in use by process %d", stage->conf->daemon.store,
			    (int)out_holder->pid);
		poll(NULL, 0, LOCK_POLL_MS);
	}
	*out_held = true;
	TRY(socket_listen(stage->socket_path, &stage->listener), "open the store's socket");
	return NULL;
}

void stage_announce(const struct conf *conf, const char *event)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, event);
	log_text(&line, "version", BMAD_VERSION);
	log_text(&line, "environment", conf->environment ? conf->environment : "none");
	log_text(&line, "config", conf->path);
	log_text(&line, "redirect", conf->daemon.redirect_to ? conf->daemon.redirect_to : "none");
	log_text(&line, "store", conf->daemon.store);
	log_int(&line, "jobs", (int64_t)conf->job_count);
	log_end(&line);
}

void stage_done(struct stage *stage)
{
	if (stage->listener >= 0) {
		unlink(stage->socket_path);
		close(stage->listener);
	}
	if (stage->lock >= 0)
		close(stage->lock);
	event_base_free(stage->base);
	arena_done(&stage->arena);
}
