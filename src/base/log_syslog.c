/* SPDX-License-Identifier: MIT */
/*
 * Log lines as datagrams to the local syslog daemon. syslog(3) blocks while the daemon is stuck and
 * reads the process-wide time zone; this does neither. The daemon may come, go and hang as it likes.
 */
#include "base/log_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <bmad/time.h>

#include "base/mem.h"
#include "base/text.h"

#define QUEUE_MAX   ((size_t)256 * 1024)
#define CUT_MARK    " ...[cut]"
#define CUT_LEAST   256 /* a socket that does not take so little takes nothing */
#define HEADER_SIZE 64

struct syslog_target {
	struct sockaddr_un address;
	int fd; /* -1: not connected */
	int facility;
	enum log_format format;
	struct buf queue; /* struct waiting, then its body, and so on */
	size_t head;      /* where the first that waits begins */
};

struct waiting {
	enum log_level level;
	int64_t at_ms;
	size_t length;
};

enum outcome { SENT, FULL, GONE, LOST };

static const struct {
	const char *name;
	int value;
} facilities[] = {
    {"kern", LOG_KERN},
    {"user", LOG_USER},
    {"mail", LOG_MAIL},
    {"daemon", LOG_DAEMON},
    {"auth", LOG_AUTH},
    {"syslog", LOG_SYSLOG},
    {"lpr", LOG_LPR},
    {"news", LOG_NEWS},
    {"uucp", LOG_UUCP},
    {"cron", LOG_CRON},
    {"ftp", LOG_FTP},
    {"authpriv", LOG_AUTHPRIV},
    {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4},
    {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7},
};

static const int severities[] = {
    [LEVEL_DEBUG] = LOG_DEBUG,
    [LEVEL_INFO] = LOG_INFO,
    [LEVEL_WARNING] = LOG_WARNING,
    [LEVEL_ERROR] = LOG_ERR,
};

/* -- making ---------------------------------------------------------------------------------------- */

static struct err *find_facility(const char *name, int *out_value)
{
	const char *names[ARRAY_SIZE(facilities) + 1] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
		names[i] = facilities[i].name;
		if (!strcmp(name, names[i])) {
			*out_value = facilities[i].value;
			return NULL;
		}
	}
	const char *near = near_name(name, names);
	return ERR(ERR_CONFIG, "unknown syslog facility '%s'; %s%s", name,
	    near ? "did you mean " : "expected ", near ? near : "daemon, user or local0 to local7");
}

struct err *syslog_target_create(
    const char *path, const char *facility, enum log_format format, struct syslog_target **out_target)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int value = 0;

	PASS(find_facility(facility, &value));
	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return ERR(ERR_CONFIG, "syslog socket '%s': expected a path of 1 to %zu bytes", path,
		    sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	struct syslog_target *target = mem_alloc(sizeof(*target));
	*target = (struct syslog_target){.address = address, .fd = -1, .facility = value, .format = format};
	*out_target = target;
	return NULL;
}

static void disconnect(struct syslog_target *target)
{
	if (target->fd >= 0)
		close(target->fd);
	target->fd = -1;
}

void syslog_target_destroy(struct syslog_target *target)
{
	if (!target)
		return;
	disconnect(target);
	buf_done(&target->queue);
	free(target);
}

/* -- one datagram ---------------------------------------------------------------------------------- */

static bool connect_socket(struct syslog_target *target)
{
	if (target->fd >= 0)
		return true;
	target->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (target->fd < 0)
		return false;
	if (!connect(target->fd, (const struct sockaddr *)&target->address, sizeof(target->address)))
		return true;
	disconnect(target);
	return false;
}

/* `<30>Nov 20 10:05:00 bmad[4711]: ` in UTC (RFC 3164 section 4.1). */
static size_t print_header(
    const struct syslog_target *target, const struct waiting *line, char out[HEADER_SIZE])
{
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil at;

	civil_from_utc(line->at_ms / 1000, &at);
	int length = snprintf(out, HEADER_SIZE,
	    "<%d>%s %2d %02d:%02d:%02d bmad[%d]: ", target->facility | severities[line->level],
	    months[at.month - 1], at.day, at.hour, at.minute, at.second, (int)getpid());
	return (size_t)length;
}

