/* SPDX-License-Identifier: MIT */
/* Channel `console`: the message on standard output. */
#include "send/channels.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Not stdio: a buffer could lose what was reported as written. */
static struct err *write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t done = write(fd, bytes, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return ERR(ERR_TEMPORARY, "write to standard output: %s", strerror(errno));
		bytes += done;
		length -= (size_t)done;
	}
	return NULL;
}

static struct err *console_write(
    const struct conf_channel *channel, const void *options, const struct outgoing *message)
{
	bool ends = message->payload_length && message->payload[message->payload_length - 1] == '\n';

	(void)channel, (void)options;
	PASS(write_all(STDOUT_FILENO, message->payload, message->payload_length));
	return ends ? NULL : write_all(STDOUT_FILENO, "\n", 1);
}

static const struct option options_table[] = {OPTION_END};

const struct channel_type channel_console = {
    .name = "console",
    .summary = "prints the message on standard output",
    .format = "txt",
    .content_type = "text/plain",
    .options = options_table,
    .options_size = 0,
    .retry_initial = "2s",
    .retry_max = "10m",
    .max_age = "6h",
    .on_ambiguous = AMBIGUOUS_RETRY,
    .write = console_write,
};
