/* SPDX-License-Identifier: MIT */
/*
 * What is peculiar to mail on the wire: a conversation of numbered replies, an envelope, a dot at the end.
 *
 * libcurl connects, says EHLO, STARTTLS and AUTH; the message itself we hand over ourselves, on its
 *connection. By itself it would stand still until the server answered the message's end and QUIT, and with it
 *every other transfer; and it does not tell whether that end went out, which decides what may have arrived.
 *
 *	mail_talk_set(easy, &request, &talk);     then the handle runs; mail_talk_reply() hears its replies
 *	mail_talk_begin(&talk, base, easy, done, arg);   when it is connected; DONE is called once, from the
 *loop mail_talk_answer(&talk, code, &answer); mail_talk_done(&talk);
 */
#ifndef SEND_WIRE_MAIL_H
#define SEND_WIRE_MAIL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "send/channel.h"

struct event;
struct event_base;

enum mail_step { MAIL_LOGIN, MAIL_FROM, MAIL_TO, MAIL_DATA, MAIL_BODY };

struct mail_talk {
	struct wire_request request; /* its texts outlive the talk */
	CURL *easy;
	struct event *readable, *writable, *deadline;
	enum mail_step step;
	size_t recipient; /* whose turn it is */
	struct buf out;
	size_t sent;
	struct buf line;  /* of a reply, as far as it came */
	struct buf reply; /* the last one, all of its lines */
	bool reply_ended;
	long code;         /* of the last reply */
	bool takes_login;  /* and offers some way to log in */
	bool takes_size;   /* the server wants to know how big the message is */
	bool handed_over;  /* the message's end may have reached the server */
	const char *fault; /* why the talk ended without an answer; NULL */
	void (*done)(void *arg);
	void *arg;
};

/* False: libcurl has no memory. */
bool mail_talk_set(CURL *easy, const struct wire_request *request, struct mail_talk *talk);
/* A line of what the server says while libcurl connects. */
void mail_talk_reply(struct mail_talk *talk, const char *line, size_t length);
/* LEFT_MS: of the attempt's time. */
void mail_talk_begin(
    struct mail_talk *talk, struct event_base *base, int64_t left_ms, void (*done)(void *arg), void *arg);
/* Status, body and fault of OUT, and how far it came. CODE: how libcurl's part ended. */
void mail_talk_answer(const struct mail_talk *talk, CURLcode code, struct wire_answer *out);
void mail_talk_done(struct mail_talk *talk);

#endif