/* Sends the line cut to MOST bytes. False with errno set. */
static bool send_cut(
    const struct syslog_target *target, const struct waiting *line, const char *body, size_t most)
{
	char header[HEADER_SIZE];
	bool cut = line->length > most;
	struct iovec parts[] = {
	    {header, print_header(target, line, header)},
	    {(char *)body, utf8_cut(body, line->length, most)},
	    {CUT_MARK, cut ? strlen(CUT_MARK) : 0},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts)};
	ssize_t sent;

	do
		sent = sendmsg(target->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

static enum outcome send_datagram(
    const struct syslog_target *target, const struct waiting *line, const char *body)
{
	size_t most = line->length;

	while (!send_cut(target, line, body, most)) {
		if (errno == EAGAIN || errno == ENOBUFS)
			return FULL;
		if (errno != EMSGSIZE)
			return GONE;
		if (most < CUT_LEAST)
			return LOST;
		most /= 2;
	}
	return SENT;
}

/* Opens the socket again once: the daemon may have been restarted. */
static enum outcome transmit(struct syslog_target *target, const struct waiting *line, const char *body)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		if (!connect_socket(target))
			break;
		enum outcome outcome = send_datagram(target, line, body);
		if (outcome != GONE)
			return outcome;
		disconnect(target);
	}
	return stderr_write(target->format, line->at_ms, body, line->length) ? SENT : LOST;
}

/* -- the queue ------------------------------------------------------------------------------------- */

bool syslog_target_waits(const struct syslog_target *target)
{
	return target->head < target->queue.length;
}

static bool enqueue(struct syslog_target *target, const struct waiting *line, const char *body)
{
	size_t used = target->queue.length - target->head;

	if (line->length > QUEUE_MAX || used + sizeof(*line) + line->length > QUEUE_MAX)
		return false;
	buf_add(&target->queue, line, sizeof(*line));
	buf_add(&target->queue, body, line->length);
	return true;
}

static const char *first_waiting(const struct syslog_target *target, struct waiting *out_line)
{
	const char *at = target->queue.text + target->head;

	memcpy(out_line, at, sizeof(*out_line));
	return at + sizeof(*out_line);
}

/* What was sent is removed from the buffer now and then only: each removal moves all the rest. */
static void dequeue(struct syslog_target *target, const struct waiting *line)
{
	target->head += sizeof(*line) + line->length;
	if (target->head < target->queue.length && target->head < QUEUE_MAX)
		return;
	buf_remove_front(&target->queue, target->head);
	target->head = 0;
}

uint64_t syslog_target_flush(struct syslog_target *target)
{
	uint64_t lost = 0;

	while (syslog_target_waits(target)) {
		struct waiting line;
		const char *body = first_waiting(target, &line);
		enum outcome outcome = transmit(target, &line, body);

		if (outcome == FULL)
			break;
		lost += outcome == LOST;
		dequeue(target, &line);
	}
	return lost;
}

uint64_t syslog_target_give_up(struct syslog_target *target)
{
	uint64_t lost = 0;

	while (syslog_target_waits(target)) {
		struct waiting line;
		const char *body = first_waiting(target, &line);

		lost += !stderr_write(target->format, line.at_ms, body, line.length);
		dequeue(target, &line);
	}
	return lost;
}

uint64_t syslog_target_send(struct syslog_target *target, enum log_level level, int64_t at_ms, const char *body,
    size_t length)
{
	struct waiting line = {.level = level, .at_ms = at_ms, .length = length};
	uint64_t lost = syslog_target_flush(target);
	enum outcome outcome = FULL;

	if (!syslog_target_waits(target)) /* else it goes behind the others */
		outcome = transmit(target, &line, body);
	if (outcome == FULL)
		outcome = enqueue(target, &line, body) ? SENT : LOST;
	return lost + (outcome == LOST);
}
