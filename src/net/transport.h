/* SPDX-License-Identifier: MIT */
/*
 * What holds for every transfer that bmad makes with libcurl, in the sender as in workers: certificates and
 * host names are verified, nobody is followed to another place, no address of the machine's own link is
 * spoken to, and neither time nor silence is without bound. The environment has no say (proxies, .netrc).
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

struct transport_limits {
	int64_t timeout_ms;  /* for the whole transfer */
	const char *ca_file; /* NULL: the system's */
	const char *proxy;   /* NULL: none */
	bool fresh;          /* never over a kept connection, and none is kept */
};

/*
 * Sets all of that on EASY for PROTOCOLS ("https", "https,http", "smtp,smtps"). *REFUSED (may not be NULL,
 * outlives the transfer) becomes true when the only address found was refused. False: libcurl has no memory.
 */
bool transport_set(CURL *easy, const struct transport_limits *limits, const char *protocols, bool *refused);

/* The fault is about the certificate or the host name in it: nothing was sent. */
bool transport_is_certificate_fault(CURLcode code);

#endif
