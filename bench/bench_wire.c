/* SPDX-License-Identifier: MIT */
/*
 * 2 KiB POSTs over 16 kept connections: the CPU time that the wire takes for each. Beside it the floor:
 * libcurl alone, with handles that are used again.
 *
 *	bench_wire		measures, against a receiver of its own that answers 204
 *	bench_wire serve	only the receiver: tells its port and serves until its input ends
 */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "base/mem.h"
#include "send/wire.h"

#define ROUNDS  5
#define FLIGHT  16
#define POSTS   20000
#define PAYLOAD 2048
#define FDS_MAX 1024

static char payload[PAYLOAD];
static char url[64];

static void need(bool well, const char *what)
{
	if (well)
		return;
	perror(what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* -- the receiver -------------------------------------------------------------------------------------- */

static struct request {
	char bytes[8192];
	size_t length;
} requests[FDS_MAX];

/* Bytes of the whole request at the front; 0: it is not there yet. */
static size_t whole(struct request *request)
{
	request->bytes[request->length] = '\0';
	const char *end = strstr(request->bytes, "\r\n\r\n");
	const char *length = strcasestr(request->bytes, "\r\nContent-Length:");
	size_t size;

	if (!end)
		return 0;
	size = (size_t)(end - request->bytes) + 4 +
	       (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
	return request->length >= size ? size : 0;
}

static void serve_one(int fd)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
	struct request *request = &requests[fd];
	ssize_t got =
	    read(fd, request->bytes + request->length, sizeof(request->bytes) - request->length - 1);
	size_t size;

	if (got <= 0) {
		close(fd);
		return;
	}
	request->length += (size_t)got;
	size = whole(request);
	if (!size)
		return;
	request->length -= size;
	memmove(request->bytes, request->bytes + size, request->length);
	if (write(fd, answer, sizeof(answer) - 1) < 0)
		close(fd);
}

static void watch(int poller, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	need(fd >= 0 && fd < FDS_MAX, "bench_wire: connection");
	need(!epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), "bench_wire: receiver");
	requests[fd].length = 0;
}

static _Noreturn void serve(int listener, int leash)
{
	int poller = epoll_create1(0);

	watch(poller, listener);
	watch(poller, leash);
	for (;;) {
		struct epoll_event events[FLIGHT * 2];
		int count = epoll_wait(poller, events, FLIGHT * 2, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == leash)
				_exit(0);
			if (events[i].data.fd == listener)
				watch(poller, accept(listener, NULL, NULL));
			else
				serve_one(events[i].data.fd);
		}
	}
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	need(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 128) &&
	         !getsockname(fd, (struct sockaddr *)&address, &length),
	    "bench_wire: listen");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	return fd;
}

/* A process of its own, so that its time is not counted; it ends with this one. */
static void start_receiver(void)
{
	int listener = listen_somewhere(), leash[2];

	need(!pipe(leash), "bench_wire: pipe");
	pid_t pid = fork();
	need(pid >= 0, "bench_wire: fork");
	close(leash[pid ? 0 : 1]);
	if (!pid)
		serve(listener, leash[0]);
	close(listener);
}

/* -- the floor ----------------------------------------------------------------------------------------- */

static CURL *floor_handle(struct curl_slist *headers)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, payload);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)PAYLOAD);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	return easy;
}

/* How many of them ended; each goes out again while there is something LEFT to send. */
static int floor_ended(CURLM *multi, int *left)
{
	CURLMsg *message;
	int ended = 0, waiting;

	while ((message = curl_multi_info_read(multi, &waiting))) {
		CURL *easy = message->easy_handle;

		need(message->data.result == CURLE_OK, "bench_wire: libcurl");
		curl_multi_remove_handle(multi, easy);
		ended++;
		if ((*left)-- > 0)
			curl_multi_add_handle(multi, easy);
	}
	return ended;
}

static void floor_posts(void)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURLM *multi = curl_multi_init();
	CURL *handles[FLIGHT];
	int left = POSTS - FLIGHT, ended = 0, running;

	for (int i = 0; i < FLIGHT; i++) {
		handles[i] = floor_handle(headers);
		curl_multi_add_handle(multi, handles[i]);
	}
	while (ended < POSTS) {
		curl_multi_perform(multi, &running);
		ended += floor_ended(multi, &left);
		if (ended < POSTS)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	for (int i = 0; i < FLIGHT; i++)
		curl_easy_cleanup(handles[i]);
	curl_multi_cleanup(multi);
	curl_slist_free_all(headers);
}

/* -- bmad ---------------------------------------------------------------------------------------------- */

static struct {
	struct event_base *base;
	struct wire *wire;
	int left, ended;
} posts;

static void post(void)
{
	static const struct wire_limits limits = {.timeout_ms = 30000};
	const struct wire_request request = {
	    .method = "POST",
	    .url = url,
	    .headers = {{"Content-Type", "application/json"}},
	    .header_count = 1,
	    .body = payload,
	    .body_length = PAYLOAD,
	};
	struct err *e = wire_send(posts.wire, &request, &limits, &posts);

	if (e) {
		fprintf(stderr, "bench_wire: %s\n", err_text(e));
		exit(1);
	}
	posts.left--;
}

static void on_done(void *arg, void *token, const struct wire_answer *answer)
{
	(void)arg, (void)token;
	need(answer->status == 204, "bench_wire: the wire");
	if (posts.left > 0)
		post();
	if (++posts.ended == POSTS)
		event_base_loopbreak(posts.base);
}

static void wire_posts(void)
{
	posts.base = event_base_new();
	posts.wire = wire_create(posts.base, on_done, NULL);
	posts.left = POSTS;
	posts.ended = 0;
	for (int i = 0; i < FLIGHT; i++)
		post();
	event_base_dispatch(posts.base);
	wire_destroy(posts.wire);
	event_base_free(posts.base);
}

/* -- the table ----------------------------------------------------------------------------------------- */

struct figures {
	double cpu[ROUNDS], rate[ROUNDS];
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct figures *figures, int round, void (*work)(void))
{
	double began = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);

	work();
	figures->cpu[round] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / POSTS * 1e6;
	figures->rate[round] = POSTS / (seconds(CLOCK_MONOTONIC) - began);
}

static double tell(const char *name, struct figures *figures)
{
	qsort(figures->cpu, ROUNDS, sizeof(double), by_size);
	qsort(figures->rate, ROUNDS, sizeof(double), by_size);
	printf("wire: %-8s %5.1f us CPU a POST of 2 KiB (%.1f to %.1f), %.0f/s (%.0f to %.0f)\n", name,
	    figures->cpu[ROUNDS / 2], figures->cpu[0], figures->cpu[ROUNDS - 1], figures->rate[ROUNDS / 2],
	    figures->rate[0], figures->rate[ROUNDS - 1]);
	return figures->cpu[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	struct figures ours, floor;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "serve")) {
		int listener = listen_somewhere();

		printf("%s\n", url);
		fflush(stdout);
		serve(listener, STDIN_FILENO);
	}
	start_receiver();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (int round = 0; round < ROUNDS; round++) {
		measure(&ours, round, wire_posts);
		measure(&floor, round, floor_posts);
	}
	double middle = tell("bmad", &ours);

	printf("wire: ratio of CPU times %.2f\n", middle / tell("libcurl", &floor));
	return 0;
}
